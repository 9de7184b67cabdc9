"""How well refined edges recover known ones, beside every rival: writes results/edges.md.

    python -m benchmarks.edges            (or: make bench-edges)

Each finished part (a dataset, a seed, a preset) is one JSON file in --parts and is not run
again, unless the code of the refiner or of the referee has changed since. Datasets that are
not there (see GVCI_DATA_DIR) are named as missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.edges_report import report
from benchmarks.parts import finished, write
from gvci.config import PrepareSettings, RefineSettings, SimulateSettings
from gvci.data.catalogue import load_dataset, load_genes, load_network
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import corrupted, simulate
from gvci.edges.recovery import evaluate_edges
from gvci.edges.rivals import genie3
from gvci.errors import CatalogueError, FileError, GRNError
from gvci.grn import GRN
from gvci.training.loop import refine

ROOT = Path(__file__).resolve().parents[1]
JUDGED = ("refiner", "training/loop.py", "config", "edges")
DROPPED = 0.3
DATASETS = ("sim", "sergio", "kang", "papalexi")
# The literal form takes .15 s a step on 300 genes and hours on 2,000: cut short, and only here.
PAPER_STEPS = 600
PAPER_DATASETS = ("sim", "sergio")


@dataclass(frozen=True)
class Problem:
    """Cells, what is believed, what is true, and the regulators to score."""

    data: PerturbationData
    prior: GRN
    truth: GRN

    @property
    def sources(self) -> list[str]:
        """The truth's regulators that were measured."""
        return sorted(set(self.truth.edges["source"]) & set(self.data.genes))


@dataclass(frozen=True)
class Case:
    """One problem to be made when its turn comes."""

    dataset: str
    seed: int
    make: Callable[[int], Problem]


def sim(seed: int) -> Problem:
    """The simulator's demo screen with another network, other cells and another prior."""
    made = simulate(SimulateSettings.preset("demo", seed=seed))
    settings = PrepareSettings.checked(
        {
            "perturbation": "perturbation",
            "control": "control",
            "covariates": ("cell_type", "donor"),
            "ood": "none",
        }
    )
    data = prepare(made.adata, settings, name=f"sim-{seed}", simulated=True)
    return Problem(data, made.prior, made.truth)


def sergio(seed: int) -> Problem:
    """SERGIO DS1 knock-outs: one set of cells, a freshly corrupted prior per seed."""
    truth = load_network("sergio-ds1-truth")
    prior = corrupted(truth, DROPPED, np.random.default_rng(seed))
    return Problem(_cells("sergio-ds1"), replace(prior, name=f"corrupted DS1, seed {seed}"), truth)


def kang(seed: int) -> Problem:
    """Blood cells ± IFN-β: STAT1 and IRF1 against ChEA, CollecTRI and TRRUST."""
    interferon = tuple(load_genes("hallmark-interferon"))
    data = _cells("kang2018-ifnb", n_genes=2000, keep_genes=interferon)
    return Problem(data, load_network("dorothea"), load_network("stat1-irf1-curated"))


def papalexi(seed: int) -> Problem:
    """THP-1 cells, 299 measured genes: few of the targets are among them."""
    return Problem(
        _cells("papalexi2021-eccite"), load_network("dorothea"), load_network("stat1-irf1-curated")
    )


def _cells(name: str, **changes: Any) -> PerturbationData:
    adata, entry = load_dataset(name)
    assert entry is not None
    settings = PrepareSettings.checked({**entry.columns, "ood": "none", **changes})
    return prepare(adata, settings, name=name, title=entry.title, simulated=entry.simulated)


def cases(datasets: Sequence[str], seeds: Sequence[int]) -> Iterator[Case]:
    """Seeds make networks (sim) or priors (sergio); the real datasets have one case each."""
    for dataset in datasets:
        make = {"sim": sim, "sergio": sergio, "kang": kang, "papalexi": papalexi}[dataset]
        for seed in seeds if dataset in ("sim", "sergio") else (0,):
            yield Case(dataset, seed, make)


def code() -> str:
    """Hash of the code whose results the parts hold."""
    digest = hashlib.sha256()
    for word in JUDGED:
        path = ROOT / "gvci" / word
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def run(
    given: Sequence[Case],
    presets: Sequence[str],
    parts: Path,
    resamples: int,
    with_genie3: bool = True,
    say: Callable[[str], None] = print,
) -> tuple[list[dict[str, Any]], list[str]]:
    """All parts, finished ones from their files; and a sentence per missing dataset."""
    parts.mkdir(parents=True, exist_ok=True)
    key = {"code": code(), "resamples": resamples, "genie3": with_genie3, "steps": PAPER_STEPS}
    done: list[dict[str, Any]] = []
    missing: list[str] = []
    for case in given:
        problem: Problem | None = None
        for preset in presets:
            if preset == "paper" and case.dataset not in PAPER_DATASETS:
                continue
            file = parts / f"{case.dataset}-{case.seed}-{preset}.json"
            part = finished(file, key)
            if part is None:
                say(f"{case.dataset}, seed {case.seed}, {preset} …")
                try:
                    problem = problem or case.make(case.seed)
                except (CatalogueError, FileError, GRNError) as error:
                    missing.append(f"{case.dataset}: {error}")
                    break
                part = {
                    "key": key, "dataset": case.dataset, "seed": case.seed, "preset": preset,
                    **one(problem, preset, parts, resamples, with_genie3),
                }  # fmt: skip
                write(file, json.dumps(part, allow_nan=False))
            done.append(part)
    return done, list(dict.fromkeys(missing))


def one(
    problem: Problem, preset: str, parts: Path, resamples: int, with_genie3: bool
) -> dict[str, Any]:
    """Refine and score."""
    changes = {"max_steps": PAPER_STEPS} if preset == "paper" else {}
    started = time.perf_counter()
    grn = refine(problem.data, problem.prior, RefineSettings.preset(preset, **changes), preset)
    seconds = time.perf_counter() - started
    further = {"genie3": forests(problem, parts)} if with_genie3 else {}
    answer = evaluate_edges(
        grn,
        problem.truth,
        problem.data,
        problem.sources,
        resamples=resamples,
        further=further,
    )
    return {
        "cells": problem.data.n_cells,
        "genes": len(problem.data.genes),
        "refine_s": round(seconds, 1),
        "level": grn.meta.get("level"),
        "edges": grn.counts(),
        "answer": answer,
    }


def forests(problem: Problem, parts: Path) -> pd.DataFrame:
    """GENIE3's scores: they need minutes and no prior, so they are kept by cells and sources."""
    words = [
        problem.data.fingerprint,
        *problem.sources,
        (ROOT / "gvci/edges/rivals.py").read_text(),
    ]
    name = hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
    file = parts / f"genie3-{name}.csv"
    if not file.is_file():
        table = genie3(problem.data, problem.sources, list(problem.data.genes))
        write(file, table.to_csv())
    return pd.read_csv(file, index_col=0, keep_default_na=False).astype(np.float64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not finished, then write the report."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.edges", description=__doc__)
    words.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/edges.md")
    words.add_argument("--parts", type=Path, default=ROOT / "runs/benchmark-edges")
    words.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    words.add_argument("--seeds", nargs="+", type=int, default=[21, 22, 23])
    words.add_argument("--presets", nargs="+", default=["standard", "quick", "paper"])
    words.add_argument("--resamples", type=int, default=1000)
    words.add_argument("--no-genie3", action="store_true")
    given = words.parse_args(arguments)
    started = time.perf_counter()
    chosen = list(cases(given.datasets, given.seeds))
    done, missing = run(chosen, given.presets, given.parts, given.resamples, not given.no_genie3)
    command = " ".join(
        ["python -m benchmarks.edges", *(sys.argv[1:] if arguments is None else arguments)]
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write(given.out, report(done, missing, command, time.perf_counter() - started, PAPER_STEPS))
    print(f"Wrote {given.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
