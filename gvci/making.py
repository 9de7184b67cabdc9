"""A run is made: trained, written with its cells and its network, scored."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvci.atomic import replacing
from gvci.checkpoint import write_bytes
from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.devices import ALONE, Devices
from gvci.errors import CheckpointError, GRNError, GvciError
from gvci.grn import GRN
from gvci.refiner.result import NOTES, TABLE, RefinedGRN
from gvci.run import DATA, GRN_FOLDER, METRICS, MODEL, SCORES, UNFINISHED, Run
from gvci.unfinished import forget

if TYPE_CHECKING:
    from gvci.progress import Progress


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second place: a hard link, else a copy; an older target is replaced."""
    if target.exists() and target.samefile(source):
        return
    with replacing(target) as part:
        try:
            os.link(source.resolve(), part)
        except OSError:
            shutil.copyfile(source, part)


def save_grn(grn: RefinedGRN, data_file: Path, folder: Path) -> None:
    """Write a GRN directory with the cells it was refined on.

    Raises:
        GRNError: the disk refuses.
    """
    try:
        grn.save(folder, DATA)
        link_or_copy(data_file, folder / DATA)
    except OSError as error:
        message = f"The network could not be written to {folder}: {error.strerror or error}."
        raise GRNError(message) from None


def make_run(
    data_file: Path,
    grn: RefinedGRN | GRN | None,
    settings: TrainSettings,
    preset: str,
    folder: Path,
    progress: Progress | None = None,
    devices: Devices = ALONE,
) -> Run:
    """Train a model and write its directory, scores included.

    Args:
        data_file: what `prepare` wrote.
        grn: a refined network (the edges above its α are taken), a plain one, or None.
        settings, preset: model and training, and the preset's name for the record.
        folder: where to write; files of an older run there are replaced.
        progress, devices: as for `ensemble.train`.

    Raises:
        GvciError: as `ensemble.train`.
    """
    from gvci.training.ensemble import (
        train,  # a second that a page, which only reads runs, is spared
    )

    devices.first(lambda: _require_own_folder(folder))
    data = devices.together(lambda: PerturbationData.read(data_file))
    adopted = None if grn is None else grn.adopted()
    if settings.model != "graphvci":
        grn = adopted = None
    header = {
        "preset": preset,
        "grn": adopted.name if adopted is not None else None,
        "data_title": data.title,
        "simulated": data.simulated,
        "created": datetime.now(UTC).date().isoformat(),
    }
    devices.first(lambda: _make_folder(folder))
    unfinished = folder / UNFINISHED
    model = train(data, adopted, settings, header, progress, folder / METRICS, unfinished, devices)
    (folder / SCORES).unlink(missing_ok=True)  # an older model's must not pass for this one's
    model.save(folder / MODEL)
    link_or_copy(data_file, folder / DATA)
    if isinstance(grn, RefinedGRN):
        grn.save(folder / GRN_FOLDER, f"../{DATA}")
    else:
        for name in (TABLE, NOTES):  # of an older run
            (folder / GRN_FOLDER / name).unlink(missing_ok=True)
    run = Run.open(folder)
    save_scores(run)
    forget(unfinished)
    return run


def _require_own_folder(folder: Path) -> None:
    """Refuse a folder whose `grn` belongs to somebody else: a run writes its own there."""
    if (folder / GRN_FOLDER).exists() and not (folder / MODEL).is_file():
        message = (
            f"{folder / GRN_FOLDER} is there already and is not part of a run. "
            "Give the run another folder."
        )
        raise CheckpointError(message)


def _make_folder(folder: Path) -> None:
    """The run's folder; the metrics of an older run go, those of an unfinished training stay."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / UNFINISHED).is_dir():
            (folder / METRICS).unlink(missing_ok=True)
    except OSError as error:
        message = f"The run cannot be written to {folder}: {error.strerror or error}."
        raise CheckpointError(message) from None


def save_scores(run: Run) -> None:
    """Evaluate a run on every split that can be scored and write `scores.json`."""
    from gvci.evaluation.evaluate import evaluate

    scores: dict[str, Any] = {}
    for split in ("ood", "test"):
        try:
            scores[split] = evaluate(run, run.data, split, name=run.model.name)
        except GvciError as error:
            scores[split] = {"split": split, "refused": str(error)}
    text = json.dumps(scores, indent=1, allow_nan=False)
    write_bytes(run.path / SCORES, text.encode())
