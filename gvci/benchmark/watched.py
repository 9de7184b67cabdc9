"""A training that is looked at epoch by epoch: what is seen chooses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gvci.data.encoding import TreatmentCode
from gvci.training.loop import fit
from gvci.training.pace import Pace
from gvci.training.task import GraphVCITask
from gvci.unfinished import Unfinished

if TYPE_CHECKING:
    from gvci.config import TrainSettings
    from gvci.data.dataset import PerturbationData
    from gvci.grn import GRN
    from gvci.prediction.member import Member

Row = dict[str, Any]
Look = Callable[["Asked"], list[Row]]
SCORES = ("r2_all", "r2_de")
KEPT = "training.safetensors"


class Asked:
    """A network as it stands, asked about cells of the data.

    Z is the mean of q(Z | Y, X, T), as in every prediction.
    """

    def __init__(self, data: PerturbationData, member: Member) -> None:
        self.data, self.member = data, member
        self.code: TreatmentCode = data.treatment_code

    @torch.no_grad()
    def latent(self, rows: np.ndarray) -> Tensor:
        """Z of cells, (cells, latent)."""
        own = self.code.encode(list(self.data.perturbation[rows]), list(self.data.dose[rows]))
        y, x = torch.from_numpy(self.data.dense(rows)), torch.from_numpy(self.data.covariates[rows])
        return self.member.latent(y, x, torch.from_numpy(own))

    @torch.no_grad()
    def outcomes(self, z: Tensor, rows: np.ndarray, label: str, dose: float) -> np.ndarray:
        """μ(Z, T′) of these cells, (cells, genes) float32, log1p CP10k."""
        counted = self.member.core.settings.likelihood != "normal"
        depth = torch.from_numpy(self.data.depth[rows, None]) if counted else None
        other = self.code.encode([label] * len(rows), [dose] * len(rows))
        x = torch.from_numpy(self.data.covariates[rows])
        (outcome,) = self.member.outcomes(z, x, [torch.from_numpy(other)], depth)
        return np.asarray(outcome.mean.numpy())


class _Watched:
    """A task whose validations also say what is seen, where the epoch is one that is asked for."""

    def __init__(self, task: GraphVCITask, data: PerturbationData, epochs: set[int], look: Look):
        self._task, self._data, self._epochs, self._look = task, data, epochs, look
        self.step, self.state, self.restore = task.step, task.state, task.restore
        self.snapshot, self.resume = task.snapshot, task.resume

    def validate(self) -> dict[str, Any]:
        """The task's own, and what is seen, as one number per name that says what it is of."""
        checked: dict[str, Any] = self._task.validate()
        epoch = round(self._task.steps / self._task.pace.per_epoch)
        seen = self._look(Asked(self._data, self._task.member())) if epoch in self._epochs else []
        for row in seen:
            about = {name: value for name, value in row.items() if name not in SCORES}
            for score in SCORES:
                if row[score] is not None:
                    checked[json.dumps([{"epoch": epoch, **about}, score])] = row[score]
        return checked


def watched(
    data: PerturbationData,
    grn: GRN | None,
    settings: TrainSettings,
    epochs: Sequence[int],
    look: Look,
    kept: Path,
) -> tuple[list[Row], int]:
    """Train one network for as many epochs as the last that is asked for; nothing stops it.

    Args:
        data, grn, settings: what is trained on what; `max_steps` is set by the epochs.
        epochs: when to look.
        look: network → rows with r2_all, r2_de and what they are of.
        kept: a file in which a training that is stopped is kept.

    Returns:
        The rows with their epoch, and the number of steps.

    Raises:
        GvciError: as `train`.
    """
    every = Pace(data.rows("train"), settings, settings.seed).per_epoch
    steps = max(epochs) * every
    settings = settings.model_copy(update={"max_steps": steps})
    inside = grn if grn is None else grn.restricted(data.genes, data.name)
    key = f"{settings.model_dump_json()} {data.fingerprint} {inside and inside.fingerprint()}"
    task = _Watched(GraphVCITask(data, inside, settings), data, set(epochs), look)
    made = fit(task, steps, every, None, unfinished=Unfinished(kept, key))
    return [row for validation in made for row in _rows(validation)], steps


def size(data: PerturbationData) -> dict[str, int]:
    """Numbers of cells and genes, for the tables."""
    return {"cells": data.n_cells, "genes": len(data.genes)}


def _rows(validation: dict[str, Any]) -> list[Row]:
    """What was seen, of one line of the metrics."""
    found: dict[str, Row] = {}
    for name, value in validation.items():
        if name.startswith("[{"):
            about, score = json.loads(name)
            row = found.setdefault(json.dumps(about), {**about, **dict.fromkeys(SCORES)})
            row[score] = value
    return list(found.values())
