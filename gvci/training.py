"""The one loop that trains the refiner and the model.

A task brings `step` (one optimisation step → its loss terms), `validate` (→ `score`, higher is
better, on validation cells only), `state` and `restore`. The loop keeps the best state, stops
early, watches for non-finite losses and reports.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.errors import TrainingError
from gvci.grn import GRN
from gvci.layers import GeneEncoder
from gvci.matching import Matcher
from gvci.model import GraphVCI
from gvci.prediction import TrainedModel
from gvci.refiner.paper import RelationRefiner
from gvci.refiner.procedure import refine_calibrated
from gvci.refiner.result import RefinedGRN

Progress = Callable[[int, int, str], None]  # steps done, steps planned, a few words
VALIDATION_CELLS = 512


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


def fit(
    task: Task,
    max_steps: int,
    evaluate_every: int,
    patience: int,
    progress: Progress | None = None,
    metrics: Path | None = None,
) -> list[dict[str, float]]:
    """Train until the validation score has not risen for `patience` validations.

    Args:
        task: what is trained; ends in its best state.
        max_steps: steps at most.
        evaluate_every: steps between validations.
        patience: validations without gain before stopping.
        progress: called after each validation and every few steps.
        metrics: a file that gets one JSON line per validation.

    Returns:
        One row per validation: step, seconds, mean loss terms since the last, validation.

    Raises:
        TrainingError: a loss term is not finite; names the term and the step. The task is in
            its best state so far.
    """
    started, best, waited = time.monotonic(), -math.inf, 0
    kept, rows = task.state(), []
    sums: dict[str, float] = {}
    for step in range(1, max_steps + 1):
        terms = task.step()
        broken = [name for name, value in terms.items() if not math.isfinite(value)]
        if broken:
            task.restore(kept)
            message = (
                f"Training diverged at step {step} ({broken[0]} is {terms[broken[0]]}). "
                "The weights of the best validation are kept. Lower the learning rate."
            )
            raise TrainingError(message)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value
        if progress and step % 10 == 0:
            progress(step, max_steps, "")
        if step % evaluate_every and step != max_steps:
            continue
        since = (step - 1) % evaluate_every + 1
        checked = task.validate()
        row = {"step": step, "seconds": round(time.monotonic() - started, 2)}
        row |= {name: value / since for name, value in sums.items()} | checked
        rows.append(row)
        sums = {}
        if metrics is not None:
            with metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if progress:
            progress(step, max_steps, f"score {checked['score']:.4f}")
        if checked["score"] > best:
            best, waited, kept = checked["score"], 0, task.state()
        else:
            waited += 1
            if waited >= patience:
                break
    task.restore(kept)
    return rows


def refine(
    data: PerturbationData,
    prior: GRN,
    settings: RefineSettings,
    preset: str = "standard",
    progress: Progress | None = None,
) -> RefinedGRN:
    """Refine a prior GRN: calibrated (presets `standard`, `quick`), or by eqs. 11–13 (`paper`).

    Raises:
        GRNError: the prior shares fewer than two genes, or no edge, with the data.
        TrainingError: the loss became non-finite.
    """
    if settings.method == "calibrated":
        return refine_calibrated(data, prior, settings, preset, progress)
    refiner = RelationRefiner(data, prior, settings)
    rows = fit(refiner, settings.max_steps, settings.evaluate_every, settings.patience, progress)
    return RefinedGRN.of(refiner, prior, preset, steps=int(rows[-1]["step"]))


class GraphVCITask:
    """graphVCI's training: live weights, the lagged encoder copy, optimiser and batches."""

    def __init__(self, data: PerturbationData, grn: GRN | None, settings: TrainSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.matcher = settings, Matcher(data, settings)
        n, code = len(data.genes), data.treatment_code
        self.core = GraphVCI(settings, n, code.width, data.covariates.shape[1])
        self.gene_encoder = _gene_encoder(grn, n, settings) if self.core.uses_graph else None
        train = data.expression[data.rows("train")]
        means = np.asarray(train.mean(axis=0), dtype=np.float32).ravel()
        squares = np.asarray(train.multiply(train).mean(axis=0), dtype=np.float32).ravel()
        self.core.start_at(means, np.sqrt((squares - means**2).clip(0)))
        self.rng = np.random.default_rng(settings.seed)
        self.noise = torch.Generator().manual_seed(settings.seed)
        self._epochs = self.matcher.epochs(self.rng)
        self._batches: Iterator[np.ndarray] = iter(())
        self._epoch = 0
        self._optimizer = self._make_optimizer()
        self._refresh_lagged()
        self._validation = self._fixed_validation(data)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        s = self.settings
        groups: list[dict[str, Any]] = [{"params": list(self.core.parameters())}]
        if self.gene_encoder is not None:
            graph = list(self.gene_encoder.parameters())
            groups.append({"params": graph, "lr": s.graph_learning_rate})
        return torch.optim.Adam(groups, lr=s.learning_rate, weight_decay=s.weight_decay)

    def _genes(self) -> Tensor | None:
        genes: Tensor | None = self.gene_encoder() if self.gene_encoder is not None else None
        return genes

    @torch.no_grad()
    def _refresh_lagged(self) -> None:
        """The encoder that Ỹ′ goes through is a copy, frozen per epoch; its Z_G is cached."""
        self.lagged = copy.deepcopy(self.core).requires_grad_(requires_grad=False)
        self.lagged_genes = self._genes()

    def _next_rows(self) -> np.ndarray:
        rows = next(self._batches, None)
        if rows is None:
            self._batches = iter(next(self._epochs))
            self._epoch += 1
            if self._epoch > 1:
                self._refresh_lagged()
            if self._epoch % self.settings.learning_rate_step == 0:
                for group in self._optimizer.param_groups:
                    group["lr"] *= self.settings.learning_rate_decay
            rows = next(self._batches)
        return rows

    def step(self) -> dict[str, float]:
        """One optimisation step; the three terms of eq. 4."""
        batch = self.matcher.batch(self._next_rows(), self.rng)
        genes = self._genes()  # one live graph encode, shared by all passes
        terms = self.core.loss_terms(batch, genes, self.lagged, self.lagged_genes, self.noise)
        self._optimizer.zero_grad()
        self.core.objective(terms).backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        self._optimizer.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    def _fixed_validation(self, data: PerturbationData) -> Any:
        rng = np.random.default_rng([self.settings.seed, 1])
        rows = data.rows("validation")
        rows = rows if len(rows) > 1 else data.rows("train")
        return self.matcher.batch(np.sort(rng.permutation(rows)[:VALIDATION_CELLS]), rng)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The objective on fixed validation cells with fixed draws."""
        genes = self._genes()
        noise = torch.Generator().manual_seed(self.settings.seed)
        terms = self.core.loss_terms(self._validation, genes, self.core, genes, noise)
        named = {f"validation_{name}": float(value) for name, value in terms.items()}
        return {"score": -float(self.core.objective(terms)), **named}

    def state(self) -> dict[str, Any]:
        """Copies of all weights."""
        graph = self.gene_encoder.state_dict() if self.gene_encoder is not None else {}
        return {
            "core": {k: v.detach().clone() for k, v in self.core.state_dict().items()},
            "graph": {k: v.detach().clone() for k, v in graph.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Back to a kept state."""
        self.core.load_state_dict(state["core"])
        if self.gene_encoder is not None:
            self.gene_encoder.load_state_dict(state["graph"])

    @torch.no_grad()
    def gene_latent(self) -> Tensor | None:
        """Z_G as it stands, (n, d_G)."""
        genes = self._genes()
        return None if genes is None else genes.detach().clone()


def _gene_encoder(grn: GRN | None, n: int, settings: TrainSettings) -> GeneEncoder:
    """GNN_G over the GRN; without one, over self-connections only."""
    pairs = np.zeros((2, 0), dtype=np.int64)
    if grn is not None:
        targets, sources = grn.indices()
        pairs = np.stack([sources, targets]).astype(np.int64)
    return GeneEncoder(torch.from_numpy(pairs), n, settings.graph_latent, settings.graph_depth)


def train(
    data: PerturbationData,
    grn: GRN | None,
    settings: TrainSettings,
    header: dict[str, Any] | None = None,
    progress: Progress | None = None,
    metrics: Path | None = None,
) -> TrainedModel:
    """Train graphVCI (or VCI) on the training cells; early stopping on validation cells.

    Args:
        data: cells with their split.
        grn: the edges that Z_G is computed over (`RefinedGRN.adopted()`); None for no graph.
        settings: model and training.
        header: more for the checkpoint's header (preset, GRN name and hash, …).
        progress, metrics: as for `fit`.

    Raises:
        GRNError: the GRN shares no edge with the data.
        TrainingError: nothing to train on, or the loss became non-finite.
    """
    inside = None if grn is None else grn.restricted(data.genes, data.name)
    task = GraphVCITask(data, inside, settings)
    rows = fit(
        task, settings.max_steps, settings.evaluate_every, settings.patience, progress, metrics
    )
    best = max(rows, key=lambda row: row["score"])
    full = {
        "genes": list(data.genes),
        "treatment": data.treatment_code.to_json(),
        "covariates": data.covariate_code.to_json(),
        "scale": "log1p CP10k",
        "settings": settings.model_dump(),
        "data": data.name,
        "data_hash": data.fingerprint,
        "grn_hash": inside.fingerprint() if inside is not None else None,
        "steps": int(rows[-1]["step"]),
        "best_step": int(best["step"]),
        "seconds": rows[-1]["seconds"],
        **(header or {}),
    }
    return TrainedModel(task.core, task.gene_latent(), full)
