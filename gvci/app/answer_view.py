"""How the Counterfactual page words and draws an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.app import genes
from gvci.app.badge import Badge
from gvci.app.charts import Panel
from gvci.app.text import count, delta, literal, number, score
from gvci.counterfactual.answer import Answer
from gvci.counterfactual.sample import QUANTILES
from gvci.errors import listed
from gvci.evaluation.scoring import N_DE
from gvci.gate.words import shares
from gvci.pseudobulk import LEARNING_SPLITS
from gvci.run import Run
from gvci.verdict import TIE, TITLES

FIRST, MOST = 6, 8
OF_SUMMARIES = f"from summaries: {QUANTILES} quantiles of these cells, joined by lines"
BADGES = {
    "seen": Badge("Seen in training", ":material/visibility:", "gray"),
    "held_out": Badge("Held-out combination", ":material/visibility_off:", "orange"),
    "outside": Badge("Outside the training data", ":material/warning:", "orange"),
}
INTERVALS = {
    "influence": "95 % interval: of the robust effect (eq. 14, influence function), from the "
    "treated cells of this group in training.",
    "inner": "95 % interval: from errors on held-out inner pairs; cells included.",
    "beyond": "95 % interval of held-out inner pairs; this lies further out than they, so the "
    "error may be larger.",
    "cells": "95 % interval: over cells; model error not included.",
    "none": "No interval: one cell has no spread.",
}
ROWS = (
    ("stack", "Stacking network"),
    ("ridge", "Ridge"),
    ("similar", "Similarity-weighted"),
    ("additive_counts", "Additive in counts"),
    ("additive", "Additive"),
    ("perturbed_mean", "Perturbed mean"),
    ("no_change", "No change"),
    ("ceiling", "Ceiling (split half)"),
)


def badge(answer: Answer) -> Badge:
    """Whether training saw this."""
    return BADGES[answer.support]


def claim(answer: Answer) -> str:
    """The verdict, or why there is none, as plain text; of a trained pair it is no test."""
    if answer.verdict and answer.support == "seen":
        return f"A fit, no test: training saw these cells. {answer.verdict}"
    if answer.verdict:
        return answer.verdict
    if answer.measured is None:
        return "No cell of this group was measured under it: this is a prediction only."
    if answer.scenario.cells == "one cell":
        return "One cell is predicted; the measured cells of the group stand beside it."
    return "Too few measured cells for a score."


def notes(answer: Answer) -> list[str]:
    """What else is to be known about an answer, as plain text."""
    told = list(answer.notes)
    scores = {name: row["r2_de"] for name, row in answer.scores.items()}
    model, nothing = scores.get("model"), scores.get("no_change")
    if answer.support == "seen" or model is None or nothing is None or nothing < model - TIE:
        return told
    as_good = (
        f"No change at all scores R² {number(nothing)} on the same genes: by this score the "
        "prediction is no better than none."
    )
    return [as_good, *told]


def drawn_words(answer: Answer) -> str:
    """Which cells stand for all of them, where there are too many; empty where there are not."""
    n = answer.predicted.n
    if answer.asked <= n:
        return ""
    return (
        f"These are {answer.asked:,} cells, too many for a page: what follows is about {n:,} of "
        "them, drawn with a fixed seed. A job predicts all of them."
    )


def first_genes(answer: Answer) -> list[str]:
    """The genes ticked to begin with: those with the largest predicted change."""
    return [str(gene) for gene in answer.table["gene"].head(FIRST)]


def find_gene(query: str, answer: Answer) -> str | None:
    """The gene of this answer that a word means."""
    return genes.look_up(query, answer.genes).symbol


def panels(answer: Answer, chosen: Sequence[str]) -> list[Panel]:
    """Control, predicted and measured values of the chosen genes."""
    found, table = [], answer.table.set_index("gene")
    for gene in chosen[:MOST]:
        known = answer.measured is not None
        unit = answer.unit if known else f"{answer.unit}, predicted only"
        predicted, measured = table[["predicted", "measured"]].loc[gene].to_numpy(np.float64)
        changes = float(predicted), float(measured) if known else None
        found.append(Panel(gene, answer.of(gene), unit, changes))
    return found


def cells_title(answer: Answer) -> str:
    """What the distributions are of."""
    measured = answer.measured is not None
    return "Control, predicted and measured cells" if measured else "Control and predicted cells"


def key_line(answer: Answer, style: str) -> str:
    """What each colour and mark is, with numbers of cells, as Markdown."""
    filled, hatched = ("■", "▨") if style == "violin" else ("━", "╍")
    parts = [
        f":gray[{filled}] control, {count(answer.control.n, 'cell')}",
        f":orange[{hatched}] predicted, {count(answer.predicted.n, 'cell')}",
    ]
    if answer.measured is not None:
        parts.append(f":blue[{filled}] measured, {count(answer.measured.n, 'cell')}")
    parts += ["○ mean"] if style == "violin" else []
    return " · ".join(parts) + (f" · {OF_SUMMARIES}" if answer.control.summary else "")


def score_rows(answer: Answer, model: str) -> pd.DataFrame:
    """The model by its name, baselines, ceiling: R² on all and on the DE genes, Pearson Δ."""
    rows = [
        {
            "": f"{title} (chosen)" if name == answer.baseline_name else title,
            "R² all": score(answer.scores[name]["r2_all"]),
            f"R² top {answer.n_de}": score(answer.scores[name]["r2_de"]),
            "Pearson Δ": score(answer.scores[name]["pearson_delta"]),
        }
        for name, title in (("model", model), *ROWS)
        if name in answer.scores
    ]
    return pd.DataFrame(rows)


def not_found(query: str, run: Run, answer: Answer) -> tuple[str, tuple[str, ...]]:
    """Why a typed gene is not drawn and where it is absent, as plain text; genes that are near."""
    found = genes.look_up(query, answer.genes)
    places = {"data": answer.genes, "model": run.model.genes}
    if run.grn is not None:
        places["graph"] = run.grn.genes
    parts = [genes.explain(found), genes.absence(found, places)]
    return " ".join(part for part in parts if part), found.suggestions[:3]


def table_caption(answer: Answer) -> str:
    """What the columns of the gene table are, as Markdown."""
    marks = ":orange[○] predicted, " + (
        ":blue[●] measured, " if answer.measured is not None else ""
    )
    name = TITLES[answer.baseline_name]
    return f"Δ = change of mean {answer.unit}. {marks}:gray[■] {name}. {interval_words(answer)}"


def interval_words(answer: Answer) -> str:
    """What the interval is, what it is not, and how often it held here, as plain text."""
    words = INTERVALS[answer.interval]
    found = coverage(answer)
    if found is None or answer.interval == "influence":
        return words
    every, most, n = found
    return (
        f"{words} Of this pair's measured changes {100 * every:.0f} % lie within, of the {n} "
        f"largest {100 * most:.0f} %."
    )


def coverage(answer: Answer) -> tuple[float, float, int] | None:
    """Share of measured changes within the limits: of all genes, and of the n that changed most.

    None without measured cells or without limits.
    """
    limits = answer.table[["measured", "low", "high"]].dropna()
    if limits.empty:
        return None
    inside = limits["measured"].between(limits["low"], limits["high"])
    most = limits["measured"].abs().nlargest(N_DE).index
    return float(inside.mean()), float(inside[most].mean()), len(most)


def outside(run: Run, answer: Answer) -> str:
    """Why a scenario lies outside the training data, and what would not."""
    scenario = answer.scenario
    data = run.data
    training = np.isin(data.split, LEARNING_SPLITS)
    if not (training & (data.groups == scenario.group)).any():
        why = f"Training had no cell of the group {scenario.group}."
    else:
        why = f"Training had no cell of every part of {scenario.perturbation}."
    seen = sorted(set(data.perturbation[training & (data.groups == scenario.group)]))
    others = [label for label in seen if label != data.columns.control]
    hint = f" Seen in this group: {listed(others, 3)}." if others else ""
    return f"{why} Read this prediction as an extrapolation.{hint}"


def alt_text(panels: Sequence[Panel], style: str) -> str:
    """The distributions in one sentence, for a screen reader."""
    parts = []
    for panel in panels:
        predicted, measured = panel.heading
        words = f"{panel.gene} predicted {delta(predicted)}"
        parts.append(words + (f", measured {delta(measured)}" if measured is not None else ""))
    what = "Violins" if style == "violin" else "Distribution functions"
    return f"{what} of control, predicted and measured cells; changes of the mean: " + "; ".join(
        parts
    )


@dataclass(frozen=True)
class MeanPair:
    """A scatter of means: (genes,) each, and its words."""

    title: str
    x: np.ndarray
    y: np.ndarray
    x_title: str
    y_title: str
    baseline: bool
    top: float
    alt: str


def mean_pairs(answer: Answer) -> list[MeanPair]:
    """Model and chosen baseline against the measured means; without these, against control."""
    predicted = answer.predicted.mean
    if answer.measured is None:
        control = answer.control.mean
        top = 1.08 * float(max(control.max(), predicted.max()))
        alt = "Predicted mean against control mean of every gene."
        title = "Predicted against control"
        return [MeanPair(title, control, predicted, "control", "predicted", False, top, alt)]
    truth = answer.measured.mean
    top = 1.08 * float(max(truth.max(), predicted.max(), answer.baseline.max()))
    found = []
    for title, y, name, baseline in (
        ("Model", predicted, "model", False),
        ("Chosen baseline", answer.baseline, answer.baseline_name, True),
    ):
        own = answer.scores.get(name)
        words = f", R² {score(own['r2_all'])}" if own else ""
        named = f"{title} ({TITLES[name]})" if baseline else title
        alt = f"{named}: predicted mean against measured mean of every gene{words}."
        y_title = TITLES[name].removeprefix("the ") if baseline else "predicted"
        found.append(MeanPair(title, truth, y, "measured", y_title, baseline, top, alt))
    return found


def score_caption(answer: Answer) -> str:
    """What the scores are about."""
    n = answer.measured.n if answer.measured is not None else 0
    passed = ": half as many cells make it low, and some pass it" if _passed(answer) else ""
    return (
        f"Model: {literal(answer.model)}, its mean {shares(answer.share, answer.rest)}. "
        f"R² of means over cells, truth first: {count(n, 'measured cell')}, all genes and the "
        f"{answer.n_de} that changed most. The ceiling is one half of the measured cells against "
        f"the other{passed}. "
        "The chosen baseline answers held-out questions best on pairs whose answer is known; the "
        "line on top names the one that is best here, which nobody can know beforehand."
    )


def _passed(answer: Answer) -> bool:
    """Whether any score in the table is above that of the ceiling."""
    pairs = [
        (row[name], answer.scores["ceiling"][name])
        for row in answer.scores.values()
        for name in ("r2_all", "r2_de", "pearson_delta")
    ]
    return any(a is not None and b is not None and a > b for a, b in pairs)
