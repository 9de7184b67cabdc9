"""Do intervals hold what they say?"""

from __future__ import annotations

import numpy as np

from gvci.metrics.score import Score, finite


def coverage(truth: np.ndarray, low: np.ndarray, high: np.ndarray) -> Score:
    """Share of genes whose true mean lies within the interval, ends included.

    Args:
        truth: (genes,) true means. low, high: (genes,) ends of the intervals, 95 % by custom.

    Returns:
        0 to 1, near 0.95 for honest intervals; None without genes or for values not finite.
    """
    if len(truth) == 0 or not finite(truth, low, high):
        return None
    return float(((low <= truth) & (truth <= high)).mean())
