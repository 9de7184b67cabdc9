"""A run is a directory: what `refine` and `train` write and every page reads.

    RUN/ model.safetensors   the checkpoint            GRN/ edges.parquet, grn.json
         data.h5ad           the prepared cells             data.h5ad
         grn/                the GRN it was trained on
         scores.json         split → what evaluate prints
         metrics.jsonl       one line per validation
         summaries/          what is said without cells, where data.h5ad is not shipped
         recipe.json         how these cells are prepared where their file is at hand

Cells are hard-linked where the disk allows, else copied, so a run stays whole when the
dataset it was made from is moved or overwritten.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from gvci.checkpoint import align_genes, require_scale
from gvci.config import PredictMode
from gvci.data.dataset import PerturbationData
from gvci.data.labels import AbsentCells, read_labels
from gvci.errors import CheckpointError, DataError, FileError, PredictionError
from gvci.prediction.trained_model import TrainedModel
from gvci.pseudobulk import LEARNING_SPLITS
from gvci.recipe import cells_at_hand, read_recipe
from gvci.refiner.result import NOTES, RefinedGRN
from gvci.verdict import TITLES

MODEL, DATA, GRN_FOLDER, SCORES, METRICS = (
    "model.safetensors",
    "data.h5ad",
    "grn",
    "scores.json",
    "metrics.jsonl",
)
UNFINISHED, SUMMARIES = "checkpoint", "summaries"


class Run:
    """A trained model with its cells and its GRN, or a refined GRN with its cells.

    Attributes:
        path: the directory.
        kind: "run" where there is a model, "grn" where there is only a network.
    """

    def __init__(self, path: Path, kind: Literal["run", "grn"]) -> None:
        self.path, self.kind = path, kind

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a directory; its parts are read, and refused if damaged, when first used.

        Raises:
            FileError: neither a run nor a refined network.
        """
        path = Path(path)
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
        """The cells, with their genes in the model's order; their labels alone without cells.

        A run that has summaries in the place of cells prepares them where their file is at hand.

        Raises:
            FileError: missing or damaged.
            CheckpointError: the model was trained on other genes, species, scale or cells.
        """
        header = {} if self.kind == "grn" else self.model.header  # damage shows before the reading
        data = self._read_data()
        if self.kind == "grn":
            return data
        require_scale(header.get("scale", data.unit), data.unit)
        order = align_genes(self.model.genes, data.genes)
        if order is not None and isinstance(data, AbsentCells):
            message = f"The summaries in {self.path} have other genes than the model. Restore them."
            raise FileError(message)
        if order is not None:
            data = data.on_genes(order)
        if header.get("data_hash") not in (None, data.fingerprint):
            message = (
                f"The cells of {self.path} are not those that this model was trained on "
                "(their checksum differs), so held-out cells could not be told from training "
                "cells. Put the original file back, or train again."
            )
            raise CheckpointError(message)
        return data

    def _read_data(self) -> PerturbationData:
        if (self.path / DATA).is_file() or not (self.path / SUMMARIES).is_dir():
            return PerturbationData.read(self.path / DATA)
        labels = read_labels(self.path / SUMMARIES)
        recipe = read_recipe(self.path)
        if recipe is None:
            return labels
        try:
            cells = cells_at_hand(recipe)
        except DataError as error:
            labels.how = str(error)
            return labels
        labels.how = recipe.how
        return labels if cells is None else cells

    @property
    def cells_here(self) -> bool:
        """Whether expression can be read, and not labels and summaries alone."""
        return not isinstance(self.data, AbsentCells)

    @property
    def cells_to_prepare(self) -> bool:
        """Whether reading the data will first prepare them from a file at hand, which takes time.

        Raises:
            FileError: the recipe is damaged.
        """
        if (self.path / DATA).is_file() or not (self.path / SUMMARIES).is_dir():
            return False
        recipe = read_recipe(self.path)
        return recipe is not None and not recipe.prepared.is_file() and not recipe.missing

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

        Raises:
            PredictionError: no cell, an unusable dose, or a perturbation that the model has not
                seen: the one asked for, or a cell's own.
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
            PredictionError: as `predict`.
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
        """The decoder's mean of cells under their own perturbation, (rows, genes) float32.

        Raises:
            PredictionError: the model has not seen one of these.
        """
        cells = self._factual(rows)
        return self.model.counterfactual(*cells, cells[2], "mean", depth=self._depth(rows))

    def support(self, perturbation: str, group: str) -> Literal["seen", "held_out", "outside"]:
        """Whether training saw the pair, only its parts, or not even those."""
        data = self.data
        training = np.isin(data.split, LEARNING_SPLITS)
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


def grn_data(folder: Path) -> Path | None:
    """The cells that a GRN directory was refined on, where they are still there."""
    try:
        notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        file = folder / str(notes["data_file"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return file if file.is_file() else None
