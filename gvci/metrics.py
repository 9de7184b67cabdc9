"""Every score, defined once (paper §3.1 and what the field has added since).

A score is a number or None. None means undefined: a correlation without variation, an R²
whose truth is constant, a ranking without a positive. It is never written as 0 or NaN.
Expression is log1p CP10k. `genes` selects genes by position; multiplying by a 0/1 mask and
keeping the zeros would inflate R², so a boolean mask is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

# Variation below float32's rounding of log1p CP10k counts as none.
NO_VARIATION = 1e-6
SPLIT_HALF_REPEATS = 10

Score = float | None
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
    if len(truth) < 2 or not _finite(truth, prediction) or np.std(truth) < NO_VARIATION:
        return None
    from sklearn.metrics import r2_score

    return _number(r2_score(truth, prediction))


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
    if len(truth) < 2 or not _finite(truth, prediction, control):
        return None
    changes = np.stack([truth - control, prediction - control])
    changes -= changes.mean(axis=1, keepdims=True)
    size = np.sqrt((changes**2).mean(axis=1))
    if (size < NO_VARIATION).any():
        return None
    return _number(np.clip((changes[0] * changes[1]).mean() / size.prod(), -1, 1))


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
    if len(truth) < 1 or not _finite(truth, prediction):
        return None
    return _number(np.mean((truth - prediction) ** 2))


def cell_correlation(truth: np.ndarray, reconstruction: np.ndarray) -> Score:
    """Does the reconstruction tell the cells of one group and perturbation apart?

    For each cell, the Pearson correlation over genes between its own deviation and its
    reconstruction's deviation, each from the mean over these cells; then the mean over
    cells. R² of group means cannot see a model that has collapsed to group means: here
    it scores 0, because a reconstruction without deviation counts as 0.

    Args:
        truth: (cells, genes) measured expression of the cells of one pair, log1p CP10k.
        reconstruction: (cells, genes) the decoder's mean for the same cells, same order.

    Returns:
        −1 to 1; None where no cell deviates from the others (fewer than two cells, or all
        equal), for fewer than two genes, or for values not finite.
    """
    truth = np.asarray(truth, dtype=np.float64)
    reconstruction = np.asarray(reconstruction, dtype=np.float64)
    if truth.shape != reconstruction.shape:
        message = f"truth {truth.shape} and reconstruction {reconstruction.shape} differ in shape"
        raise ValueError(message)
    if min(truth.shape) < 2 or not _finite(truth, reconstruction):
        return None
    true, size = _deviations(truth)
    made, made_size = _deviations(reconstruction)
    usable = size >= NO_VARIATION
    if not usable.any():
        return None
    products = (true * made).mean(axis=1)
    told_apart = usable & (made_size >= NO_VARIATION)
    correlations = np.zeros(len(truth))
    correlations[told_apart] = products[told_apart] / (size * made_size)[told_apart]
    return _number(np.clip(correlations[usable].mean(), -1, 1))


def split_half(
    cells: np.ndarray | sp.csr_matrix,
    control: np.ndarray,
    genes: Positions = None,
    *,
    seed: int = 0,
    repeats: int = SPLIT_HALF_REPEATS,
) -> dict[str, Score]:
    """The noise ceiling: one random half of the true cells predicts the other.

    A half has half the cells, so the ceiling is a little low: with few cells a model may
    exceed it.

    Args:
        cells: (cells, genes) true cells of one pair, log1p CP10k; dense or CSR.
        control: (genes,) mean of the control cells, the reference of the changes.
        genes: positions of the DE genes; without them the `_de` scores equal the others.
        seed: of the splits. repeats: splits to average over.

    Returns:
        r2_all, r2_de, pearson_delta, pearson_delta_de, mse; all None for fewer than 2 cells.
    """
    rng = np.random.default_rng(seed)
    n_cells = cells.shape[0]
    scores: list[dict[str, Score]] = []
    for _ in range(repeats if n_cells > 1 else 0):
        order = rng.permutation(n_cells)
        halves = (order[: n_cells // 2], order[n_cells // 2 :])
        one, other = (
            np.asarray(cells[half].mean(axis=0, dtype=np.float64)).ravel() for half in halves
        )
        scores.append(mean_scores(other, one, control, genes))
    names = ("r2_all", "r2_de", "pearson_delta", "pearson_delta_de", "mse")
    return {name: average(score[name] for score in scores) for name in names}


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


def auprc(truth: np.ndarray, scores: np.ndarray) -> Score:
    """Area under the precision–recall curve, as average precision (sklearn).

    Args:
        truth: (pairs,) 1 where the edge is real. scores: (pairs,) larger = more likely.

    Returns:
        0 to 1, the share of positives for random scores; None without a positive.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or not _finite(scores):
        return None
    from sklearn.metrics import average_precision_score

    return _number(average_precision_score(truth, scores))


def auroc(truth: np.ndarray, scores: np.ndarray) -> Score:
    """Area under the ROC curve (sklearn): the chance that a real edge outranks another.

    Args:
        truth: (pairs,) 1 where the edge is real. scores: (pairs,) larger = more likely.

    Returns:
        0 to 1, 0.5 for random scores; None without a positive or without a negative.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or truth.all() or not _finite(scores):
        return None
    from sklearn.metrics import roc_auc_score

    return _number(roc_auc_score(truth, scores))


def early_precision(truth: np.ndarray, scores: np.ndarray) -> Score:
    """Precision among the first pairs, as many as there are real edges (BEELINE).

    Args:
        truth: (pairs,) 1 where the edge is real. scores: (pairs,) larger = more likely.

    Returns:
        0 to 1, the share of positives for random scores; of pairs tied at the cut the
        expected number counts. None without a positive.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    wanted = int(truth.sum())
    if wanted == 0 or not _finite(scores):
        return None
    cut = np.sort(scores)[-wanted]
    above, tied = scores > cut, scores == cut
    share = (wanted - above.sum()) / tied.sum()
    return _number((truth[above].sum() + share * truth[tied].sum()) / wanted)


def average(scores: Iterable[Score]) -> Score:
    """Mean of the defined scores; None where none is."""
    defined = [score for score in scores if score is not None]
    return float(np.mean(defined)) if defined else None


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


def _deviations(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(cells, genes) deviations from the mean cell, centred over genes, and their sd (cells,)."""
    deviations = values - values.mean(axis=0)
    deviations -= deviations.mean(axis=1, keepdims=True)
    return deviations, np.sqrt((deviations**2).mean(axis=1))


def _finite(*arrays: np.ndarray) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _number(value: float) -> Score:
    return float(value) if np.isfinite(value) else None
