"""The choices that make a counterfactual question, and what cannot be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from gvci.counterfactual.scenario import MODES, WHICH, Scenario, all_doses, groups_with_controls
from gvci.data.dataset import PerturbationData
from gvci.errors import PredictionError, listed
from gvci.run import Run

__all__ = ["MODES", "WHICH", "Scenario", "all_doses"]
OFFERED = 3


def group_of(data: PerturbationData, levels: Sequence[str]) -> str:
    """The group label of covariate levels, in the order of the data's covariates."""
    return " · ".join(levels) if data.columns.covariates else "all cells"


def in_link(data: PerturbationData, group: str) -> dict[str, str]:
    """A group as the choices of a page that make it: c_COVARIATE → level."""
    levels = zip(data.columns.covariates, group.split(" · "), strict=False)
    return {f"c_{name}": level for name, level in levels}


def label_of(run: Run, chosen: Sequence[str]) -> str:
    """The label of one perturbation, or of several as the data or "A+B" name them.

    Raises:
        PredictionError: none chosen, or the model has not seen one of them.
    """
    code = run.model.treatment_code
    if not chosen:
        message = f"Choose a perturbation. The model knows {listed(code.levels, 8)}."
        raise PredictionError(message)
    parts = [part for label in chosen for part in code.parts(label)]
    if len(chosen) == 1:
        return chosen[0]
    for label in run.data.perturbations:
        if "+" in label and sorted(word.strip() for word in label.split("+")) == sorted(parts):
            return label
    return "+".join(sorted(parts))


def default_pair(run: Run) -> tuple[str, str]:
    """(group, perturbation) to begin with: the held-out pair with the most cells, else any."""
    rows = run.scores.get("ood", {}).get("pairs") or []
    scored = [row for row in rows if row.get("model") == run.model.name]
    if scored:
        best = max(scored, key=lambda row: (row["n_cells"], row["perturbation"] == "STAT1"))
        return str(best["group"]), str(best["perturbation"])
    data = run.data
    treated = np.flatnonzero((data.split == "ood") & ~data.is_control)
    if not len(treated):
        treated = np.flatnonzero(~data.is_control)
    known = [row for row in treated if data.perturbation[row] in run.model.treatment_code.levels]
    row = int(known[0] if known else treated[0])
    return str(data.groups[row]), str(data.perturbation[row])


def control_cells(data: PerturbationData, group: str, most: int = 500) -> list[str]:
    """Names of the first control cells of a group, to choose one from."""
    rows = np.flatnonzero((data.groups == group) & data.is_control)
    return [str(name) for name in data.adata.obs_names[rows[:most]]]


# --- what cannot be asked --------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer, and what would have one.

    Attributes:
        why: one sentence.
        perturbations: that would work. groups: the same, each as its choices.
    """

    why: str
    perturbations: tuple[str, ...] = ()
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def refusal(run: Run, chosen: Sequence[str], group: str) -> Refusal | None:
    """Why these perturbations of this group have no answer; None where they have one."""
    try:
        label_of(run, chosen)
    except PredictionError as error:
        return Refusal(str(error), alternatives(run, group, *chosen))
    data = run.data
    if not ((data.groups == group) & data.is_control).any():
        known = groups_with_controls(data)
        near = sorted(known, key=lambda other: -_shared(group, other))
        why = f"The group {group} has no control cells to start from."
        return Refusal(why, groups={name: in_link(data, name) for name in near[:OFFERED]})
    return None


def offers(noes: Sequence[Refusal]) -> tuple[str, ...]:
    """Three perturbations that work in place of all that were refused."""
    return tuple(dict.fromkeys(name for no in noes for name in no.perturbations))[:OFFERED]


def alternatives(run: Run, group: str, *queries: str) -> tuple[str, ...]:
    """Three perturbations that work: near the asked ones by name, else most measured here."""
    levels, data = run.model.treatment_code.levels, run.data
    capitals = {level.upper(): level for level in levels}
    near = [
        capitals[found] for query in queries for found in
        get_close_matches(query.upper(), list(capitals), n=OFFERED, cutoff=0.6)
    ]  # fmt: skip
    measured = Counter(data.perturbation[data.groups == group])
    common = sorted(levels, key=lambda level: -measured[level])
    return tuple(dict.fromkeys([*near, *common]))[:OFFERED]


def _shared(group: str, other: str) -> int:
    """How many covariates two groups have in common."""
    return sum(a == b for a, b in zip(group.split(" · "), other.split(" · "), strict=False))
