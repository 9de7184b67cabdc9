"""train: inner members choose steps and gate, then members on all cells become the model.

An inner member is blind to some (level, perturbation) combinations, as the task is to its own.
Where the data allow no inner fold, or none is asked for, early stopping on validation cells
ends the training and the network answers alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gvci.atomic import replacing
from gvci.config import PUBLISHED, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.devices import ALONE, Devices
from gvci.gate.gate import InnerEvidence, open_gate
from gvci.gate.inner import InnerPairs, inner_folds
from gvci.grn import GRN
from gvci.prediction.member import Member
from gvci.prediction.trained_model import TrainedModel
from gvci.progress import Progress
from gvci.training.loop import fit
from gvci.training.monitor import collapse_warning
from gvci.training.network_task import NetworkTask
from gvci.training.task import GraphVCITask
from gvci.unfinished import Stages

AS_GOOD = 0.01


@dataclass(frozen=True)
class _Work:
    """What every member of one training shares."""

    data: PerturbationData
    grn: GRN | None
    settings: TrainSettings
    stages: Stages
    progress: Progress | None
    metrics: Path | None
    planned: int
    devices: Devices

    def member(
        self, stage: str, number: int, steps: int, patience: int | None, inner: InnerPairs | None
    ) -> tuple[dict[str, Tensor], list[dict[str, float]], GraphVCITask | NetworkTask]:
        """Train one; its state, the rows of its metrics, and the task in its last state."""
        task = self._task(number, inner)
        found = self.devices.first(lambda: self.stages.ended(stage))
        if found is not None:
            tensors, notes = found
            task.restore({k: v for k, v in tensors.items() if not k.startswith("inner.")})
            if inner is not None:
                said = {k: v for k, v in tensors.items() if k.startswith("inner.")}
                inner.take({k.removeprefix("inner."): v for k, v in said.items()})
            return task.state(), notes["rows"], task
        if inner is not None:
            self.devices.first(lambda: inner.judge(task.member()))  # step 0 counts as well
        kept = self.stages.unfinished(stage)
        rows = fit(
            task, steps, self.settings.evaluate_every, patience, self._shifted(stage, number),
            self.metrics, kept, self.devices, stage=stage,
        )  # fmt: skip
        state = task.state()
        more = {} if inner is None else {f"inner.{k}": v for k, v in inner.tensors().items()}
        self.devices.first(lambda: self.stages.end(stage, state | more, {"rows": rows}))
        if kept is not None:
            self.devices.first(kept.forget)
        return state, rows, task

    def _task(self, number: int, inner: InnerPairs | None) -> GraphVCITask | NetworkTask:
        """What the loop trains; a published network is always one member on all cells."""
        if self.settings.model in PUBLISHED:
            return NetworkTask(self.data, self.settings, self.devices)
        seed = self.settings.seed + 1000 * number
        return GraphVCITask(self.data, self.grn, self.settings, seed, inner, self.devices)

    def _shifted(self, stage: str, number: int) -> Progress | None:
        """Progress of one member as progress of the whole."""
        tell, before = self.progress, number * self.settings.max_steps
        if tell is None:
            return None
        return lambda done, _, words: tell(before + done, self.planned, f"{stage} {words}".strip())


def train(
    data: PerturbationData,
    grn: GRN | None,
    settings: TrainSettings,
    header: dict[str, Any] | None = None,
    progress: Progress | None = None,
    metrics: Path | None = None,
    unfinished: Path | None = None,
    devices: Devices = ALONE,
) -> TrainedModel:
    """Train graphVCI, VCI or a published network; nothing chooses by test or held-out cells.

    Args:
        data: cells with their split.
        grn: the edges that graphVCI's Z_G is computed over (`RefinedGRN.adopted()`); None for
            no graph. The other models have none.
        settings: model and training.
        header: more for the checkpoint's header (preset, GRN name and hash, …).
        progress, metrics: as for `fit`.
        unfinished: a folder in which the training is kept; the same call takes it up there and
            gives what an uninterrupted one would have given. Whoever has saved the model forgets
            it (`unfinished.forget`).
        devices: the processes that train; all but the first end here.

    Raises:
        GRNError: the GRN shares no edge with the data.
        TrainingError: nothing to train on, or the loss became non-finite.
    """
    s = settings
    used = grn if s.model == "graphvci" else None
    inside = None if used is None else used.restricted(data.genes, data.name)
    graph = "" if inside is None else inside.fingerprint()
    folds = inner_folds(data, s.inner_folds, s.seed)
    planned = (len(folds) + s.members) * s.max_steps
    stages = Stages(unfinished, f"{s.model_dump_json()} {data.fingerprint} {graph}")
    devices.same(stages.key)
    work = _Work(data, inside, s, stages, progress, metrics, planned, devices)
    watched = [
        work.member(f"inner {k + 1}", k, s.max_steps, None, fold)[1] for k, fold in enumerate(folds)
    ]
    chosen = devices.first(lambda: _choose_step(folds, watched, s))
    steps = s.max_steps if chosen is None else int(watched[0][chosen - 1]["step"])
    patience = s.patience if chosen is None else None
    trained = [
        work.member(f"member {k + 1}", len(folds) + k, steps, patience, None)
        for k in range(s.members)
    ]
    devices.end()
    members: list[Member] = [task.member() for _, _, task in trained]
    evidence = None if chosen is None else InnerEvidence.of(folds, chosen)
    gate = open_gate(data, members, evidence)
    rows = [row for _, rows, _ in trained for row in rows]
    best = max(trained[0][1], key=lambda row: row["score"]) if patience else trained[0][1][-1]
    full = {
        "genes": list(data.genes),
        "treatment": data.treatment_code.to_json(),
        "covariates": data.covariate_code.to_json(),
        "scale": data.unit,
        "settings": s.model_dump(),
        "data": data.name,
        "data_hash": data.fingerprint,
        "grn_hash": inside.fingerprint() if inside is not None else None,
        "steps": int(trained[0][1][-1]["step"]),
        "best_step": int(best["step"]),
        "seconds": sum(rows[-1]["seconds"] for rows in [*watched, *(r for _, r, _ in trained)]),
        "watched": {
            name: round(float(best[name]), 4)
            for name in ("validation_r2", "cell_correlation", "spread_ratio")
            if name in best
        },
        "warnings": sorted({w for w in map(collapse_warning, rows[-1:]) if w}),
        **(header or {}),
    }
    if metrics is not None:
        _write_metrics(metrics, [*watched, *(rows for _, rows, _ in trained)], len(folds))
    return TrainedModel(members, gate, full)


def _write_metrics(file: Path, stages: list[list[dict[str, float]]], inner: int) -> None:
    """Each validation once, also where the training was stopped and some were made twice."""
    names = [f"inner {k + 1}" for k in range(inner)]
    names += [f"member {k + 1}" for k in range(len(stages) - inner)]
    with replacing(file) as part:
        lines = [
            json.dumps({"stage": name, **row})
            for name, rows in zip(names, stages, strict=True)
            for row in rows
        ]
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _choose_step(
    folds: list[InnerPairs], watched: list[list[dict[str, float]]], settings: TrainSettings
) -> int | None:
    """Which validation to stop at: among the steps whose pooled inner error is within one per
    cent of the least, the one of best objective on validation cells. Step 0 is not one of them,
    for an untrained network has no spread of its own."""
    if not folds:
        return None
    count = min(len(rows) for rows in watched)
    errors = np.array(
        [np.mean(np.concatenate([fold.relative_errors(k) for fold in folds]))
         for k in range(1, count + 1)]
    )  # fmt: skip
    objective = np.array(
        [np.mean([_objective(rows[k], settings) for rows in watched]) for k in range(count)]
    )
    usable = errors <= errors.min() * (1 + AS_GOOD)
    return int(np.argmin(np.where(usable, objective, np.inf))) + 1


def _objective(row: dict[str, float], settings: TrainSettings) -> float:
    """−J on the validation cells."""
    s = settings
    return (
        s.reconstruction_weight * row["validation_reconstruction"]
        + s.distribution_weight * row["validation_distribution"]
        + s.kl_weight * row["validation_kl"]
        + s.response_weight * row["validation_response"]
    )
