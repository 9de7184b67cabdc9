"""Scores of predicted cells: do they differ from one another, and as the measured ones do?"""

from __future__ import annotations

import numpy as np

from gvci.metrics.score import NO_VARIATION, Score, finite, number


def cell_correlation(truth: np.ndarray, reconstruction: np.ndarray) -> Score:
    """Does the reconstruction tell the cells of one group and perturbation apart?

    For each cell, the Pearson correlation over genes between its own deviation and its
    reconstruction's deviation, each from the mean over these cells; then the mean over
    cells. R² of group means cannot see a model that has collapsed to group means: here
    it scores 0, because a reconstruction without deviation counts as 0.

    Args:
        truth: (cells, genes) measured expression of the cells of one pair, log1p CP10k.
        reconstruction: (cells, genes) the decoder's mean for the same cells, same order.

    Returns:
        −1 to 1; None where no cell deviates from the others (fewer than two cells, or all
        equal), for fewer than two genes, or for values not finite.
    """
    truth = np.asarray(truth, dtype=np.float64)
    reconstruction = np.asarray(reconstruction, dtype=np.float64)
    if truth.shape != reconstruction.shape:
        message = f"truth {truth.shape} and reconstruction {reconstruction.shape} differ in shape"
        raise ValueError(message)
    if min(truth.shape) < 2 or not finite(truth, reconstruction):
        return None
    true, size = _deviations(truth)
    made, made_size = _deviations(reconstruction)
    usable = size >= NO_VARIATION
    if not usable.any():
        return None
    products = (true * made).mean(axis=1)
    told_apart = usable & (made_size >= NO_VARIATION)
    correlations = np.zeros(len(truth))
    correlations[told_apart] = products[told_apart] / (size * made_size)[told_apart]
    return number(np.clip(correlations[usable].mean(), -1, 1))


def spread_ratio(truth: np.ndarray, predicted: np.ndarray) -> Score:
    """How much predicted cells differ from one another, relative to the measured cells.

    The root of the ratio of variances over cells (ddof 1), each averaged over genes. A model's
    cells are the decoder's means μ(Z, T′): the residual form varies by construction.

    Args:
        truth, predicted: (cells, genes) log1p CP10k; the numbers of cells may differ.

    Returns:
        At least 0: 0 for a model that has collapsed to one profile, 1 for the measured
        spread. None for fewer than two cells, a truth without variation, or values not finite.
    """
    if min(len(truth), len(predicted)) < 2 or not finite(truth, predicted):
        return None
    true, made = (
        np.var(cells, axis=0, ddof=1, dtype=np.float64).sum() for cells in (truth, predicted)
    )
    return number(np.sqrt(made / true)) if true > truth.shape[1] * NO_VARIATION**2 else None


def _deviations(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(cells, genes) deviations from the mean cell, centred over genes, and their sd (cells,)."""
    deviations = values - values.mean(axis=0)
    deviations -= deviations.mean(axis=1, keepdims=True)
    return deviations, np.sqrt((deviations**2).mean(axis=1))
