"""The files of the Network page, each made when it is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gvci.app import export, interactive, vector
from gvci.app.edges import Choice, Network
from gvci.app.layout import Layout
from gvci.app.provenance import facts
from gvci.app.text import plain
from gvci.errors import GRNError
from gvci.grn import GRN, read_grn
from gvci.run import Run

UPLOADS = ("csv", "tsv", "txt", "parquet", "gmt", "gz")


@dataclass(frozen=True)
class Download:
    """A button: its words, the file's name and kind, and what makes the bytes."""

    label: str
    name: str
    mime: str
    make: Callable[[], str | bytes]


def downloads(
    run: Run, network: Network, edges: pd.DataFrame, layout: Layout, choice: Choice
) -> list[Download]:
    """CSV, GraphML, SVG, PNG and an interactive page of the edges that are shown."""
    about = facts(
        run,
        network=network.name,
        regulators=" ".join(choice.regulators),
        edges_per_regulator=choice.k,
        statuses=" ".join(choice.statuses),
        smallest_weight=choice.minimum,
    )
    title = f"{', '.join(choice.regulators[:6])}: {network.name}"

    def name(kind: str) -> str:
        return export.file_name("network", *choice.regulators[:4], run.fingerprint, kind=kind)

    return [
        Download("CSV", name("csv"), "text/csv", lambda: export.csv(edges, about)),
        Download(
            "GraphML",
            name("graphml"),
            "application/graphml+xml",
            lambda: export.graphml(edges, about),
        ),
        Download(
            "SVG",
            name("svg"),
            "image/svg+xml",
            lambda: vector.network(edges, layout, title, about, "svg"),
        ),
        Download(
            "PNG",
            name("png"),
            "image/png",
            lambda: vector.network(edges, layout, title, about, "png"),
        ),
        Download(
            "Interactive page",
            name("html"),
            "text/html",
            lambda: interactive.page(edges, layout, about),
        ),
    ]


def read_upload(name: str, content: bytes) -> GRN:
    """An uploaded edge list; the name serves as a label and for its ending only.

    Raises:
        GRNError: unreadable, of another type, or without usable edges.
    """
    ending = ".".join(part for part in name.lower().split(".")[-2:] if part in UPLOADS)
    if not ending:
        message = f"{plain(name)} is not csv, tsv, parquet or gmt; networks are read from these."
        raise GRNError(message)
    with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
        path = Path(folder) / f"network.{ending}"
        path.write_bytes(content)
        return read_grn(path, plain(name))


def report(grn: GRN, run: Run) -> str:
    """How an uploaded list maps to the run's genes, in words.

    Raises:
        GRNError: too little in common.
    """
    genes = set(map(str, run.data.genes))
    named = set(grn.edges["source"]) | set(grn.edges["target"])
    inside = grn.restricted(list(run.data.genes), "this run's genes")
    sources = inside.edges["source"].nunique()
    lines = [
        f"{len(inside):,} of {len(grn):,} edges and {len(named & genes):,} of {len(named):,} genes "
        f"are in this run; {sources:,} regulators.",
        *inside.notes,
    ]
    return " ".join(dict.fromkeys(lines))
