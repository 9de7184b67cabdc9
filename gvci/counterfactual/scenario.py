"""One counterfactual question: which cells, under what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gvci.config import PredictMode
from gvci.data.dataset import PerturbationData
from gvci.errors import PredictionError, listed

MOST_CELLS = 5000
Which = Literal["control cells", "all cells", "one cell"]
WHICH: tuple[Which, ...] = ("control cells", "all cells", "one cell")
MODES: tuple[PredictMode, ...] = ("residual", "mean", "sample")


@dataclass(frozen=True)
class Scenario:
    """Which cells, under what.

    Attributes:
        perturbation: a label, or "A+B".
        group: covariate group of the cells, as in PerturbationData.groups.
        cells: the group's control cells, all its cells, or one of its control cells.
        cell: the name of that one cell.
        mode: how the prediction is read out.
        dose: of the perturbation.
    """

    perturbation: str
    group: str
    cells: Which = "control cells"
    cell: str | None = None
    mode: PredictMode = "residual"
    dose: float = 1.0


def asked_rows(data: PerturbationData, scenario: Scenario) -> np.ndarray:
    """Positions of all the cells that a scenario is about.

    Raises:
        PredictionError: the group has no such cell.
    """
    inside = data.groups == scenario.group
    if scenario.cells == "all cells":
        # A held-out cell is truth; it is never transported to what it is the truth of.
        rows = np.flatnonzero(inside & (data.split != "ood"))
    else:
        rows = np.flatnonzero(inside & data.is_control)
    if scenario.cells == "one cell":
        names = data.adata.obs_names[rows]
        rows = rows[np.asarray(names == scenario.cell)][:1]
    if not len(rows):
        what = f"cell '{scenario.cell}'" if scenario.cells == "one cell" else "control cells"
        message = (
            f"The group {scenario.group} has no {what} to start from. "
            f"Groups with control cells: {listed(groups_with_controls(data), 6)}."
        )
        raise PredictionError(message)
    return rows


def some_of(rows: np.ndarray) -> np.ndarray:
    """All of them, or 5,000 drawn with a fixed seed, in order."""
    if len(rows) <= MOST_CELLS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, MOST_CELLS, replace=False))


def groups_with_controls(data: PerturbationData) -> list[str]:
    """Covariate groups that can be started from."""
    return sorted(set(data.groups[data.is_control]))


def all_doses(data: PerturbationData) -> list[float]:
    """The doses of treated cells, smallest first; 1 where none is."""
    return sorted({float(dose) for dose in data.dose[~data.is_control]}) or [1.0]


def doses_of(data: PerturbationData, perturbation: str, rows: np.ndarray) -> list[float]:
    """The doses at which these cells (a mask) had a perturbation."""
    return sorted({float(d) for d in data.dose[rows & (data.perturbation == perturbation)]})
