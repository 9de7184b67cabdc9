"""The referee of predictions: what is scored, one pair under its judge, everybody together."""
