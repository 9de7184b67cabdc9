"""A sparse matrix a portion of its cells at a time: memory does not grow with their number.

The matrix may lie in a mapped file. Anything that would copy all of it goes through here; sums
of portions are added in float64, and a matrix of one portion is summed as it always was.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

MOST_VALUES = 2**24  # that are not 0, in a portion


def portions(
    matrix: sp.csr_matrix, rows: np.ndarray | None = None
) -> Iterator[tuple[slice, sp.csr_matrix]]:
    """Some rows (all where None) in their order: where they lie among these, and themselves.

    There is at least one portion, and at least one row in each where there are rows.
    """
    starts = matrix.indptr.astype(np.int64)
    sizes = np.diff(starts) if rows is None else (starts[1:] - starts[:-1])[rows]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    first, count = 0, len(sizes)
    while True:
        last = int(np.searchsorted(ends, ends[first] + MOST_VALUES, side="right")) - 1
        last = min(max(last, first + 1), count)
        here = slice(first, last)
        yield here, matrix[here] if rows is None else matrix[rows[here]]
        if last >= count:
            return
        first = last


def blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    """One long array in views of at most as many values."""
    for start in range(0, len(values), MOST_VALUES):
        yield values[start : start + MOST_VALUES]


def mean(matrix: sp.csr_matrix, rows: np.ndarray | None = None) -> np.ndarray:
    """(columns,) float64: the mean of some rows, or of all."""
    return _weighted(matrix, rows, squared=False)


def mean_of_squares(matrix: sp.csr_matrix, rows: np.ndarray | None = None) -> np.ndarray:
    """(columns,) float64: the mean square of some rows, or of all."""
    return _weighted(matrix, rows, squared=True)


def row_squares(matrix: sp.csr_matrix) -> np.ndarray:
    """(rows,): the sum of squares of each row."""
    found = [np.asarray(part.multiply(part).sum(axis=1)).ravel() for _, part in portions(matrix)]
    return np.concatenate(found)


def averages(
    matrix: sp.csr_matrix,
    rows: np.ndarray,
    member: np.ndarray,
    sizes: np.ndarray,
    dtype: type[np.floating] = np.float64,
) -> sp.csr_matrix:
    """(groups, columns): the mean of the rows of each group; 0 for a group without any.

    Args:
        matrix: (all rows, columns).
        rows: positions of the rows that count.
        member: (rows,) the group of each.
        sizes: (groups,) how many rows each has.
        dtype: that it is summed in.
    """
    total = None
    for here, part in portions(matrix, rows):
        own = member[here]
        weights = (1.0 / sizes[own], (own, np.arange(len(own))))
        averaging = sp.csr_matrix(weights, shape=(len(sizes), len(own)), dtype=dtype)
        product = averaging @ part
        total = product if total is None else total + product
    return sp.csr_matrix(total)


def _weighted(matrix: sp.csr_matrix, rows: np.ndarray | None, squared: bool) -> np.ndarray:
    count = matrix.shape[0] if rows is None else len(rows)
    total: np.ndarray = np.zeros(matrix.shape[1])
    for _, part in portions(matrix, rows):
        values = part.multiply(part) if squared else part
        found = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
        total += found if part.shape[0] == count else found * (part.shape[0] / count)
    return total
