"""Which unit the values of a foreign file are in, and how they become the data's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gvci.data.dataset import PerturbationData
from gvci.errors import DataError

WHOLE = 1e-3
ROOM = 0.5  # a prediction may exceed what a measured cell can hold, by this much in log1p
BELOW_ZERO = 0.05
LEAST_TOTAL, MOST_TOTAL = 0.1, 4.0
LEARNING = ("train", "validation")


def to_log1p(
    values: np.ndarray,
    data: PerturbationData,
    genes: np.ndarray,
    groups: Sequence[str],
    cells: Sequence[str],
    file: str,
) -> tuple[np.ndarray, list[str]]:
    """The values in the data's unit, never below 0, and what was done, in words.

    Whole numbers are counts: each cell's are scaled to what the same genes hold in control cells
    of its group (the median over them), for its counts of other genes are not known. Anything
    else must be log1p already: not scaled to mean 0, not above what a cell can hold, and adding
    up to about what the same genes hold in control cells.

    Args:
        values: (cells, genes) float32. genes: their positions in the data.
        groups: of each cell. cells: their names. file: what to call it.

    Raises:
        DataError: not finite, scaled, of another total, or neither counts nor log1p.
    """
    _require_finite(values, data, genes, cells, file)
    notes = []
    below = values < 0
    if below.any():
        share = float(np.abs(values[below]).sum() / np.abs(values).sum())
        if share > BELOW_ZERO:
            message = (
                f"{int(below.sum()):,} values of {file} are below 0 (down to {values.min():.3g}): "
                f"they look scaled or centred. Give counts, or {data.unit} before scaling."
            )
            raise DataError(message)
        notes.append(
            f"{100 * below.mean():.2g} % of the values are below 0 (down to {values.min():.2g}); "
            "they are set to 0."
        )
        values = np.maximum(values, 0)
    top = float(values.max())
    if top == 0:
        message = f"All predicted values of {file} for these genes are 0. Give counts or log1p."
        raise DataError(message)
    held = {group: _held(data, genes, group) for group in set(groups)}
    totals = np.array([held[group] for group in groups])
    if np.all(np.abs(values - np.rint(values)) < WHOLE):
        return _from_counts(values, totals), [*notes, _counted(values, data)]
    if top > np.log1p(data.target_sum) + ROOM:
        message = (
            f"The values of {file} go up to {top:,.4g} and are not whole numbers: neither counts "
            f"nor {data.unit}, which a cell cannot bring above {np.log1p(data.target_sum):.1f}. "
            "Give one of these."
        )
        raise DataError(message)
    ratio = float(np.median(np.expm1(values.astype(np.float64)).sum(axis=1) / totals))
    if not LEAST_TOTAL <= ratio <= MOST_TOTAL:
        message = (
            f"The values of {file} look like logarithms of another unit than {data.unit}: the "
            f"counts that they stand for add up to {ratio:.2g} times what the same genes hold in "
            "control cells. Normalise to the data's total and take log1p (natural logarithm)."
        )
        raise DataError(message)
    return values, [*notes, f"The values are taken as {data.unit}."]


def _require_finite(
    values: np.ndarray, data: PerturbationData, genes: np.ndarray, cells: Sequence[str], file: str
) -> None:
    broken = ~np.isfinite(values)
    if broken.any():
        cell, gene = np.argwhere(broken)[0]
        message = (
            f"{int(broken.sum()):,} predicted values of {file} are NaN or infinite; the first: "
            f"gene {data.genes[genes[gene]]} in cell {cells[cell]}. Leave such cells out or "
            "predict them again."
        )
        raise DataError(message)


def _held(data: PerturbationData, genes: np.ndarray, group: str) -> float:
    """Median over a group's learning control cells of what these genes add up to, e.g. of CP10k."""
    rows = np.flatnonzero(np.isin(data.split, LEARNING) & data.is_control & (data.groups == group))
    totals = np.expm1(data.dense(rows)[:, genes].astype(np.float64)).sum(axis=1)
    return max(float(np.median(totals)), 1e-12) if len(rows) else data.target_sum


def _from_counts(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    sums = counts.sum(axis=1, dtype=np.float64)
    factor = np.divide(totals, sums, out=np.zeros_like(sums), where=sums > 0)
    return np.asarray(np.log1p(counts * factor[:, None]), dtype=np.float32)


def _counted(counts: np.ndarray, data: PerturbationData) -> str:
    empty = int((counts.sum(axis=1) == 0).sum())
    without = f" {empty:,} cells have none." if empty else ""
    return (
        f"The values are counts; each cell's were scaled to what the same genes hold in control "
        f"cells of its group, and became {data.unit}.{without}"
    )
