"""The one loop that trains the refiner and the model; and the refiner, which needs no more.

A task brings `step` (one optimisation step → its loss terms), `validate` (→ `score`, higher is
better, on validation cells only), `state` and `restore`. The loop keeps the best state, stops
early, watches for non-finite losses and reports.
"""

from __future__ import annotations

import json
import math
import time
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from torch import Tensor

from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.devices import ALONE, Devices
from gvci.errors import TrainingError
from gvci.grn import GRN
from gvci.progress import Progress
from gvci.refiner.paper import RelationRefiner
from gvci.refiner.procedure import refine_calibrated
from gvci.refiner.result import RefinedGRN
from gvci.unfinished import Unfinished, below


class Task(Protocol):
    """What the loop can train."""

    def step(self) -> dict[str, float]:
        """One optimisation step; its loss terms."""

    def validate(self) -> dict[str, float]:
        """`score`, higher is better, and what else is worth a line in the metrics."""

    def state(self) -> dict[str, Any]:
        """A copy of all weights."""

    def restore(self, state: dict[str, Any]) -> None:
        """Back to a kept state."""


class Resumable(Task, Protocol):
    """A task that can also go on after a stop, with the result of an uninterrupted run."""

    def snapshot(self) -> dict[str, Tensor]:
        """Everything that the next step depends on."""

    def resume(self, snapshot: dict[str, Tensor]) -> None:
        """Back to a snapshot."""


def fit(
    task: Task,
    max_steps: int,
    evaluate_every: int,
    patience: int | None,
    progress: Progress | None = None,
    metrics: Path | None = None,
    unfinished: Unfinished | None = None,
    devices: Devices = ALONE,
    **notes: str,
) -> list[dict[str, float]]:
    """Train until the validation score has not risen for `patience` validations.

    Args:
        task: what is trained; ends in its best state.
        max_steps: steps at most.
        evaluate_every: steps between validations.
        patience: validations without gain before stopping; None to train all steps and keep
            the last state instead of the best.
        progress: called after each validation and every few steps.
        metrics: a file that gets one JSON line per validation.
        unfinished: where a `Resumable` task is kept now and then, and taken up again; whoever
            keeps the result forgets it after that, not before.
        devices: the processes that train; the first validates, writes and decides.
        notes: go into every line of the metrics.

    Returns:
        One row per validation: step, seconds, mean loss terms since the last, validation.

    Raises:
        TrainingError: a loss term is not finite; names the term and the step. The task is in
            its best state so far.
    """
    started, best, waited = time.monotonic(), -math.inf, 0
    earlier = 0.0
    rows: list[dict[str, float]] = []
    found = devices.first(unfinished.load) if unfinished else None
    if found is None:
        kept = task.state()
    else:
        kept, rows, best, waited = _taken_up(cast("Resumable", task), *found)
        earlier = rows[-1]["seconds"]
    sums: dict[str, float] = {}
    for step in range(int(rows[-1]["step"]) + 1 if rows else 1, max_steps + 1):
        if patience is not None and waited >= patience:  # also where this was saved and taken up
            break
        terms = task.step()
        broken = [name for name, value in terms.items() if not math.isfinite(value)]
        if broken:
            task.restore(kept)
            message = (
                f"Training diverged at step {step} ({broken[0]} is {terms[broken[0]]}). "
                "Lower the learning rate."
            )
            raise TrainingError(message)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value
        if progress and step % 10 == 0:
            progress(step, max_steps, "")
        if step % evaluate_every and step != max_steps:
            continue
        since = (step - 1) % evaluate_every + 1
        checked = devices.first(task.validate)
        row = {"step": step, "seconds": round(earlier + time.monotonic() - started, 2)}
        row |= {name: value / since for name, value in sums.items()} | checked
        rows.append(row)
        sums = {}
        if metrics is not None:
            devices.first(partial(_write, metrics, {**notes, **row}))
        if progress:
            progress(step, max_steps, f"score {checked['score']:.4f}")
        if patience is None or checked["score"] > best:
            best, waited, kept = checked["score"], 0, task.state()
        else:
            waited += 1
        if unfinished:
            loop = {"rows": rows, "best": best, "waited": waited}
            devices.first(partial(_keep, unfinished, cast("Resumable", task), kept, loop))
    task.restore(kept)
    return rows


def _write(metrics: Path, row: dict[str, Any]) -> None:
    """One more line."""
    with metrics.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _keep(
    unfinished: Unfinished, task: Resumable, kept: dict[str, Tensor], loop: dict[str, Any]
) -> None:
    """Save what is needed to go on, where the last saving is long enough ago."""
    if unfinished.due():
        live = {f"live.{k}": v for k, v in task.snapshot().items()}
        unfinished.save(live | {f"kept.{k}": v for k, v in kept.items()}, loop)


def _taken_up(
    task: Resumable, tensors: dict[str, Tensor], loop: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, float]], float, int]:
    """Put the task where it stopped; the best state, the rows, the best score, the patience."""
    task.restore(below(tensors, "kept."))
    kept = task.state()
    task.resume(below(tensors, "live."))
    return kept, loop["rows"], loop["best"], loop["waited"]


def refine(
    data: PerturbationData,
    prior: GRN,
    settings: RefineSettings,
    preset: str = "standard",
    progress: Progress | None = None,
    unfinished: Path | None = None,
) -> RefinedGRN:
    """Refine a prior GRN: calibrated (presets `standard`, `quick`), or by eqs. 11–13 (`paper`).

    Args:
        data, prior, settings: what is refined and how.
        preset: the settings' name, for the record.
        progress: as for `fit`.
        unfinished: a file in which `paper`, which may take hours, is kept; the same call takes it
            up there and gives what an uninterrupted one would have given. Whoever has saved the
            network forgets it.

    Raises:
        GRNError: the prior shares fewer than two genes, or no edge, with the data.
        TrainingError: the loss became non-finite.
    """
    if settings.method == "calibrated":
        return refine_calibrated(data, prior, settings, preset, progress)
    refiner = RelationRefiner(data, prior, settings)
    key = f"{settings.model_dump_json()} {data.fingerprint} {prior.fingerprint()}"
    rows = fit(
        refiner,
        settings.max_steps,
        settings.evaluate_every,
        settings.patience,
        progress,
        unfinished=Unfinished(unfinished, key) if unfinished else None,
    )
    return RefinedGRN.of(refiner, prior, preset, steps=int(rows[-1]["step"]))
