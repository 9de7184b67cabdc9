"""Scores of a predicted mean profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gvci.metrics.score import NO_VARIATION, Score, number

Positions = np.ndarray | Sequence[int] | None


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
    truth: np.ndarray, prediction: np.ndarray, control: np.ndarray, genes: Positions = None
) -> Score:
    """Pearson correlation of the predicted and the true change from control.

    Args:
        truth, prediction, control: (genes,) mean profiles, log1p CP10k.
        genes: positions to score on; all by default.

    Returns:
        −1 to 1; None where one of the changes is the same for all genes ("no change"
        has no correlation), for fewer than two genes, or for values not finite.

    Raises:
        TypeError: genes is a boolean mask.
    """
    truth, prediction, control = _selected(genes, truth, prediction, control)
    if len(truth) < 2:
        return None
    true, made = _centred(truth - control), _centred(prediction - control)
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

    Raises:
        TypeError: genes is a boolean mask.
    """
    truth, prediction = _selected(genes, truth, prediction)
    return number(np.mean((truth - prediction) ** 2)) if len(truth) else None


def mean_scores(
    truth: np.ndarray, prediction: np.ndarray, control: np.ndarray, genes: Positions = None
) -> dict[str, Score]:
    """The scores of a predicted mean profile, on all genes and on the given DE genes.

    Args:
        truth, prediction, control: (genes,) mean profiles, log1p CP10k.
        genes: positions of the DE genes.

    Returns:
        r2_all, r2_de, pearson_delta, pearson_delta_de, mse.
    """
    return {
        "r2_all": r2_mean(truth, prediction),
        "r2_de": r2_mean(truth, prediction, genes),
        "pearson_delta": pearson_delta(truth, prediction, control),
        "pearson_delta_de": pearson_delta(truth, prediction, control, genes),
        "mse": mse(truth, prediction),
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
