"""The catalogue as the Data page shows it."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gvci.data.catalogue import catalogue_table, find
from gvci.data.files import availability, data_dir, locate

HOW = {
    "shipped": "here, made by gvci",
    "found in GVCI_DATA_DIR": "here, in GVCI_DATA_DIR",
    "cached": "here, downloaded before",
    "downloadable": "download it below, or: python -m gvci fetch {name}",
    "by hand": "fetch it by hand from {source}, then put it as {file} into GVCI_DATA_DIR",
}


def table() -> pd.DataFrame:
    """Name, what it is, size, licence, and whether it is here or how to get it."""
    known = catalogue_table()
    size = known["cells"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}")
    genes = known["genes"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}")
    pairs = zip(size, genes, strict=True)
    shape = [f"{cells} × {gene or '?'}" if cells else "" for cells, gene in pairs]
    parts = zip(*(known[c] for c in ("available", "name", "source", "file")), strict=True)
    how = [
        HOW[state].format(name=name, source=source, file=file)
        for state, name, source, file in parts
    ]
    return pd.DataFrame(
        {
            "Name": known["name"],
            "Kind": known["kind"],
            "What": known["title"],
            "Cells × genes": shape,
            "MB": known["megabytes"],
            "Licence": known["licence"],
            "May be passed on": known["may_ship"].map({True: "yes", False: "no"}),
            "Here, or how to get it": how,
            "About": known["about"],
            "Columns": known["columns"],
            "Citation": known["citation"],
            "Source": known["url"],
            "SHA-256": known["sha256"],
        }
    )


def folder() -> str:
    """Where local files are looked for first."""
    found = data_dir()
    return str(found) if found else ""


def downloadable() -> list[str]:
    """Names of what is not here and can be downloaded."""
    known = catalogue_table()
    return [str(name) for name in known.loc[known["available"] == "downloadable", "name"]]


def licence(name: str) -> tuple[str, bool]:
    """What an entry's licence is, and whether it must be accepted first."""
    entry = find(name)
    return entry.licence, entry.ask_licence


def download(name: str, accepted: bool, told: Callable[[float, str], object]) -> str:
    """Fetch an entry into the cache; where it is then, as the table says it.

    Args:
        name: of the entry. accepted: its licence, where it asks.
        told: called with the share that is here (0 to 1) and words.

    Raises:
        CatalogueError: it cannot be had; says why and how else.
    """

    def report(done: int, total: int, _: str) -> None:
        share = min(1.0, done / total) if total else 0.0
        of = f" of {total / 1e6:,.1f}" if total else ""
        told(share, f"{done / 1e6:,.1f}{of} MB")

    entry = find(name)
    locate(entry, report, accepted)
    return f"{entry.title} is {HOW[availability(entry)]}."
