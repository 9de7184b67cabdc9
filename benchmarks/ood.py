"""Held-out predictions beside every rival: writes results/ood.md.

    python -m benchmarks.ood              (or: make bench-ood)
    python -m benchmarks.ood --quick      a smoke test: one seed, few steps, its own folder

Each finished part (a dataset, what is held out, a seed, a model) is one JSON file in --parts
and is not run again, unless the code that trains and scores has changed since; a training that
was stopped goes on where it was. --jobs parts run at a time (2), a process and a thread each.
Datasets that are not there (see GVCI_DATA_DIR) are named as missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.ood_report import report
from benchmarks.parts import finished, write
from gvci.config import PredictMode, PrepareSettings, SimulateSettings, TrainSettings
from gvci.data.catalogue import load_dataset, load_network
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import Simulation, simulate
from gvci.ensemble import train
from gvci.errors import GvciError
from gvci.evaluate import evaluate, scorable_pairs
from gvci.grn import GRN
from gvci.metrics import Score, cell_correlation
from gvci.run import DATA, MODEL, Run

ROOT = Path(__file__).resolve().parents[1]
# Code of gvci that no part depends on.
UNJUDGED = (
    "app", "refiner", "__main__.py", "cli.py", "commands.py", "crossfit.py", "estimator",
    "pretrained.py", "ranking.py", "recovery.py", "registry.py", "rivals.py", "verdict.py",
)  # fmt: skip
SEEDS = {"sim": (11, 12, 13), "kang": (0, 1, 2)}
FOLDS = {
    "sim": ("auto",),
    "kang": ("CD14+ Monocytes", "CD4 T cells", "B cells", "FCGR3A+ Monocytes"),
}
PAPER_STEPS = 2000  # of the preset's 20,000, so that the table is done within the hour
QUICK: dict[str, Any] = {"max_steps": 20, "evaluate_every": 10, "members": 1}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "standard": ("standard", {}),
    "paper": ("paper", {"max_steps": PAPER_STEPS}),
    "vci": ("standard", {"model": "vci"}),
}
TABLE = ("standard", "paper")  # vci takes half an hour more: --models standard paper vci
# Model → what is scored of it: a name, how cells are predicted, whether the gate is left in.
VARIANTS: dict[str, tuple[tuple[str, PredictMode, bool], ...]] = {
    "standard": (("standard", "residual", True), ("network", "residual", False)),
    "paper": (("paper", "residual", True), ("paper_mean", "mean", True)),
    "vci": (("vci", "residual", True),),
}
Part = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Cells with some held out, the prior network, and who knows the truth."""

    data: PerturbationData
    prior: GRN
    simulation: Simulation | None = None


@dataclass(frozen=True)
class Case:
    """One model to be trained on one problem when its turn comes."""

    dataset: str
    fold: str
    seed: int
    model: str
    settings: TrainSettings

    @property
    def problem(self) -> str:
        """What is asked: every seed simulates cells of its own, Kang's cells stay the same."""
        return f"seed {self.seed}" if self.dataset == "sim" else self.fold

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.dataset}-{self.fold}-{self.seed}-{self.model}".replace(" ", "_")

    @property
    def key(self) -> dict[str, Any]:
        """What its result depends on."""
        return {"code": code(), "settings": self.settings.model_dump(mode="json")}

    def make(self) -> Problem:
        """Its cells."""
        return sim(self.seed) if self.dataset == "sim" else kang(self.fold)


def sim(seed: int) -> Problem:
    """The simulator's demo screen with another network, other cells and another prior."""
    made = simulate(SimulateSettings.preset("demo", seed=seed))
    words = {
        "perturbation": "perturbation", "control": "control",
        "covariates": ("cell_type", "donor"), "ood": "auto",
    }  # fmt: skip
    data = prepare(made.adata, PrepareSettings.checked(words), name=f"sim-{seed}", simulated=True)
    return Problem(data, made.prior, made)


def kang(fold: str) -> Problem:
    """Blood cells ± IFN-β without the treated cells of one type; 2,000 genes."""
    adata, entry = load_dataset("kang2018-ifnb")
    assert entry is not None
    settings = PrepareSettings.checked({**entry.columns, "holdout": (f"cell_type={fold}",)})
    data = prepare(adata, settings, name=entry.name, title=entry.title)
    return Problem(data, load_network("dorothea"))


def cases(datasets: Sequence[str], models: Sequence[str], quick: bool = False) -> Iterator[Case]:
    """First seeds first, so that a table cut short compares all models; quick has one seed."""
    for number in range(1 if quick else max(len(SEEDS[dataset]) for dataset in datasets)):
        for dataset in datasets:
            seed = SEEDS[dataset][number]
            for fold in FOLDS[dataset][: 1 if quick else None]:
                for model in models:
                    preset, changes = MODELS[model]
                    words = {**changes, **(QUICK if quick else {}), "seed": seed}
                    yield Case(dataset, fold, seed, model, TrainSettings.preset(preset, **words))


def code() -> str:
    """Hash of the code whose results the parts hold."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "gvci").rglob("*.py")):
        if file.relative_to(ROOT / "gvci").parts[0] not in UNJUDGED:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def run(
    given: Sequence[Case],
    parts: Path,
    pool: Executor,
    jobs: int,
    say: Callable[[str], None] = print,
) -> tuple[list[Part], list[str]]:
    """All parts, finished ones from their files; and a sentence per part that is missing."""
    parts.mkdir(parents=True, exist_ok=True)
    known = {case: finished(parts / f"{case.name}.json", case.key) for case in given}
    left = [case for case in given if known[case] is None]
    futures = {pool.submit(job, case, parts): case for case in left}
    missing: list[str] = []
    for future in as_completed(futures):
        case, answer = futures[future], future.result()
        left.remove(case)
        if isinstance(answer, str):
            missing.append(answer)
        else:
            known[case] = answer
        seconds = remaining(left, [part for part in known.values() if part is not None])
        ahead = "" if seconds is None else f", about {seconds / jobs / 60:.0f} min to go"
        say(f"{case.name}: {'missing' if isinstance(answer, str) else 'done'}{ahead}")
    return [part for part in known.values() if part is not None], list(dict.fromkeys(missing))


def remaining(left: Sequence[Case], done: Sequence[Part]) -> float | None:
    """Seconds of work until all parts are done, by the mean of finished parts most like each."""
    if not done:
        return None
    total = 0.0
    for case in left:
        of_model = [p for p in done if p["model"] == case.model]
        alike = [p for p in of_model if p["dataset"] == case.dataset] or of_model or done
        total += float(np.mean([p["seconds"] for p in alike]))
    return total


def job(case: Case, parts: Path) -> Part | str:
    """One part, which is also written; in words what it lacks."""
    try:
        part = one(case, parts / f"{case.name}-{case.key['code']}")
    except GvciError as error:
        return f"{case.dataset}, {case.problem}, {case.model}: {error}"
    write(parts / f"{case.name}.json", json.dumps({"key": case.key, **part}, allow_nan=False))
    return finished(parts / f"{case.name}.json", case.key) or part


def one(case: Case, unfinished: Path) -> Part:
    """Train and score; `unfinished` keeps a training that is stopped."""
    started, worked = time.perf_counter(), time.process_time()
    problem = case.make()
    torch.set_num_threads(1)  # numba, which helps to choose genes, has set it for torch as well
    grn = None if case.settings.model == "vci" else problem.prior
    model = train(problem.data, grn, case.settings, unfinished=unfinished)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / MODEL)
        problem.data.write(Path(folder) / DATA)
        opened = Run.open(Path(folder))
        rows, gate, notes = scored(opened, replace(problem, data=opened.data), case.model)
    return {
        "dataset": case.dataset, "problem": case.problem, "seed": case.seed, "model": case.model,
        "cells": problem.data.n_cells, "genes": len(problem.data.genes),
        "steps": model.header["steps"], "best_step": model.header["best_step"],
        "work_s": round(time.process_time() - worked, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "gate": gate, "rows": rows, "notes": notes,
    }  # fmt: skip


def scored(
    opened: Run, problem: Problem, model: str
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, list[str]]:
    """Rows of the referee for the model's variants, the baselines and the ceiling; the gate."""
    rows: list[dict[str, Any]] = []
    gate: dict[str, Any] | None = None
    notes: list[str] = []
    known = None if problem.simulation is None else Truth(problem.data, problem.simulation)
    for name, mode, gated in VARIANTS[model]:
        if not gated:
            own = opened.model.gate
            opened.model.gate = replace(own, share=1.0, corrections=np.zeros_like(own.corrections))
        answer = evaluate(opened, problem.data, "ood", name=name, mode=mode)
        first = not rows
        rows += [row for row in answer["pairs"] if first or row["model"] == name]
        gate = gate or answer["gate"]
        notes += [note for note in answer["notes"] if note not in notes]
        if known is not None:
            known.judge(opened, [row for row in rows if row["model"] == name])
            rows += known.shifted() if first else []
    return rows, gate, notes


class Truth:
    """Transported control cells against the counterfactual of the same cells, which a simulation
    knows: within a pair, the correlation over genes of deviations from the mean over its cells.

    Two scores: `cell_truth` of μ(Z, T′), `response_truth` of the change μ(Z, T′) − μ(Z, control).
    """

    def __init__(self, data: PerturbationData, simulation: Simulation) -> None:
        self.data, self._simulation = data, simulation
        self._cells = simulation.adata.obs_names.get_indexer(data.adata.obs_names)
        self._genes = simulation.adata.var_names.get_indexer(data.genes)
        if min(self._cells.min(), self._genes.min()) < 0:
            message = "prepared cells or genes that the simulation does not have"
            raise ValueError(message)
        self._controls = {
            (pair.group, pair.perturbation): pair.controls for pair in scorable_pairs(data, "ood")
        }

    def of(self, perturbation: str, rows: np.ndarray) -> np.ndarray:
        """(rows, genes) true counterfactual of prepared cells, log1p of expected CP10k."""
        return self._simulation.counterfactual(perturbation, self._cells[rows])[:, self._genes]

    def judge(self, predictor: Any, rows: list[dict[str, Any]]) -> None:
        """Add both scores to the rows of a model."""
        control = self.data.columns.control
        for row in rows:
            label = row["perturbation"]
            cells = self._controls[row["group"], label]
            made, true = predictor.predict(cells, label, mode="mean"), self.of(label, cells)
            row["cell_truth"] = cell_correlation(true, made)
            before = predictor.predict(cells, control, mode="mean")
            row["response_truth"] = cell_correlation(true - self.of(control, cells), made - before)

    def shifted(self) -> list[dict[str, Score | str]]:
        """Rows of what every baseline gives: measured cells, all moved by the same change."""
        return [
            {
                "group": group, "perturbation": label, "model": "shifted",
                "cell_truth": cell_correlation(self.of(label, cells), self.data.dense(cells)),
                "response_truth": 0.0,
            }
            for (group, label), cells in self._controls.items()
        ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not finished, then write the report."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.ood", description=__doc__)
    words.add_argument("--quick", action="store_true", help="one seed, few steps: a smoke test")
    words.add_argument("--out", type=Path)
    words.add_argument("--parts", type=Path)
    words.add_argument("--datasets", nargs="+", choices=list(SEEDS), default=list(SEEDS))
    words.add_argument("--models", nargs="+", choices=list(MODELS), default=list(TABLE))
    words.add_argument("--jobs", type=int, default=2, help="parts at a time, one thread each")
    given = words.parse_args(arguments)
    parts = given.parts or ROOT / f"runs/benchmark-ood{'-quick' * given.quick}"
    results = parts if given.quick else ROOT / "benchmarks/results"
    out = given.out or results / "ood.md"
    started = time.perf_counter()
    chosen = list(cases(given.datasets, given.models, given.quick))
    os.environ.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, mp_context=spawn) as pool:
        done, missing = run(chosen, parts, pool, given.jobs)
    command = " ".join(
        ["python -m benchmarks.ood", *(sys.argv[1:] if arguments is None else arguments)]
    )
    steps = max((c.settings.max_steps for c in chosen if c.model == "paper"), default=None)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, report(done, missing, command, time.perf_counter() - started, steps))
    print(f"Wrote {out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
