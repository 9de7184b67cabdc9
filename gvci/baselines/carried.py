"""Changes carried over from other groups: additive, additive in counts, weighted by likeness.

The other groups ("donors") are those with cells of the perturbation and control cells, of the
same level or another. Sums are clipped at 0, for expression is not negative.
"""

from __future__ import annotations

import numpy as np

from gvci.baselines.answer import Baseline, without_donors
from gvci.pseudobulk import Pseudobulks

# Added to counts per 10,000 before the logarithm, so that silent genes do not rule.
PSEUDOCOUNT = 0.1


def additive(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """Control mean of the group plus the unweighted mean change in the donors.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    control, donors = bulks.control_mean(group), bulks.donors(perturbation, besides=group)
    if not donors:
        return without_donors(bulks, group, perturbation, additive)
    changes = [bulks.delta(donor, perturbation) for donor in donors]
    return Baseline(np.maximum(control + np.mean(changes, axis=0), 0.0))


def additive_counts(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The same in l(μ) = log(expm1(μ) + 0.1): changes multiply counts, not log1p values.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    control, donors = bulks.control_mean(group), bulks.donors(perturbation, besides=group)
    if not donors:
        return without_donors(bulks, group, perturbation, additive_counts)
    changes = [
        _log_counts(bulks.mean(donor, perturbation)) - _log_counts(bulks.control_mean(donor))
        for donor in donors
    ]
    level = np.exp(_log_counts(control) + np.mean(changes, axis=0)) - PSEUDOCOUNT
    return Baseline(np.log1p(np.maximum(level, 0.0)))


def similar(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The additive baseline, with donors weighted by the likeness of their control cells.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    control, donors = bulks.control_mean(group), bulks.donors(perturbation, besides=group)
    if not donors:
        return without_donors(bulks, group, perturbation, similar)
    changes = np.stack([bulks.delta(donor, perturbation) for donor in donors])
    return Baseline(np.maximum(control + likeness(bulks, group, donors) @ changes, 0.0))


def likeness(bulks: Pseudobulks, group: str, donors: list[str]) -> np.ndarray:
    """(donors,) weights exp(−d / least d), summing to 1; d = squared distance of control means.

    Donors whose control cells are the group's own profile share all the weight.
    """
    control = bulks.control_mean(group)
    distance = np.array([np.sum((bulks.control_mean(d) - control) ** 2) for d in donors])
    least = distance.min()
    weights = np.exp(-distance / least) if least > 0 else (distance == 0).astype(np.float64)
    return np.asarray(weights / weights.sum())


def _log_counts(mean: np.ndarray) -> np.ndarray:
    """log(counts per 10,000 + 0.1) of a log1p mean."""
    return np.asarray(np.log(np.expm1(mean) + PSEUDOCOUNT))
