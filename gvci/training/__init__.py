"""How a model learns: matched batches, one step, the loop, what watches it, and the members."""
