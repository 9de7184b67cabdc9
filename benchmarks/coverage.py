"""Bias, sd and coverage of the marginal effects, by simulation with known truth.

    python -m benchmarks.coverage [--quick] [--json]

With the true state as Z, and with the Z of encoders that are trained anew in every replication.
A replication of the encoder is one training, scored on 12 genes in 2 groups; errors of the
simulation (±) are over replications. Writes results/coverage.md; with --json the last line is
one object. About 10 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.coverage_cells import (
    GENES,
    GROUP_CELLS,
    GROUPS,
    TREATED,
    TREATMENT,
    Cells,
    TrueState,
    draw,
)
from benchmarks.coverage_report import report
from benchmarks.parts import write
from gvci.config import TrainSettings
from gvci.crossfit import cross_fitted
from gvci.estimator import Z_95, Predictor, marginal_effects
from gvci.run import Run
from gvci.training.ensemble import train

if TYPE_CHECKING:
    from gvci.estimator import Latent

ROOT = Path(__file__).resolve().parents[1]
FOLDS, DRAWS = 5, 400
SMALL = {
    "model": "vci", "latent": 16, "outcome_embedding": 32, "covariate_embedding": 8, "width": 32,
    "depth": 2, "bottleneck": 2, "max_steps": 60, "learning_rate": 3e-3, "warm_up": 20,
    "evaluate_every": 60, "inner_folds": 0, "members": 1,
}  # fmt: skip
# The paper's own network takes longer until its Z says anything of the cell.
JOINT = {"heads": "joint", "max_steps": 300, "evaluate_every": 300, "learning_rate": 1e-2}
REPLICATIONS = {"true": 1000, "encoder": 500, "crossfit": 100, "joint": 100}
QUICK = {"true": 40, "encoder": 12, "crossfit": 3, "joint": 3}

# estimator → (estimate, half width of its interval, half width of its band), (groups, genes)
Estimates = dict[str, tuple[np.ndarray, ...]]


def estimates(predictor: Predictor, cells: Cells, latent: Latent) -> Estimates:
    """What each estimator says of the treated mean, and of its own error."""
    data, shape = cells.data, (len(GROUPS), GENES)
    table = marginal_effects(
        predictor, data, [TREATMENT], latent=latent, bands=True, draws=DRAWS, seed=1
    )
    column = {name: table[name].to_numpy().reshape(shape) for name in table.columns[7:]}
    plug_in, plain = [], []
    for group in range(len(GROUPS)):
        rows = np.flatnonzero(cells.group == group)
        mu = predictor.predict(rows, TREATMENT, 1.0, "mean")
        plug_in.append(mu.std(axis=0, dtype=np.float64) / np.sqrt(len(rows)))
        own = data.dense(rows[cells.treated[rows]])
        plain.append(own.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(own)))
    return {
        "plug-in": (column["plug_in"], Z_95 * np.stack(plug_in)),
        "treated mean": (column["treated_mean"], Z_95 * np.stack(plain)),
        "robust": (
            column["robust"],
            column["upper"] - column["robust"],
            column["band_upper"] - column["robust"],
        ),
    }


@dataclass(frozen=True)
class Case:
    """One way to estimate, over its replications."""

    name: str
    found: list[Estimates]
    truth: np.ndarray

    def row(self, estimator: str) -> dict[str, float]:
        """Bias, largest bias of a gene, sd, coverage ± error of the simulation, band coverage."""
        parts = [one[estimator] for one in self.found]
        errors = np.stack([part[0] for part in parts]) - self.truth
        covered = np.abs(errors) <= np.stack([part[1] for part in parts])
        per_replication = covered.mean(axis=(1, 2))
        count = len(parts)
        row = {
            "bias": float(errors.mean()),
            "largest_bias": float(np.abs(errors.mean(axis=0)).max()),
            "sd": float(np.sqrt(errors.var(axis=0, ddof=1).mean())),
            "se": float(np.stack([part[1] for part in parts]).mean() / Z_95),
            "coverage": float(covered.mean()),
            "coverage_error": float(per_replication.std(ddof=1) / np.sqrt(count)),
            "replications": count,
        }
        if estimator == "robust":
            inside = np.abs(errors) <= np.stack([part[2] for part in parts])
            row["band"] = float(inside.all(axis=2).mean())
        return row


def trained(cells: Cells, replication: int, changes: dict[str, Any]) -> Run:
    """A small model trained on these cells, as a run in memory."""
    settings = TrainSettings(**SMALL | changes, seed=replication)
    return Run.of(train(cells.data, None, settings), cells.data)


def true_state(count: int) -> list[Case]:
    """Cases with the true state as Z."""
    right, biased, projected = [], [], []
    for replication in range(count):
        cells = draw(replication)
        right.append(estimates(TrueState(cells, biased=False), cells, "cell"))
        biased.append(estimates(TrueState(cells, biased=True), cells, "cell"))
        projected.append(estimates(TrueState(cells, biased=True), cells, "pretreatment"))
    truth = draw(0).truth
    return [
        Case("true Z, right model", right, truth),
        Case("true Z, biased model", biased, truth),
        Case("true Z, biased model, pretreatment", projected, truth),
    ]


def encoder(
    name: str, count: int, make: Callable[[Cells, int], Predictor]
) -> tuple[list[Case], list[dict[str, float]]]:
    """The cases `cell` and `pretreatment` of one kind of model, and the balance of its Z."""
    found: dict[Latent, list[Estimates]] = {"cell": [], "pretreatment": []}
    balances = []
    for replication in range(count):
        cells = draw(replication)
        predictor = make(cells, replication)
        for latent, list_ in found.items():
            list_.append(estimates(predictor, cells, latent))
        if isinstance(predictor, Run) and replication < REPLICATIONS["crossfit"]:
            balances.append(balance(predictor, cells, replication))
    truth = draw(0).truth
    return [Case(f"{name}, {latent}", list_, truth) for latent, list_ in found.items()], balances


def balance(run: Run, cells: Cells, seed: int) -> dict[str, float]:
    """How Z differs between arms within groups, beside arms that are dealt anew at random."""
    import torch

    data, rng = cells.data, np.random.default_rng([seed, 3])
    treatment = run.model.treatment_code.encode(list(data.perturbation))
    y, x, t = (
        torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))
        for a in (data.dense(np.arange(data.n_cells)), data.covariates, treatment)
    )
    z = run.model.members[0].latent(y, x, t).numpy().astype(np.float64)
    found: dict[str, list[float]] = {}
    for group in range(len(GROUPS)):
        mine = cells.group == group
        arms = {"": cells.treated[mine], "chance_": rng.permutation(cells.treated[mine])}
        for word, treated in arms.items():
            differences = standardised_differences(z[mine], treated)
            found.setdefault(f"{word}mean", []).append(float(differences.mean()))
            found.setdefault(f"{word}max", []).append(float(differences.max()))
            found.setdefault(f"{word}auc", []).append(separability(z[mine], treated, seed))
    return {name: float(np.mean(values)) for name, values in found.items()}


def standardised_differences(z: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """|mean of treated − mean of controls| over the pooled sd, per dimension of Z."""
    one, zero = z[treated], z[~treated]
    pooled = np.sqrt((one.var(axis=0, ddof=1) + zero.var(axis=0, ddof=1)) / 2)
    return np.asarray(np.abs(one.mean(axis=0) - zero.mean(axis=0)) / np.maximum(pooled, 1e-9))


def separability(z: np.ndarray, treated: np.ndarray, seed: int) -> float:
    """AUC of T from Z by logistic regression, cross-validated; 0.5 where Z says nothing of T."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    said = cross_val_predict(model, z, treated, cv=folds, method="decision_function")
    # Within a fold, since folds have thresholds of their own.
    return float(np.mean([roc_auc_score(treated[i], said[i]) for _, i in folds.split(z, treated)]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the tables, write the report."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    words.add_argument("--quick", action="store_true", help="a few replications; writes nothing")
    words.add_argument("--json", action="store_true")
    words.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/coverage.md")
    given = words.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    counts, started = QUICK if given.quick else REPLICATIONS, time.process_time()
    cases = true_state(counts["true"])
    own, balances = encoder("encoder", counts["encoder"], lambda c, r: trained(c, r, {}))
    fitted, _ = encoder(
        f"encoder, {FOLDS} folds",
        counts["crossfit"],
        lambda c, r: cross_fitted(c.data, None, TrainSettings(**SMALL, seed=r), FOLDS),
    )
    joint, joint_balances = encoder(
        "joint network", counts["joint"], lambda c, r: trained(c, r, JOINT)
    )
    cases += [*own, *fitted, *joint]
    command = " ".join(
        ["python -m benchmarks.coverage", *(sys.argv[1:] if arguments is None else arguments)]
    )
    design = {
        "groups": len(GROUPS), "cells": GROUP_CELLS, "treated": int(TREATED * GROUP_CELLS),
        "genes": GENES, "folds": FOLDS, "steps": SMALL["max_steps"],
        "joint_steps": JOINT["max_steps"],
    }  # fmt: skip
    text = report(
        cases,
        {"encoder": balances, "joint network": joint_balances},
        design,
        command,
        time.process_time() - started,
    )
    print(text)
    if not given.quick:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        write(given.out, text)
    if given.json:
        print(json.dumps(answer({case.name: case for case in cases}), allow_nan=False))
    return 0


def answer(cases: dict[str, Case]) -> dict[str, float]:
    """The figures by which the estimator is judged; `_encoder` is the default estimator."""
    named = {
        "": "true Z, biased model",
        "_encoder": "encoder, pretreatment",
        "_encoder_cell": "encoder, cell",
        "_encoder_folds": f"encoder, {FOLDS} folds, cell",
        "_encoder_joint_cell": "joint network, cell",
    }
    found: dict[str, float] = {}
    for suffix, name in named.items():
        robust, plain = (cases[name].row(word) for word in ("robust", "treated mean"))
        found |= {
            f"coverage{suffix}": robust["coverage"],
            f"bias{suffix}": robust["bias"],
            f"sd_robust{suffix}": robust["sd"],
            f"sd_treated_mean{suffix}": plain["sd"],
            f"replications{suffix}": robust["replications"],
            f"band_coverage{suffix}": robust["band"],
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
