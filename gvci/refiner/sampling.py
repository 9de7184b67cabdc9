"""The mask M of eq. 11, drawn as the list of pairs that one iteration may use.

A pair is one number, `target · n + source`, so a sorted list of pairs is already in CSR
order with targets as rows. Every pair is an independent Bernoulli draw: pairs of Ẽ (prior
edges and self-loops) with a high chance, all others with a low one (docs/method.md §3).
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
    ranks = _successes(n * n - len(prior), keep_other, rng)
    # The r-th pair outside the prior is r plus the prior pairs at or before it.
    before = prior - np.arange(len(prior))
    drawn = ranks + np.searchsorted(before, ranks, side="right")
    return np.sort(np.concatenate([kept, drawn]))


def _successes(trials: int, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Which of so many independent trials succeed, sorted: gaps between successes are geometric."""
    if chance <= 0 or trials <= 0:
        return np.empty(0, dtype=np.int64)
    last, found = -1, []
    while last < trials:
        expected = int((trials - last) * chance)
        gaps = rng.geometric(chance, size=expected + 4 * int(expected**0.5) + 8)
        found.append(last + np.cumsum(gaps))
        last = int(found[-1][-1])
    successes = np.concatenate(found)
    kept: np.ndarray = successes[: np.searchsorted(successes, trials)]
    return kept
