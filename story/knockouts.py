"""Knock-outs of a replicate whose perturbed cells were all held out (Papalexi 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gvci.app import answer_view, vector
from gvci.app.prediction import Answer, answer
from gvci.app.provenance import facts
from gvci.app.theme import LIGHT
from gvci.baselines import answers
from gvci.counterfactual.scenario import Scenario
from gvci.metrics import pearson_delta
from gvci.pseudobulk import pseudobulks
from gvci.run import Run
from gvci.verdict import TITLES, number
from story.part import Part, about, figure, sentence, span, table

NAMED = ["STAT1", "JAK2", "IFNGR1", "IFNGR2", "IRF1"]
RESAMPLES, SEED = 400, 0
RIVALS = ("additive", "ridge", "stack")


def part(run: Run) -> Part:
    """Size of every knock-out, measured and predicted, and the five of the pathway gene by gene.

    Every perturbed cell of one group of the run has to be held out.
    """
    pairs = {row["perturbation"]: row for row in run.scores["ood"]["pairs"] if _own(run, row)}
    group = next(iter(pairs.values()))["group"]
    rows = pd.DataFrame([_size(run, group, label, pairs[label]) for label in pairs])
    rows = rows.sort_values("measured", ascending=False, ignore_index=True)
    strong = rows[rows["low"] > rows["noise"]]
    null = rows[rows["low"] <= rows["noise"]]
    provenance = about(facts(run), figure="python -m story knockouts", group=group)
    picture = figure(
        "knockouts", _sizes(rows, group, provenance),
        "Size of each knock-out's change: measured with its interval, and predicted",
    )  # fmt: skip
    panels = [p for label in NAMED if label in pairs for p in _panels(run, group, label)]
    violins = figure(
        "knockout_genes",
        vector.distributions(
            panels, "violin", f"Knock-outs in {group}, held out", provenance, "svg"
        ),
        "Control, predicted (hatched) and measured cells of the gene each knock-out moves most",
    )
    scored = rows[rows["perturbation"].isin(NAMED)]
    body = "\n\n".join(
        [
            f"THP-1 cells under IFN-γ, {len(pairs)} genes knocked out, three replicates. Every "
            f"perturbed cell of {group} was held out, its controls were not: the model has to "
            "carry each knock-out over from two replicates to the third.",
            picture,
            "Size of a change: root mean square over the measured genes, less what sampling alone "
            f"gives; interval by {RESAMPLES} resamples of the cells; the line is the size that "
            "no change at all would seem to have in 95 % of such samples. "
            f"{len(strong)} knock-outs lie above it, {len(null)} do not. Of those {len(null)} the "
            f"largest predicted size is {number(null['predicted'].max(), 3)}; the median of the "
            f"{len(strong)} is {number(strong['predicted'].median(), 3)}.",
            table(_listed(scored, run)),
            _irf1(run),
            violins,
            str(run.scores["ood"]["verdict"]),
        ]
    )
    return Part("Do knock-outs carry over to another replicate?", _claim(rows, strong, null, run),
                body, "counterfactual", "run=papalexi2021-eccite&perturbation=STAT1")  # fmt: skip


def _own(run: Run, row: dict[str, Any]) -> bool:
    """Whether a row of the scores is the run's own model."""
    return bool(row["model"] == run.model.name)


def _size(run: Run, group: str, label: str, scored: dict[str, Any]) -> dict[str, Any]:
    """One knock-out: measured size with its interval, noise, predicted size, Pearson Δ."""
    data = run.data
    inside = data.groups == group
    controls = np.flatnonzero(inside & data.is_control)
    treated = np.flatnonzero(inside & (data.perturbation == label))
    a, b = data.dense(treated).astype(np.float64), data.dense(controls).astype(np.float64)
    chance = np.random.default_rng(SEED)
    drawn = [_square(_again(a, chance), _again(b, chance)) for _ in range(RESAMPLES)]
    # A resample has the sampling error of the cells, and its own once more.
    low, high = np.quantile(drawn, (0.025, 0.975)) - _error(a, b)
    halves = []
    for _ in range(RESAMPLES):
        order = chance.permutation(len(b))
        halves.append(_square(b[order[: len(a)]], b[order[len(a) :]]))
    predicted = run.predict_mean(controls, label) - data.mean(controls)
    answered = answers(pseudobulks(data), group, label)
    rivals = {
        rival: pearson_delta(a.mean(axis=0), answered[rival].mean, b.mean(axis=0))
        for rival in RIVALS
    }
    return {
        "perturbation": label, "cells": len(a), "measured": _root(_square(a, b)),
        "low": _root(low), "high": _root(high), "noise": _root(np.quantile(halves, 0.95)),
        "predicted": float(np.sqrt(np.mean(predicted**2))),
        "pearson": scored["pearson_delta"], "r2_de": scored["r2_de"], **rivals,
    }  # fmt: skip


def _square(a: np.ndarray, b: np.ndarray) -> float:
    """Mean square difference of two means over genes, less what sampling alone gives."""
    change = a.mean(axis=0) - b.mean(axis=0)
    return float(np.mean(change**2)) - _error(a, b)


def _error(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over genes of the sampling variance of a difference of means."""
    return float(np.mean(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b)))


def _root(square: float) -> float:
    return float(np.sqrt(max(0.0, square)))


def _again(cells: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return cells[chance.integers(0, len(cells), len(cells))]


def _sizes(rows: pd.DataFrame, group: str, provenance: dict[str, object]) -> bytes:
    """Measured filled, predicted outlined; the noise of each as a grey tick."""
    canvas = vector.canvas(6.4, 0.22 * len(rows) + 1.0)
    axis = canvas.subplots()
    y = np.arange(len(rows))[::-1]
    axis.hlines(y, rows["low"], rows["high"], color=LIGHT.measured, linewidth=1.6, alpha=0.7)
    axis.plot(rows["measured"], y, "o", color=LIGHT.measured, markersize=5, label="measured, 95 %")
    axis.plot(
        rows["predicted"], y, "D", color=LIGHT.predicted, markerfacecolor="white", markersize=5,
        linestyle="none", label="predicted, held out",
    )  # fmt: skip
    axis.plot(
        rows["noise"], y, "|", color=LIGHT.ink, markersize=9, label="no change, 95 % of samples"
    )
    axis.set_yticks(y, rows["perturbation"].tolist(), fontstyle="italic")
    axis.set_xlabel("size of the change, root mean square over genes, log1p CP10k", fontsize=8)
    axis.set_xlim(left=0)
    axis.legend(fontsize=7, frameon=False, loc="lower right")
    vector.bare(axis, 7)
    axis.set_title(f"Knock-outs in {group}", fontsize=9, loc="left")
    return vector.written(canvas, provenance, "svg")


def _panels(run: Run, group: str, label: str) -> list[Any]:
    """The gene, other than the one knocked out, that was measured to change most."""
    found: Answer = answer(run, Scenario(label, group))
    others = found.table[found.table["gene"] != label]
    gene = str(others.loc[others["measured"].abs().idxmax(), "gene"])
    panel = answer_view.panels(found, [gene])[0]
    return [type(panel)(f"{gene} without {label}", panel.values, panel.unit)]


def _listed(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    named = {"perturbation": "knock-out", "cells": "cells", "predicted": "predicted size"}
    shown = rows[list(named)].rename(columns=named)
    shown["knock-out"] = [f"*{name}*" for name in shown["knock-out"]]
    shown.insert(2, "measured size", rows["measured"])
    spans = [span(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    shown.insert(3, "95 %", spans)
    shown["Pearson Δ"] = rows["pearson"].astype(float)
    shown["R² DE"] = rows["r2_de"].astype(float)
    for rival in RIVALS:
        shown[f"Pearson Δ, {TITLES.get(rival, rival)}"] = rows[rival].astype(float)
    return shown


def _irf1(run: Run) -> str:
    if "IRF1" in set(run.data.genes):
        return ""
    return (
        "*IRF1* itself is not among the measured genes: its knock-out is predicted from its "
        "label, and seen only in what it does to other genes."
    )


def _claim(rows: pd.DataFrame, strong: pd.DataFrame, null: pd.DataFrame, run: Run) -> str:
    named = [name for name in NAMED if name in set(strong["perturbation"])]
    inside = rows[rows["perturbation"].isin(named)]
    return (
        f"{len(strong)} of {len(rows)} knock-outs move held-out cells beyond chance, among them "
        f"{sentence(named)}, whose changes are predicted with a median correlation of "
        f"{number(float(inside['pearson'].astype(float).median()), 2)}. The {len(null)} others "
        f"are predicted to do at most {number(float(null['predicted'].max()), 3)} (root mean "
        f"square, log1p CP10k), the strong ones {number(float(strong['predicted'].median()), 3)} "
        "in the median."
    )
