"""Scores of a predicted mean profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gvci.metrics.others import centroid_accuracy, pds
from gvci.metrics.score import NO_VARIATION, Score, number

Positions = np.ndarray | Sequence[int] | None
TOP = 20


def r2_mean(truth: np.ndarray, prediction: np.ndarray, genes: Positions = None) -> Score:
    """R² of a predicted mean profile: sklearn's r2_score(truth, prediction), truth first.

    Args:
        truth: (genes,) mean over the true cells, log1p CP10k.
        prediction: (genes,) mean over the predicted cells.
        genes: positions to score on, e.g. the DE genes; all by default.

    Returns:
        At most 1; None for fewer than two genes, a constant truth, or values not finite.

    Raises:
        TypeError: genes is a boolean mask.
    """
    truth, prediction = _selected(genes, truth, prediction)
    if len(truth) < 2:
        return None
    total, rest = _centred(truth), truth - prediction
    variation = total @ total
    # What is not finite makes these sums not finite, and `number` undefined.
    if not variation >= len(truth) * NO_VARIATION**2:
        return None
    return number(1 - (rest @ rest) / variation)


def pearson_delta(
    truth: np.ndarray, prediction: np.ndarray, reference: np.ndarray, genes: Positions = None
) -> Score:
    """Pearson correlation of the predicted and the true change from a reference.

    The reference is the control mean; Systema's Δ (Viñas Torné et al., 2025) takes the mean of
    the centroids of other perturbations, so that what all perturbations do alike counts nothing.

    Args:
        truth, prediction, reference: (genes,) mean profiles, log1p CP10k.
        genes: positions to score on; all by default.

    Returns:
        −1 to 1; None where one of the changes is the same for all genes ("no change"
        has no correlation), for fewer than two genes, or for values not finite.

    Raises:
        TypeError: genes is a boolean mask.
    """
    truth, prediction, reference = _selected(genes, truth, prediction, reference)
    if len(truth) < 2:
        return None
    true, made = _centred(truth - reference), _centred(prediction - reference)
    sizes = true @ true, made @ made
    if not min(sizes) >= len(truth) * NO_VARIATION**2:
        return None
    return number(np.clip((true @ made) / np.sqrt(sizes[0] * sizes[1]), -1, 1))


def mse(truth: np.ndarray, prediction: np.ndarray, genes: Positions = None) -> Score:
    """Mean squared error of a mean profile, (log1p CP10k)².

    Args:
        truth, prediction: (genes,) mean profiles.
        genes: positions to score on; all by default.

    Returns:
        At least 0; None without genes or for values not finite.
    """
    truth, prediction = _selected(genes, truth, prediction)
    rest = truth - prediction
    return number(rest @ rest / len(rest)) if len(rest) else None


def mae(truth: np.ndarray, prediction: np.ndarray, genes: Positions = None) -> Score:
    """Mean absolute error of a mean profile, log1p CP10k.

    Args:
        truth, prediction: (genes,) mean profiles.
        genes: positions to score on; all by default.

    Returns:
        At least 0; None without genes or for values not finite.
    """
    truth, prediction = _selected(genes, truth, prediction)
    return number(np.abs(truth - prediction).mean()) if len(truth) else None


def mean_scores(
    truth: np.ndarray,
    prediction: np.ndarray,
    control: np.ndarray,
    genes: Positions = None,
    others: np.ndarray | None = None,
    targets: Sequence[int] = (),
) -> dict[str, Score]:
    """The scores of a predicted mean profile, on all genes and on the given DE genes.

    Args:
        truth, prediction, control: (genes,) mean profiles, log1p CP10k.
        genes: positions of the DE genes, most changed first.
        others: (perturbations, genes) true means of the group's other perturbations.
        targets: positions of the genes that the perturbation itself hits.

    Returns:
        r2_all, r2_de, pearson_delta, pearson_delta_top20 (the first 20 DE genes),
        pearson_delta_de, systema_delta, centroid_accuracy, mse, mae, pds. The three that need
        other perturbations are None without any.
    """
    top = None if genes is None else genes[:TOP]
    scores = {
        "r2_all": r2_mean(truth, prediction),
        "r2_de": r2_mean(truth, prediction, genes),
        "pearson_delta": pearson_delta(truth, prediction, control),
        "pearson_delta_top20": pearson_delta(truth, prediction, control, top),
        "pearson_delta_de": pearson_delta(truth, prediction, control, genes),
        "mse": mse(truth, prediction),
        "mae": mae(truth, prediction),
    }
    if others is None or len(others) == 0:
        return scores | dict.fromkeys(("systema_delta", "centroid_accuracy", "pds"))
    return scores | {
        "systema_delta": pearson_delta(truth, prediction, others.mean(axis=0)),
        "centroid_accuracy": centroid_accuracy(truth, prediction, others),
        "pds": pds(truth, prediction, others, targets),
    }


def _selected(genes: Positions, *profiles: np.ndarray) -> list[np.ndarray]:
    """The profiles as float64, at the chosen positions."""
    arrays = [np.asarray(profile, dtype=np.float64) for profile in profiles]
    if any(array.ndim != 1 or array.shape != arrays[0].shape for array in arrays):
        message = f"profiles must be (genes,) and equal in length: {[a.shape for a in arrays]}"
        raise ValueError(message)
    if genes is None:
        return arrays
    positions = np.asarray(genes)
    if positions.dtype == bool:
        message = "genes are positions, not a mask"
        raise TypeError(message)
    return [array[positions.astype(np.intp)] for array in arrays]


def _centred(profile: np.ndarray) -> np.ndarray:
    return np.asarray(profile - profile.mean())
