"""Speed and memory of the scores, beside a literal form in the same run.

    python -m benchmarks.scores [--json] [--out FILE.md]      (or: make bench-scores)

20,000 predicted cells × 2,000 genes of 70 perturbations are scored against as many measured ones
by every score that needs no simulator and no model's interval, ceiling included; then once more
beside all simple baselines. The literal form scores a part of the perturbations gene by gene and
pair of cells by pair of cells, with scipy and scikit-learn, on the same cells; its seconds are
scaled to all of them. Seconds are of the processor, so that other work on the machine does not
count; all threads of the process are in them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
import tracemalloc
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.parts import write
from gvci.benchmark.words import made_by
from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.evaluation.contest import contest
from gvci.evaluation.judge import Judge, Judged
from gvci.evaluation.pairs import Pair, scorable_pairs
from gvci.evaluation.scoring import N_DE, SCORES
from gvci.metrics.distances import MOST_COMPARED

GENES, PERTURBATIONS, CELLS, CONTROLS = 2000, 70, 286, 800
LITERAL_PAIRS = 1
ROOT = Path(__file__).resolve().parents[1]


def screen(rng: np.random.Generator) -> tuple[PerturbationData, np.ndarray]:
    """Log counts of a held-out group, and predictions that know half of each effect.

    A small second group has the same perturbations in training, so that baselines can answer.
    """
    level = rng.gamma(0.6, 1.5, GENES)
    shape = PERTURBATIONS, GENES
    effects = np.where(rng.random(shape) < 0.05, rng.normal(0, 0.8, shape), 0.0)
    labels = [f"P{i}" for i in range(PERTURBATIONS)]
    blocks: list[tuple[str, str, str, int, np.ndarray]] = []
    for group, count, split in (("A", 15, "train"), ("B", CELLS, "ood")):
        blocks.append((group, "control", "train", CONTROLS, np.zeros(GENES)))
        blocks += [(group, p, split, count, e) for p, e in zip(labels, effects, strict=True)]

    def cells(count: int, effect: np.ndarray) -> np.ndarray:
        made = rng.poisson(level * np.exp(effect), (count, GENES)).astype(np.float32)
        return np.log1p(made * (1e4 / made.sum(axis=1, keepdims=True)))

    values = sp.vstack([sp.csr_matrix(cells(n, effect)) for *_, n, effect in blocks]).tocsr()
    rows = [(g, p, s) for g, p, s, n, _ in blocks for _ in range(n)]
    obs = pd.DataFrame(rows, columns=["group", "perturbation", "split"])
    obs.index = pd.Index([f"c{i}" for i in range(len(obs))])
    var = pd.DataFrame(index=pd.Index([f"G{i}" for i in range(GENES)]))
    columns = Columns("perturbation", "control", ("group",))
    data = PerturbationData(ad.AnnData(values, obs=obs, var=var), columns)
    predicted = np.concatenate([cells(CELLS, 0.5 * effect) for effect in effects])
    return data, predicted


def literal(data: PerturbationData, pair: Pair, made: np.ndarray, others: np.ndarray) -> None:
    """The scores of one pair as their definitions read."""
    from scipy.stats import false_discovery_control, mannwhitneyu, pearsonr, wasserstein_distance
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    true, control = data.dense(pair.cells), data.dense(pair.controls[:500])
    some, few = true[:MOST_COMPARED], made[:MOST_COMPARED]
    halves = np.array_split(some, 2)
    truth, said, start = true.mean(axis=0), made.mean(axis=0), control.mean(axis=0)
    de = np.argsort(-np.abs(truth - start))[:N_DE]
    for genes in (slice(None), de):
        r2_score(truth[genes], said[genes])
        pearsonr((truth - start)[genes], (said - start)[genes])
    pearsonr(truth - others.mean(axis=0), said - others.mean(axis=0))
    mean_squared_error(truth, said), mean_absolute_error(truth, said)
    sum(np.linalg.norm(o - said) > np.linalg.norm(truth - said) for o in others)
    sum(np.abs(o - said).sum() < np.abs(truth - said).sum() for o in others)

    def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([[np.linalg.norm(a - b) for b in other] for a in one])

    found = [apart(some, few), apart(some, some), apart(few, few)]
    width = np.median(found[1])
    [np.exp(-(d**2) / (2 * width**2)).mean() for d in found]
    genes_found = []
    for side in (*halves, few[:100]):
        p = [mannwhitneyu(side[:, g], control[:, g]).pvalue for g in range(GENES)]
        genes_found.append(set(np.flatnonzero(false_discovery_control(p) < 0.05)))
    for half in halves:
        np.mean([wasserstein_distance(half[:, g], few[:100, g]) for g in range(GENES)])
    deviations = true - truth, made - said
    [pearsonr(a, b) for a, b in zip(*deviations, strict=True)]
    np.sqrt(np.mean(made.var(axis=0)) / np.mean(true.var(axis=0)))


def measure() -> dict[str, Any]:
    """Seconds of either form, and memory."""
    data, predicted = screen(np.random.default_rng(0))
    pairs = scorable_pairs(data, "ood")
    place = {f"P{i}": slice(i * CELLS, (i + 1) * CELLS) for i in range(PERTURBATIONS)}

    def judged(judge: Judge) -> Judged:
        pair = judge.pair
        return judge.cells(predicted[place[pair.perturbation]], same=pair.cells)

    started = time.process_time()
    answer = contest(data, "ood", {"predicted": judged}, baselines=False)
    seconds = time.process_time() - started
    started = time.process_time()
    beside = contest(data, "ood", {"predicted": judged})
    with_baselines = time.process_time() - started
    others = np.stack([data.mean(pair.cells) for pair in pairs[1:]])
    started = time.process_time()
    for pair in pairs[:LITERAL_PAIRS]:
        literal(data, pair, predicted[place[pair.perturbation]], others)
    scaled = (time.process_time() - started) * len(pairs) / LITERAL_PAIRS
    tracemalloc.start()
    contest(data, "ood", {"predicted": judged}, baselines=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer["n_pairs"] == beside["n_pairs"] == PERTURBATIONS
    return {
        "cells": len(predicted), "genes": GENES, "perturbations": len(pairs),
        "scores": sum(answer["models"]["predicted"][score] is not None for score in SCORES),
        "seconds": round(seconds, 2), "with_baselines_s": round(with_baselines, 1),
        "literal_s": round(scaled, 1), "ratio": round(scaled / seconds, 1),
        "memory_gib": round(peak / 2**30, 3),
        "process_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }  # fmt: skip


def report(found: dict[str, Any], command: str) -> str:
    """The figures as Markdown."""
    return "\n".join([
        "# Speed of the scores", "",
        __doc__.split("\n\n")[2].replace("\n", " ") if __doc__ else "", "",
        "| what | figure |", "|---|---|",
        f"| predicted cells × genes, perturbations | {found['cells']:,} × {found['genes']:,}, "
        f"{found['perturbations']} |",
        f"| scores that are defined | {found['scores']} |",
        f"| all scores and the ceiling | {found['seconds']} s |",
        f"| the same beside all simple baselines, their training included | "
        f"{found['with_baselines_s']} s |",
        f"| literal form of the prediction's scores without ceiling ({LITERAL_PAIRS} of "
        f"{found['perturbations']} perturbations, scaled) | {found['literal_s']} s |",
        f"| ratio | {found['ratio']} |",
        f"| memory that scoring takes at most, beside cells and predictions | "
        f"{found['memory_gib']} GiB |",
        f"| peak of the process, with cells, predictions and the literal form | "
        f"{found['process_gib']} GiB |",
        "", made_by(command), "",
    ])  # fmt: skip


def main() -> None:
    """Measure, write the report, and with --json print one object as the last line."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.scores", description=__doc__)
    words.add_argument("--json", action="store_true")
    words.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/scores.md")
    words.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    given = words.parse_args()
    found = measure()
    if given.case:
        print(json.dumps(found))
        return
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    text = report(found, f"OMP_NUM_THREADS={threads} python -m benchmarks.scores")
    write(given.out, text)
    print(json.dumps(found) if given.json else text)


if __name__ == "__main__":
    main()
