"""The perturbed mean: a group's cells under anything but the control."""

from __future__ import annotations

import numpy as np

from gvci.baselines.answer import Baseline
from gvci.pseudobulk import Pseudobulks


def perturbed_mean(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The mean of the centroids of the group's other perturbations, each counted once.

    Where the group has no other perturbation, the mean of the treated means of this
    perturbation in the other groups; where there is none either, the control mean.

    Raises:
        DataError: nothing to fall back on.
    """
    others = [label for label in bulks.perturbations(group) if label != perturbation]
    if others:
        rows = [bulks.row[group, label] for label in others]
        return Baseline(bulks.means[rows].mean(axis=0))
    donors = bulks.donors(perturbation, besides=group)
    if donors:
        many = "1 other group" if len(donors) == 1 else f"{len(donors)} other groups"
        note = (
            f"{group} has no other perturbation: the perturbed mean is that of {perturbation} "
            f"in {many}."
        )
        return Baseline(np.mean([bulks.mean(g, perturbation) for g in donors], axis=0), note)
    note = (
        f"{group} has no other perturbation and no other group has {perturbation}: "
        "the perturbed mean is the control mean."
    )
    return Baseline(bulks.control_mean(group), note)
