"""Mean expression per covariate group and perturbation: what simple predictions are made from.

Cells of the learning splits only, and every dose of a perturbation in one mean. A group belongs
to a level of the task covariate, the one along which cells are held out; hiding a perturbation
from a whole level asks the question that held-out cells ask, of pairs whose answer is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

import numpy as np

from gvci.data.encoding import TreatmentCode
from gvci.data.numbering import numbered
from gvci.data.portions import averages
from gvci.errors import DataError, PredictionError

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

LEARNING_SPLITS = ("train", "validation")
FEWEST_CELLS = 10
MOST_CHANGED = 50


@dataclass(frozen=True, eq=False)
class Pseudobulks:
    """Means of the measured pairs (group, perturbation), the control among the perturbations.

    Attributes:
        control: label of the control.
        covariate: the task covariate; None where no covariate has two levels.
        levels: group → its level of the task covariate (itself where there is none).
        pairs: the measured pairs, sorted.
        means: (pairs, genes) float64, log1p CP10k.
        counts: (pairs,) cells behind each mean.
        kept: (pairs,) False for pairs that `without` has hidden.
        whole: what nothing was hidden from; None where this is it.
    """

    control: str
    covariate: str | None
    levels: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    means: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)
    kept: np.ndarray = field(repr=False)
    whole: Pseudobulks | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: PerturbationData) -> Self:
        """The pseudobulks of a dataset, in one pass over its learning cells."""
        rows = data.rows(LEARNING_SPLITS)
        groups, group = numbered(data.groups[rows])
        names, label = numbered(data.perturbation[rows])
        present, member = np.unique(group * len(names) + label, return_inverse=True)
        pairs = [(groups[pair // len(names)], names[pair % len(names)]) for pair in present]
        counts = np.bincount(member, minlength=len(pairs))
        covariate = task_covariate(data)
        labels = data.groups if covariate is None else data.adata.obs[covariate].astype(str)
        return cls(
            data.columns.control,
            covariate,
            dict(zip(data.groups, labels, strict=True)),
            tuple(pairs),
            averages(data.expression, rows, member, counts).toarray(),
            counts,
            np.ones(len(pairs), dtype=bool),
        )

    # --- what there is ---------------------------------------------------------------

    @cached_property
    def row(self) -> dict[tuple[str, str], int]:
        """Pair → its position in `means`, for the pairs that are not hidden."""
        return {pair: i for i, pair in enumerate(self.pairs) if self.kept[i]}

    @cached_property
    def code(self) -> TreatmentCode:
        """Which single perturbations the labels are made of."""
        return TreatmentCode.of([label for _, label in self.pairs], self.control)

    @property
    def genes(self) -> int:
        """Number of genes."""
        return int(self.means.shape[1])

    def level(self, group: str) -> str:
        """The group's level of the task covariate."""
        return self.levels.get(group, group)

    def perturbations(self, group: str) -> list[str]:
        """Labels measured in the group, sorted, without the control."""
        return [label for g, label in self.row if g == group and label != self.control]

    def donors(self, perturbation: str, besides: str) -> list[str]:
        """Other groups with cells of the perturbation and of the control, sorted."""
        treated = [group for group, label in self.row if label == perturbation and group != besides]
        return [group for group in treated if (group, self.control) in self.row]

    def parts(self, perturbation: str) -> tuple[str, ...]:
        """Single perturbations of a label; empty for the control and for unknown labels."""
        try:
            return self.code.parts(perturbation)
        except PredictionError:
            return ()

    # --- means -----------------------------------------------------------------------

    def mean(self, group: str, perturbation: str) -> np.ndarray:
        """(genes,) mean of a pair's cells, log1p CP10k.

        Raises:
            DataError: no cell was measured.
        """
        row = self.row.get((group, perturbation))
        if row is None:
            message = (
                f"{group} has no cells of '{perturbation}' in the training and validation splits, "
                "so there is nothing to compare with. Prepare the data so that this group keeps "
                "some."
            )
            raise DataError(message)
        mean: np.ndarray = self.means[row]
        return mean

    def control_mean(self, group: str) -> np.ndarray:
        """(genes,) mean of the group's control cells.

        Raises:
            DataError: there are none.
        """
        return self.mean(group, self.control)

    def delta(self, group: str, perturbation: str) -> np.ndarray:
        """(genes,) mean of a pair minus the group's control mean.

        Raises:
            DataError: either has no cells.
        """
        return np.asarray(self.mean(group, perturbation) - self.control_mean(group))

    # --- hiding ----------------------------------------------------------------------

    def without(self, level: str, perturbation: str) -> Pseudobulks:
        """The same with one perturbation hidden from every group of a level.

        Only this label is hidden: combinations with it stay, as they do when it is held out.
        Means are shared, not copied.
        """
        hidden = ((group, perturbation) for group in self.levels if self.level(group) == level)
        return self.hiding(hidden)

    def hiding(self, pairs: Iterable[tuple[str, str]]) -> Pseudobulks:
        """The same with some pairs hidden; pairs that were not measured do not matter."""
        gone = [self.row[pair] for pair in pairs if pair in self.row]
        if not gone:
            return self
        kept = self.kept.copy()
        kept[gone] = False
        return replace(self, kept=kept, whole=self.whole or self)


_KNOWN: WeakKeyDictionary[PerturbationData, Pseudobulks] = WeakKeyDictionary()


def pseudobulks(data: PerturbationData) -> Pseudobulks:
    """The dataset's pseudobulks, computed once, so that what is learned from them is too."""
    if data not in _KNOWN:
        _KNOWN[data] = Pseudobulks.of(data)
    return _KNOWN[data]


def task_covariate(data: PerturbationData) -> str | None:
    """The covariate along which cells are held out.

    The one for which most held-out cells have a (level, perturbation) without any learning
    cell; where none has such cells, or several as many, the first that has two levels.
    """
    learning, hidden = np.isin(data.split, LEARNING_SPLITS), data.split == "ood"
    best, most = None, -1
    for name in data.columns.covariates:
        levels = data.adata.obs[name].astype(str).to_numpy()
        if len(set(levels)) < 2:
            continue
        seen = set(zip(levels[learning], data.perturbation[learning], strict=True))
        asked = zip(levels[hidden], data.perturbation[hidden], strict=True)
        count = sum(pair not in seen for pair in asked)
        if count > most:
            best, most = name, count
    return best


def squared_errors(said: np.ndarray, truth: np.ndarray, control: np.ndarray) -> np.ndarray:
    """(pairs, 2) mean squared error of means, over all genes and over the 50 that change most.

    A choice by all genes alone favours predictions that are too near to no change: most genes
    do not change, and the few that do are what is asked for.

    Args:
        said, truth, control: (pairs, n) predicted, measured and control means, log1p CP10k.
    """
    squares = (said - truth) ** 2
    changed = np.argsort(-np.abs(truth - control), axis=1)[:, :MOST_CHANGED]
    return np.stack(
        [squares.mean(axis=1), np.take_along_axis(squares, changed, axis=1).mean(axis=1)], axis=1
    )
