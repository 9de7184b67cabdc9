"""A .csv or .tsv of counts: gene columns, label columns, and which way the table lies."""

from __future__ import annotations

import csv
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.door.scan import short
from gvci.data.door.text import TextFile
from gvci.data.door.values import GENE_COLUMNS, Cells, Column
from gvci.errors import FileError, listed

SEPARATORS = (",", "\t", ";")
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "#N/A")
NAMES = frozenset(
    {"", "cell", "cells", "cell_id", "cellid", "cell_name", "cell_barcode", "barcode", "barcodes",
     "index", "id", "name", "gene", "genes", "gene_id", "gene_name", "symbol", "unnamed: 0", "x"}
)  # fmt: skip
# Numbers that describe cells, in any case and with ".", "-" or "_" between the words.
ABOUT_CELLS = frozenset(
    {"n_counts", "n_genes", "ncount_rna", "nfeature_rna", "total_counts", "n_genes_by_counts",
     "pct_counts_mt", "percent_mt", "percent_mito", "size_factor", "batch", "replicate", "donor",
     "donor_id", "patient", "dose", "dose_value", "age", "time", "timepoint", "leiden", "louvain",
     "cluster", "seurat_clusters", "umap_1", "umap_2", "pc_1", "pc_2"}
)  # fmt: skip
GENE = re.compile(
    r"ENS[A-Z]*G\d{6,}(\.\d+)?|MT-\w+|RP[LS]\d+\w*|ACTB|GAPDH|MALAT1|B2M|TMSB4X|EEF1A1|FTL|FTH1|"
    r"VIM|LDHA|STAT\d\w?|IRF\d|JAK\d|CD\d+\w?|HLA-\w+|TP53|MYC|ISG15|IFI\w+|TNF|IL\d+\w*|JUN|FOS",
    re.IGNORECASE,
)
CELL = re.compile(r".*[ACGT]{10,}.*|cell[ _.-]?\d+.*", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What the first pass finds: how to read the table, and that its rows are of equal length."""

    separator: str
    header: list[str]
    width: int
    rows: int
    decimal_comma: bool


def read_table(file: TextFile) -> Cells:
    """The cells of a table of counts; columns of words become labels in obs.

    Raises:
        FileError: not text, rows of unequal lengths, words among numbers, or too large.
    """
    layout = survey(file)
    table = parsed(file, layout)
    header, names = layout.header, None
    if len(header) < layout.width:
        header = ["", *header]
    first = header[0].strip().lower()
    if len(layout.header) < layout.width or first in NAMES or _are_names(table[0]):
        names, table, header = table[0].astype(str).tolist(), table.iloc[:, 1:], header[1:]
    else:
        table[0] = table[0].where(~table[0].isin(MISSING))
    labels, numeric = _sorted_out(table, header, file.name)
    notes: list[str] = []
    if names is None:
        names = [f"row {i + 1}" for i in range(len(table))]
        notes.append(f"The rows of {file.name} have no names and are numbered.")
    columns = [header[i] for i in numeric]
    values = table.iloc[:, numeric].to_numpy(np.float64)
    label_columns = {header[i]: column for i, column in labels.items()}
    turned = _lies_on_its_side(names, columns, label_columns)
    matrix = sp.csr_matrix(values.T if turned else values)
    cells, genes = (columns, names) if turned else (names, columns)
    sides = ("genes", "cells") if turned else ("cells", "genes")
    notes.insert(
        0,
        f"Rows of {file.name} are taken as {sides[0]} and columns as {sides[1]}: "
        f"{len(cells):,} cells × {len(genes):,} genes.",
    )
    if turned:
        var = {k: c for k, c in label_columns.items() if k.lower() in GENE_COLUMNS}
        return Cells(cells, genes, {"X": matrix}, var=var, notes=notes)
    if label_columns:
        notes.append(
            f"{len(label_columns)} columns describe the cells and are no genes: "
            f"{listed(map(short, label_columns))}."
        )
    return Cells(cells, genes, {"X": matrix}, obs=label_columns, notes=notes)


def survey(file: TextFile) -> Layout:
    """Separator, header and size; every row must have as many fields as the first."""
    separator, header, width, rows, decimal_comma = "", [], 0, 0, False
    for number, line in enumerate(file.lines(), 1):
        if not line.strip():
            continue
        if not separator:
            separator = max(SEPARATORS, key=line.count)
            header = [word.strip() for word in next(csv.reader([line], delimiter=separator))]
            continue
        fields = line.count(separator) + 1
        if '"' in line:
            fields = len(next(csv.reader([line], delimiter=separator)))
        rows, width = rows + 1, width or fields
        decimal_comma |= separator == ";" and bool(re.search(r"\d,\d", line))
        if fields != width or (rows == 1 and width - len(header) not in (0, 1)):
            expected = width if fields != width else len(header)
            message = (
                f"Line {number:,} of {file.name} has {fields:,} fields, {expected:,} are expected. "
                "Save the table again, with one line per row and one separator."
            )
            raise FileError(message)
        if rows * width * 8 > file.limits.unpacked:
            message = (
                f"{file.name} holds more than {file.limits.size} unpacked. {file.limits.above}"
            )
            raise FileError(message)
    if width < 2:
        message = (
            f"{file.name} is no table: {rows:,} rows below a header of {len(header):,} fields. "
            "Separate the fields by commas, tabs or semicolons."
        )
        raise FileError(message)
    return Layout(separator, header, width, rows, decimal_comma)


def parsed(file: TextFile, layout: Layout) -> pd.DataFrame:
    """The rows below the header; the first column as text, whatever it says."""
    stream = file.text()
    next(line for line in file.lines(stream) if line.strip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pd.read_csv(
                stream, sep=layout.separator, header=None, names=range(layout.width),
                converters={0: str}, keep_default_na=False, na_values=list(MISSING),
                decimal="," if layout.decimal_comma else ".", index_col=False, low_memory=False,
            )  # fmt: skip
    except ValueError:
        message = f"{file.name} cannot be read as a table. Save it again as CSV UTF-8."
        raise FileError(message) from None


def _are_names(column: pd.Series) -> bool:
    """Words, each different: names rather than labels."""
    return bool(column.is_unique and pd.to_numeric(column, errors="coerce").isna().mean() > 0.5)


def _sorted_out(
    table: pd.DataFrame, header: list[str], name: str
) -> tuple[dict[int, Column], list[int]]:
    """Positions of label columns with their values, and positions of numbers.

    Raises:
        FileError: a column of numbers has words in it.
    """
    labels: dict[int, Column] = {}
    numeric: list[int] = []
    for i, key in enumerate(table.columns):
        column = table[key]
        about = re.sub(r"[.\- ]", "_", header[i].lower()) in ABOUT_CELLS
        if column.dtype.kind not in "fiu":
            parsed = pd.to_numeric(column, errors="coerce")
            words = parsed.isna() & column.notna()
            if column.dtype.kind == "b" or words.sum() * 2 > column.notna().sum():
                labels[i] = [None if pd.isna(v) else str(v) for v in column]
                continue
            if words.any():
                at = int(np.flatnonzero(words)[0])
                message = (
                    f"{int(words.sum()):,} values in column '{short(header[i])}' of {name} are no "
                    f"numbers, the first '{short(str(column.iloc[at]))}' in row {at + 1:,}. "
                    "Correct them or make them labels."
                )
                raise FileError(message)
            table[key] = parsed
        if about:
            labels[i] = table[key].to_numpy()
        else:
            numeric.append(i)
    return labels, numeric


def _lies_on_its_side(rows: list[str], columns: list[str], labels: dict[str, Column]) -> bool:
    """True where rows look like genes or columns like cells, more than the other way round."""
    if any(key.lower() not in GENE_COLUMNS for key in labels):
        return False
    genes_in_rows = _share(GENE, rows) + _share(CELL, columns)
    return genes_in_rows > _share(GENE, columns) + _share(CELL, rows)


def _share(pattern: re.Pattern[str], names: list[str]) -> float:
    return sum(pattern.fullmatch(name) is not None for name in names) / max(len(names), 1)
