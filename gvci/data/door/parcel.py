"""The clean file between the child and us: plain arrays one after another, and a JSON table.

No HDF5, no archive, no objects: what the child was made to do cannot come back in it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp

from gvci.data.door.values import Categories, Cells, Column, Laid, Masked

ARRAYS, TABLE = "arrays", "table.json"
TYPES = frozenset(
    {"|b1", "|i1", "|u1"} | {f"<{kind}{size}" for kind in "iuf" for size in (2, 4, 8)} - {"<f2"}
)


class Parcel:
    """The child's side: both files are opened before the child shuts itself in."""

    def __init__(self, folder: Path) -> None:
        self._arrays: BinaryIO = (folder / ARRAYS).open("wb")
        self._table: BinaryIO = (folder / TABLE).open("wb")

    def write(self, cells: Cells) -> None:
        """Everything; the table comes last, so that a parcel with a table is whole."""
        table: dict[str, Any] = {name: getattr(cells, name) for name in ("cells", "genes", "uns")}
        table["notes"] = cells.notes
        table["matrices"] = {name: self._matrix(m) for name, m in cells.matrices.items()}
        for name in ("obs", "var"):
            columns: dict[str, Column] = getattr(cells, name)
            table[name] = [[key, self._column(column)] for key, column in columns.items()]
        self._close(table)

    def refuse(self, sentence: str, detail: str = "") -> None:
        """Why there are no cells; `detail` is for the log."""
        self._close({"refused": sentence, "detail": detail})

    def _close(self, table: dict[str, Any]) -> None:
        self._arrays.close()
        # h5py gives bytes that are no text as lone surrogates, which nothing can print: "?".
        self._table.write(json.dumps(table, ensure_ascii=False).encode("utf-8", "replace"))
        self._table.close()

    def _array(self, values: np.ndarray) -> list[Any]:
        """Appended to the arrays; its type and shape."""
        values = np.ascontiguousarray(values)
        # Not tofile(): it opens the file once more, which the child can no longer do.
        if values.size:
            self._arrays.write(values.data)
        return [values.dtype.str, list(values.shape)]

    def _matrix(self, matrix: np.ndarray | sp.csr_matrix | Laid) -> dict[str, Any]:
        if isinstance(matrix, Laid):
            return {"laid": matrix.parts, "shape": list(matrix.shape)}
        if isinstance(matrix, np.ndarray):
            return {"dense": self._array(matrix)}
        parts = [self._array(part) for part in (matrix.data, matrix.indices, matrix.indptr)]
        return {"sparse": parts, "shape": list(matrix.shape)}

    def _column(self, column: Column) -> dict[str, Any]:
        if isinstance(column, Categories):
            levels = column.levels
            kept = levels if isinstance(levels, list) else self._array(levels)
            words = "levels" if isinstance(levels, list) else "numbers"
            return {words: kept, "codes": self._array(column.codes), "ordered": column.ordered}
        if isinstance(column, Masked):
            return {"values": self._array(column.values), "mask": self._array(column.mask)}
        if isinstance(column, list):
            return {"text": column}
        return {"values": self._array(column)}


class Unpacked:
    """Our side: the table, and the arrays in the order in which they were written.

    Args:
        folder: of the parcel.
        file: the foreign file, of which plain arrays may be mapped and nothing else is read.
    """

    def __init__(self, folder: Path, file: Path) -> None:
        self._file = file
        self.table: dict[str, Any] = json.loads((folder / TABLE).read_bytes())
        self._path = folder / ARRAYS
        self._at = 0

    def mapped(self, described: list[Any]) -> np.ndarray:
        """An array that stays in the foreign file: read-only, and of no memory of ours.

        Raises:
            ValueError: not a type of ours, or the file ends before it does.
        """
        kind, count, place = str(described[0]), int(described[1]), int(described[2])
        if kind not in TYPES or count < 0 or place < 0 or place % np.dtype(kind).itemsize:
            message = f"{kind} ({count},) at {place} is no array of the door"
            raise ValueError(message)
        return np.memmap(self._file, np.dtype(kind), "r", place, (count,))

    def array(self, described: list[Any]) -> np.ndarray:
        """The next array.

        Raises:
            ValueError: not a type of ours, or the file ends before it does.
        """
        kind, shape = str(described[0]), tuple(int(length) for length in described[1])
        count = math.prod(shape)
        if kind not in TYPES or min(shape, default=0) < 0:
            message = f"{kind} {shape} is no array of the door"
            raise ValueError(message)
        values = np.fromfile(self._path, np.dtype(kind), count, offset=self._at)
        self._at += values.nbytes
        return values.reshape(shape)
