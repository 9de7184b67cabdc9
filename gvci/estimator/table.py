"""Intervals, bands, p and adjusted p of every estimate, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvci.errors import listed
from gvci.estimator.bands import critical_value
from gvci.estimator.sums import Arm

Z_95 = 1.959963984540054
NO_SPREAD = 1e-9
FEWEST = 2  # cells of a kind: one has no spread, so its effect has no standard error
COUNTS = ("n_treated", "n_control", "n_group")
PLAIN = ("plug_in", "treated_mean")
MEASURED = ("robust", "se", "lower", "upper")
CONTRAST = ("effect", "effect_se", "effect_lower", "effect_upper", "p", "p_adjusted")
BANDS = ("band_lower", "band_upper", "effect_band_lower", "effect_band_upper")


class EffectTable:
    """Columns (groups, perturbations, genes), filled pair by pair; made a frame at the end."""

    def __init__(
        self, groups: Sequence[str], perturbations: Sequence[str], genes: pd.Index, bands: bool
    ) -> None:
        self.groups, self.perturbations, self.genes = list(groups), list(perturbations), genes
        pairs = (len(self.groups), len(self.perturbations))
        names = (*PLAIN, *MEASURED, *CONTRAST, *(BANDS if bands else ()))
        self.values = {name: np.full((*pairs, len(genes)), np.nan) for name in names}
        self.counts = {name: np.zeros(pairs, dtype=np.int64) for name in COUNTS}

    def fill(self, place: tuple[int, int], arm: Arm, control: Arm) -> None:
        """Write the estimates of one group and perturbation."""
        counts = (arm.n_treated, control.n_treated, arm.n)
        for name, count in zip(COUNTS, counts, strict=True):
            self.counts[name][place] = count
        for name, value in _estimates(arm, control).items():
            self.values[name][place] = value

    def frame(self) -> pd.DataFrame:
        """One row per (group, perturbation, gene)."""
        g, p, n = len(self.groups), len(self.perturbations), len(self.genes)
        known = (self.counts["n_treated"] >= FEWEST) & (self.counts["n_control"] >= FEWEST)
        status = np.where(known, "estimated", "not_identifiable").astype(object)
        labels = {
            "group": np.repeat(np.array(self.groups, dtype=object), p * n),
            "perturbation": np.tile(np.repeat(np.array(self.perturbations, dtype=object), n), g),
            "gene": np.tile(np.asarray(self.genes, dtype=object), g * p),
            "status": np.repeat(status.ravel(), n),
        }
        # As series, for a frame would look for dates among labels, in five columns' memory.
        names = {k: pd.Series(v, dtype=object, copy=False) for k, v in labels.items()}
        counts = {name: np.repeat(values.ravel(), n) for name, values in self.counts.items()}
        values = {name: values.ravel() for name, values in self.values.items()}
        return pd.DataFrame({**names, **counts, **values}, copy=False)


def beside_plain(found: pd.DataFrame, control: np.ndarray) -> pd.DataFrame:
    """With the plain mean of control cells (rows,) and the differences from it."""
    return found.assign(
        control_mean=control,
        plain_difference=found["treated_mean"] - control,
        plug_in_difference=found["plug_in"] - control,
    )


def not_estimable(table: pd.DataFrame) -> str | None:
    """The pairs that have no effect, named with their cells; None where all have one."""
    rows = table[table["status"] == "not_identifiable"].drop_duplicates(["group", "perturbation"])
    if rows.empty:
        return None
    named = [
        f"{row.perturbation} in {row.group} ({row.n_treated:,} treated, {row.n_control:,} control)"
        for row in rows.itertuples(index=False)
    ]
    return (
        f"Not estimable, so excluded: {listed(named)}. An effect takes {FEWEST} treated and "
        f"{FEWEST} control cells of a group or more; plug_in is the model's word alone."
    )


def _estimates(arm: Arm, control: Arm) -> dict[str, np.ndarray]:
    """Every column of one pair that exists."""
    found = {"plug_in": arm.plug_in}
    if arm.n_treated:
        found["treated_mean"] = arm.treated_mean
    if min(arm.n_treated, control.n_treated) < FEWEST:
        return found
    own, contrast = arm.squared_influence, arm.squared_contrast(control)
    found |= {"robust": arm.robust, "se": np.sqrt(own) / arm.n}
    found |= {"effect": arm.robust - control.robust, "effect_se": np.sqrt(contrast) / arm.n}
    for estimate, spread, ends in (("robust", "se", ""), ("effect", "effect_se", "effect_")):
        found[f"{ends}lower"] = found[estimate] - Z_95 * found[spread]
        found[f"{ends}upper"] = found[estimate] + Z_95 * found[spread]
    null_variance = found["effect_se"] ** 2 + _missing_variance(arm, control)
    found["p"] = _p_values(found["effect"], np.sqrt(null_variance))
    found["p_adjusted"] = _benjamini_hochberg(found["p"])
    if arm.scores is not None and control.scores is not None:
        influence = arm.scores.influence(*arm.offsets)
        found |= _band("", influence, own, found["robust"], found["se"])
        influence -= control.scores.influence(*control.offsets)
        found |= _band("effect_", influence, contrast, found["effect"], found["effect_se"])
    return found


def _band(
    name: str, influence: np.ndarray, squared: np.ndarray, estimate: np.ndarray, error: np.ndarray
) -> dict[str, np.ndarray]:
    width = critical_value(influence, squared, error > NO_SPREAD) * error
    return {f"{name}band_lower": estimate - width, f"{name}band_upper": estimate + width}


def _missing_variance(arm: Arm, control: Arm) -> np.ndarray:
    """What the treated cells' variance lacks against the controls', over n_treated; at least 0.

    Few treated cells of a rarely seen gene are often all zero: without spread of their own,
    any difference looks certain. If the perturbation does nothing, they vary as the controls.
    """
    lacking = control.residual_variance - arm.residual_variance
    return np.asarray(np.maximum(lacking, 0.0) / arm.n_treated)


def _p_values(effect: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Two-sided p of effect = 0 under the normal distribution; NaN without any spread."""
    from scipy.stats import norm

    p = np.full(len(effect), np.nan)
    known = np.isfinite(error) & (error > NO_SPREAD)
    p[known] = 2 * norm.sf(np.abs(effect[known]) / error[known])
    return p


def _benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p over the defined ones."""
    from scipy.stats import false_discovery_control

    adjusted = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known])
    return adjusted
