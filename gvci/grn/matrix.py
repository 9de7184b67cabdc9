"""A network written as a matrix: names on both axes, 0 where there is no edge (FAULTS F23).

Which axis holds the regulators is not in the numbers. It is taken from the header of the
names' column where that says so ("TF", "gene_short_name"), else it must be stated.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from gvci.errors import GRNError, listed
from gvci.grn.families import share_of_factors

Orientation = Literal["targets-in-rows", "sources-in-rows"]
TARGETS_IN_ROWS = frozenset({"gene_short_name", "target", "targets", "target_gene"})
SOURCES_IN_ROWS = frozenset({"tf", "tfs", "regulator", "regulators", "source"})
NO_NAMES = frozenset({"peak_id"})
MOST_CELLS = 60_000_000


def looks_wide(table: pd.DataFrame) -> bool:
    """True where most columns are numbers: a matrix rather than a list of edges."""
    numeric = sum(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    return numeric >= 2 and numeric >= len(table.columns) - numeric


def from_matrix(table: pd.DataFrame, orientation: Orientation | None, title: str) -> pd.DataFrame:
    """The edges (source, target, weight) of a matrix, one per cell that is not 0.

    Args:
        table: one column of names, or names as its index; all other columns numbers.
        orientation: which axis holds the targets; None where the header says so.

    Raises:
        GRNError: names on one axis only, cells that are no numbers, too large, or an
            orientation that is neither stated nor written in the header.
    """
    rows, header, values = _named(table, title)
    if values.size > MOST_CELLS:
        message = (
            f"The matrix {title} has {values.size:,} cells; at most {MOST_CELLS:,} are read. "
            "Give a list of edges."
        )
        raise GRNError(message)
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in values.dtypes):
        values = values.apply(pd.to_numeric, errors="coerce")
    numbers = values.to_numpy(dtype=np.float64)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        message = (
            f"The matrix {title} has {int(bad.sum()):,} cells without a number; the first in row "
            f"{rows[row]}, column {values.columns[column]}. Write 0 where there is no edge."
        )
        raise GRNError(message)
    stated = orientation or _written(header)
    if stated is None:
        raise GRNError(_question(title, rows, values.columns))
    at_row, at_column = numbers.nonzero()
    across, down = np.asarray(values.columns, dtype=object)[at_column], rows[at_row]
    source, target = (across, down) if stated == "targets-in-rows" else (down, across)
    edges = {"source": source, "target": target, "weight": numbers[at_row, at_column]}
    return pd.DataFrame(edges)


def _named(table: pd.DataFrame, title: str) -> tuple[np.ndarray, str, pd.DataFrame]:
    """Names of the rows, the header above them, and the columns of numbers."""
    names = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    names = [c for c in names if str(c).lower() not in NO_NAMES]
    known = [c for c in names if str(c).lower() in TARGETS_IN_ROWS | SOURCES_IN_ROWS]
    index_named = not isinstance(table.index, pd.RangeIndex) and not _counted(table.index)
    values = table.drop(columns=[c for c in table.columns if str(c).lower() in NO_NAMES])
    if known or (names and not index_named):
        column = (known or names)[0]
        rows, header, values = table[column], str(column), values.drop(columns=[column])
    elif index_named:
        rows, header = table.index.to_series(), str(table.index.name or "")
    else:
        rows, header = None, ""
    across_named = not _counted(values.columns)
    if rows is None or not across_named:
        named, missing = "neither axis", "rows and columns"
        if across_named:
            named, missing = "its columns only", "rows"
        elif rows is not None:
            named, missing = "its rows only", "columns"
        message = (
            f"The matrix {title} names {named}: its {missing} have no gene names. "
            "Write the names on both axes."
        )
        raise GRNError(message)
    return np.array([str(name).strip() for name in rows], dtype=object), header, values


def _counted(labels: pd.Index[Any]) -> bool:
    """True for 0, 1, 2, … or no labels at all: numbers, not names."""
    return bool(pd.to_numeric(labels.to_series().astype(str), errors="coerce").notna().all())


def _written(header: str) -> Orientation | None:
    word = header.strip().lower()
    if word in TARGETS_IN_ROWS:
        return "targets-in-rows"
    return "sources-in-rows" if word in SOURCES_IN_ROWS else None


def _question(title: str, rows: np.ndarray, columns: pd.Index[Any]) -> str:
    down, across = share_of_factors(rows), share_of_factors(columns)
    hint = ""
    if max(down, across) >= 0.2:
        hint = (
            f" {down:.0%} of the rows and {across:.0%} of the columns are named like transcription "
            "factors."
        )
    return (
        f"{title} is a matrix of {len(rows):,} × {len(columns):,} names and does not say which "
        f"axis holds the regulators (rows: {listed(rows, 3)}; columns: {listed(columns, 3)})."
        f"{hint} State the orientation: targets-in-rows (a column per regulator) or "
        "sources-in-rows (a row per regulator)."
    )
