"""What the Network page says: lookups, the summary line, the card of an edge."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gvci.app import genes
from gvci.app.edges import Network, Shown, from_edge_list, from_refined, gene_links
from gvci.app.text import count, literal, number
from gvci.errors import GRNError
from gvci.grn import GRN
from gvci.run import Run

BADGES = {
    "added": ("Added", ":material/add:", "orange"),
    "kept": ("Kept", ":material/check:", "gray"),
    "removed": ("Removed", ":material/remove:", "gray"),
    "listed": ("Listed", ":material/list:", "gray"),
}


@dataclass(frozen=True)
class Card:
    """One edge: its status as a badge, up to three labelled numbers, links about its genes."""

    status: str
    icon: str
    colour: Any
    numbers: list[tuple[str, str]]
    links: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Lookup:
    """What a typed gene means here, and the regulators that it could bring onto the page."""

    message: str
    offers: list[tuple[str, list[str]]]


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
    return from_refined(run.grn)


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
    drawn = network.table[network.table["status"] != "absent"]
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
    drawn = network.table[network.table["status"] != "absent"]
    return set(drawn["source"]) | set(drawn["target"])


def limits(network: Network) -> tuple[float, float]:
    """Smallest and largest value of the weight filter; it starts at α."""
    alpha = math.floor((network.alpha or 0.0) * 100) / 100
    top = math.ceil(float(network.table["weight"].max()) * 100) / 100
    return alpha, max(top, alpha + 0.01)


def summary(network: Network, shown: Shown) -> str:
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


def card(network: Network, edge: pd.Series[Any]) -> Card:
    """The card of one edge of the table."""
    status, icon, colour = BADGES[str(edge["status"])]
    weight = float(edge["weight"])
    if network.background is not None:
        numbers = [
            ("In the prior", "yes" if edge["prior"] else "no"),
            ("Refined weight", number(weight)),
            ("Over background", number(weight - network.background, signed=True)),
        ]
    else:
        numbers = [("Weight", number(weight, signed=weight < 0))]
    ends = dict.fromkeys((str(edge["source"]), str(edge["target"])))
    return Card(status, icon, colour, numbers, {gene: gene_links(gene) for gene in ends})


def perturbations_of(run: Run, gene: str) -> list[tuple[str, str]]:
    """Perturbations of the model that hit this gene, each with the words of its button."""
    if run.kind == "grn":
        return []
    found = []
    for label in run.model.treatment_code.levels:
        if label == gene:
            found.append((label, f"Knock out {literal(gene)} and predict"))
        elif label.split(" ")[0] == gene:
            found.append((label, f"Predict {literal(label)}"))
    return found


def rows(network: Network, edges: pd.DataFrame) -> pd.DataFrame:
    """The table beside the graph: the same edges in the same order."""
    table = edges[["source", "target", "weight"]].set_axis(
        ["Regulator", "Target", "Weight"], axis=1
    )
    if not network.refined:
        return table
    over = edges["weight"] - (network.background or 0.0)
    prior = edges["prior"].map({1: "yes", 0: "no"})
    return table.assign(**{"Over bg": over, "Status": edges["status"], "Prior": prior})
