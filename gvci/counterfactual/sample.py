"""Expression of some cells: the cells themselves, or quantiles that stand for them.

A summary keeps n, mean, variance, the share above 0 and 21 quantiles of each gene, and no cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

QUANTILES = 21
SHARES = np.linspace(0.0, 1.0, QUANTILES)
MOST_POINTS = 1500


@dataclass(frozen=True, eq=False)
class Sample:
    """Expression of n cells, of some genes or of one.

    Attributes:
        values: (cells, genes), or (21, genes) quantiles at the shares 0, 5, …, 100 % of cells; of
            one gene (cells,) or (21,).
        n: how many cells it is of.
        mean, variance: (genes,) over the cells, float64; the variance divides by n.
        detected: (genes,) share of cells above 0.
        summary: whether the values are quantiles.
    """

    values: np.ndarray
    n: int
    mean: np.ndarray
    variance: np.ndarray
    detected: np.ndarray
    summary: bool = False

    @classmethod
    def of(cls, cells: np.ndarray) -> Self:
        """Of cells that are here: (cells, genes), or (cells,) of one gene."""
        return cls(
            cells,
            len(cells),
            np.asarray(cells.mean(axis=0, dtype=np.float64)),
            np.asarray(cells.var(axis=0, dtype=np.float64)),
            np.asarray((cells > 0).mean(axis=0)),
        )

    def summarised(self) -> Self:
        """The same without its cells."""
        quantiles = np.quantile(self.values, SHARES, axis=0)
        return type(self)(quantiles, self.n, self.mean, self.variance, self.detected, True)

    def gene(self, at: int) -> Sample:
        """One gene of it."""
        parts = self.mean[at], self.variance[at], self.detected[at]
        return Sample(self.values[:, at], self.n, *parts, self.summary)

    # --- one gene ----------------------------------------------------------------------

    def points(self) -> np.ndarray:
        """(points,) values to draw a gene's density from, as many as cells, up to 1,500.

        Quantiles are joined by straight lines, from the last cell at 0 on.
        """
        if not self.summary:
            return self.values
        if self.n < 3:
            return np.asarray(self.values[[0, -1]][: self.n])
        shares, values = self.curve()
        at = np.linspace(0.0, 1.0, min(self.n, MOST_POINTS))
        points: np.ndarray = np.interp(at, shares, values)
        return points

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Share of cells at or below, and value: (points,) each, rising.

        Of cells every one is a step; of quantiles they are knots, and one more where the zeros end.
        """
        if not self.summary:
            ordered = np.sort(np.asarray(self.values, dtype=np.float64))
            return np.arange(1, self.n + 1) / self.n, ordered
        zeros = float(1.0 - self.detected)
        values = np.asarray(self.values, dtype=np.float64)
        if not 0.0 < zeros < 1.0 or values[0] > 0:
            return SHARES, values
        at = int(np.searchsorted(SHARES, zeros))
        return np.insert(SHARES, at, zeros), np.insert(values, at, values[at - 1])
