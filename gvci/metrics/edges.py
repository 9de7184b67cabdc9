"""Scores of a ranking of edges."""

from __future__ import annotations

import numpy as np

from gvci.metrics.score import Score, finite, number


def auprc(truth: np.ndarray, scores: np.ndarray) -> Score:
    """Area under the precision–recall curve, as average precision (sklearn).

    Args:
        truth: (pairs,) 1 where the edge is real. scores: (pairs,) larger = more likely.

    Returns:
        0 to 1, the share of positives for random scores; None without a positive.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or not finite(scores):
        return None
    from sklearn.metrics import average_precision_score

    return number(average_precision_score(truth, scores))


def auroc(truth: np.ndarray, scores: np.ndarray) -> Score:
    """Area under the ROC curve (sklearn): the chance that a real edge outranks another.

    Args:
        truth: (pairs,) 1 where the edge is real. scores: (pairs,) larger = more likely.

    Returns:
        0 to 1, 0.5 for random scores; None without a positive or without a negative.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not truth.any() or truth.all() or not finite(scores):
        return None
    from sklearn.metrics import roc_auc_score

    return number(roc_auc_score(truth, scores))


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
    if wanted == 0 or not finite(scores):
        return None
    cut = np.sort(scores)[-wanted]
    above, tied = scores > cut, scores == cut
    share = (wanted - above.sum()) / tied.sum()
    return number((truth[above].sum() + share * truth[tied].sum()) / wanted)
