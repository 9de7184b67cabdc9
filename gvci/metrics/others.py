"""Is a prediction nearer to its own perturbation than to the other perturbations of its group?

A model that predicts the same for every perturbation can score well on R²; here it scores what
chance does. Distances are between mean profiles; taking the control mean off both would change
none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gvci.metrics.score import Score, finite


def centroid_accuracy(truth: np.ndarray, prediction: np.ndarray, others: np.ndarray) -> Score:
    """Systema's centroid accuracy (Viñas Torné et al., 2025), by Euclidean distance.

    Args:
        truth, prediction: (genes,) mean profiles of the perturbation.
        others: (perturbations, genes) true means of the group's other perturbations.

    Returns:
        0 to 1: the share of other perturbations whose true mean is farther from the prediction
        than the perturbation's own; 0.5 by chance. None without others or for values not finite.
    """
    if len(others) == 0 or not finite(truth, prediction, others):
        return None
    own = np.square(prediction - truth).sum()
    return float((np.square(others - prediction).sum(axis=1) > own).mean())


def pds(
    truth: np.ndarray, prediction: np.ndarray, others: np.ndarray, targets: Sequence[int] = ()
) -> Score:
    """Perturbation discrimination score (Virtual Cell Challenge, 2025): 1 − rank / N.

    The true effects of all N perturbations of the group, the own one among them, are sorted by
    their L1 distance to the predicted effect; `rank` counts those before the own one.

    Args:
        truth, prediction: (genes,) mean profiles of the perturbation.
        others: (perturbations, genes) true means of the group's other perturbations.
        targets: positions of the genes that the perturbation hits: they are left out, for their
            change gives it away.

    Returns:
        1/N to 1, (N + 1) / 2N by chance; equals count half. None without others, or for values
        not finite.
    """
    if len(others) == 0 or not finite(truth, prediction, others):
        return None
    kept = np.delete(np.arange(len(truth)), list(targets))
    distances = np.abs(others[:, kept] - prediction[kept]).sum(axis=1)
    own = np.abs(truth[kept] - prediction[kept]).sum()
    return 1 - _before(distances, own) / (len(others) + 1)


def rank(truth: np.ndarray, prediction: np.ndarray, others: np.ndarray) -> Score:
    """PerturBench's rank (Wu et al., 2024): where its own prediction stands among all.

    All N predictions for the group, the own one among them, are sorted by their Euclidean
    distance to the truth; the rank is the number before the own one, over N.

    Args:
        truth, prediction: (genes,) mean profiles of the perturbation.
        others: (perturbations, genes) predicted means of the group's other perturbations.

    Returns:
        0 to (N − 1) / N: 0 is best, (N − 1) / 2N is chance, which equal predictions score. None
        without others, or for values not finite.
    """
    if len(others) == 0 or not finite(truth, prediction, others):
        return None
    distances = np.square(others - truth).sum(axis=1)
    own = np.square(prediction - truth).sum()
    return _before(distances, own) / (len(others) + 1)


def _before(distances: np.ndarray, own: float) -> float:
    """How many are nearer than the own one; equals count half."""
    return float((distances < own).sum() + (distances == own).sum() / 2)
