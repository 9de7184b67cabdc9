"""Symbols for genes that a file names by Ensembl ids: from the file itself, or from a table."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import anndata as ad
import pandas as pd

from gvci.errors import FileError, SettingsError, listed
from gvci.grn.kinds import ENSEMBL, kind_of
from gvci.grn.names import aliases
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
        column = _symbol_column(adata)
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

    Args:
        adata: not changed; its matrices are shared.
        choice: "keep"; "symbols", from a column of var, else from the shipped table of the
            interferon response; or a csv or tsv with an id and a symbol in each line.

    Raises:
        SettingsError: no such file, or no symbol is known for any gene.
        FileError: the file cannot be read as a table.
    """
    if choice == KEEP:
        return adata
    given = [str(name) for name in adata.var_names]
    table, where = _table(adata, choice)
    symbols = [table.get(_unversioned(name), "") for name in given]
    if not any(symbols):
        message = (
            f"No symbol is known for any of the {len(given):,} genes ({listed(given, 3)}) in "
            f"{where}. Give a table of id and symbol: --gene-names FILE.csv."
        )
        raise SettingsError(message)
    counts = Counter(symbol for symbol in symbols if symbol)
    shared = sorted(symbol for symbol, count in counts.items() if count > 1)
    names = [
        symbol if counts[symbol] == 1 else name for symbol, name in zip(symbols, given, strict=True)
    ]
    renamed = sum(name != old for name, old in zip(names, given, strict=True))
    report.append(f"{renamed:,} of {len(given):,} genes are named by symbols from {where}.")
    if shared:
        report.append(
            f"{len(shared):,} symbols stand for several ids, which keep their ids: "
            f"{listed(shared, 3)}."
        )
    return ad.AnnData(
        adata.X, obs=adata.obs, var=pd.DataFrame(index=names), layers=dict(adata.layers)
    )


def _table(adata: ad.AnnData, choice: str) -> tuple[dict[str, str], str]:
    """id → symbol, and where that comes from."""
    if choice != SYMBOLS:
        return _read(Path(choice)), f"the table {Path(choice).name}"
    column = _symbol_column(adata)
    if column is not None:
        symbols = adata.var[column].astype(str).str.strip()
        ids = [_unversioned(str(name)) for name in adata.var_names]
        known = zip(ids, symbols, strict=True)
        return {i: s for i, s in known if s.lower() not in ("", "nan", "none")}, f"var['{column}']"
    shipped = {name: symbols[0] for name, symbols in aliases().items() if ENSEMBL.fullmatch(name)}
    return shipped, f"the shipped table of {len(shipped)} genes"


def _symbol_column(adata: ad.AnnData) -> str | None:
    """A column of var by one of the usual names whose values are names, and not ids."""
    lowered = {str(column).lower(): str(column) for column in adata.var.columns}
    for word in SYMBOL_COLUMNS:
        column = lowered.get(word)
        if column is None or pd.api.types.is_numeric_dtype(adata.var[column]):
            continue
        if kind_of(adata.var[column].astype(str)) != "Ensembl ids":
            return column
    return None


def _read(path: Path) -> dict[str, str]:
    try:
        with scan(path).open() as lines:
            start = lines.readline()
            lines.seek(0)
            rows = list(csv.reader(lines, delimiter=max("\t,;", key=start.count)))
    except FileNotFoundError:
        message = f"gene_names is 'keep', 'symbols' or a file; there is no file {path}."
        raise SettingsError(message) from None
    except (*UNREADABLE, csv.Error) as error:
        message = f"The table of gene names {path.name} cannot be read: {error}."
        raise FileError(message) from None
    return {_unversioned(row[0].strip()): row[1].strip() for row in rows if len(row) > 1}


def _unversioned(name: str) -> str:
    found = ENSEMBL.fullmatch(name)
    return found[1].upper() if found else name
