"""Eqs. 14 and 23 on arrays, as they are printed: for one group that fits in memory."""

from __future__ import annotations

import numpy as np


def robust_mean(
    outcomes: np.ndarray, treated: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ψ̂ of eq. 14 within one covariate group, its standard error, its influence function.

        Ψ̂  = mean over treated of (Y − μ)  +  mean over all of μ                     (14)
        ψ_k = 1[T_k = a] / p(a) · (Y_k − E[Y | Z_k, a])  +  (E[Y′ | Z_k, a] − Ψ̂)      (23)
        se² = Σ_k ψ_k² / n²

    Within the group X = c, p(X, T)/p(X) of eq. 23 is p(a) = n_treated / n; cells of other
    groups have ψ = 0 and change nothing. E[Y | Z, a] in eq. 23 is the true conditional mean.
    Where μ is off by a constant, eq. 14 takes that constant out, so here it is taken out of
    ψ too: E[Y | Z, a] = μ + mean treated residual. With μ itself in its place, a model that is
    off by b adds b²/n_treated to the variance and the intervals are too wide. The treated
    residuals' variance is divided by n_treated − 1.

    Args:
        outcomes: Y (cells, genes), all cells of the group; only the treated rows are read.
        treated: (cells,) bool, True where T = a.
        mu: (cells, genes) model mean of every cell under a.

    Returns:
        Ψ̂ (genes,), its standard error (genes,), ψ (cells, genes), all float64. The standard
        error and ψ are NaN for a single treated cell.

    Raises:
        ValueError: no treated cell; eq. 14 does not exist then.
    """
    treated = np.asarray(treated, dtype=bool)
    n, n_treated = len(treated), int(treated.sum())
    if n_treated == 0:
        message = "eq. 14 needs at least one treated cell"
        raise ValueError(message)
    mu = np.asarray(mu, dtype=np.float64)
    residuals = np.asarray(outcomes[treated], dtype=np.float64) - mu[treated]
    shift = residuals.mean(axis=0)
    plug_in = mu.mean(axis=0)
    influence = mu - plug_in
    influence[treated] += treated_weight(n, n_treated) * (residuals - shift)
    if n_treated == 1:
        influence[:] = np.nan
    return shift + plug_in, standard_error(influence), influence


def standard_error(influence: np.ndarray) -> np.ndarray:
    """√(Σ ψ²) / n per gene, from influence functions (cells, genes)."""
    return np.asarray(np.sqrt((influence**2).sum(axis=0)) / len(influence))


def treated_weight(n: int, n_treated: int) -> float:
    """What a treated residual counts in ψ: 1 / p(a), and the √(n / (n − 1)) of its variance.

    NaN for a single treated cell, whose residual says nothing of its spread.
    """
    if n_treated < 2:
        return float("nan")
    return n / n_treated * float(np.sqrt(n_treated / (n_treated - 1)))
