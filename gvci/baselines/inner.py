"""The held-out question, asked of pairs whose answer is known: a level is left out at a time.

To predict a measured pair (group, perturbation), the perturbation is hidden from every group of
the group's level, as it is on held-out cells. What wins here is what to trust there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from gvci.baselines.answer import Predict, no_change
from gvci.baselines.carried import additive, additive_counts, similar
from gvci.baselines.perturbed import perturbed_mean
from gvci.baselines.ridge import ridge
from gvci.pseudobulk import FEWEST_CELLS, Pseudobulks, squared_errors

MOST_PAIRS = 200
SIMPLE: dict[str, Predict] = {
    "no_change": no_change,
    "perturbed_mean": perturbed_mean,
    "additive": additive,
    "additive_counts": additive_counts,
    "similar": similar,
    "ridge": ridge,
}


@dataclass(frozen=True, eq=False)
class InnerPair:
    """A measured pair and what baselines said without its level.

    Attributes:
        group, level, perturbation: which.
        truth: (genes,) its measured mean, log1p CP10k.
        n_cells: learning cells behind the truth.
        means: baseline → (genes,) prediction.
        errors: baseline → its mean squared errors, over all genes and over the most changed.
    """

    group: str
    level: str
    perturbation: str
    truth: np.ndarray
    n_cells: int
    means: dict[str, np.ndarray]

    @cached_property
    def errors(self) -> dict[str, np.ndarray]:
        """(2,) each, (log1p CP10k)²; see `squared_errors`."""
        names, control = list(self.means), self.means["no_change"]
        said = np.stack([self.means[name] for name in names])
        truth = np.broadcast_to(self.truth, said.shape)
        found = squared_errors(said, truth, np.broadcast_to(control, said.shape))
        return dict(zip(names, found, strict=True))

    def adding(self, name: str, mean: np.ndarray) -> InnerPair:
        """The same with one more baseline."""
        return replace(self, means={**self.means, name: mean})


def pooled_errors(pairs: Sequence[InnerPair], names: Iterable[str]) -> dict[str, float]:
    """Error of baselines over pairs relative to no change: mean of all and most changed genes."""
    nothing = np.mean([pair.errors["no_change"] for pair in pairs], axis=0).clip(1e-12)
    return {
        name: float((np.mean([pair.errors[name] for pair in pairs], axis=0) / nothing).mean())
        for name in names
    }


_INNER: WeakKeyDictionary[Pseudobulks, list[InnerPair]] = WeakKeyDictionary()


def inner_pairs(bulks: Pseudobulks) -> list[InnerPair]:
    """The six closed-form baselines on measured pairs, each without the pair's level.

    Pairs with at least 10 cells, control cells in their group, and the perturbation measured in
    another level; where there is no such pair (one level only), the last is not asked for. Of
    more than 200 pairs a choice by a fixed seed.
    """
    if bulks not in _INNER:
        _INNER[bulks] = [_asked(bulks, *pair) for pair in _eligible(bulks)]
    return _INNER[bulks]


def _asked(bulks: Pseudobulks, group: str, perturbation: str) -> InnerPair:
    hidden = bulks.without(bulks.level(group), perturbation)
    return InnerPair(
        group,
        bulks.level(group),
        perturbation,
        bulks.mean(group, perturbation),
        int(bulks.counts[bulks.row[group, perturbation]]),
        {name: predict(hidden, group, perturbation).mean for name, predict in SIMPLE.items()},
    )


def _eligible(bulks: Pseudobulks) -> list[tuple[str, str]]:
    measured = [
        (group, label)
        for (group, label), row in bulks.row.items()
        if label != bulks.control
        and bulks.counts[row] >= FEWEST_CELLS
        and (group, bulks.control) in bulks.row
    ]
    levels: dict[str, set[str]] = {}
    for group, label in bulks.row:
        if (group, bulks.control) in bulks.row:
            levels.setdefault(label, set()).add(bulks.level(group))
    shared = [pair for pair in measured if len(levels[pair[1]]) > 1]
    pairs = shared or measured
    if len(pairs) <= MOST_PAIRS:
        return pairs
    chosen = np.random.default_rng(0).choice(len(pairs), MOST_PAIRS, replace=False)
    return [pairs[i] for i in np.sort(chosen)]
