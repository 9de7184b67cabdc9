"""The catalogue as the Data page shows it."""

from __future__ import annotations

import pandas as pd

from gvci.data.catalogue import catalogue_table
from gvci.data.files import data_dir

HOW = {
    "shipped": "here, made by gvci",
    "found in GVCI_DATA_DIR": "here, in GVCI_DATA_DIR",
    "cached": "here, downloaded before",
    "downloadable": "python -m gvci prepare {name} --out DATA downloads it",
    "by hand": "fetch it by hand, then put it into GVCI_DATA_DIR",
}


def table() -> pd.DataFrame:
    """Name, what it is, size, licence, and whether it is here or how to get it."""
    known = catalogue_table()
    size = known["cells"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}")
    genes = known["genes"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}")
    shape = [f"{cells} × {gene}" if cells else "" for cells, gene in zip(size, genes, strict=True)]
    how = [
        HOW.get(str(state), str(state)).format(name=name)
        for state, name in zip(known["available"], known["name"], strict=True)
    ]
    return pd.DataFrame(
        {
            "Name": known["name"],
            "Kind": known["kind"],
            "What": known["title"],
            "Cells × genes": shape,
            "MB": known["megabytes"],
            "Licence": known["licence"],
            "Here, or how to get it": how,
            "About": known["about"],
            "Source": known["url"],
        }
    )


def folder() -> str:
    """Where local files are looked for first."""
    found = data_dir()
    return str(found) if found else ""
