"""A run is a directory: what `refine` and `train` write and every page reads.

    RUN/ model.safetensors   the checkpoint            GRN/ edges.parquet, grn.json
         data.h5ad           the prepared cells             data.h5ad
         grn/                the GRN it was trained on
         scores.json         split → what evaluate prints
         metrics.jsonl       one line per validation

Cells are hard-linked where the disk allows, else copied, so a run stays whole when the
dataset it was made from is moved or overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from gvci.atomic import replacing
from gvci.checkpoint import align_genes, require_scale, write_bytes
from gvci.config import PredictMode, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.devices import ALONE, Devices
from gvci.errors import CheckpointError, FileError, GRNError, GvciError, PredictionError
from gvci.grn import GRN
from gvci.prediction import TrainedModel
from gvci.refiner.result import NOTES, TABLE, RefinedGRN
from gvci.unfinished import forget
from gvci.verdict import TITLES

if TYPE_CHECKING:
    from gvci.training import Progress

MODEL, DATA, GRN_FOLDER, SCORES, METRICS = (
    "model.safetensors",
    "data.h5ad",
    "grn",
    "scores.json",
    "metrics.jsonl",
)
UNFINISHED = "checkpoint"


class Run:
    """A trained model with its cells and its GRN, or a refined GRN with its cells.

    Attributes:
        path: the directory.
        kind: "run" where there is a model, "grn" where there is only a network.
    """

    def __init__(self, path: Path, kind: Literal["run", "grn"]) -> None:
        self.path, self.kind = path, kind

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a directory; its parts are read, and refused if damaged, when first used.

        Raises:
            FileError: neither a run nor a refined network.
        """
        if (path / MODEL).is_file():
            return cls(path, "run")
        if (path / NOTES).is_file():
            return cls(path, "grn")
        message = (
            f"{path} is neither a run (no {MODEL}) nor a refined network (no {NOTES}). "
            "Make one: python -m gvci train, or refine."
        )
        raise FileError(message)

    @classmethod
    def of(cls, model: TrainedModel, data: PerturbationData) -> Self:
        """A model with cells in memory, without a directory."""
        run = cls(Path(), "run")
        run.model, run.data = model, data
        return run

    # --- parts -----------------------------------------------------------------------

    @cached_property
    def model(self) -> TrainedModel:
        """The trained model.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        if self.kind == "grn":
            message = f"{self.path.name} is a refined network without a model. Train one on it."
            raise CheckpointError(message)
        return TrainedModel.load(self.path / MODEL)

    @cached_property
    def grn(self) -> RefinedGRN | None:
        """The refined network; None for a model trained without one."""
        folder = self.path if self.kind == "grn" else self.path / GRN_FOLDER
        return RefinedGRN.load(folder) if (folder / NOTES).is_file() else None

    @cached_property
    def data(self) -> PerturbationData:
        """The cells, with their genes in the model's order.

        Raises:
            FileError: missing or damaged.
            CheckpointError: the model was trained on other genes, species, scale or cells.
        """
        data = PerturbationData.read(self.path / DATA)
        if self.kind == "grn":
            return data
        header = self.model.header
        require_scale(header.get("scale", data.unit), data.unit)
        order = align_genes(self.model.genes, data.genes)
        if order is not None:
            data = data.on_genes(order)
        if header.get("data_hash") not in (None, data.fingerprint):
            message = (
                f"The cells in {self.path / DATA} are not those that this model was trained on "
                "(their checksum differs), so held-out cells could not be told from training "
                "cells. Put the original file back, or train again."
            )
            raise CheckpointError(message)
        return data

    @cached_property
    def scores(self) -> dict[str, dict[str, Any]]:
        """Split → what evaluate prints; empty where nothing was scored."""
        try:
            found = json.loads((self.path / SCORES).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def card(self) -> dict[str, Any]:
        """The checkpoint's header; for a network its notes."""
        if self.kind == "grn":
            assert self.grn is not None
            return self.grn.meta
        return self.model.header

    @property
    def name(self) -> str:
        """The model for people, e.g. "graphVCI standard"; for a network its name."""
        if self.kind == "grn":
            return str(self.card.get("name", self.path.name))
        return f"{TITLES[self.model.name]} {self.card.get('preset', '')}".strip()

    @cached_property
    def fingerprint(self) -> str:
        """First eight hex digits of the SHA-256 of the model file, or of the network's notes."""
        file = self.path / (MODEL if self.kind == "run" else NOTES)
        return hashlib.sha256(file.read_bytes()).hexdigest()[:8]

    # --- answers ---------------------------------------------------------------------

    def predict(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
        seed: int = 0,
    ) -> np.ndarray:
        """Cells of the data under another perturbation, (rows, genes) float32, log1p CP10k.

        Cells whose own label the model has not seen are encoded as they are only in
        `reconstruct`; here they are refused.

        Raises:
            PredictionError: unknown perturbation, or no cell.
        """
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if not len(rows):
            message = "No cell was chosen. Choose cells, e.g. --cells 'cell_type=B cells'."
            raise PredictionError(message)
        if not (np.isfinite(dose) and dose >= 0):
            message = f"The dose {dose} is not usable. Give a number, 0 or more."
            raise PredictionError(message)
        labels, doses = [perturbation] * len(rows), np.full(len(rows), dose, dtype=np.float32)
        other = self.model.treatment_code.encode(labels, list(doses))
        correction = self._correction(rows, labels, doses, mode)
        return self.model.counterfactual(
            *self._factual(rows), other, mode, seed, correction=correction, depth=self._depth(rows)
        )

    def predict_mean(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """Mean of these cells under another perturbation, (genes,) float64, log1p CP10k.

        The mean of Y + μ(Z, T′) − μ(Z, T) and of the gate's correction, at least 0. Cells are
        not cut at 0 one by one, which would lift the mean of a lowered gene. In the other modes
        the mean of μ(Z, T′), which draws average to.

        Raises:
            PredictionError: unknown perturbation.
        """
        if mode != "residual":
            cells = self.predict(rows, perturbation, dose, "mean")
            average: np.ndarray = cells.mean(axis=0, dtype=np.float64)
            return average
        labels, doses = [perturbation] * len(rows), np.full(len(rows), dose, dtype=np.float32)
        other = self.model.treatment_code.encode(labels, list(doses))
        shift = self.model.mean_shift(*self._factual(rows), other, self._depth(rows))
        corrected = self._correction(rows, labels, doses, "residual").mean(axis=0, dtype=np.float64)
        mean: np.ndarray = (self.data.mean(rows) + shift + corrected).clip(0.0)
        return mean

    def _factual(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Y, X and T of cells."""
        own = self.model.treatment_code.encode(
            list(self.data.perturbation[rows]), list(self.data.dose[rows])
        )
        return self.data.dense(rows), self.data.covariates[rows], own

    def _depth(self, rows: np.ndarray) -> np.ndarray | None:
        return self.data.depth[rows] if self.model.counted else None

    def _correction(
        self, rows: np.ndarray, labels: list[str], doses: np.ndarray, mode: PredictMode
    ) -> np.ndarray:
        """The gate's correction of each cell; in `residual` less that of its own treatment."""
        gate, groups = self.model.gate, self.data.groups[rows]
        if not gate.corrections.size:
            return np.zeros((len(rows), len(self.data.genes)), dtype=np.float32)
        added = gate.correction(groups, labels, doses)
        if mode == "residual":
            own = self.data.perturbation[rows], self.data.dose[rows]
            added -= gate.correction(groups, *own)
        return added

    def gate(self, group: str, perturbation: str) -> dict[str, Any]:
        """λ, the network's share in the predicted mean of a pair, and who has the rest."""
        gate = self.model.gate
        mixed = gate.mixes(group, perturbation)
        return {"lambda": gate.share if mixed else 1.0, "baseline": gate.baseline}

    def mean_error(self, group: str, perturbation: str, change: np.ndarray) -> np.ndarray | None:
        """(genes,) standard error of the predicted change of a pair that training had no cell of.

        None for a pair it had cells of, or where errors were not tested on inner pairs.
        """
        seen = self.support(perturbation, group) == "seen"
        return None if seen else self.model.gate.error_of(change)

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """The decoder's mean of cells under their own perturbation, (rows, genes) float32."""
        cells = self._factual(rows)
        return self.model.counterfactual(*cells, cells[2], "mean", depth=self._depth(rows))

    def support(self, perturbation: str, group: str) -> Literal["seen", "held_out", "outside"]:
        """Whether training saw the pair, only its parts, or not even those."""
        data = self.data
        training = np.isin(data.split, ("train", "validation"))
        if (training & (data.perturbation == perturbation) & (data.groups == group)).any():
            return "seen"
        code = self.model.treatment_code
        try:
            parts = code.parts(perturbation)
        except PredictionError:
            return "outside"
        singles = set(data.perturbation[training])
        known_group = (training & (data.groups == group)).any()
        return "held_out" if known_group and all(p in singles for p in parts) else "outside"


# --- making them -----------------------------------------------------------------------


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


def grn_data(folder: Path) -> Path | None:
    """The cells that a GRN directory was refined on, where they are still there."""
    try:
        notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        file = folder / str(notes["data_file"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return file if file.is_file() else None


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
    from gvci.ensemble import train  # a second that a page, which only reads runs, is spared

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
    from gvci.evaluate import evaluate

    scores: dict[str, Any] = {}
    for split in ("ood", "test"):
        try:
            scores[split] = evaluate(run, run.data, split, name=run.model.name)
        except GvciError as error:
            scores[split] = {"split": split, "refused": str(error)}
    text = json.dumps(scores, indent=1, allow_nan=False)
    write_bytes(run.path / SCORES, text.encode())
