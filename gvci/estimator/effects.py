"""Ψ̂ and its contrast with control for every group, perturbation and gene of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, get_args

import numpy as np
import pandas as pd

from gvci.errors import PredictionError, SettingsError, listed, nearest
from gvci.estimator.bands import Multipliers
from gvci.estimator.latent import Latent, projected
from gvci.estimator.sums import Group, Mu, summed
from gvci.estimator.table import EffectTable

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData

ESTIMATION_SPLITS = ("train", "validation", "test")
LATENTS = get_args(Latent)
FEWEST_DRAWS = 100
AT_ONCE = 16  # perturbations; the control is predicted once for all of them


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


def marginal_effects(
    predictor: Predictor,
    data: PerturbationData,
    perturbations: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    *,
    latent: Latent = "pretreatment",
    bands: bool = False,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Ψ̂ and its contrast with control for every group, perturbation and gene.

    Cells of the splits train, validation and test are used, held-out cells never: on a
    held-out pair only the plug-in exists, and its status says so. Predictions are at the
    median dose of the perturbation's cells. They are made for a chunk of cells at a time and
    summed, so memory beyond the table depends on neither groups nor perturbations nor cells.

    Args:
        predictor: predict with mode "mean", on positions of `data`; a model that saw these
            cells, or `crossfit.CrossFitted`.
        data: the cells, log1p CP10k.
        perturbations: labels; by default all that the used cells have.
        groups: covariate groups; by default all that the used cells have.
        latent: what μ may see of a cell. `pretreatment` (default): its projection on the
            real-valued covariates, which must be of before the treatment; intervals then hold,
            and without such covariates robust equals treated_mean, with its standard error.
            `cell`: the model's own Z, eq. 14 as printed; with an encoder that saw Y and T its
            intervals are too narrow (benchmarks/results/coverage.md), with a Z that is
            independent of T they hold.
        bands: simultaneous bands over the genes of each group and perturbation as well.
        draws, seed: of the multiplier bootstrap.

    Returns:
        One row per (group, perturbation, gene), expression in log1p CP10k: n_treated,
        n_control, n_group; plug_in, treated_mean (plain), robust (eq. 14), se, lower, upper;
        effect = robust minus the control's robust, effect_se, effect_lower, effect_upper, p,
        p_adjusted (Benjamini–Hochberg within group and perturbation). Intervals are 95 % and
        normal: of 5 treated cells they cover 88 %, of 10 92 %, of 20 93.5 %, of 40 94.4 %.
        p is two-sided and normal, and counts the treated cells as no less variable than the
        controls, so with few cells it is more careful than the interval. With `bands` also
        band_lower, band_upper, effect_band_lower, effect_band_upper. status:
        "estimated", or "not_identifiable" where the group has fewer than two treated or two
        control cells: robust and all after it are then missing, never 0. A gene without any
        spread has no p.

    Raises:
        PredictionError: an unknown group or perturbation.
        SettingsError: an unknown `latent`, or too few draws for bands.
    """
    _require_sense(latent, draws if bands else FEWEST_DRAWS)
    used = np.isin(data.split, ESTIMATION_SPLITS)
    wanted = _wanted(
        "perturbation", perturbations, set(data.perturbation[used]), data.perturbations
    )
    wanted = [label for label in wanted if label != data.columns.control]
    everything = sorted(set(data.groups))
    members = [
        name
        for name in _wanted("group", groups, set(data.groups[used]), everything)
        if (used & (data.groups == name)).any()
    ]
    table = EffectTable(members, wanted, data.genes, bands)
    model = _mean_of(predictor, data, used, wanted)
    multipliers = Multipliers(draws, seed) if bands else None
    for i, name in enumerate(members):
        group = Group(data, np.flatnonzero(used & (data.groups == name)), multipliers)
        for start in range(0, len(wanted), AT_ONCE):
            labels = wanted[start : start + AT_ONCE]
            mu = model
            if latent == "pretreatment":
                mu = projected(group, [data.columns.control, *labels], model)
            control, arms = summed(group, labels, mu)
            for j, arm in enumerate(arms, start):
                table.fill((i, j), arm, control)
    return table.frame()


def control_means(found: pd.DataFrame, data: PerturbationData) -> np.ndarray:
    """(rows,) mean of the group's control cells beside each row of `marginal_effects`.

    Of the cells that effects are estimated from; NaN where there are none.
    """
    used, n = np.isin(data.split, ESTIMATION_SPLITS) & data.is_control, len(data.genes)
    means = []
    for group in found["group"].iloc[::n]:
        rows = np.flatnonzero(used & (data.groups == group))
        means.append(data.mean(rows) if len(rows) else np.full(n, np.nan))
    return np.concatenate(means) if means else np.zeros(0)


def _require_sense(latent: str, draws: int) -> None:
    if latent not in LATENTS:
        message = f"latent is '{latent}'. It can be {listed(LATENTS)}."
        raise SettingsError(message)
    if draws < FEWEST_DRAWS:
        message = f"Bands take {FEWEST_DRAWS} draws or more; {draws:,} were asked for."
        raise SettingsError(message)


def _mean_of(
    predictor: Predictor, data: PerturbationData, used: np.ndarray, labels: Sequence[str]
) -> Mu:
    """The model's μ(Z, a) at the dose of a."""
    doses = {label: _dose(data, label, used) for label in labels} | {data.columns.control: 1.0}
    return lambda rows, label: predictor.predict(rows, label, dose=doses[label], mode="mean")


def _dose(data: PerturbationData, perturbation: str, used: np.ndarray) -> float:
    doses = data.dose[used & (data.perturbation == perturbation)]
    return float(np.median(doses)) if len(doses) else 1.0


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
