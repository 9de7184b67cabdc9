"""Who is ahead of whom, by how much, and whether seeds or pairs explain the difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from gvci.evaluation.scoring import SCORES

LOWER = ("e_distance", "mmd", "wasserstein", "mse", "mae", "rank")  # smaller is better
PAIR = ["problem", "group", "perturbation"]
RESAMPLES = 4000
SAME = 1e-6  # sums in another order differ by less


@dataclass(frozen=True)
class Gain:
    """One row of a table against another, pair by pair.

    Attributes:
        difference: mean over pairs of one − other, a pair's seeds averaged.
        low, high: its 95 % bootstrap interval over pairs; None for a single pair.
        spread: sd over seeds of the mean difference of a seed; None for a single seed.
        pairs, seeds: how many.
        lower: whether smaller is better.
    """

    difference: float
    low: float | None
    high: float | None
    spread: float | None
    pairs: int
    seeds: int
    lower: bool

    @property
    def beyond_seeds(self) -> bool:
        """Whether the difference is more than the spread of the seeds; so for a single seed."""
        return self.spread is None or abs(self.difference) > self.spread

    @property
    def beyond_pairs(self) -> bool:
        """Whether the interval over pairs leaves 0 out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def side(self) -> Literal["ahead", "behind", "tied"]:
        """Where the first stands; a difference that seeds or pairs explain is a tie."""
        if abs(self.difference) < SAME or not (self.beyond_seeds and self.beyond_pairs):
            return "tied"
        return "ahead" if (self.difference > 0) != self.lower else "behind"


class Table:
    """The scored rows of one dataset; a row of the printed table is a label.

    Args:
        frame: rows of the tidy table with a column `label`.
        whole: the same of every epoch, where `frame` is of some.
    """

    def __init__(self, frame: pd.DataFrame, whole: pd.DataFrame | None = None) -> None:
        self.frame = frame[frame["failure"].isna()]
        self._whole = self.frame if whole is None else whole

    def at(self, epoch: int) -> Table:
        """The rows of one epoch."""
        return Table(self._whole[self._whole["epoch"] == epoch])

    @cached_property
    def scores(self) -> list[str]:
        """The scores that some row has."""
        return [score for score in SCORES if self.frame[score].notna().any()]

    @cached_property
    def labels(self) -> list[str]:
        """All labels, in their order."""
        return list(dict.fromkeys(self.frame["label"]))

    @cached_property
    def problems(self) -> list[str]:
        """What was held out, in the order of the parts."""
        return list(dict.fromkeys(self.frame["problem"]))

    @cached_property
    def pairs(self) -> int:
        """Number of pairs scored; the cells of another seed are other pairs."""
        return len(self.frame[PAIR].drop_duplicates())

    def of(self, label: str, score: str, problem: str | None = None) -> pd.DataFrame:
        """The rows of a label where the score is defined."""
        frame = self.frame[(self.frame["label"] == label) & self.frame[score].notna()]
        return frame if problem is None else frame[frame["problem"] == problem]

    def by_seed(self, label: str, score: str, problem: str | None = None) -> list[float]:
        """One mean over pairs per seed; one in all where no seed changes the row."""
        rows = self.of(label, score, problem)
        return [float(mean) for mean in rows.groupby("seed", dropna=False)[score].mean()]

    def mean(self, label: str, score: str) -> float | None:
        """Mean over pairs, then over seeds; None where it is nowhere defined."""
        means = self.by_seed(label, score)
        return float(np.mean(means)) if means else None

    def ranked(self, score: str, labels: list[str]) -> list[str]:
        """The labels that have the score, best first."""
        known = {label: self.mean(label, score) for label in labels}
        found = {label: mean for label, mean in known.items() if mean is not None}
        return sorted(found, key=lambda label: found[label] * (1 if score in LOWER else -1))

    def differences(self, one: str, other: str, score: str) -> pd.DataFrame:
        """problem, group, perturbation, seed, difference: one − other where both are defined."""
        left, right = (self.of(label, score)[[*PAIR, "seed", score]] for label in (one, other))
        seeded = left["seed"].notna().any() and right["seed"].notna().any()
        both = left.merge(right, on=[*PAIR, "seed"] if seeded else PAIR, suffixes=("", "_other"))
        if not seeded:
            both["seed"] = both["seed"].fillna(both["seed_other"])
        both["difference"] = both[score] - both[f"{score}_other"]
        return both[[*PAIR, "seed", "difference"]]

    def gain(self, one: str, other: str, score: str) -> Gain | None:
        """The paired difference; None where no pair has both."""
        found = self.differences(one, other, score)
        if found.empty:
            return None
        by_pair = found.groupby(PAIR)["difference"].mean().to_numpy(dtype=np.float64)
        by_seed = found.groupby("seed", dropna=False)["difference"].mean()
        low, high = mean_interval(by_pair)
        spread = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
        return Gain(
            float(by_pair.mean()), low, high, spread, len(by_pair), len(by_seed), score in LOWER
        )


def mean_interval(values: np.ndarray) -> tuple[Any, Any]:
    """95 % bootstrap interval of the mean; none for a single value."""
    if len(values) < 2:
        return None, None
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
