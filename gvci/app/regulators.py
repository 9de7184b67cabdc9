"""What the Network page says: lookups, the summary line, the card of an edge."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from gvci.app import genes
from gvci.app.edges import Network, Shown, from_edge_list, from_refined, gene_links
from gvci.app.text import MINUS, count, literal, number
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
    """One edge: its status as a badge, three labelled numbers, a sentence, and links."""

    status: str
    icon: str
    colour: Any
    numbers: list[tuple[str, str]]
    words: str
    links: dict[str, dict[str, str]]


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
    words = ""
    if network.background is None:
        numbers = [("Weight", number(weight, signed=weight < 0))]
    else:
        over = number(weight - network.background, signed=True)
        in_prior = "yes" if edge["prior"] else "no"
        numbers = [
            ("In the prior", in_prior),
            ("Refined weight", number(weight)),
            ("Over background", over),
        ]
        if network.knows("evidence"):
            numbers = [
                ("Refined weight", number(weight)),
                ("Evidence (log)", number(float(edge["evidence"]), 1, signed=True)),
                ("Stability", halves(network, edge) or "not judged"),
            ]
            words = explained(network, edge)
    ends = dict.fromkeys((str(edge["source"]), str(edge["target"])))
    return Card(status, icon, colour, numbers, words, {gene: gene_links(gene) for gene in ends})


def explained(network: Network, edge: pd.Series[Any]) -> str:
    """Sign, evidence, stability and prior of an edge, in plain words."""
    background = network.background or 0.0
    over = number(float(edge["weight"]) - background, signed=True)
    parts = [likelihood(float(edge["evidence"]))]
    found = halves(network, edge)
    parts += [f"Found in {found} of the cells." if found else ""]
    prior = "In the prior" if edge["prior"] else "Not in the prior"
    parts += [f"{prior}; {over} over the background."]
    return " ".join(part for part in parts if part)


def likelihood(evidence: float) -> str:
    """A log likelihood ratio in words: what the data alone say."""
    if not math.isfinite(evidence):
        return "What the data say about it is not known."
    times = math.exp(min(abs(evidence), 99.0))
    if times < 1.5:
        return "The data say next to nothing about it."
    words = "over a million" if times > 1e6 else f"{times:.1f}" if times < 10 else _rounded(times)
    better = "an edge than not" if evidence > 0 else "no edge than one"
    return f"The data alone say: {words} times more likely {better}."


def _rounded(value: float) -> str:
    """Two digits that count: 8 123 as "8,100"."""
    step = 10 ** (math.floor(math.log10(value)) - 1)
    return f"{round(value / step) * step:,}"


def halves(network: Network, edge: pd.Series[Any]) -> str:
    """In how many random halves of the cells the evidence is positive: "5 of 5 halves"."""
    share = float(edge.get("stability", math.nan))
    if not math.isfinite(share):
        return ""
    drawn = int(network.meta.get("settings", {}).get("halves", 0))
    return f"{round(share * drawn)} of {drawn} halves" if drawn else f"{100 * share:.0f} %"


def sign_of(edge: pd.Series[Any]) -> tuple[str, str]:
    """The words and the icon of an edge's sign."""
    sign = int(edge.get("sign", 0))
    return {
        1: ("Activates", ":material/arrow_forward:"),
        -1: ("Represses", ":material/line_end:"),
    }.get(sign, ("Sign not known", ":material/question_mark:"))


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
    if network.knows("evidence"):
        signs = edges["sign"].map({1: "+", -1: MINUS, 0: "?"})
        table = table.assign(Sign=signs, Evidence=edges["evidence"])
        if network.knows("stability"):
            drawn = network.meta.get("settings", {}).get("halves", 0)
            found = (edges["stability"] * (drawn or 100)).round().astype("Int64").astype(str)
            table["Stability"] = found + (f"/{drawn}" if drawn else " %")
        return table.assign(Status=edges["status"])
    over = edges["weight"] - (network.background or 0.0)
    prior = edges["prior"].map({1: "yes", 0: "no"})
    return table.assign(**{"Over bg": over, "Status": edges["status"], "Prior": prior})
