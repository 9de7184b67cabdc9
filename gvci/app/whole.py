"""The whole network as tables, for as a drawing it would be a hairball."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gvci.app import export
from gvci.app.edges import STATUSES, Network
from gvci.app.exhibit import Column
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.regulators import EDGE_COLUMNS, rows
from gvci.app.text import count
from gvci.run import Run

HUBS, ADDED, REMOVED, ALL = "Hubs", "Added edges", "Removed edges", "All edges"
HUB_COLUMNS = {
    "Gene": Column(120),
    "Targets": Column(90, "%d", "Out-degree: edges from it, kept and added."),
    "Regulated by": Column(100, "%d", "In-degree: edges to it, kept and added."),
    "Kept": Column(80, "%d"),
    "Added": Column(80, "%d"),
    "Removed": Column(90, "%d", "Edges of the prior from it that refinement took away."),
    "Share added": Column(110, "%.0f %%", "Added edges among its targets."),
}
COLUMNS = {**HUB_COLUMNS, **EDGE_COLUMNS}


def parts(network: Network) -> list[str]:
    """The tables that there are: an edge list has no added and no removed edges."""
    return [HUBS, ADDED, REMOVED, ALL] if network.refined else [HUBS, ALL]


def hubs(network: Network) -> pd.DataFrame:
    """One row a regulator, most targets first."""
    table = network.table
    adopted = table[table["status"] != "removed"]
    found = pd.DataFrame(
        {
            "Targets": adopted["source"].value_counts(),
            "Regulated by": adopted["target"].value_counts(),
        }
    ).reindex(network.regulators)
    if network.refined:
        by_status = pd.crosstab(table["source"], table["status"])
        for status in STATUSES:
            found[status.capitalize()] = by_status.get(status, 0)
    found = found.fillna(0).astype(int)
    if network.refined:
        found["Share added"] = 100 * found["Added"] / found["Targets"].clip(lower=1)
    found = found.rename_axis("Gene").reset_index()
    return found.sort_values(["Targets", "Gene"], ascending=[False, True], ignore_index=True)


def table(network: Network, part: str) -> pd.DataFrame:
    """The rows of one of `parts`, as the page lists them."""
    if part == HUBS:
        return hubs(network)
    chosen = network.table
    if part != ALL:
        chosen = chosen[chosen["status"] == part.split(" ")[0].lower()].reset_index(drop=True)
    return rows(network, chosen)


def ticked(table: pd.DataFrame, chosen: Sequence[str]) -> list[int]:
    """Rows of the hubs that are chosen as regulators."""
    return [int(at) for at in table.index[table["Gene"].isin(chosen)]]


def joined(table: pd.DataFrame, ticks: Sequence[int], chosen: Sequence[str]) -> list[str]:
    """The regulators after a tick; those chosen before stay in their order."""
    names = [str(table.loc[at, "Gene"]) for at in ticks if at < len(table)]
    return [name for name in chosen if name in names] + [n for n in names if n not in chosen]


def summary(network: Network) -> str:
    """The whole network in one line of numbers, Markdown."""
    edges = network.table
    genes = pd.unique(pd.concat([edges["source"], edges["target"]]))
    sources, touched = count(len(network.regulators), "regulator"), count(len(genes), "gene")
    size = f"{sources} and {touched} with an edge"
    if not network.refined:
        return f"**{count(len(edges), 'edge')}** of {size}."
    counts, known = network.counts(), "listed" if network.trimmed else "judged"
    return (
        f"**{count(counts['kept'] + counts['added'], 'edge')}** of {size}: "
        f":orange[**{counts['added']:,} added**] by refinement, **{counts['kept']:,} kept** from "
        f"the prior; {counts['removed']:,} of the prior's {counts['kept'] + counts['removed']:,} "
        f"removed. {count(len(network.judged), 'pair')} {known}."
    )


def words(network: Network, part: str) -> str:
    """How to read a table, and what ticking does; Markdown."""
    if part == HUBS:
        return (
            "Ticked rows are the regulators of the other views: tick one to add it. Degrees count "
            "kept and added edges. Click a heading to sort."
        )
    ranked = "evidence" if network.ranked_by == "evidence" else "weight"
    return f"Strongest first, by {ranked}. Click a heading to sort; Export has every edge."


def alt_text(network: Network, part: str) -> str:
    """What a table is, for a screen reader."""
    what = "regulators, most targets first" if part == HUBS else f"{part.lower()}, strongest first"
    return f"{len(table(network, part)):,} {what}, of the whole network."


def downloads(run: Run, network: Network) -> list[Download]:
    """Hubs and all edges as CSV, the edges as GraphML."""
    about = facts(run, network=network.name)
    edges = network.table

    def name(what: str, kind: str) -> str:
        return export.file_name(what, run.fingerprint, kind=kind)

    return [
        Download(
            "Hubs (CSV)", name("hubs", "csv"), "text/csv", lambda: export.csv(hubs(network), about)
        ),
        Download(
            "All edges (CSV)", name("all-edges", "csv"), "text/csv",
            lambda: export.csv(edges, about),
        ),
        Download(
            "All edges (GraphML)", name("all-edges", "graphml"), "application/xml",
            lambda: export.graphml(edges, about),
        ),
    ]  # fmt: skip
