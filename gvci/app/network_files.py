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
from gvci.app.report import Report, Section, page
from gvci.app.text import plain
from gvci.errors import GRNError
from gvci.grn import GRN, Orientation, read_grn
from gvci.grn.names import in_names_of, known_ids
from gvci.run import Run
from gvci.workspaces import Upload, keep_network

WEIGHTS = (
    "Grey: kept from the prior. Orange: added by refinement. Dashed: removed. Arrow: activates. "
    "Bar: represses, where the sign is known. An edge is no proof of binding."
)
KINDS = (
    "An edge list with the columns source (or tf) and target, or a matrix, as csv, tsv or "
    "parquet; GraphML; SCENIC's reg.csv; or a gmt."
)
HOW_TO_OPEN = f"{KINDS} Its names are matched with this run's. Other runs: the list at the top."
UPLOADS = ("csv", "tsv", "txt", "parquet", "graphml", "gmt", "gz")
ORIENTATIONS: dict[str, Orientation | None] = {
    "A list of edges, or its header tells": None,
    "A matrix with a column per regulator": "targets-in-rows",
    "A matrix with a row per regulator": "sources-in-rows",
}


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

    def whole() -> str:
        drawn = vector.network(edges, layout, title, about, "svg")
        told = f"{len(edges):,} edges of {', '.join(choice.regulators[:6])}."
        section = Section("The network", [WEIGHTS], drawn, told, edges)
        return page(Report(title, [told], [section], about))

    def name(kind: str, what: str = "network") -> str:
        return export.file_name(what, *choice.regulators[:4], run.fingerprint, kind=kind)

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
        Download("Report (.html)", name("html", "report"), "text/html", whole),
    ]


def read_upload(name: str, content: bytes, orientation: Orientation | None = None) -> GRN:
    """An uploaded network; the name serves as a label and for its ending only.

    Raises:
        GRNError: unreadable, of another type, or without usable edges.
    """
    ending = ".".join(part for part in name.lower().split(".")[-2:] if part in UPLOADS)
    if not ending:
        message = (
            f"{plain(name)} is not csv, tsv, parquet, graphml or gmt; networks are read from those."
        )
        raise GRNError(message)
    with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
        path = Path(folder) / f"network.{ending}"
        path.write_bytes(content)
        return read_grn(path, plain(name), orientation)


def keep(
    workspace: str, name: str, content: bytes, orientation: Orientation | None = None
) -> Upload:
    """Read an uploaded network and keep its edges.

    Raises:
        GRNError: as `read_upload`.
        FileError: there is no room for it.
    """
    return keep_network(workspace, plain(name), read_upload(name, content, orientation))


def matched(grn: GRN, run: Run) -> tuple[GRN, str]:
    """An uploaded network in the names of the run's genes, and how it maps to them, in words.

    Raises:
        GRNError: too little in common.
    """
    grn, match = in_names_of(grn, run.data.genes, known_ids(run.data.adata.var))
    inside = grn.restricted(list(run.data.genes), "this run's genes")
    lines = [
        f"{len(inside):,} of {len(grn):,} edges are in this run; "
        f"{inside.edges['source'].nunique():,} regulators.",
        *match.sentences("this network", "this run"),
        *inside.notes,
    ]
    return grn, " ".join(dict.fromkeys(lines))
