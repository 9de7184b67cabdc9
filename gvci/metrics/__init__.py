"""Every score, defined once (paper §3.1 and what the field has added since).

A score is a number or None. None means undefined: a correlation without variation, an R²
whose truth is constant, a ranking without a positive. It is never written as 0 or NaN.
Expression is log1p CP10k. `genes` selects genes by position; multiplying by a 0/1 mask and
keeping the zeros would inflate R², so a boolean mask is refused.
"""

from gvci.metrics.ceiling import split_half
from gvci.metrics.cells import cell_correlation, e_distance, e_distances, spread_ratio
from gvci.metrics.edges import auprc, auroc, early_precision
from gvci.metrics.means import mean_scores, mse, pearson_delta, r2_mean
from gvci.metrics.score import Score, average

__all__ = [
    "Score",
    "auprc",
    "auroc",
    "average",
    "cell_correlation",
    "e_distance",
    "e_distances",
    "early_precision",
    "mean_scores",
    "mse",
    "pearson_delta",
    "r2_mean",
    "split_half",
    "spread_ratio",
]
