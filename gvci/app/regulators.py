"""What the Network page says: lookups, the weight filter, the summary line, the edge table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import pandas as pd

from gvci.app import genes
from gvci.app.edges import Network, Shown, from_edge_list, from_refined
from gvci.app.exhibit import Column
from gvci.app.text import MINUS, count, number
from gvci.errors import GRNError
from gvci.grn import GRN
from gvci.run import Run

EDGE_COLUMNS = {
    "Regulator": Column(68),
    "Target": Column(78),
    "Weight": Column(54, "%.3f"),
    "Over bg": Column(66, "%.3f", "Weight over the background."),
    "Sign": Column(38, "", "+ activates, − represses, ? not known"),
    "Evidence": Column(64, "%.1f", "Log likelihood ratio of edge against no edge."),
    "Stability": Column(64, "", "Random halves of the cells in which the evidence is positive."),
    "Status": Column(62),
    "Seeds": Column(52, "", "Refinements of cells drawn anew in which the edge is adopted."),
    "Prior": Column(48),
}


@dataclass(frozen=True)
class Lookup:
    """What a typed gene means here, and the regulators that it could bring onto the page."""

    message: str
    offers: list[tuple[str, list[str]]]


_networks: WeakKeyDictionary[Run, Network] = WeakKeyDictionary()


def opened(run: Run, uploaded: GRN | None) -> Network:
    """The uploaded edge list if there is one, else the run's network.

    Raises:
        GRNError: the run has none, or the list shares too little with the run's genes.
    """
    if uploaded is not None:
        return from_edge_list(uploaded, [str(gene) for gene in run.data.genes])
    if run.grn is None:
        message = (
            f"{run.name} was trained without a network. Open another run, or upload an edge list."
        )
        raise GRNError(message)
    found = _networks.get(run)
    if found is None:
        found = _networks[run] = from_refined(run.grn)
    return found


def symbol(query: str, known: Iterable[str]) -> str | None:
    """The regulator that a word means, if any."""
    return genes.look_up(query, known).symbol


def look_up(query: str, network: Network, run: Run) -> Lookup:
    """Explain a gene: what it is called here, what it regulates, where it is absent."""
    regulators = set(network.regulators)
    found = genes.look_up(query, [*network.regulators, *network.genes])
    places: dict[str, Iterable[str]] = {"data": run.data.genes, "graph": _drawn(network)}
    if run.kind == "run":
        places["model"] = run.model.genes
    said = [genes.explain(found)] if genes.explain(found) else []
    absent = genes.absence(found, places)
    said += [absent] if absent else []
    if found.symbol is None:
        near = [name for name in found.suggestions if name in regulators]
        return Lookup(" ".join(said), [(f"Show {name}", [name]) for name in near[:3]])
    name = found.symbol
    offers: list[tuple[str, list[str]]] = []
    drawn = network.table
    if name in regulators:
        out = int((drawn["source"] == name).sum())
        said.append(f"{name} has {count(out, 'edge')} here.")
        offers.append((f"Show {name}", [name]))
    else:
        said.append(f"{name} regulates nothing here.")
    onto = drawn[(drawn["target"] == name) & drawn["status"].ne("removed")]
    if len(onto):
        strongest = [str(source) for source in onto["source"].head(4)]
        said.append(f"{count(len(onto), 'edge leads', 'edges lead')} to it.")
        offers.append((f"Show what regulates {name}", strongest))
    return Lookup(" ".join(said), offers)


def _drawn(network: Network) -> set[str]:
    return set(network.table["source"]) | set(network.table["target"])


def limits(network: Network) -> tuple[float, float, float]:
    """Smallest, largest and first value of the weight filter.

    It reaches down to α. It starts above the prior floor where that lies above α: prior edges
    about which the data say nothing stand on it. Where nothing is above, it starts at α.
    """
    low = math.floor((network.alpha or 0.0) * 100) / 100
    highest = float(network.table["weight"].max())
    high = max(math.ceil(highest * 100) / 100, low + 0.01)
    floor = network.prior_floor
    if floor is None or network.alpha is None or floor <= network.alpha:
        return low, high, low
    above = math.ceil(floor * 100) / 100
    return low, high, above if above <= highest else low


def limits_words(network: Network) -> str:
    """Why the weight filter starts where it does, for its help."""
    low, _, first_shown = limits(network)
    starts = "above the prior floor" if first_shown > low else "at α"
    return (
        f"It starts {starts}, and reaches down to α; the background is "
        f"{number(network.background)}."
    )


def summary(shown: Shown) -> str:
    """ "Showing 50 of 421 edges: 35 added by refinement, 15 kept from the prior." as Markdown."""
    counts = shown.edges["status"].value_counts()
    words = {
        "added": ":orange[**{} added**] by refinement",
        "kept": "**{} kept** from the prior",
        "removed": "{} removed (dashed)",
        "listed": "{} listed",
    }
    parts = [text.format(int(counts[s])) for s, text in words.items() if counts.get(s, 0)]
    return f"**{shown.sentence}**: {', '.join(parts)}."


def rows(network: Network, edges: pd.DataFrame) -> pd.DataFrame:
    """The table beside the graph: the same edges in the same order."""
    table = edges[["source", "target", "weight"]].set_axis(
        ["Regulator", "Target", "Weight"], axis=1
    )
    if not network.refined:
        return table
    if network.knows("evidence"):
        signs = edges["sign"].map({1: "+", -1: MINUS, 0: "?"})
        table = table.assign(Sign=signs, Evidence=edges["evidence"])
        if network.knows("stability"):
            drawn = network.meta.get("settings", {}).get("halves", 0)
            found = (edges["stability"] * (drawn or 100)).round().astype("Int64").astype(str)
            table["Stability"] = found + (f"/{drawn}" if drawn else " %")
        table = table.assign(Status=edges["status"])
        if network.knows("seeds"):
            made = network.meta.get("settings", {}).get("seeds", 0)
            adopted = (edges["seeds"] * made).round().astype("Int64").astype(str)
            table["Seeds"] = adopted + f"/{made}"
        return table
    over = edges["weight"] - (network.background or 0.0)
    prior = edges["prior"].map({1: "yes", 0: "no"})
    return table.assign(**{"Over bg": over, "Status": edges["status"], "Prior": prior})
