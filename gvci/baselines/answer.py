"""What a baseline answers, and what it answers where it has nothing to go by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gvci.pseudobulk import Pseudobulks


@dataclass(frozen=True)
class Baseline:
    """A baseline's answer for one pair.

    Attributes:
        mean: (genes,) predicted mean expression, log1p CP10k.
        note: what it fell back on, in words; empty where it did not.
    """

    mean: np.ndarray
    note: str = ""


Predict = Callable[[Pseudobulks, str, str], Baseline]


def no_change(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The mean of the group's control cells.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    return Baseline(bulks.control_mean(group))


def without_donors(bulks: Pseudobulks, group: str, perturbation: str, predict: Predict) -> Baseline:
    """The answer where no other group tells what the perturbation does.

    A combination "A+B" then is the sum of the changes of its parts: the group's own where it
    was measured, else the baseline's. Anything else is the control mean.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    control = bulks.control_mean(group)
    parts = bulks.parts(perturbation)
    if len(parts) < 2:
        note = (
            f"No group beside {group} has {perturbation} and control cells: baselines that carry "
            "changes over from other groups are the control mean."
        )
        return Baseline(control, note)
    changes = [
        bulks.delta(group, part)
        if (group, part) in bulks.row
        else predict(bulks, group, part).mean - control
        for part in parts
    ]
    note = (
        f"No group beside {group} has {perturbation}: its change is taken as the sum of those of "
        f"{' and '.join(parts)}."
    )
    return Baseline(np.maximum(control + np.sum(changes, axis=0), 0.0), note)
