"""The card of one edge: weights before and after, what the data say of it, and its links."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gvci.app.badge import Badge
from gvci.app.edges import Network, gene_links
from gvci.app.evidence import NONE_HERE, Record
from gvci.app.scenario import default_pair, in_link
from gvci.app.text import italic, literal, number, plain
from gvci.run import Run

BADGES = {
    "added": Badge("Added", ":material/add:", "orange"),
    "kept": Badge("Kept", ":material/check:", "gray"),
    "removed": Badge("Removed", ":material/remove:", "gray"),
    "listed": Badge("Listed", ":material/list:", "gray"),
}


@dataclass(frozen=True)
class Card:
    """One edge.

    Attributes:
        title: "STAT1 → GBP1", Markdown.
        badges: its sign where signs are known, its status.
        numbers: labelled: weight before → after, height over the background, stability.
        words: what the data alone say of it, and in how many seeds it is adopted; empty where that
            is not known.
        evidence: what outside target sets say of it, as Markdown badges.
        links: Markdown, a line a gene.
    """

    title: str
    badges: list[Badge]
    numbers: list[tuple[str, str]]
    words: str
    evidence: str
    links: str


def label(edge: pd.Series[Any]) -> str:
    """An edge in a list: both genes, plain text."""
    return f"{plain(edge['source'], 40)} → {plain(edge['target'], 40)}"


def card(network: Network, edge: pd.Series[Any], records: Sequence[Record]) -> Card:
    """The card of one edge of the table."""
    ends = [str(edge["source"]), str(edge["target"])]
    weight = float(edge["weight"])
    numbers = [("Weight", number(weight, signed=weight < 0))]
    words = ""
    if network.background is not None:
        # A prior says yes or no: 1 or 0.
        before = int(edge["prior"])
        numbers = [
            ("Weight, prior → refined", f"{before} → {number(weight)}"),
            ("Over background", number(weight - network.background, signed=True)),
        ]
        if network.knows("evidence"):
            numbers.append(("Stability", halves(network, edge) or "not judged"))
            words = likelihood(float(edge["evidence"]))
        if network.knows("seeds"):
            words += f" Adopted in {seeds(network, edge)}."
    return Card(
        " → ".join(map(italic, ends)),
        ([sign_of(edge)] if network.knows("sign") else []) + [BADGES[str(edge["status"])]],
        numbers,
        words,
        _outside(records),
        "  \n".join(
            f"{italic(gene)}: " + " · ".join(f"[{name}]({url})" for name, url in links.items())
            for gene, links in ((gene, gene_links(gene)) for gene in dict.fromkeys(ends))
        ),
    )


def _outside(records: Sequence[Record]) -> str:
    if not records:
        return f":small[{NONE_HERE}]"
    return f"Outside evidence {' '.join(record.badge for record in records)}"


def likelihood(evidence: float) -> str:
    """A log likelihood ratio in words: what the data alone say."""
    if not math.isfinite(evidence):
        return "What the data say about it is not known."
    times = math.exp(min(abs(evidence), 99.0))
    if times < 1.5:
        return "The data say next to nothing about it."
    words = "over a million" if times > 1e6 else f"{times:.1f}" if times < 10 else _rounded(times)
    better = "an edge than not" if evidence > 0 else "no edge than one"
    sure = number(evidence, 1, signed=True)
    return f"The data alone say: {words} times more likely {better} (log likelihood ratio {sure})."


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


def seeds(network: Network, edge: pd.Series[Any]) -> str:
    """In how many refinements of cells drawn anew it is adopted: "5 of 5 seeds"."""
    made = int(network.meta.get("settings", {}).get("seeds", 0))
    return f"{round(float(edge['seeds']) * made)} of {made} seeds"


def sign_of(edge: pd.Series[Any]) -> Badge:
    """The badge of an edge's sign."""
    sign = int(edge.get("sign", 0))
    words, icon = {
        1: ("Activates", ":material/arrow_forward:"),
        -1: ("Represses", ":material/line_end:"),
    }.get(sign, ("Sign not known", ":material/question_mark:"))
    return Badge(words, icon, "gray")


@dataclass(frozen=True)
class Ask:
    """A question of an edge that the model can answer.

    Attributes:
        words: of its button.
        query: the link of Counterfactual, beside the run.
    """

    words: str
    query: Mapping[str, str]


def asks(run: Run, source: str, target: str) -> list[Ask]:
    """What taking the regulator away would do; where no perturbation hits it, what the target
    does under the run's own, in cells that training never saw under it, where there are such.
    """
    if run.kind == "grn":
        return []
    found = []
    for label in run.model.treatment_code.levels:
        if label == source:
            found.append(Ask(f"Knock out {literal(source)} and predict", {"perturbation": label}))
        elif label.split(" ")[0] == source:
            found.append(Ask(f"Predict {literal(label)}", {"perturbation": label}))
    if found:
        return found
    group, label = default_pair(run)
    words = f"Predict {literal(target)} under {literal(label)}"
    parts = ",".join(run.model.treatment_code.parts(label))
    return [Ask(words, {"perturbation": parts, "genes": target, **in_link(run.data, group)})]
