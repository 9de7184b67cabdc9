"""Which level the data can carry: judged by prior edges that were hidden from the fit.

A fifth of the prior's edges is hidden at a time. A level is good if hidden edges have large
effects among all pairs outside the visible prior. That alone would also reward regulators that
move everything, so hidden edges are also held against as many random pairs of the same
regulators: a richer level is taken only if it lifts them above the median draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FOLDS = 5
LEAST_EDGES = 20
DRAWS = 100
# A statement needs proof; a richer level must only not owe its lift to the regulators alone.
SIGNIFICANT, PLAUSIBLE = 0.05, 0.5
MARGIN = 2.0
CLEAR_LIFT, CLEAR_AUROC = 2.0, 0.55
LEVELS = {
    0: "denoised correlation within covariate groups",
    1: "linear messages from all regulators",
    2: "linear messages from inferred activities",
}


@dataclass(frozen=True)
class Hidden:
    """How hidden prior edges rank under one level.

    Attributes:
        lift: (folds,) log of average precision over base rate, by effect size.
        chance: (draws,) mean over folds of the same for random pairs of the same regulators.
        auroc: (folds,) hidden edges against the regulator's other open pairs.
    """

    lift: np.ndarray
    chance: np.ndarray
    auroc: np.ndarray

    @property
    def p_value(self) -> float:
        """Share of random draws from the same regulators that are lifted as much."""
        return float((1 + (self.chance >= self.lift.mean()).sum()) / (1 + len(self.chance)))

    def summary(self) -> dict[str, float]:
        """For the record: lifts as factors (geometric means), AUROC, and its error over folds."""
        return {
            "lift": float(np.exp(self.lift.mean())),
            "within_lift": float(np.exp(self.lift.mean() - self.chance.mean())),
            "p_value": self.p_value,
            "auroc": float(self.auroc.mean()),
            "auroc_error": _error(self.auroc),
        }


@dataclass(frozen=True)
class Choice:
    """The level, and how hidden edges rank under each level; empty where too few can be hidden."""

    level: int
    hidden: dict[int, Hidden]

    @property
    def supported(self) -> str:
        """Whether the data support the prior: "yes", "barely", "no" or "unknown"."""
        if self.level not in self.hidden:
            return "unknown"
        best = self.hidden[self.level]
        lifted, proven = np.exp(best.lift.mean()) >= CLEAR_LIFT, best.p_value <= SIGNIFICANT
        if lifted and proven and best.auroc.mean() >= CLEAR_AUROC:
            return "yes"
        return "barely" if lifted or proven else "no"

    @property
    def sentence(self) -> str:
        """The support statement, for people."""
        if self.supported == "unknown":
            return (
                "Whether the data support this prior could not be judged: hiding edges needs at "
                f"least {LEAST_EDGES} of them among these genes."
            )
        best = self.hidden[self.level].summary()
        numbers = (
            f"edges hidden from the fit are found {best['lift']:.1f} times as precisely as by "
            f"chance, {best['within_lift']:.1f} times as random pairs of the same regulators, and "
            f"rank above other genes of their regulator with AUROC {best['auroc']:.2f} "
            f"(chance 0.50)."
        )
        opening = {
            "yes": "The data support this prior",
            "barely": "The data support this prior only barely",
            "no": "The data do not support this prior",
        }
        return f"{opening[self.supported]}: {numbers}"


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def folds_of(prior: np.ndarray, seed: int) -> list[np.ndarray]:
    """The prior (n, s) with a fifth of its edges hidden, five times; each edge is hidden once."""
    targets, sources = np.nonzero(prior)
    fold = np.random.default_rng([seed, 2]).permutation(len(targets)) % FOLDS
    visible = []
    for k in range(FOLDS):
        kept = prior.copy()
        kept[targets[fold == k], sources[fold == k]] = False
        visible.append(kept)
    return visible


def judge(
    size_under: Callable[[np.ndarray], np.ndarray],
    prior: np.ndarray,
    candidate: np.ndarray,
    visible: list[np.ndarray],
    rng: np.random.Generator,
) -> Hidden:
    """How hidden edges rank by their effects, prior membership not counted.

    Args:
        size_under: visible prior → T, (n, s).
        prior, candidate: (n, s) bool.
        visible: the prior of each fold.
        rng: for the random pairs.
    """
    lift, chance, areas = [], np.zeros(DRAWS), []
    for kept in visible:
        pairs, hidden, size = candidate & ~kept, prior & ~kept, size_under(kept)
        place = np.zeros(size.shape, dtype=np.int64)  # 1 for the largest effect
        place[pairs] = 1 + np.argsort(np.argsort(-size[pairs], kind="stable"), kind="stable")
        base = np.log(hidden.sum() / pairs.sum())
        lift.append(np.log(average_precision(place[hidden])) - base)
        drawn, area, edges = [], 0.0, 0
        for column in np.flatnonzero(hidden.any(axis=0)):
            pool = place[pairs[:, column], column]
            mine = place[hidden[:, column], column]
            count, others = len(mine), len(pool) - len(mine)
            drawn.append([rng.choice(pool, count, False, shuffle=False) for _ in range(DRAWS)])
            if others:
                below = len(pool) - np.searchsorted(np.sort(pool), mine, "right")
                area += (below.sum() - count * (count - 1) / 2) / others
                edges += count
        draws: np.ndarray = np.concatenate(drawn, axis=1)
        chance += [(np.log(average_precision(draw)) - base) / len(visible) for draw in draws]
        areas.append(area / edges if edges else 0.5)
    return Hidden(np.array(lift), chance, np.array(areas))


def average_precision(places: np.ndarray) -> float:
    """Mean precision at the places (1 is first) of the positives."""
    return float(np.mean(np.arange(1, len(places) + 1) / np.sort(places)))


def choose(
    size_of: dict[int, Callable[[np.ndarray], np.ndarray]],
    prior: np.ndarray,
    candidate: np.ndarray,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Choice:
    """Start at the lowest level; a richer one must lift more, by two standard errors.

    Args:
        size_of: level → (visible prior → T).
        prior, candidate: (n, s) bool.
        seed: of the folds.
        progress: called with each level that was judged.
    """
    if prior.sum() < LEAST_EDGES or not (candidate & ~prior).any():
        return Choice(min(size_of), {})
    visible = folds_of(prior, seed)
    hidden: dict[int, Hidden] = {}
    current = min(size_of)
    for level in sorted(size_of):
        draws = np.random.default_rng([seed, 4])
        hidden[level] = judge(size_of[level], prior, candidate, visible, draws)
        gain = hidden[level].lift - hidden[current].lift
        if hidden[level].p_value <= PLAUSIBLE and gain.mean() > MARGIN * _error(gain):
            current = level
        if progress:
            progress(level)
    return Choice(current, hidden)
