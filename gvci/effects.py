"""Kriged effects of a dataset, as the additive head starts from them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from gvci.data.dataset import PerturbationData
from gvci.data.numbering import numbered
from gvci.kriging import Constants, choose_constants, kriged_effects, within_pair_variance
from gvci.model.start import Effects
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks


def started_effects(data: PerturbationData, gone: set[tuple[str, str]] | None) -> Effects:
    """Kriged effects per covariate group and treatment level, some pairs unseen.

    A dose scales them: they are per unit, at the mean dose of a perturbation.
    """
    bulks = pseudobulks(data)
    constants, noise = kriging_constants(data)
    groups = sorted(bulks.levels)
    levels = list(data.treatment_code.levels)
    rest = bulks if gone is None else bulks.hiding(gone)
    effects = kriged_effects(rest, noise, constants, groups, levels)
    learning = np.isin(data.split, LEARNING_SPLITS)
    for i, level in enumerate(levels):
        doses = data.dose[learning & (data.perturbation == level)]
        if len(doses) and doses.mean() > 0:
            effects[:, i] /= doses.mean()
    first = [int(np.flatnonzero(data.groups == group)[0]) for group in groups]
    covariates = data.covariates[first].copy()
    covariates[:, len(covariates[0]) - len(data.columns.real_covariates) :] *= 0
    return Effects(np.pad(effects, ((0, 0), (1, 0), (0, 0))), covariates)


_CONSTANTS: WeakKeyDictionary[PerturbationData, tuple[Constants, float]] = WeakKeyDictionary()


def kriging_constants(data: PerturbationData) -> tuple[Constants, float]:
    """The chosen constants and the variance within pairs, once per dataset."""
    if data not in _CONSTANTS:
        rows = data.rows(LEARNING_SPLITS)
        _, pair = numbered(data.groups[rows], data.perturbation[rows])
        noise = within_pair_variance(data.expression, rows, pair)
        _CONSTANTS[data] = (choose_constants(pseudobulks(data), noise), noise)
    return _CONSTANTS[data]
