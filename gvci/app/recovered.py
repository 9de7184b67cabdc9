"""Edge recovery for the Network page: which target sets fit, scores, the verdict in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gvci.app.edges import Network
from gvci.app.text import literal, number
from gvci.data.catalogue import load_network
from gvci.data.entries import ENTRIES
from gvci.data.files import HERE, availability
from gvci.edges import rivals
from gvci.edges.recovery import View, curve, evaluate_edges
from gvci.errors import GvciError
from gvci.grn import GRN
from gvci.run import Run

RESAMPLES = 200
MOST_GENES_FOR_FORESTS = 500
PAIRS: dict[str, View] = {"All pairs": "all", "In the prior": "prior", "Novel": "novel"}
NAMES = {
    "refined": "Refined",
    "prior": "Prior",
    "correlation": "|Pearson|",
    "correlation_within": "|Pearson| within groups",
    "genie3": "GENIE3",
    "prior_correlation": "Prior, then |Pearson|",
    "prior_correlation_within": "Prior, then |Pearson| within groups",
    "prior_genie3": "Prior, then GENIE3",
}
NO_TRUTH = (
    "**No set of known targets here names these regulators.** Put CollecTRI, TRRUST or ChEA (the "
    "Data page lists their files) into a folder and start the dashboard with GVCI_DATA_DIR set to "
    "it, or score against a list of your own: `python -m gvci edges RUN --truth FILE`."
)


@dataclass(frozen=True)
class Target:
    """A set of known edges: its catalogue name, its title, and the regulators that it knows."""

    name: str
    title: str
    regulators: tuple[str, ...]


@dataclass(frozen=True)
class Recovery:
    """Scores and curves of one network against one target set.

    Attributes:
        target: the set.
        scores: view → what `evaluate_edges` says of it; None where it has no such pairs.
        curves: view → what `curve` returns.
        notes: what was left out.
    """

    target: Target
    scores: dict[str, dict[str, Any] | None]
    curves: dict[str, pd.DataFrame]
    notes: list[str]


def candidates(run: Run) -> list[str]:
    """Names of the target sets on this machine that may fit the cells, simulated to simulated.

    Real target sets say nothing about simulated cells, whose gene names are borrowed.
    """
    return [
        entry.name
        for entry in ENTRIES
        if "truth" in entry.kinds
        and availability(entry) in HERE
        and entry.simulated == run.data.simulated
        and (entry.name != "demo-truth" or run.data.name == "demo")
    ]


def load(name: str, genes: Sequence[str]) -> GRN | None:
    """A target set among these genes; None where it cannot be read or shares too little."""
    try:
        return load_network(name).restricted(genes, "this run's genes")
    except GvciError:
        return None


def targets(
    names: Sequence[str], truth_of: Callable[[str], GRN | None], chosen: Sequence[str]
) -> list[Target]:
    """The sets that name at least one of the chosen regulators."""
    found = []
    titles = {entry.name: entry.title for entry in ENTRIES}
    for name in names:
        truth = truth_of(name)
        known = set(truth.sources) if truth is not None else set()
        mine = tuple(regulator for regulator in chosen if regulator in known)
        if mine:
            found.append(Target(name, titles[name], mine))
    return found


def recovery(
    run: Run, network: Network, target: Target, truth: GRN, *, forests: bool = False
) -> Recovery:
    """Score the network and its rivals on the target set's regulators.

    Raises:
        GRNError: no true edge is left.
    """
    assert network.origin is not None
    sources = list(target.regulators)
    genes = [str(gene) for gene in network.origin.genes]
    further = {"genie3": rivals.genie3(run.data, sources, genes)} if forests else {}
    scored = evaluate_edges(
        network.origin, truth, run.data, sources, resamples=RESAMPLES, further=further
    )
    drawn: dict[str, pd.DataFrame] = {
        view: curve(network.origin, truth, run.data, sources, view=view, further=further)
        for view in PAIRS.values()
    }
    return Recovery(target, scored["views"], drawn, scored["notes"])


def verdict(scores: dict[str, Any], mine: str = "Refined") -> str:
    """Who is ahead, by how much, and how sure that is; Markdown."""
    ranked = [name for name in scores["differences"] if scores[name]["auprc"] is not None]
    own = scores["refined"]["auprc"]
    if own is None or not ranked:
        return "**There is nothing to compare:** no score is defined for these pairs."
    best = max(ranked, key=lambda name: scores[name]["auprc"])
    gap = scores["differences"][best]["auprc"]
    low, high = gap["low"], gap["high"]
    name = literal(NAMES[best])
    if low is not None and low > 0:
        claim = f"{mine} is ahead of its best rival, {name}"
    elif high is not None and high < 0:
        claim = f"{mine} is behind its best rival, {name}"
    else:
        claim = f"{mine} and its best rival, {name}, cannot be told apart"
    interval = (
        f" (95 % interval {number(low, signed=True)} to {number(high, signed=True)})"
        if low is not None
        else ""
    )
    return (
        f"**{claim}:** AUPRC {number(own)} against {number(scores[best]['auprc'])}, a difference "
        f"of {number(gap['difference'], signed=True)}{interval}; chance "
        f"{number(scores['base_rate'])}."
    )


def score_table(scores: dict[str, Any], mine: str = "Refined") -> pd.DataFrame:
    """One row a rival, best first: AUPRC, AUROC and early precision, and refined − rival."""
    rows = []
    for key, label in NAMES.items():
        found = scores.get(key)
        if found is None:
            continue
        ends = (found.get("intervals") or {}).get("auprc") or (None, None)
        gap = scores["differences"].get(key, {}).get("auprc", {})
        rows.append(
            {
                "ranking": mine if key == "refined" else label,
                "auprc": found["auprc"],
                "auprc_low": ends[0],
                "auprc_high": ends[1],
                "difference": gap.get("difference"),
                "difference_low": gap.get("low"),
                "difference_high": gap.get("high"),
                "auroc": found["auroc"],
                "early_precision": found["early_precision"],
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("auprc", ascending=False, kind="stable", ignore_index=True)
