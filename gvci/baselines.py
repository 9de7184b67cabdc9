"""Simple predictions that every model must be shown beside (EVALUATION: baselines).

Each predicts the mean expression of one pair (group, perturbation) from cells of the splits
`train` and `validation` only, and as if the pair itself had not been measured. On held-out
pairs that is so by construction; on the split `test` the pair's own training cells exist and
are left out all the same, so there these baselines answer the held-out question while the
model has seen the pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gvci.errors import DataError

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

LEARNING_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Baseline:
    """A baseline's answer for one pair.

    Attributes:
        mean: (genes,) predicted mean expression, log1p CP10k.
        note: what it fell back on, in words; empty where it did not.
    """

    mean: np.ndarray
    note: str = ""


def no_change(data: PerturbationData, group: str, perturbation: str) -> Baseline:
    """The mean of the group's control cells.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    return Baseline(control_mean(data, group))


def perturbed_mean(data: PerturbationData, group: str, perturbation: str) -> Baseline:
    """The mean of the centroids of the group's other perturbations, each counted once.

    Where the group has no other perturbation, the mean of the treated means of this
    perturbation in the other groups; where there is none either, no_change.

    Raises:
        DataError: nothing to fall back on.
    """
    cells = _learning(data)
    others = sorted(
        set(data.perturbation[cells & (data.groups == group)])
        - {perturbation, data.columns.control}
    )
    if others:
        centroids = [_mean(data, group, other) for other in others]
        return Baseline(np.mean(centroids, axis=0))
    donors = groups_with(data, perturbation, besides=group)
    if donors:
        note = (
            f"{group} has no other perturbation: the perturbed mean is that of {perturbation} "
            f"in {_counted(len(donors))}."
        )
        return Baseline(np.mean([_mean(data, g, perturbation) for g in donors], axis=0), note)
    note = (
        f"{group} has no other perturbation and no other group has {perturbation}: "
        "the perturbed mean is the control mean."
    )
    return Baseline(control_mean(data, group), note)


def additive(data: PerturbationData, group: str, perturbation: str) -> Baseline:
    """Control mean of the group plus the unweighted mean change in the other groups.

    The other groups are those with cells of this perturbation and control cells. The sum is
    clipped at 0, for expression is not negative. Without such a group: no_change.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    control = control_mean(data, group)
    donors = groups_with(data, perturbation, besides=group)
    if not donors:
        note = (
            f"No group but {group} has {perturbation} and control cells: "
            "the additive baseline is the control mean."
        )
        return Baseline(control, note)
    changes = [_mean(data, g, perturbation) - control_mean(data, g) for g in donors]
    return Baseline(np.maximum(control + np.mean(changes, axis=0), 0.0))


BASELINES = {"no_change": no_change, "perturbed_mean": perturbed_mean, "additive": additive}


def control_mean(data: PerturbationData, group: str) -> np.ndarray:
    """(genes,) mean of the group's control cells of the learning splits, log1p CP10k.

    Raises:
        DataError: there are none.
    """
    return _mean(data, group, data.columns.control)


def groups_with(data: PerturbationData, perturbation: str, besides: str) -> list[str]:
    """Other groups with cells of the perturbation and of the control, in the learning splits."""
    cells = _learning(data)
    treated = set(data.groups[cells & (data.perturbation == perturbation)])
    controls = set(data.groups[cells & data.is_control])
    return sorted((treated & controls) - {besides})


def _learning(data: PerturbationData) -> np.ndarray:
    """Mask of the cells that a baseline may use."""
    return np.isin(data.split, LEARNING_SPLITS)


def _mean(data: PerturbationData, group: str, perturbation: str) -> np.ndarray:
    mask = _learning(data) & (data.groups == group) & (data.perturbation == perturbation)
    if not mask.any():
        message = (
            f"{group} has no cells of '{perturbation}' in the training and validation splits, so "
            "there is nothing to compare with. Prepare the data so that this group keeps some."
        )
        raise DataError(message)
    return data.mean(np.flatnonzero(mask))


def _counted(groups: int) -> str:
    return "1 other group" if groups == 1 else f"{groups} other groups"
