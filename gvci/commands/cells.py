"""The verbs of cells: datasets, fetch, prepare."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvci.config import PrepareSettings, read_words
from gvci.errors import CatalogueError

if TYPE_CHECKING:
    from gvci.data.entries import CatalogueEntry


def datasets(given: Namespace) -> list[dict[str, Any]]:
    """List the catalogue."""
    from gvci.data.catalogue import catalogue_table

    table = catalogue_table()
    if not given.json:
        shown = ["name", "kind", "available", "cells", "genes", "megabytes", "licence", "title"]
        print(table[shown].to_string(index=False, na_rep=""))
        print("More of each (source, columns, citation, checksum): --json. Download: fetch NAME.")
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def fetch(given: Namespace) -> dict[str, Any]:
    """Download a named file into the cache, after its licence was accepted where it asks that."""
    from gvci.data.catalogue import find
    from gvci.data.files import locate
    from gvci.jobs.progress import told

    entry = find(given.name)
    with told("fetch", unit="B") as progress:
        path = locate(entry, progress, given.accept_licence)
    print(f"{entry.title} is in {path}. Licence: {entry.licence}.")
    return {"name": entry.name, "path": str(path), "licence": entry.licence}


def prepare(given: Namespace) -> None:
    """QC, normalise, choose genes, split; write DATA."""
    from gvci.data.catalogue import load_dataset
    from gvci.data.prepare import prepare as prepare_cells
    from gvci.jobs.progress import told

    with told("fetch", unit="B") as progress:
        adata, entry = load_dataset(given.data, progress, given.labels)
    asked = read_words(given.config, given.words)
    options = {
        "perturbation": given.perturbation,
        "control": given.control,
        "covariates": given.covariates,
        "real_covariates": given.real_covariates,
        "dose": given.dose,
        "n_genes": given.genes,
        "keep_genes": _genes(given.keep_genes) or None,
        "gene_names": given.gene_names,
        "holdout": given.holdout,
        "ood": given.ood,
        "seed": given.seed,
    }
    asked |= {name: value for name, value in options.items() if value is not None}
    settings = PrepareSettings.checked(_usual(entry, asked) | asked)
    identity: dict[str, Any] = {"name": given.name or Path(given.data).stem}
    if entry is not None:
        names = ("name", "title", "simulated", "licence", "citation")
        identity = {name: getattr(entry, name) for name in names}
    if given.name:
        identity["title"] = given.name
    data = prepare_cells(adata, settings, **identity)
    data.write(given.out)
    for line in [*data.meta.get("report", []), *(f.sentence for f in data.findings)]:
        print(line)
    print(f"Wrote {data.n_cells:,} cells × {len(data.genes):,} genes to {given.out}.")


def _usual(entry: CatalogueEntry | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the catalogue says of a dataset, where the user says nothing."""
    if entry is None:
        return {}
    usual = {name: value for name, value in entry.columns.items() if value is not None}
    if not {"holdout", "ood", "ood_level"} & set(asked):
        usual |= {"holdout": entry.holdout, "ood": entry.ood}
    return usual


def _genes(words: Sequence[str]) -> list[str]:
    """Genes named one by one, in files, or by catalogue name; "FILE.gmt:WORD" picks sets."""
    from gvci.data.catalogue import load_genes

    genes: list[str] = []
    for word in words:
        name, _, sets = word.partition(":")
        try:
            genes += load_genes(name, sets)
        except CatalogueError:
            if "." in Path(name).name and Path(name).suffix in (".gmt", ".txt", ".csv", ".gz"):
                raise
            genes.append(word)
    return list(dict.fromkeys(genes))
