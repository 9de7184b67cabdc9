"""Differential expression of predicted cells: does it find the genes that measured cells do?"""

from __future__ import annotations

import numpy as np

from gvci.metrics.score import Score, finite
from gvci.metrics.sorted_cells import SortedCells, rank_sum

FALSE_DISCOVERIES = 0.05
NOT_ZERO = 1e-9


def significant(cells: SortedCells, control: SortedCells) -> np.ndarray:
    """Positions of the genes that differ from control cells, largest |log2 fold change| first.

    Wilcoxon's rank-sum test with Benjamini and Hochberg's correction below 0.05. Fold change: of
    expm1 of the mean log1p CP10k (each with 1e-9 added, for genes that one side does not express).
    Of equal fold changes the gene that comes first is first.
    """
    from scipy.stats import false_discovery_control

    if min(cells.n_cells, control.n_cells) < 2:
        return np.zeros(0, dtype=np.intp)
    _, p = rank_sum(cells, control)
    found = np.flatnonzero(false_discovery_control(p) < FALSE_DISCOVERIES)
    made, before = (
        np.expm1(np.maximum(side.mean[found], 0.0)) + NOT_ZERO for side in (cells, control)
    )
    return found[np.argsort(-np.abs(np.log2(made / before)), kind="stable")]


def overlap(truth: np.ndarray, predicted: np.ndarray) -> Score:
    """Share of the true genes, n of them, that are among the first n predicted ones.

    Args:
        truth, predicted: positions of significant genes, as `significant` orders them.
    """
    n = len(truth)
    return len(np.intersect1d(truth, predicted[:n])) / n if n else None


def des(truth: np.ndarray, predicted: np.ndarray, control: np.ndarray) -> Score:
    """Differential expression score (Virtual Cell Challenge, 2025).

    The genes by which the predicted cells differ from measured control cells, cut to the n
    largest fold changes, where n genes are truly different: the share of those n among them.
    A test finds more genes in more cells: compare figures of equal numbers of cells only.

    Args:
        truth, predicted, control: (cells, genes) log1p CP10k; control cells are measured ones.

    Returns:
        0 to 1; None where no gene truly differs, for fewer than two cells on a side, or for
        values not finite.
    """
    sides = (truth, predicted, control)
    if min(len(side) for side in sides) < 2 or not finite(*sides):
        return None
    true, made, before = (SortedCells.of(side) for side in sides)
    return overlap(significant(true, before), significant(made, before))
