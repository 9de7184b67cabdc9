"""How far apart two sets of cells are as distributions over all genes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gvci.metrics.score import Score, finite, number
from gvci.metrics.sorted_cells import SortedCells, wasserstein_by_gene

MOST_COMPARED = 200


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
    x, y = _as_many(truth, predicted, seed)
    return TrueCells(x).scores(y)["e_distance"]


def mmd(truth: np.ndarray, predicted: np.ndarray, *, seed: int = 0) -> Score:
    """Squared maximum mean discrepancy, E k(x, x′) + E k(y, y′) − 2E k(x, y) (Gretton, 2012).

    Radial basis functions k(x, y) = exp(−|x − y|² / 2σ²) over all genes. Bandwidth: σ is the
    median distance between the true cells, so that one kernel judges all predictions of a pair.
    Unbiased and of equal numbers of cells as the E-distance is, so it may be negative.

    Args:
        truth, predicted: (cells, genes) log1p CP10k; the numbers of cells may differ.
        seed: of the choice of cells.

    Returns:
        None for fewer than two cells on a side, true cells without variation, or values not
        finite.
    """
    x, y = _as_many(truth, predicted, seed)
    return TrueCells(x).scores(y)["mmd"]


def wasserstein(truth: np.ndarray, predicted: np.ndarray) -> Score:
    """Mean over genes of the 1-D Wasserstein distance W₁ of expression, log1p CP10k.

    It is above 0 for two samples of one distribution, the more the fewer the cells: compare
    figures of equal numbers of cells only.

    Args:
        truth, predicted: (cells, genes) log1p CP10k; the numbers of cells may differ.

    Returns:
        At least 0; None without cells or for values not finite.
    """
    if min(len(truth), len(predicted), truth.shape[1]) == 0 or not finite(truth, predicted):
        return None
    apart = wasserstein_by_gene(SortedCells.of(truth), SortedCells.of(predicted))
    return number(apart.mean())


@dataclass(frozen=True)
class Apart:
    """Distances of two sets of cells: within either, (n, n) and (m, m), and across, (n, m)."""

    truth: np.ndarray
    predicted: np.ndarray
    across: np.ndarray

    def scores(self) -> dict[str, Score]:
        """e_distance and mmd; None for fewer than two cells on a side."""
        if min(self.across.shape) < 2:
            return {"e_distance": None, "mmd": None}
        between = float(self.across.mean(dtype=np.float64))
        within = mean_of_pairs(self.truth), mean_of_pairs(self.predicted)
        return {"e_distance": number(2 * between - sum(within)), "mmd": self._mmd()}

    def _mmd(self) -> Score:
        pairs = self.truth[np.triu_indices(len(self.truth), 1)]
        bandwidth = float(np.median(pairs))
        if not (0 < bandwidth < math.inf):
            return None
        within, made, across = (
            np.exp(-np.square(d / np.float32(bandwidth)) / 2)
            for d in (self.truth, self.predicted, self.across)
        )
        for kernel in (within, made):
            np.fill_diagonal(kernel, 0)
        between = float(across.mean(dtype=np.float64))
        return number(mean_of_pairs(within) + mean_of_pairs(made) - 2 * between)


class TrueCells:
    """Measured cells that several predictions are compared with: their own part is done once.

    Args:
        cells: (cells, genes) log1p CP10k.
    """

    def __init__(self, cells: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            self._centre = cells.mean(axis=0) if len(cells) else 0.0
            self._cells = _centred(cells, self._centre)
            self._own, self._sizes = _within(self._cells)

    def scores(self, predicted: np.ndarray) -> dict[str, Score]:
        """e_distance and mmd of predicted (cells, genes), with all cells of either side."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends as undefined
            y = _centred(predicted, self._centre)
            made, sizes = _within(y)
            across = self._sizes[:, None] + sizes[None, :] - 2.0 * (self._cells @ y.T)
            return Apart(self._own, made, np.sqrt(np.maximum(across, 0.0))).scores()


def distances(cells: np.ndarray) -> np.ndarray:
    """(cells, cells) Euclidean distances over genes.

    By one matrix product in float32 around the mean, so distances below a thousandth of the
    cells' own spread are rounding.
    """
    return _within(_centred(cells, cells.mean(axis=0)))[0]


def mean_of_pairs(within: np.ndarray) -> float:
    """Mean over pairs of different cells of a matrix whose diagonal is 0."""
    pairs = len(within) * (len(within) - 1)
    return float(within.sum(dtype=np.float64)) / pairs if pairs else 0.0


def _as_many(truth: np.ndarray, predicted: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As many cells of either, at most 200, by seeded choice."""
    n = min(len(truth), len(predicted), MOST_COMPARED)
    rng = np.random.default_rng(seed)
    x, y = (cells[rng.permutation(len(cells))[:n]] for cells in (truth, predicted))
    return x, y


def _centred(cells: np.ndarray, centre: np.ndarray | float) -> np.ndarray:
    return np.asarray(cells - centre, dtype=np.float32)


def _within(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of cells to one another, and their squared distances from the centre."""
    gram = centred @ centred.T
    sizes = gram.diagonal()
    squares = sizes[:, None] + sizes[None, :] - 2.0 * gram
    return np.sqrt(np.maximum(squares, 0.0)), sizes
