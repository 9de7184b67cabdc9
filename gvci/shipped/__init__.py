"""What is shipped, and how it is made small; `python -m gvci.shipped.pretrained`."""
