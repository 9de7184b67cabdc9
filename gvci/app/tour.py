"""The three-minute demo: what to do on each page with its real controls, and what to look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gvci.app.edge_card import perturbations_of
from gvci.app.scenario import default_pair
from gvci.run import Run

WHAT_IF = "Ask what if"


@dataclass(frozen=True)
class Step:
    """One stop.

    Attributes:
        page: as in the session's pages.
        title, words: Markdown; what to do, what to see.
        query: the page's URL, beside the run.
    """

    page: str
    title: str
    words: str
    query: Mapping[str, str]


def steps(run: Run) -> list[Step]:
    """The stops for a run with a model; the pair is one that training never saw, where there is.

    Where no perturbation hits a regulator of the walk, the stop that knocks one out is left out.
    Columns of the data give the names of the page's choices of cells.
    """
    group, perturbation = default_pair(run)
    levels = dict(zip(run.data.columns.covariates, group.split(" · "), strict=False))
    parts = ",".join(run.model.treatment_code.parts(perturbation))
    pair = {"perturbation": parts, **{f"c_{name}": level for name, level in levels.items()}}
    regulators = {"tfs": "STAT1,IRF1", "k": "25"}
    hit = any(perturbations_of(run, name) for name in ("STAT1", "IRF1"))
    stops = [
        Step(
            "network", "What regulates what",
            "Arrows lead from STAT1 and IRF1 to the genes that they regulate, as far as the data "
            "say so. **Click an arrow** or tick a row: the card has its weight and how sure it is.",
            regulators,
        ),
        Step(
            "network", WHAT_IF,
            "The card's button *Knock out … and predict* takes a regulator away in the model. "
            "**Press it**, or go on here.",
            regulators,
        ),
        Step(
            "counterfactual", "Predicted beside measured",
            "Grey are control cells. Hatched vermillion is what the model predicts for them, blue "
            "what was measured, which training never saw for this pair. The line on top says "
            "**how good the simplest rival is**.",
            pair,
        ),
        Step(
            "counterfactual", "Know when not to trust it",
            "**Choose other cells**, or another perturbation where there is one: the badge tells "
            "whether training has seen that combination, its parts, or nothing like it.",
            pair,
        ),
        Step(
            "compare", "Beside every rival",
            "Each model has its baselines and a ceiling beside it, on pairs that none of them saw. "
            "**The verdict** is in words, also where a simple one wins.",
            {},
        ),
        Step(
            "network", "Take it with you",
            "*Export* has the figure as SVG and PNG and the table as CSV; *Copy link* opens this "
            "very view again. That is all: **look around**.",
            regulators,
        ),
    ]  # fmt: skip
    return [stop for stop in stops if hit or stop.title != WHAT_IF]


def at(planned: list[Step], current: int, page: str) -> int | None:
    """The stop to show on a page: the current one, or the next where it is here; else None.

    Whoever uses the page's own controls walks ahead, and the tour follows.
    """
    near = range(current, min(current + 2, len(planned)))
    return next((i for i in near if planned[i].page == page), None)
