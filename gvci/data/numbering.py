"""Labels of cells as numbers: each different one is read once, however many cells there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from gvci.data.encoding import TreatmentCode


def numbered(*columns: np.ndarray | pd.Series, between: str = "\t") -> tuple[list[str], np.ndarray]:
    """The different words of the cells, sorted, and (cells,) the place of each cell's among them.

    Several columns make one word, joined by what stands between them.
    """
    key: np.ndarray = np.zeros(len(columns[0]), dtype=np.int64)
    kinds: list[np.ndarray] = []
    for column in columns:
        codes, words = pd.factorize(np.asarray(column, dtype=object))
        key = key * max(len(words), 1) + codes
        kinds.append(words)
    present, place = np.unique(key, return_inverse=True)
    parts: list[np.ndarray] = []
    for words in reversed(kinds):
        present, at = np.divmod(present, max(len(words), 1))
        parts.insert(0, words[at])
    joined = [between.join(map(str, row)) for row in zip(*parts, strict=True)]
    names, rank = np.unique(np.asarray(joined, dtype=object), return_inverse=True)
    return [str(name) for name in names], rank[place]


class Treatments:
    """T of every cell, of which each different row is kept once: `treatments[rows]` is (rows, r).

    Args:
        code: how labels become T.
        labels, doses: (cells,) of each cell.
        coded: (cells,) False for cells whose label may be unknown; their T is 0.
    """

    def __init__(
        self, code: TreatmentCode, labels: np.ndarray, doses: np.ndarray, coded: np.ndarray
    ) -> None:
        which, words = pd.factorize(labels[coded])
        amounts, dose = np.unique(doses[coded], return_inverse=True)
        present, place = np.unique(which * len(amounts) + dose, return_inverse=True)
        label, amount = np.divmod(present, max(len(amounts), 1))
        table = code.encode(list(words[label]), list(amounts[amount]))
        self._table = np.concatenate([table, np.zeros((1, code.width), dtype=np.float32)])
        self._row = np.full(len(labels), len(present), dtype=np.int32)
        self._row[coded] = place

    @property
    def width(self) -> int:
        """r."""
        return int(self._table.shape[1])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """T of some cells, (rows, r) float32."""
        return np.asarray(self._table[self._row[rows]])
