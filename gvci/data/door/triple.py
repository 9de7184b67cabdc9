"""A Matrix Market matrix with its barcodes and features, as 10x and GEO give them."""

from __future__ import annotations

import warnings
from typing import TextIO

import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.door.text import TextFile
from gvci.data.door.values import EXPRESSION, Cells, genes_only, sparse
from gvci.errors import FileError

FIELDS = {"integer", "real", "pattern"}
BYTES_PER_ENTRY = 24  # row, column, value


def read_triple(matrix: TextFile, barcodes: TextFile, features: TextFile) -> Cells:
    """Cells × genes, whichever way the matrix lies: its lengths say so.

    Raises:
        FileError: not a coordinate matrix, damaged, too large, or of other lengths than the names.
    """
    cells = [row[0] for row in _rows(barcodes)]
    rows = _rows(features)
    size, pattern, stream = _header(matrix)
    cells, rows = _without_header(cells, rows, size)
    lengths = (len(rows), len(cells))
    if size[:2] not in (lengths, lengths[::-1]):
        message = (
            f"{matrix.name} is {size[0]:,} × {size[1]:,}, but {features.name} names "
            f"{len(rows):,} genes and {barcodes.name} {len(cells):,} cells. Give files that belong "
            "together."
        )
        raise FileError(message)
    values = _entries(matrix, stream, size, pattern)
    notes = []
    turned = size[:2] == lengths
    if lengths[0] == lengths[1]:
        notes.append(f"{matrix.name} is square: its rows are taken as genes, as 10x writes them.")
    values = values.T.tocsr() if turned else values
    genes = [row[1] if len(row) > 1 else row[0] for row in rows]
    ids = {"gene_ids": [row[0] for row in rows]} if any(len(row) > 1 for row in rows) else {}
    made = Cells(cells, genes, {"X": values}, var=dict(ids), notes=notes)
    return genes_only(made, [row[2] if len(row) > 2 else EXPRESSION for row in rows])


def _rows(file: TextFile) -> list[list[str]]:
    """Fields of each line that is not empty."""
    found = []
    for line in file.lines():
        if line.strip():
            separator = "\t" if "\t" in line or "," not in line else ","
            found.append([field.strip('"') for field in line.split(separator)])
    return found


def _without_header(
    cells: list[str], rows: list[list[str]], size: tuple[int, int, int]
) -> tuple[list[str], list[list[str]]]:
    """Some exporters put a header on the names: one line more than the matrix has."""
    sides = set(size[:2])
    if len(cells) not in sides and len(cells) - 1 in sides:
        cells = cells[1:]
    if len(rows) not in sides and len(rows) - 1 in sides:
        rows = rows[1:]
    return cells, rows


def _header(matrix: TextFile) -> tuple[tuple[int, int, int], bool, TextIO]:
    """Rows, columns and entries; whether entries have no values; the stream at the first entry."""
    stream = matrix.text()
    lines = matrix.lines(stream)
    words = next(lines, "").lower().split()
    good = len(words) == 5 and words[0] == "%%matrixmarket" and words[1] == "matrix"
    if not good or words[2] != "coordinate" or words[3] not in FIELDS or words[4] != "general":
        message = (
            f"{matrix.name} does not begin with '%%MatrixMarket matrix coordinate integer general' "
            "(or real, or pattern). Write it as a sparse Matrix Market file."
        )
        raise FileError(message)
    line = next((line for line in lines if line.strip() and not line.startswith("%")), "")
    try:
        rows, columns, entries = (int(word) for word in line.split())
    except ValueError:
        rows = columns = entries = -1
    if min(rows, columns, entries) < 0:
        message = f"{matrix.name} does not say its rows, columns and entries. Copy it again."
        raise FileError(message)
    if entries * BYTES_PER_ENTRY > matrix.limits.unpacked:
        message = (
            f"{matrix.name} declares {entries:,} entries, more than {matrix.limits.size} unpacked. "
            f"{matrix.limits.above}"
        )
        raise FileError(message)
    return (rows, columns, entries), words[3] == "pattern", stream


def _entries(
    matrix: TextFile, stream: TextIO, size: tuple[int, int, int], pattern: bool
) -> sp.csr_matrix:
    rows, columns, declared = size
    names = ["row", "column"] if pattern else ["row", "column", "value"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of lines with other numbers of words
            table = pd.read_csv(
                stream, sep=r"\s+", header=None, names=names, dtype=np.float64, comment="%",
                index_col=False,
            )  # fmt: skip
    except pd.errors.EmptyDataError:
        table = pd.DataFrame({name: np.empty(0) for name in names})
    except (ValueError, Warning):
        message = f"{matrix.name} has entries that are not 'row column value'. Copy it again."
        raise FileError(message) from None
    if len(table) != declared:
        message = (
            f"{matrix.name} declares {declared:,} entries and holds {len(table):,}: it is cut "
            "short or damaged. Copy or upload it again."
        )
        raise FileError(message)
    at = table[["row", "column"]].to_numpy()
    inside = (at >= 1) & (at <= [rows, columns]) & (at == np.floor(at))
    wrong = int((~inside.all(axis=1)).sum())
    if wrong:
        message = (
            f"{wrong:,} entries of {matrix.name} lie outside its {rows:,} × {columns:,} values. "
            "Copy or upload it again."
        )
        raise FileError(message)
    data = np.ones(len(table)) if pattern else table["value"].to_numpy()
    made = sp.coo_matrix(
        (data, (at[:, 0].astype(int) - 1, at[:, 1].astype(int) - 1)), (rows, columns)
    )
    csr = made.tocsr()
    return sparse(csr.data, csr.indices, csr.indptr, (rows, columns), matrix.name)
