"""Table 2: marginal effects by plug-in, by eq. 14 and by the plain mean, as training goes on.

As in §3.2 of the paper, what is estimated from the training cells is scored against the mean of
the validation cells of the same covariates c and perturbation a, which play no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.benchmark.watched import KEPT, Asked, Row, size, watched
from gvci.data.dataset import PerturbationData
from gvci.data.genes import moments, most_changed
from gvci.errors import DataError
from gvci.estimator import robust_mean
from gvci.evaluation.scoring import N_DE
from gvci.metrics import r2_mean

if TYPE_CHECKING:
    from gvci.benchmark.parts import Part

MORE_THAN = 30
ESTIMATORS = ("plug_in", "robust", "treated_mean")


@dataclass(frozen=True)
class Arm:
    """A pair (c, a): its training cells among those of c, and the truth it is scored against.

    Attributes:
        rows: positions of all training cells of c.
        treated: (rows,) True where T = a.
        truth: (genes,) mean of the validation cells, log1p CP10k.
        de: positions of the genes that these change most from c's control cells.
    """

    group: str
    perturbation: str
    rows: np.ndarray
    treated: np.ndarray
    truth: np.ndarray
    de: np.ndarray
    cells: int

    def scored(self, estimator: str, mean: np.ndarray) -> Row:
        """R² of an estimate, on all and on DE genes."""
        return {
            "predicted": estimator, "group": self.group, "perturbation": self.perturbation,
            "n_cells": self.cells, "r2_all": r2_mean(self.truth, mean),
            "r2_de": r2_mean(self.truth, mean, self.de),
        }  # fmt: skip


def measure(part: Part, cells: Path, unfinished: Path) -> dict[str, Any]:
    """Rows of R², one per pair, epoch and estimator.

    Raises:
        DataError: no pair has enough cells.
        GvciError: as `train`.
    """
    data = PerturbationData.read(cells)
    known = list(arms(data))
    if not known:
        message = (
            f"No pair of group and perturbation has more than {MORE_THAN} validation cells and "
            "training cells. Prepare with a larger share (prepare = {validation = 0.2})."
        )
        raise DataError(message)
    assert part.model is not None
    settings, prior = part.model.settings, part.problem.prior
    grn = prior if settings.model == "graphvci" else None
    rows, steps = watched(
        data, grn, settings, part.epochs, lambda asked: seen(asked, known), unfinished / KEPT
    )
    return {"rows": rows, "steps": steps, **size(data)}


def arms(data: PerturbationData) -> Iterator[Arm]:
    """Pairs with more than 30 validation cells and with training cells of both kinds."""
    train, held = data.split == "train", data.split == "validation"
    for group in sorted(set(data.groups)):
        rows = np.flatnonzero(train & (data.groups == group))
        controls = moments(data.expression[rows[data.is_control[rows]]])
        for label in data.perturbations:
            treated = data.perturbation[rows] == label
            inside = np.flatnonzero(held & (data.groups == group) & (data.perturbation == label))
            if len(inside) > MORE_THAN and treated.sum() > 1 and controls[2] > 1:
                true = moments(data.expression[inside])
                de = most_changed(true, controls, N_DE)
                yield Arm(group, label, rows, treated, true[0], de, len(inside))


def seen(asked: Asked, known: list[Arm]) -> list[Row]:
    """The estimates of a network as it stands, scored."""
    data, found = asked.data, []
    group, z, outcomes = "", None, np.zeros(0)
    for arm in known:
        if z is None or arm.group != group:
            group, z, outcomes = arm.group, asked.latent(arm.rows), data.dense(arm.rows)
        dose = float(np.median(data.dose[arm.rows[arm.treated]]))
        mu = asked.outcomes(z, arm.rows, arm.perturbation, dose)
        said = {
            "plug_in": mu.mean(axis=0, dtype=np.float64),
            "robust": robust_mean(outcomes, arm.treated, mu)[0],
            "treated_mean": outcomes[arm.treated].mean(axis=0, dtype=np.float64),
        }
        found += [arm.scored(name, said[name]) for name in ESTIMATORS]
    return found
