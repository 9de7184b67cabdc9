"""A trained model: cells in, counterfactual cells out."""
