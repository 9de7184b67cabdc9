"""The verdict in words: a loss to a baseline is said as plainly as a win."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from gvci.baselines import BASELINES
from gvci.metrics import Score

TIE = 0.005
TITLES = {
    "graphvci": "graphVCI",
    "vci": "VCI",
    "ae": "AE",
    "cevae": "CEVAE",
    "ganite": "GANITE",
    "cpa": "CPA",
    "no_change": "no change",
    "perturbed_mean": "the perturbed mean",
    "additive": "the additive baseline",
    "additive_counts": "the additive baseline in counts",
    "similar": "the similarity-weighted baseline",
    "ridge": "ridge regression",
    "stack": "the stacking network",
    "auto": "the baseline chosen by leaving levels out",
}


def verdict(
    models: Mapping[str, Mapping[str, Score]],
    ceiling: Mapping[str, Score],
    name: str,
    n_de: int,
    rows: Sequence[Mapping[str, Any]] = (),
) -> str:
    """One sentence: the model against its strongest baseline on the DE genes.

    A difference within 0.005, or within one standard error of the paired differences over pairs,
    is a tie.

    Args:
        models: model → average scores; ceiling: those of two halves of the measured cells.
        name: the model's. n_de: number of DE genes.
        rows: the scores per pair, as `evaluate` lists them.
    """
    title = TITLES.get(name, name)
    on, score = f"on the {n_de} most changed genes", "r2_de"
    if models[name][score] is None:
        on, score = "on all genes", "r2_all"
    own = models[name][score]
    if own is None:
        return f"R² is undefined for {title}: its predictions are not finite, or the truth is flat."
    rivals = {r: models[r][score] for r in BASELINES if r in models and r != name}
    best = max(rivals, key=lambda rival: _or_least(rivals[rival]), default="")
    rival, limit = rivals.get(best), _limit(ceiling[score])
    if rival is None:
        return f"{title} reaches R² {number(own)} {on}; no baseline is defined; {limit}."
    mine, theirs = _told_apart(own, rival)
    other = TITLES[best]
    if abs(own - rival) <= TIE:
        first = f"{title} and {other} tie {on}: R² {mine} and {theirs}"
    elif abs(own - rival) < _error(rows, name, best, score):
        first = (
            f"{title} and {other} tie {on}: R² {mine} and {theirs}, a difference within the "
            "scatter of the pairs"
        )
    elif own > rival:
        first = f"{title} beats {other} {on}: R² {mine} against {theirs}"
    else:
        first = (
            f"{other[0].upper()}{other[1:]} is ahead of {title} {on}: R² {theirs} against {mine}"
        )
    return f"{first}; {limit}."


def strongest(
    models: Mapping[str, Mapping[str, Score]], ceiling: Mapping[str, Score], n_de: int
) -> str:
    """One sentence: which baseline is ahead on the DE genes, where no model is scored."""
    scores = {name: models[name]["r2_de"] for name in BASELINES}
    best = max(scores, key=lambda name: _or_least(scores[name]))
    said = scores[best]
    if said is None:
        return "R² on the most changed genes is undefined for every baseline: the truth is flat."
    return (
        f"The strongest baseline on the {n_de} most changed genes is {TITLES[best]}: R² "
        f"{number(said)}; {_limit(ceiling['r2_de'])}."
    )


def _limit(agree: Score) -> str:
    if agree is None:
        return "the noise ceiling is undefined"
    return f"two halves of the measured cells agree at {number(agree)}"


def _error(rows: Sequence[Mapping[str, Any]], one: str, other: str, score: str) -> float:
    """Standard error of the mean difference over pairs; 0 for fewer than two pairs."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row["model"] in (one, other) and row[score] is not None:
            found.setdefault((row["group"], row["perturbation"]), {})[row["model"]] = row[score]
    differences = [pair[one] - pair[other] for pair in found.values() if len(pair) == 2]
    if len(differences) < 2:
        return 0.0
    return stdev(differences) / math.sqrt(len(differences))


def number(value: float, decimals: int = 2) -> str:
    """A score as it is read: two decimals and a true minus sign."""
    rounded = round(value, decimals) + 0.0
    return f"{rounded:.{decimals}f}".replace("-", "−")


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both with two decimals, or with three where two would make a difference look like none."""
    decimals = 3 if number(one) == number(other) and abs(one - other) > TIE else 2
    return number(one, decimals), number(other, decimals)


def _or_least(score: Score) -> float:
    return -math.inf if score is None else score
