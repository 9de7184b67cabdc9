"""One counterfactual question, and all that is said of it; with its cells, and without."""
