"""Named datasets, priors, truths and gene lists: find them, load them, list them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

from gvci.data.door.read import read_cells
from gvci.data.entries import ENTRIES, CatalogueEntry, Kind
from gvci.data.files import availability, cache_dir, checksum, data_dir, locate
from gvci.errors import CatalogueError, FileError, GRNError, listed, nearest
from gvci.grn import GRN, Orientation, from_edges, read_gene_list, read_gmt_sets, read_grn
from gvci.grn.gmt import reason
from gvci.grn.tables import read_text_table
from gvci.grn.text import UNREADABLE, scan
from gvci.progress import Progress

__all__ = [
    "ENTRIES",
    "CatalogueEntry",
    "availability",
    "cache_dir",
    "catalogue_table",
    "data_dir",
    "find",
    "load_dataset",
    "load_genes",
    "load_network",
    "locate",
]
FILE_ENDINGS = (
    ".h5ad", ".h5", ".mtx", ".csv", ".tsv", ".txt", ".parquet", ".graphml", ".gmt", ".gz",
)  # fmt: skip


def find(name: str, *kinds: Kind) -> CatalogueEntry:
    """The entry of a name, an alias or a file name, in any case.

    Raises:
        CatalogueError: unknown; the message lists near matches.
    """
    entry = _match(name, kinds)
    if entry is None:
        what = " or ".join(kinds) or "entry"
        names = [e.name for e in ENTRIES if not kinds or set(kinds) & set(e.kinds)]
        message = (
            f"The catalogue has no {what} '{name}'.{nearest(name, names)} "
            f"It has: {listed(names, 30)}. A path of a file works too."
        )
        raise CatalogueError(message)
    return entry


def _match(name: str, kinds: tuple[Kind, ...]) -> CatalogueEntry | None:
    wanted = name.strip().lower()
    among = [e for e in ENTRIES if not kinds or set(kinds) & set(e.kinds)]
    # A name outranks an alias, an alias a file name: two entries may share a file.
    for keys in (lambda e: (e.name,), lambda e: e.aliases, lambda e: (e.file,)):
        for entry in among:
            if wanted and wanted in {str(key).lower() for key in keys(entry)}:
                return entry
    return None


def load_dataset(
    name_or_path: str | Path, progress: Progress | None = None, labels: Path | None = None
) -> tuple[ad.AnnData, CatalogueEntry | None]:
    """The cells of a catalogue entry or of a file; a file of the catalogue is recognised.

    A file is one that the door reads: .h5ad, 10x .h5, .csv, .tsv, or a folder with a triple;
    `labels` is a table of columns for obs, by cell.

    `progress` is told of a download's bytes.

    Raises:
        CatalogueError: unknown name, or the file cannot be had.
        FileError: the file is missing, damaged or of no kind that is read.
    """
    path, entry = _resolve(name_or_path, ("dataset",))
    if path is None and entry is not None and not entry.file:
        from gvci.data.simulate import simulate

        return simulate().adata, entry
    return read_cells(path or locate(_sure(entry), progress), labels=labels), entry


def load_network(name_or_path: str | Path, orientation: Orientation | None = None) -> GRN:
    """The network of a catalogue entry or of a file of any kind that `read_grn` takes.

    "demo" is the demo's corrupted prior, "demo-truth" its truth. `orientation` is that of a
    file with a matrix whose header does not tell it.

    Raises:
        CatalogueError: unknown name, or the file cannot be had.
        GRNError: the file is missing, damaged or has no usable edge.
    """
    path, entry = _resolve(name_or_path, ("prior", "truth"))
    if entry is None:
        assert path is not None
        return read_grn(path, orientation=orientation)
    if path is None and not entry.file:
        from gvci.data.simulate import simulate

        made = simulate()
        return made.truth if "truth" in entry.kinds else made.prior
    path = path or locate(entry)
    if entry.form == "chip-sets":
        return _human_sets(path, entry)
    if entry.form == "joined":
        return _joined_table(path, entry)
    if entry.form == "no-header":
        return _headless(path, entry)
    return read_grn(path, entry.name)


def load_genes(name_or_path: str | Path, sets: str = "") -> list[str]:
    """The gene names of a catalogue entry, or of a gmt or text file.

    Raises:
        CatalogueError: unknown name, or the file cannot be had.
        GRNError: the file cannot be read or names no gene.
    """
    path, entry = _resolve(name_or_path, ("genes",))
    chosen = sets or (entry.sets[0] if entry is not None and entry.sets else "")
    return read_gene_list(path or locate(_sure(entry)), chosen)


def _resolve(
    name_or_path: str | Path, kinds: tuple[Kind, ...]
) -> tuple[Path | None, CatalogueEntry | None]:
    """The file given, if it is there, and the entry that it is; an entry's own file stays None."""
    text = str(name_or_path)
    path = Path(text)
    if path.is_file():
        known = _match(path.name, kinds)
        same = known is not None and known.size == path.stat().st_size
        return path, known if same else None
    entry = _match(text, kinds)
    if entry is None and "dataset" in kinds and path.is_dir():
        return path, None
    if entry is None and (path.suffix.lower() in FILE_ENDINGS or len(path.parts) > 1):
        message = f"There is no file {path}, and the catalogue has no such name."
        raise (FileError if "dataset" in kinds else GRNError)(message)
    return None, entry or find(text, *kinds)


def _sure(entry: CatalogueEntry | None) -> CatalogueEntry:
    assert entry is not None
    return entry


def _human_sets(path: Path, entry: CatalogueEntry) -> GRN:
    """ChIP sets such as STAT1_20625510_CHIPSEQ_HELA_HUMAN, the human ones only."""
    sets = [(label, genes) for label, genes in read_gmt_sets(path) if "HUMAN" in label.upper()]
    rows = [
        (label.replace(" ", "_").split("_")[0], gene) for label, genes in sets for gene in genes
    ]
    table = pd.DataFrame(rows, columns=["source", "target"]).drop_duplicates()
    return from_edges(table, entry.name)


def _joined_table(path: Path, entry: CatalogueEntry) -> GRN:
    """One edge per TF and target, its databases joined in a column `sources`."""
    with _told(entry):
        table = read_text_table(path, entry.name)
    if entry.sets:
        table = table[table["source"].str.startswith(entry.sets)]
    edges = table.groupby(["tf", "target"], sort=False, as_index=False, observed=True).agg(
        sources=("source", lambda names: ";".join(sorted(set(names)))),
        sign=("sign", lambda signs: next((sign for sign in signs if sign), "")),
    )
    return from_edges(edges.rename(columns={"tf": "source"}), entry.name)


def _headless(path: Path, entry: CatalogueEntry) -> GRN:
    """TRRUST's own file: tf, target, mode and PubMed ids, without a line of column names."""
    with _told(entry), scan(path).open() as lines:
        table = pd.read_csv(
            lines, sep="\t", names=["tf", "target", "mode", "pmid"], na_filter=False
        )
    return from_edges(table, entry.name)


@contextmanager
def _told(entry: CatalogueEntry) -> Iterator[None]:
    """What a damaged file raises becomes a sentence."""
    try:
        yield
    except UNREADABLE as error:
        message = f"{entry.title} cannot be read: {reason(error)}"
        raise GRNError(message) from None


def _columns(entry: CatalogueEntry) -> Iterator[str]:
    """What prepare takes from which column, "perturbation=label" and so on."""
    for part, value in entry.columns.items():
        words = value if isinstance(value, str) else " ".join(value)
        if words:
            yield f"{part}={words}"


def catalogue_table() -> pd.DataFrame:
    """One row per entry, for the page and the command line."""
    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "file": entry.file,
            "kind": ", ".join(entry.kinds),
            "title": entry.title,
            "available": availability(entry),
            "cells": entry.cells,
            "genes": entry.genes,
            "megabytes": None if entry.size is None else round(entry.size / 1e6, 1),
            "simulated": entry.simulated,
            "licence": entry.licence,
            "may_ship": entry.may_ship,
            "about": entry.about,
            "citation": entry.citation,
            "url": entry.urls[0] if entry.urls else entry.source,
            "source": entry.source,
            "sha256": "" if not entry.file else checksum(entry),
            "columns": ", ".join(_columns(entry)),
        }
        for entry in ENTRIES
    ]
    table = pd.DataFrame(rows)
    return table.astype({"cells": "Int64", "genes": "Int64"})
