"""λ: how much of a predicted mean is the network's, and from which inner folds that is known."""
