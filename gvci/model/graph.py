"""Which graph Z_G is computed over: the given one, one drawn as a control, or none."""

from __future__ import annotations

import numpy as np
import torch

from gvci.config import TrainSettings
from gvci.grn import GRN
from gvci.model.encoder import GeneEncoder


def gene_encoder(grn: GRN | None, n: int, settings: TrainSettings) -> GeneEncoder:
    """GNN_G over the GRN; without one, over self-connections only."""
    pairs = np.zeros((2, 0), dtype=np.int64)
    if grn is not None:
        targets, sources = grn.indices()
        pairs = np.stack([sources, targets]).astype(np.int64)
        if settings.graph == "random":
            pairs = drawn_targets(pairs, n, settings.seed)
    return GeneEncoder(torch.from_numpy(pairs), n, settings.graph_latent, settings.graph_depth)


def drawn_targets(pairs: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Every regulator keeps its number of targets, which are drawn anew without repetition."""
    rng = np.random.default_rng([seed, 5])
    sources, counts = np.unique(pairs[0], return_counts=True)
    targets = [rng.choice(n, size=count, replace=False) for count in counts]
    return np.stack([np.repeat(sources, counts), np.concatenate(targets)])
