"""Standardised residuals Z of all cells, dense for a block of cells at a time.

Cells that fit into one block are made dense once and kept; of more, a block is made anew from the
sparse expression whenever it is asked for, so that memory does not grow with the number of cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import scipy.sparse as sp

MOST_NUMBERS = 2**26  # that are kept dense, 270 MB
IN_A_BLOCK = 4  # as many times fewer, where there are more
TINY = 1e-6


class Step:
    """What is taken off each cell, by its group, and what the rest is divided by; float32.

    Args:
        shifts: (groups, n).
        divisor: (n,); None for 1.
        group: (cells of the expression,) the row of `shifts`; None where there is one.
    """

    def __init__(
        self, shifts: np.ndarray, divisor: np.ndarray | None, group: np.ndarray | None
    ) -> None:
        self._shifts, self._divisor, self._group = shifts, divisor, group

    def apply(self, values: np.ndarray, cells: np.ndarray) -> None:
        """Standardise the rows of these cells in place."""
        if self._group is None:
            values -= self._shifts[0]
        else:
            own = self._group[cells]
            for group in np.unique(own):
                values[own == group] -= self._shifts[group]
        if self._divisor is not None:
            values /= self._divisor


class Residuals:
    """Z, (N, n) float32.

    Args:
        expression: (all cells, n), sparse or dense.
        cells: (N,) positions of the cells that count, in order.
        steps: what makes residuals of expression; none where it holds residuals.
    """

    def __init__(
        self,
        expression: sp.csr_matrix | np.ndarray,
        cells: np.ndarray,
        steps: Sequence[Step] = (),
    ) -> None:
        self._expression, self._cells, self._steps = expression, cells, tuple(steps)
        self.shape = (len(cells), expression.shape[1])
        fits = len(cells) * self.shape[1] <= MOST_NUMBERS
        most = max(1, MOST_NUMBERS // IN_A_BLOCK // max(1, self.shape[1]))
        self._size = max(1, len(cells)) if fits else most
        self._whole = self._made(np.arange(len(cells))) if fits else None

    @classmethod
    def of(
        cls, expression: sp.csr_matrix | np.ndarray, cells: np.ndarray, groups: np.ndarray
    ) -> Residuals:
        """Each gene minus its mean in the cell's group, over its deviation.

        Args:
            expression, cells: as for the class.
            groups: (N,) the group of each cell that counts.
        """
        codes, names = pd.factorize(groups)
        raw = cls(expression, cells)
        shifts = np.zeros((len(names), raw.shape[1]))
        for here, values in raw.blocks():
            own = codes[here]
            for group in np.unique(own):
                shifts[group] += values[own == group].sum(axis=0, dtype=np.float64)
        shifts /= np.bincount(codes, minlength=len(names))[:, None]
        group = np.zeros(expression.shape[0], dtype=np.intp)
        group[cells] = codes
        return raw._then(Step(shifts.astype(np.float32), None, group)).scaled()

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Which cells, and their Z, which is not to be changed."""
        for start in range(0, len(self._cells), self._size):
            here = slice(start, min(start + self._size, len(self._cells)))
            whole = self._whole
            yield here, self._made(np.arange(here.start, here.stop)) if whole is None else whole

    def take(self, places: np.ndarray) -> np.ndarray:
        """Z of some of the cells, (places, n)."""
        return self._made(places) if self._whole is None else self._whole[places]

    def portions(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Places, as many at a time as a block has cells."""
        for start in range(0, len(places), self._size):
            yield places[start : start + self._size]

    def subset(self, places: np.ndarray) -> Residuals:
        """Some of the cells, standardised anew."""
        return Residuals(self._expression, self._cells[places], self._steps).scaled()

    @property
    def whole(self) -> bool:
        """Whether there is one block."""
        return self._whole is not None

    # --- how ---------------------------------------------------------------------------

    def scaled(self) -> Residuals:
        """Minus the mean of each gene, over its deviation; 0 for a gene that does not vary."""
        count = len(self._cells)
        total = np.zeros(self.shape[1])
        for _, values in self.blocks():
            total += values.sum(axis=0, dtype=np.float64)
        centre = (total / count).astype(np.float32)
        centred = self._then(Step(centre[None], None, None))
        squares = np.zeros(self.shape[1])
        for _, values in centred.blocks():
            squares += np.einsum("ij,ij->j", values, values, dtype=np.float64)
        deviation = np.sqrt(squares / count)
        divisor = np.where(deviation > TINY, deviation, np.inf).astype(np.float32)
        return self._then(Step(centre[None], divisor, None))

    def _then(self, step: Step) -> Residuals:
        """The same after one more step."""
        return Residuals(self._expression, self._cells, (*self._steps, step))

    def _made(self, places: np.ndarray) -> np.ndarray:
        cells = self._cells[places]
        rows = self._expression[cells]
        values = rows.toarray() if sp.issparse(rows) else np.array(rows)
        values = values.astype(np.float32, copy=False)
        for step in self._steps:
            step.apply(values, cells)
        return values
