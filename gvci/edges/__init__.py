"""The referee of edges: rivals, ranking, and how well known edges are recovered."""
