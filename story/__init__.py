"""The STAT1/IRF1 story: what real cells say, each figure and number of it made by a command."""
