"""The noise ceiling: what measured cells can say of measured cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gvci.data.portions import portions
from gvci.metrics.distances import MOST_COMPARED, Apart, distances
from gvci.metrics.means import Positions, mean_scores
from gvci.metrics.score import Score, average, number

if TYPE_CHECKING:
    import scipy.sparse as sp

SPLIT_HALF_REPEATS = 10
NAMES = (
    "r2_all",
    "r2_de",
    "pearson_delta",
    "pearson_delta_top20",
    "pearson_delta_de",
    "systema_delta",
    "centroid_accuracy",
    "mse",
    "mae",
    "pds",
    "e_distance",
    "mmd",
    "spread_ratio",
)


def split_half(
    cells: np.ndarray | sp.csr_matrix,
    control: np.ndarray,
    genes: Positions = None,
    others: np.ndarray | None = None,
    targets: Sequence[int] = (),
    *,
    rows: np.ndarray | None = None,
    seed: int = 0,
    repeats: int = SPLIT_HALF_REPEATS,
) -> dict[str, Score]:
    """The noise ceiling: one random half of the true cells predicts the other.

    A half has half the cells, so the ceiling of means is a little low: with few cells a model may
    exceed it.

    Args:
        cells: (cells, genes) true cells of one pair, log1p CP10k; dense or CSR, then maybe of
            others too.
        control: (genes,) mean of the control cells, the reference of the changes.
        genes: positions of the DE genes; without them the `_de` scores equal the others.
        others, targets: as for `mean_scores`.
        rows: positions of the pair's cells among the cells; None for all.
        seed: of the splits. repeats: splits to average over.

    Returns:
        The scores of `mean_scores`, e_distance, mmd and spread_ratio; all None for fewer than 2
        cells (the last three for fewer than 4). Cells are compared one by one for at most 200.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(cells.shape[0]) if rows is None else rows
    n_cells = len(rows)
    orders = [rng.permutation(n_cells) for _ in range(repeats if n_cells > 1 else 0)]
    halves = [h for order in orders for h in (order[: n_cells // 2], order[n_cells // 2 :])]
    weights = np.zeros((len(halves), n_cells))
    for row, half in zip(weights, halves, strict=True):
        row[half] = 1 / len(half)
    means = np.zeros((len(halves), cells.shape[1]))
    for here, part in _parts(cells, rows):
        means += weights[:, here] @ part
    some = rows[np.sort(rng.permutation(n_cells)[:MOST_COMPARED])]
    apart = distances(_dense(cells[some])) if len(some) > 3 else None
    scores: list[dict[str, Score]] = []
    for one, other in zip(means[::2], means[1::2], strict=True):
        scores.append(mean_scores(other, one, control, genes, others, targets))
        if apart is not None:
            order = rng.permutation(len(some))
            scores[-1] |= _apart(apart, order[: len(some) // 2], order[len(some) // 2 :])
    return {name: average(score.get(name) for score in scores) for name in NAMES}


def _apart(apart: np.ndarray, one: np.ndarray, other: np.ndarray) -> dict[str, Score]:
    """Distances and spread ratio of two sets of cells, from the distances of all."""
    within = [apart[np.ix_(half, half)] for half in (one, other)]
    # The squared distances within a set add up to its variance.
    spread = [np.mean(d**2, dtype=np.float64) * len(d) / (len(d) - 1) for d in within]
    return {
        **Apart(within[1], within[0], apart[np.ix_(other, one)]).scores(),
        "spread_ratio": number(np.sqrt(spread[0] / spread[1])) if spread[1] > 0 else None,
    }


def _parts(
    cells: np.ndarray | sp.csr_matrix, rows: np.ndarray
) -> Iterator[tuple[slice, np.ndarray | sp.csr_matrix]]:
    if isinstance(cells, np.ndarray):
        yield slice(0, len(rows)), cells[rows]
    else:
        yield from portions(cells, rows)


def _dense(cells: np.ndarray | sp.csr_matrix) -> np.ndarray:
    return np.asarray(cells.toarray() if hasattr(cells, "toarray") else cells)
