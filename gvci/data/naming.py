"""Symbols for genes that a file names by Ensembl ids: from the file itself, or from a table."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from pathlib import Path

import anndata as ad
import pandas as pd

from gvci.errors import FileError, SettingsError, listed, nearest
from gvci.grn.aliases import gencode
from gvci.grn.kinds import ENSEMBL, kind_of
from gvci.grn.text import UNREADABLE, scan

# Columns of var that hold symbols, as 10x, CELLxGENE, scPerturb and others write them.
SYMBOL_COLUMNS = (
    "feature_name", "gene_symbols", "gene_symbol", "gene_name", "gene_names", "symbol", "symbols",
    "gene_short_name", "hgnc_symbol", "gene", "name",
)  # fmt: skip
ID_COLUMNS = ("gene_ids", "gene_id", "ensembl", "ensembl_id", "ensembl_gene_id", "feature_id")
KEEP, SYMBOLS = "keep", "symbols"


def other_names(adata: ad.AnnData) -> dict[str, str]:
    """Gene name → its Ensembl id or its symbol, whichever it is not, where the file holds both.

    With them a network in the other kind of names can be matched, without internet.
    """
    names = [str(name) for name in adata.var_names]
    if kind_of(names) == "Ensembl ids":
        column = symbol_column(adata)
        symbols = [] if column is None else [str(value) for value in adata.var[column]]
        pairs = list(zip(names, symbols, strict=False))
        return {**{symbol: _unversioned(name) for name, symbol in pairs}, **dict(pairs)}
    for column in adata.var.columns:
        if str(column).lower() in ID_COLUMNS:
            ids = [_unversioned(str(value)) for value in adata.var[column]]
            if kind_of(ids) == "Ensembl ids":
                return dict(zip(names, ids, strict=True))
    return {}


def with_gene_names(adata: ad.AnnData, choice: str, report: list[str]) -> ad.AnnData:
    """The same cells with their genes named as the settings ask; said in the report.

    A gene without a symbol keeps its name. So do different ids with one symbol; an id that stands
    there twice gets its symbol twice, for its counts to be summed.

    Args:
        adata: not changed; its matrices are shared.
        choice: "keep"; "symbols", from the usual column of var, else GENCODE's; a column of var;
            or a csv or tsv with an id and a symbol in each line.

    Raises:
        SettingsError: no such column or file, or no symbol is known for any gene.
        FileError: the file cannot be read as a table.
    """
    if choice == KEEP:
        return adata
    given = [str(name) for name in adata.var_names]
    found, where = _symbols(adata, choice)
    if not any(found):
        message = (
            f"No symbol is known for any of the {len(given):,} genes ({listed(given, 3)}) in "
            f"{where}. Give a table of id and symbol: --gene-names FILE.csv."
        )
        raise SettingsError(message)
    # A gene that is named by another's symbol takes part, too.
    owners = {(found[i] or given[i], _unversioned(given[i])) for i in range(len(given))}
    counts = Counter(symbol for symbol, _ in owners)
    names = [
        symbol if symbol and counts[symbol] == 1 else name
        for symbol, name in zip(found, given, strict=True)
    ]
    renamed = sum(name != old for name, old in zip(names, given, strict=True))
    report.append(f"{renamed:,} of {len(given):,} genes are named by symbols from {where}.")
    shared = sorted(symbol for symbol, count in counts.items() if count > 1)
    if shared:
        report.append(
            f"{len(shared):,} symbols stand for several ids, which keep their ids: "
            f"{listed(shared, 3)}."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # repeated names are the findings' business
        var = pd.DataFrame(index=pd.Index(names, dtype=object))
        return ad.AnnData(adata.X, adata.obs, var, uns=adata.uns, layers=dict(adata.layers))


def _symbols(adata: ad.AnnData, choice: str) -> tuple[list[str], str]:
    """A symbol per gene, empty where none is known, and where they come from."""
    column = symbol_column(adata) if choice == SYMBOLS else choice
    if column is not None and column in adata.var:
        words = adata.var[column].astype(object)
        words = words.where(words.notna(), "").astype(str).str.strip()
        symbols = ["" if word.lower() in ("nan", "none") else word for word in words]
        return symbols, f"var['{column}']"
    ids = [_unversioned(str(name)) for name in adata.var_names]
    if choice == SYMBOLS:
        return [gencode().get(i, "") for i in ids], "GENCODE's table of human genes"
    table = _read(Path(choice), [str(name) for name in adata.var])
    return [table.get(i, "") for i in ids], f"the table {Path(choice).name}"


def symbol_column(adata: ad.AnnData) -> str | None:
    """The column of var by one of the usual names whose values are names, and not ids."""
    lowered = {str(column).lower(): str(column) for column in adata.var.columns}
    for word in SYMBOL_COLUMNS:
        column = lowered.get(word)
        if column is None or pd.api.types.is_numeric_dtype(adata.var[column]):
            continue
        if kind_of(adata.var[column].astype(str)) != "Ensembl ids":
            return column
    return None


def _read(path: Path, columns: list[str]) -> dict[str, str]:
    try:
        with scan(path).open() as lines:
            start = lines.readline()
            lines.seek(0)
            rows = list(csv.reader(lines, delimiter=max("\t,;", key=start.count)))
    except FileNotFoundError:
        message = (
            "gene_names is 'keep', 'symbols', a column of var "
            f"({listed(columns, 10) or 'there is none'}) or a file; there is no '{path}'."
            f"{nearest(str(path), columns)}"
        )
        raise SettingsError(message) from None
    except (*UNREADABLE, csv.Error) as error:
        message = f"The table of gene names {path.name} cannot be read: {error}."
        raise FileError(message) from None
    return {_unversioned(row[0].strip()): row[1].strip() for row in rows if len(row) > 1}


def _unversioned(name: str) -> str:
    found = ENSEMBL.fullmatch(name)
    return found[1].upper() if found else name
