"""The mask M of eq. 11, drawn as the list of pairs that one iteration may use.

A pair is one number, `target · n + source`, so a sorted list of pairs is already in CSR
order with targets as rows. Every pair is an independent Bernoulli draw: pairs of Ẽ (prior
edges and self-loops) with a high chance, all others with a low one (METHOD.md §3).
"""

from __future__ import annotations

import numpy as np

from gvci.grn import GRN


def prior_pairs(prior: GRN) -> np.ndarray:
    """Ẽ: the prior's edges and all self-loops as sorted int64 pair numbers."""
    n = len(prior.genes)
    targets, sources = prior.indices()
    loops = np.arange(n, dtype=np.int64)
    return np.unique(np.concatenate([targets.astype(np.int64) * n + sources, loops * n + loops]))


def draw_pairs(
    prior: np.ndarray, n: int, keep_prior: float, keep_other: float, rng: np.random.Generator
) -> np.ndarray:
    """One draw of M: sorted int64 pair numbers; cost in proportion to the pairs drawn.

    Args:
        prior: sorted pair numbers of Ẽ.
        n: number of genes.
        keep_prior: chance that a pair of Ẽ is kept.
        keep_other: chance that any other pair is kept.
        rng: source of randomness.
    """
    kept = prior[rng.random(len(prior)) < keep_prior]
    others = n * n - len(prior)
    count = int(rng.binomial(others, keep_other))
    ranks = _distinct(others, count, rng)
    # The r-th pair outside the prior is r plus the prior pairs at or before it.
    before = prior - np.arange(len(prior))
    drawn = ranks + np.searchsorted(before, ranks, side="right")
    return np.sort(np.concatenate([kept, drawn]))


def _distinct(upper: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` different integers below `upper`, every set equally likely."""
    if count * 3 > upper:
        return np.asarray(rng.permutation(upper)[:count], dtype=np.int64)
    chosen = np.unique(rng.integers(upper, size=count, dtype=np.int64))
    while len(chosen) < count:
        more = rng.integers(upper, size=count - len(chosen), dtype=np.int64)
        chosen = np.unique(np.concatenate([chosen, more]))
    return chosen
