"""Marginal effects with standard errors (paper §2.4 and appendix B).

Ψ(c, a) = E[Y′ | X = c, T′ = a]. The model alone gives the plug-in mean of μ_k = E[Y′ | Z_k,
T′ = a]; eq. 14 adds the mean residual of the cells that were really treated, so a biased model
no longer biases the answer. Standard errors, intervals and tests come from the influence
function, eq. 23.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from gvci.errors import PredictionError, listed, nearest

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData

Z_95 = 1.959963984540054
ESTIMATION_SPLITS = ("train", "validation", "test")
GENES_AT_ONCE = 256
NO_SPREAD = 1e-9
MEASURED = ("robust", "se", "lower", "upper")
CONTRAST = ("effect", "effect_se", "effect_lower", "effect_upper", "p", "p_adjusted")


class Predictor(Protocol):
    """What effects are estimated with: a Run, or anything that predicts."""

    def predict(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """(rows, genes) log1p CP10k of these cells under the perturbation."""


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
    if n_treated > 1:
        unbiased = np.sqrt(n_treated / (n_treated - 1))
        influence[treated] += (n / n_treated) * unbiased * (residuals - shift)
    else:
        influence[:] = np.nan
    return shift + plug_in, standard_error(influence), influence


def standard_error(influence: np.ndarray) -> np.ndarray:
    """√(Σ ψ²) / n per gene, from influence functions (cells, genes)."""
    return np.asarray(np.sqrt((influence**2).sum(axis=0)) / len(influence))


def marginal_effects(
    predictor: Predictor,
    data: PerturbationData,
    perturbations: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Ψ̂ and its contrast with control for every group, perturbation and gene.

    Cells of the splits train, validation and test are used, held-out cells never: on a
    held-out pair only the plug-in exists, and its status says so. Predictions are at the
    median dose of the perturbation's cells.

    Args:
        predictor: predict with mode "mean", on positions of `data`.
        data: the cells, log1p CP10k.
        perturbations: labels; by default all that the used cells have.
        groups: covariate groups; by default all that the used cells have.

    Returns:
        One row per (group, perturbation, gene), expression in log1p CP10k: n_treated,
        n_control, n_group; plug_in, treated_mean (plain), robust (eq. 14), se, lower, upper;
        effect = robust minus the control's robust, effect_se, effect_lower, effect_upper, p,
        p_adjusted (Benjamini–Hochberg within group and perturbation). Intervals are 95 %.
        p is two-sided and normal, and counts the treated cells as no less variable than the
        controls, so with few cells it is more careful than the interval. status:
        "estimated", or "not_identifiable" where the group has no treated or no control
        cells; robust and all after it are then missing, never 0. Standard errors need two
        cells of a kind; a gene without any spread has no p.

    Raises:
        PredictionError: an unknown group or perturbation.
    """
    used = np.isin(data.split, ESTIMATION_SPLITS)
    wanted = _wanted(
        "perturbation", perturbations, set(data.perturbation[used]), data.perturbations
    )
    wanted = [label for label in wanted if label != data.columns.control]
    members = _wanted("group", groups, set(data.groups[used]), sorted(set(data.groups)))
    frames = [
        frame for group in members for frame in _group_effects(predictor, data, group, wanted, used)
    ]
    columns = ["group", "perturbation", "gene", "status", "n_treated", "n_control", "n_group"]
    columns += ["plug_in", "treated_mean", *MEASURED, *CONTRAST]
    if not frames:
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)[columns]


def _wanted(
    what: str, named: Sequence[str] | None, used: set[str], everything: Sequence[str]
) -> list[str]:
    """The named labels, or all that are used; unknown ones are refused."""
    if named is None:
        return sorted(used)
    unknown = [name for name in named if name not in everything and name not in used]
    # A combination of known perturbations can be predicted though no cell has it.
    unknown = [name for name in unknown if what == "group" or "+" not in name]
    if unknown:
        message = (
            f"No cell has the {what} '{unknown[0]}'.{nearest(unknown[0], everything)} "
            f"The data have {len(everything)}: {listed(everything, 8)}."
        )
        raise PredictionError(message)
    return list(dict.fromkeys(named))


def _group_effects(
    predictor: Predictor,
    data: PerturbationData,
    group: str,
    perturbations: Sequence[str],
    used: np.ndarray,
) -> Iterator[pd.DataFrame]:
    """One frame per perturbation; nothing of size cells × genes outlives its frame but Y and μ₀."""
    rows = np.flatnonzero(used & (data.groups == group))
    if not len(rows) or not perturbations:
        return
    outcomes, labels = data.dense(rows), data.perturbation[rows]
    controls = data.is_control[rows]
    control_mu = predictor.predict(rows, data.columns.control, mode="mean")
    for perturbation in perturbations:
        treated = labels == perturbation
        mu = predictor.predict(
            rows, perturbation, dose=_dose(data, perturbation, used), mode="mean"
        )
        table = _estimates(outcomes, treated, controls, mu, control_mu)
        table.insert(0, "group", group)
        table.insert(1, "perturbation", perturbation)
        table.insert(2, "gene", np.asarray(data.genes))
        yield table


def _dose(data: PerturbationData, perturbation: str, used: np.ndarray) -> float:
    doses = data.dose[used & (data.perturbation == perturbation)]
    return float(np.median(doses)) if len(doses) else 1.0


def _estimates(
    outcomes: np.ndarray,
    treated: np.ndarray,
    controls: np.ndarray,
    mu: np.ndarray,
    control_mu: np.ndarray,
) -> pd.DataFrame:
    """All columns but the names, in blocks of genes so that float64 copies stay small."""
    n_treated, n_control = int(treated.sum()), int(controls.sum())
    identifiable = n_treated > 0 and n_control > 0
    names = ("plug_in", "treated_mean", "robust", "se", "effect", "effect_se")
    values = {name: np.full(mu.shape[1], np.nan) for name in names}
    null_variance = np.full(mu.shape[1], np.nan)
    for start in range(0, mu.shape[1], GENES_AT_ONCE):
        block = slice(start, start + GENES_AT_ONCE)
        y, there, here = outcomes[:, block], mu[:, block], control_mu[:, block]
        values["plug_in"][block] = there.mean(axis=0, dtype=np.float64)
        if n_treated:
            values["treated_mean"][block] = y[treated].mean(axis=0, dtype=np.float64)
        if identifiable:
            robust, values["se"][block], influence = robust_mean(y, treated, there)
            reference, _, control_influence = robust_mean(y, controls, here)
            values["robust"][block] = robust
            values["effect"][block] = robust - reference
            error = standard_error(influence - control_influence)
            values["effect_se"][block] = error
            missing = _missing_variance(y, treated, controls, there, here)
            null_variance[block] = error**2 + missing
    for estimate, spread, ends in (("robust", "se", ""), ("effect", "effect_se", "effect_")):
        values[f"{ends}lower"] = values[estimate] - Z_95 * values[spread]
        values[f"{ends}upper"] = values[estimate] + Z_95 * values[spread]
    values["p"] = _p_values(values["effect"], np.sqrt(null_variance))
    values["p_adjusted"] = _benjamini_hochberg(values["p"])
    status = "estimated" if identifiable else "not_identifiable"
    counts = {"n_treated": n_treated, "n_control": n_control, "n_group": len(treated)}
    return pd.DataFrame({"status": status, **counts, **values})


def _p_values(effect: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Two-sided p of effect = 0 under the normal distribution; NaN without any spread."""
    from scipy.stats import norm

    p = np.full(len(effect), np.nan)
    known = np.isfinite(error) & (error > NO_SPREAD)
    p[known] = 2 * norm.sf(np.abs(effect[known]) / error[known])
    return p


def _missing_variance(
    outcomes: np.ndarray,
    treated: np.ndarray,
    controls: np.ndarray,
    mu: np.ndarray,
    control_mu: np.ndarray,
) -> np.ndarray:
    """What the treated cells' variance lacks against the controls', over n_treated; at least 0.

    Few treated cells of a rarely seen gene are often all zero: without spread of their own,
    any difference looks certain. If the perturbation does nothing, they vary as the controls.
    """
    if treated.sum() < 2 or controls.sum() < 2:
        return np.full(mu.shape[1], np.nan)
    own = (outcomes[treated] - mu[treated]).var(axis=0, ddof=1, dtype=np.float64)
    reference = (outcomes[controls] - control_mu[controls]).var(axis=0, ddof=1, dtype=np.float64)
    return np.asarray(np.maximum(reference - own, 0.0) / treated.sum())


def _benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p over the defined ones."""
    from scipy.stats import false_discovery_control

    adjusted = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known])
    return adjusted
