"""Labels that come in a file of their own, as 10x and GEO give them: one row per cell."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from gvci.data.door.scan import short
from gvci.data.door.table import parsed, survey
from gvci.data.door.text import TextFile
from gvci.data.door.values import Cells, Column
from gvci.errors import FileError, listed

WELL = re.compile(r"-\d+$")  # what Cell Ranger puts behind a barcode, and others take away


def labelled(cells: Cells, file: TextFile) -> Cells:
    """The cells with the columns of a table whose first column names them; that is noted.

    Cells that it does not name have no value; a column of the same name is replaced.

    Raises:
        FileError: no table, names that occur twice, or of none of the cells.
    """
    layout = survey(file)
    table = parsed(file, layout)
    header = layout.header if len(layout.header) == layout.width else ["", *layout.header]
    names = table[0].astype(str).tolist()
    if len(set(names)) < len(names):
        repeated = table[0][table[0].duplicated()].unique()
        message = (
            f"{len(repeated):,} cells are named more than once in {file.name}: "
            f"{listed(map(short, repeated))}. Give one row per cell."
        )
        raise FileError(message)
    at = _places(cells.cells, names)
    found = at >= 0
    if not found.any():
        message = (
            f"{file.name} names none of the {len(cells.cells):,} cells: it begins with "
            f"'{short(names[0])}', they with '{short(next(iter(cells.cells), ''))}'. "
            "Put the names of the cells into its first column."
        )
        raise FileError(message)
    columns = {header[i]: _column(table[i], at) for i in range(1, layout.width)}
    unused = len(names) - int(found.sum())
    sentence = (
        f"{file.name} labels {int(found.sum()):,} of {len(found):,} cells"
        f"{f' ({unused:,} of its rows name no cell)' if unused else ''}: "
        f"{listed(map(short, columns))}."
    )
    cells.obs |= columns
    cells.notes.append(sentence)
    return cells


def _places(cells: list[str], names: list[str]) -> np.ndarray:
    """(cells,) row of each cell's name, −1 where there is none; "-1" behind barcodes may differ."""
    for way in (str, lambda word: WELL.sub("", word)):
        rows = {way(name): i for i, name in enumerate(names)}
        at = np.array([rows.get(way(cell), -1) for cell in cells], dtype=np.int64)
        if (at >= 0).any() and len(rows) == len(names):
            return at
    return np.full(len(cells), -1)


def _column(values: pd.Series, at: np.ndarray) -> Column:
    given = values.to_numpy()
    if values.dtype.kind in "fiu":
        return np.where(at >= 0, given.astype(np.float64)[at], np.nan)
    return [None if row < 0 or pd.isna(given[row]) else str(given[row]) for row in at.tolist()]
