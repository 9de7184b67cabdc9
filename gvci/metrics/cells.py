"""Scores of predicted cells: do they differ from one another, and as the measured ones do?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gvci.metrics.score import NO_VARIATION, Score, finite, number

MOST_COMPARED = 200


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


def e_distance(truth: np.ndarray, predicted: np.ndarray, *, seed: int = 0) -> Score:
    """How far apart two sets of cells are as distributions: 2E|x − y| − E|x − x′| − E|y − y′|.

    This variant: Euclidean distance over all genes (not squared, no principal components),
    unbiased (a cell is not compared with itself), equal numbers of cells on both sides, at most
    200, by seeded choice. It is 0 on average for cells of one distribution, so it may be negative.

    Args:
        truth, predicted: (cells, genes) log1p CP10k; the numbers of cells may differ.
        seed: of the choice of cells.

    Returns:
        None for fewer than two cells on a side, or for values not finite.
    """
    n = min(len(truth), len(predicted), MOST_COMPARED)
    rng = np.random.default_rng(seed)
    x, y = (cells[rng.permutation(len(cells))[:n]] for cells in (truth, predicted))
    return e_distances(x, [y])[0]


def e_distances(truth: np.ndarray, predicted: Sequence[np.ndarray]) -> list[Score]:
    """The same for several predictions of one truth, with all cells of all of them."""
    if len(truth) < 2:
        return [None for _ in predicted]
    found: list[Score] = []
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends as undefined
        centre = truth.mean(axis=0)
        x = _centred(truth, centre)
        apart, sizes = _within(x)
        own = mean_distance(apart)
        for cells in predicted:
            y = _centred(cells, centre)
            made, others = _within(y)
            across = sizes[:, None] + others[None, :] - 2.0 * (x @ y.T)
            between = float(np.sqrt(np.maximum(across, 0.0)).mean(dtype=np.float64))
            score = 2 * between - own - mean_distance(made) if len(y) > 1 else math.nan
            found.append(number(score))
    return found


def distances(cells: np.ndarray) -> np.ndarray:
    """(cells, cells) Euclidean distances over genes.

    By one matrix product in float32 around the mean, so distances below a thousandth of the
    cells' own spread are rounding.
    """
    return _within(_centred(cells, cells.mean(axis=0)))[0]


def mean_distance(within: np.ndarray) -> float:
    """Mean of a set's own distances, without those of a cell to itself."""
    pairs = len(within) * (len(within) - 1)
    return float(within.sum(dtype=np.float64)) / pairs if pairs else 0.0


def _centred(cells: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return np.asarray(cells - centre, dtype=np.float32)


def _within(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of cells to one another, and their squared distances from the centre."""
    gram = centred @ centred.T
    sizes = gram.diagonal()
    squares = sizes[:, None] + sizes[None, :] - 2.0 * gram
    return np.sqrt(np.maximum(squares, 0.0)), sizes


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
