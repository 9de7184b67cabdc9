"""The three-minute demo: what to do on each page with its real controls, and what to look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gvci.app.link import Link
from gvci.app.scenario import default_pair, in_link
from gvci.run import Run

PARAMETER, STEP = "tour", "_tour"


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

    Columns of the data give the names of the page's choices of cells.
    """
    group, perturbation = default_pair(run)
    parts = ",".join(run.model.treatment_code.parts(perturbation))
    pair = {"perturbation": parts, **in_link(run.data, group)}
    regulators = {"tfs": "STAT1,IRF1", "k": "25"}
    return [
        Step(
            "network", "What regulates what",
            "Arrows lead from STAT1 and IRF1 to the genes that they regulate, as far as the data "
            "say so. **Click an arrow** or tick a row: the card has its weight and how sure it is.",
            regulators,
        ),
        Step(
            "network", "Ask what if",
            "The card's button below its numbers asks the model: what becomes of the cells without "
            "this regulator, or of its target under the treatment. **Press it**, or go on here.",
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


def at(planned: list[Step], current: int, page: str) -> int | None:
    """The stop to show on a page: the current one, or the next where it is here; else None.

    Whoever uses the page's own controls walks ahead, and the tour follows.
    """
    near = range(current, min(current + 2, len(planned)))
    return next((i for i in near if planned[i].page == page), None)


def current(link: Link) -> int | None:
    """The step of the link, else of this visit; None for whoever is not on the walk."""
    word = link.get(PARAMETER)
    if word is not None and word.isdecimal() and 1 <= int(word) <= 99:
        return int(word) - 1
    kept: int | None = link.visit.get(STEP)
    return kept


def keep(link: Link, step: int) -> None:
    """The visitor is at this step."""
    link.visit[STEP] = step
    link.put(PARAMETER, str(step + 1))


def leave(link: Link) -> None:
    """The visitor goes on alone."""
    link.visit[STEP] = None
    link.put(PARAMETER, None)


def query(step: Step, at: int, run_id: str) -> dict[str, str]:
    """The URL of a stop on its page."""
    return {"run": run_id, **step.query, PARAMETER: str(at + 1)}
