"""Every score, defined once (paper §3.1 and what the field has added since).

A score is a number or None. None means undefined: a correlation without variation, an R²
whose truth is constant, a ranking without a positive. It is never written as 0 or NaN.
Expression is log1p CP10k. `genes` selects genes by position; multiplying by a 0/1 mask and
keeping the zeros would inflate R², so a boolean mask is refused.
"""

from gvci.metrics.ceiling import split_half
from gvci.metrics.cells import cell_correlation, spread_ratio
from gvci.metrics.distances import TrueCells, e_distance, mmd, wasserstein
from gvci.metrics.edges import auprc, auroc, early_precision
from gvci.metrics.expression import des
from gvci.metrics.intervals import coverage
from gvci.metrics.means import mae, mean_scores, mse, pearson_delta, r2_mean
from gvci.metrics.others import centroid_accuracy, pds, rank
from gvci.metrics.score import Score, average

__all__ = [
    "Score",
    "TrueCells",
    "auprc",
    "auroc",
    "average",
    "cell_correlation",
    "centroid_accuracy",
    "coverage",
    "des",
    "e_distance",
    "early_precision",
    "mae",
    "mean_scores",
    "mmd",
    "mse",
    "pds",
    "pearson_delta",
    "r2_mean",
    "rank",
    "split_half",
    "spread_ratio",
    "wasserstein",
]
