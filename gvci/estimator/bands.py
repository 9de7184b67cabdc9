"""Simultaneous bands over genes by the multiplier bootstrap (Chernozhukov et al. 2013).

The distribution of max over genes of |Ψ̂ − Ψ| / se is that, given the data, of

    max over genes of |Σ_k ξ_k ψ_k| / √(Σ_k ψ_k²),      ξ_k independent standard normal.

Its 95 % quantile takes the place of 1.96: the band then holds for all genes of a group and
perturbation at once, and genes that go together cost less than by Bonferroni's rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Multipliers:
    """ξ of every cell, drawn again whenever they are asked for instead of being kept."""

    draws: int
    seed: int

    def of(self, first: int, cells: int) -> np.ndarray:
        """(draws, cells) float32 of the chunk that starts with this cell of the data."""
        rng = np.random.default_rng([self.seed, first])
        return rng.standard_normal((self.draws, cells), dtype=np.float32)


class ScoreSums:
    """Σ ξ s over cells and genes (see sums.py), and Σ ξ over all and over the treated cells."""

    def __init__(self, draws: int, genes: int) -> None:
        self.scores = np.zeros((draws, genes), dtype=np.float32)
        self.all, self.treated = np.zeros((2, draws))

    def add(self, drawn: np.ndarray, s: np.ndarray, treated: np.ndarray) -> None:
        """Count a chunk: multipliers (draws, cells), s (cells, genes), treated (cells,)."""
        self.scores += drawn @ s.astype(np.float32)
        self.all += drawn.sum(axis=1, dtype=np.float64)
        self.treated += drawn[:, treated].sum(axis=1, dtype=np.float64)

    def influence(self, off: np.ndarray, off_treated: np.ndarray) -> np.ndarray:
        """Σ ξ ψ, (draws, genes) float32: s less what is off for all and for treated cells."""
        drawn = np.stack([self.all, self.treated], axis=1).astype(np.float32)
        return np.asarray(self.scores - drawn @ np.stack([off, off_treated]).astype(np.float32))


def critical_value(influence: np.ndarray, squared: np.ndarray, spread: np.ndarray) -> float:
    """The quantile that replaces 1.96.

    Args:
        influence: Σ ξ ψ (draws, genes).
        squared: Σ ψ² (genes,).
        spread: (genes,) bool, the genes that vary; NaN where there are none.
    """
    if not spread.any():
        return float("nan")
    scale = np.zeros(len(squared), dtype=np.float32)
    scale[spread] = 1 / np.sqrt(squared[spread])
    scaled = influence * scale
    largest = np.maximum(scaled.max(axis=1), -scaled.min(axis=1))
    return float(np.quantile(largest, LEVEL))
