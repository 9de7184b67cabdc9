"""Which obs columns mean what, where the user did not say (FAULTS F15).

A guess is made only where it is clear; else the user reads the columns or labels found.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from gvci.config import PrepareSettings
from gvci.data.roles import Columns, joined
from gvci.errors import DataError, listed

PERTURBATION_NAMES = (
    "perturbation", "perturbation_name", "perturbed_gene", "condition", "target", "target_gene",
    "gene_target", "gene", "guide_target", "treatment", "drug", "compound", "product_name",
    "cytokine", "stimulation", "stim", "label",
)  # fmt: skip
COVARIATE_NAMES = (
    "cell_type", "celltype", "cell_types", "cell_line", "donor", "donor_id", "patient",
    "individual", "replicate",
)  # fmt: skip
# Spelled without case, spaces, "-" and "_"; a number after them ("NT3") is let pass.
CONTROL_NAMES = frozenset(
    {"control", "ctrl", "nt", "ntc", "nontargeting", "nontarget", "negativecontrol", "negcontrol",
     "negctrl", "vehicle", "dmso", "pbs", "mock", "unperturbed", "untreated", "unstimulated",
     "unstim", "safetargeting", "scramble", "scrambled", "wt", "wildtype", "cas9", "none"}
)  # fmt: skip
UNLABELLED = frozenset({"", "nan", "na", "n/a", "none", "unassigned", "ambiguous", "unknown"})
MOST_LEVELS = 50
MOSTLY = 0.9


def looks_like_control(label: str) -> bool:
    """True for "control", "ctrl", "NT", "non-targeting", "Vehicle" … in any spelling."""
    word = re.sub(r"[\s_\-−]+", "", label).lower()
    return word in CONTROL_NAMES or word.rstrip("0123456789") in CONTROL_NAMES


def find_columns(obs: pd.DataFrame, settings: PrepareSettings) -> tuple[Columns, list[str]]:
    """The columns that the settings name, the rest guessed, and a sentence per guess.

    Named columns are not checked here: `check()` says all that is wrong with them at once.

    Raises:
        DataError: no column, or no control label, can be told for certain.
    """
    said: list[str] = []
    perturbation = settings.perturbation
    if perturbation is None:
        perturbation = _find_perturbation(obs, settings.control)
        said.append(f"The perturbations are taken from the column '{perturbation}'.")
    control = settings.control
    if control is None and perturbation in obs:
        control = _find_control(obs[perturbation], perturbation)
        said.append(f"The control cells are those labelled '{control}'.")
    columns = Columns(
        perturbation, control or "control", (), settings.dose, settings.real_covariates
    )
    if settings.covariates is not None:
        return replace(columns, covariates=settings.covariates), said
    covariates = _find_covariates(obs, columns)
    said.append(
        f"The covariates are {listed(covariates)}."
        if covariates
        else "No covariate was named, and none is plain from the column names."
    )
    return replace(columns, covariates=covariates), said


def _find_perturbation(obs: pd.DataFrame, control: str | None) -> str:
    names = {str(name).lower(): str(name) for name in obs.columns}
    candidates = [names[name] for name in PERTURBATION_NAMES if name in names]
    for name in candidates:
        labels = {str(label) for label in obs[name].dropna().unique()}
        matching = control in labels if control else any(map(looks_like_control, labels))
        if matching and len(labels) > 1:
            return name
    message = (
        "No column of obs is plainly the perturbation with its control cells; "
        f"the columns are {listed(obs.columns, 12)}. Name the column, and the control label in it."
    )
    raise DataError(message)


def _find_control(labels: pd.Series, column: str) -> str:
    found = [str(label) for label in labels.dropna().unique()]
    likely = sorted(label for label in found if looks_like_control(label))
    exact = [label for label in likely if label == "control"]
    if len(likely) == 1 or exact:
        return (exact or likely)[0]
    what = f"More than one label could be the control: {listed(likely)}" if likely else (
        "No label is plainly the control"
    )  # fmt: skip
    message = (
        f"{what} in obs['{column}']. Labels found: {listed(sorted(found), 10)}. "
        "Name the control label."
    )
    raise DataError(message)


def _find_covariates(obs: pd.DataFrame, columns: Columns) -> tuple[str, ...]:
    """Known names with several levels, mostly known, whose groups nearly all keep controls."""
    if columns.perturbation not in obs:
        return ()
    names = {str(name).lower(): str(name) for name in obs.columns}
    is_control = obs[columns.perturbation].astype(str) == columns.control
    chosen: tuple[str, ...] = ()
    for candidate in COVARIATE_NAMES:
        name = names.get(candidate)
        if name is None or name in columns.used:
            continue
        trial = (*chosen, name)
        keys = joined(obs, trial)
        values = obs[name].astype(str)
        several = 2 <= values.nunique() <= MOST_LEVELS
        known = 1 - values.str.strip().str.lower().isin(UNLABELLED).mean()
        matched = np.isin(keys[~is_control], keys[is_control])
        if several and known >= MOSTLY and matched.mean() >= MOSTLY:
            chosen = trial
    return chosen
