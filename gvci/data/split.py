"""Which cells are trained on, validated on, tested on, or held out as out of distribution.

Only treated cells are held out: the control cells of a held-out group stay in training, for
they are what a counterfactual starts from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.roles import Columns
from gvci.errors import SettingsError, listed, nearest

FEWEST_SCORED = 31


@dataclass(frozen=True)
class HeldOut:
    """The cells held out and why.

    Attributes:
        mask: True for held-out cells, (cells,).
        rule: "named", "auto" or "none".
        sentence: what was held out, for the report.
    """

    mask: np.ndarray
    rule: str
    sentence: str


def hold_out(
    obs: pd.DataFrame, columns: Columns, expression: sp.csr_matrix, settings: PrepareSettings
) -> HeldOut:
    """The out-of-distribution cells: those named, else the paper's rule, else none.

    Raises:
        SettingsError: contradictory or unknown words, nothing held out, or nothing left.
    """
    by_rule = settings.ood == "auto" or settings.ood_level is not None
    if settings.holdout and (by_rule or settings.ood == "none"):
        message = (
            f"holdout ({listed(settings.holdout)}) and ood ({settings.ood or 'auto'}) exclude "
            "each other: name what to hold out, or leave it to the rule."
        )
        raise SettingsError(message)
    if settings.ood == "none" and settings.ood_level is not None:
        message = f"ood_level ({settings.ood_level}) has no meaning with ood = none."
        raise SettingsError(message)
    treated = (obs[columns.perturbation].astype(str) != columns.control).to_numpy()
    if settings.holdout:
        return _named(obs, columns, treated, settings.holdout)
    nothing = np.zeros(len(obs), dtype=bool)
    if settings.ood == "none":
        return HeldOut(nothing, "none", "No cells are held out, as asked.")
    level = _level(obs, columns, treated, settings.ood_level)
    if level is None:
        reason = (
            f"no covariate has a level with control cells where a perturbation has at least "
            f"{FEWEST_SCORED} cells and is also seen in another level"
        )
        if by_rule:
            message = f"Nothing can be held out by the rule: {reason}. Name the cells with holdout."
            raise SettingsError(message)
        return HeldOut(nothing, "none", f"No cells are held out: {reason}.")
    return _by_rule(obs, columns, treated, expression, level, settings.ood_perturbations)


def parse_word(word: str) -> dict[str, str]:
    """'column=value,column2=value2' as a dictionary; values may hold spaces, "+" and commas.

    Raises:
        SettingsError: no "=" in it.
    """
    conditions: dict[str, str] = {}
    for part in re.split(r",\s*(?=[^,=]+=)", word):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            message = (
                f"'{word}' does not say which cells: write column=value, e.g. cell_type=B cells."
            )
            raise SettingsError(message)
        conditions[name.strip()] = value.strip()
    return conditions


def cells_where(obs: pd.DataFrame, word: str) -> np.ndarray:
    """Mask of the cells that meet every condition of a word.

    Raises:
        SettingsError: unknown column or value; the message lists what there is.
    """
    mask = np.ones(len(obs), dtype=bool)
    for name, value in parse_word(word).items():
        if name not in obs:
            message = (
                f"The cells have no column '{name}'.{nearest(name, obs.columns)} "
                f"Columns: {listed(obs.columns, 12)}."
            )
            raise SettingsError(message)
        values = obs[name].astype(str)
        if not (values == value).any():
            known = sorted(set(values))
            message = (
                f"No cell has {name} = '{value}'.{nearest(value, known)} "
                f"Values found: {listed(known, 12)}."
            )
            raise SettingsError(message)
        mask &= (values == value).to_numpy()
    return mask


def _named(
    obs: pd.DataFrame, columns: Columns, treated: np.ndarray, words: Sequence[str]
) -> HeldOut:
    mask = np.zeros(len(obs), dtype=bool)
    for word in words:
        cells = cells_where(obs, word) & treated
        if not cells.any():
            message = (
                f"holdout '{word}' matches no treated cell, and control cells are never held out."
            )
            raise SettingsError(message)
        mask |= cells
    labels = obs[columns.perturbation].astype(str).to_numpy()
    if not (treated & ~mask).any():
        message = f"holdout ({listed(words)}) leaves no treated cell to learn from. Hold out less."
        raise SettingsError(message)
    sentence = f"{int(mask.sum()):,} treated cells are held out ({'; '.join(words)})."
    unseen = sorted(set(labels[mask]) - set(labels[~mask]))
    if unseen:
        one = len(unseen) == 1
        sentence += (
            f" {len(unseen)} perturbation{' is' if one else 's are'} then seen nowhere in training"
            f"{_by_parts(unseen, set(labels[~mask]))}: {listed(unseen)}."
        )
    return HeldOut(mask, "named", sentence)


def _by_parts(unseen: Sequence[str], seen: set[str]) -> str:
    """Whether models know the parts of unseen combinations, from which they can be predicted."""
    known = sum("+" in label and set(label.split("+")) <= seen for label in unseen)
    if not known:
        return ""
    return " (the parts of all are)" if known == len(unseen) else f" (the parts of {known} are)"


def _eligible(
    obs: pd.DataFrame, columns: Columns, treated: np.ndarray, column: str, level: str
) -> list[str]:
    """Perturbations of a level with enough cells that are also seen in another level."""
    inside = (obs[column].astype(str) == level).to_numpy()
    if not (inside & ~treated).any():
        return []
    labels = obs[columns.perturbation].astype(str)
    counts = labels[inside & treated].value_counts()
    elsewhere = set(labels[~inside & treated])
    return sorted(p for p, n in counts.items() if n >= FEWEST_SCORED and p in elsewhere)


def _level(
    obs: pd.DataFrame, columns: Columns, treated: np.ndarray, given: str | None
) -> tuple[str, str] | None:
    """Where to hold out: the level asked for, or of the first covariate that has any the level
    with the most eligible perturbations (then the most treated cells, then by name)."""
    if given is not None:
        cells_where(obs, given)
        (column, level), *more = parse_word(given).items()
        if more or column not in columns.covariates:
            message = (
                f"ood_level '{given}' must be one covariate's level, column=level. "
                f"Covariates: {listed(columns.covariates) or 'none'}."
            )
            raise SettingsError(message)
        return (column, level) if _eligible(obs, columns, treated, column, level) else None
    for column in columns.covariates:
        values = obs[column].astype(str)
        ranked = [
            (-len(_eligible(obs, columns, treated, column, str(v))), -int(n), str(v))
            for v, n in values[treated].value_counts().items()
        ]
        if ranked and min(ranked)[0] < 0:
            return column, min(ranked)[2]
    return None


def _by_rule(
    obs: pd.DataFrame,
    columns: Columns,
    treated: np.ndarray,
    expression: sp.csr_matrix,
    level: tuple[str, str],
    most: int,
) -> HeldOut:
    """The paper's rule (C.2): the perturbations whose pseudobulk is farthest from the rest's."""
    column, value = level
    labels = obs[columns.perturbation].astype(str).to_numpy()
    candidates = _eligible(obs, columns, treated, column, value)
    total = np.asarray(expression.sum(axis=0), dtype=np.float64).ravel()
    distance = {}
    for label in candidates:
        cells = labels == label
        own = np.asarray(expression[cells].sum(axis=0), dtype=np.float64).ravel()
        rest = (total - own) / (len(labels) - cells.sum())
        distance[label] = float(np.linalg.norm(own / cells.sum() - rest))
    third = len(set(labels[treated])) // 3
    farthest = sorted(candidates, key=lambda p: (-distance[p], p))[: max(1, min(most, third))]
    inside = (obs[column].astype(str) == value).to_numpy()
    mask = inside & np.isin(labels, farthest)
    what = "perturbation" if len(farthest) == 1 else f"{len(farthest)} perturbations"
    sentence = (
        f"{int(mask.sum()):,} treated cells are held out by the paper's rule: in {column} = "
        f"{value}, the {what} farthest from the other cells ({listed(farthest, 20)})."
    )
    return HeldOut(mask, "auto", sentence)


def split_cells(strata: np.ndarray, held_out: np.ndarray, settings: PrepareSettings) -> np.ndarray:
    """train, validation, test or ood per cell; the shares hold in every stratum.

    The remainder of a share is rounded up or down at random, so small strata add up to the
    shares asked for; every stratum keeps a training cell.
    """
    rng = np.random.default_rng(settings.seed)
    split = np.full(len(strata), "train", dtype=object)
    split[held_out] = "ood"
    free = np.flatnonzero(~held_out)
    for _, members in pd.Series(free).groupby(strata[free], sort=True):
        cells = rng.permutation(members.to_numpy())
        tested, validated = rng.random(2)
        n_test = int(len(cells) * settings.test + tested)
        n_validation = int(len(cells) * settings.validation + validated)
        n_validation = min(n_validation, len(cells) - 1)
        n_test = min(n_test, len(cells) - 1 - n_validation)
        split[cells[:n_validation]] = "validation"
        split[cells[n_validation : n_validation + n_test]] = "test"
    return split
