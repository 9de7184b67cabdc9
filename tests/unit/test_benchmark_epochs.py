"""Table 2 and figure 6a: what is seen epoch by epoch, against its slow literal form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gvci.benchmark import curves, marginal, watched
from gvci.benchmark.curves import refined, seen, target
from gvci.benchmark.epochs import curve
from gvci.benchmark.marginal import arms
from gvci.benchmark.parts import Part
from gvci.benchmark.problems import Problem
from gvci.benchmark.report import report
from gvci.benchmark.spec import Dataset, Model, Spec
from gvci.benchmark.tidy import tidy
from gvci.benchmark.watched import Asked
from gvci.benchmark.words import labelled
from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.errors import DataError
from gvci.evaluation.evaluate import scorable_pairs
from gvci.training.task import GraphVCITask

SMALL = {"preset": "paper", "latent": 8, "width": 16, "outcome_embedding": 16, "decoder": "dot"}


def part(kind: str, seed: int = 3, **changes: Any) -> Part:
    sim = {"n_genes": 60, "n_perturbations": 2, "cells_per_group": 42, "controls_per_group": 20}
    prepare = {"covariates": ["cell_type"], "validation": 0.4, "test": 0.0}
    if kind == "fig6a":
        sim, prepare = sim | {"cells_per_group": 18}, {"covariates": ["cell_type"]}
    data = Dataset.read({"data": "sim", "simulate": sim, "prepare": prepare}, Path())
    held_out = "none" if kind == "table2" else "cell_type=B cells,perturbation=STAT1"
    model = Model.read({"name": "ours", "predict": ["mean", "residual"], **SMALL})
    model = model.model_copy(update={"settings": model.settings.model_copy(update={"seed": seed})})
    usual = {
        "kind": kind, "problem": Problem(data, held_out, seed, ()), "seed": seed, "model": model,
        "epochs": (1, 2),
    }  # fmt: skip
    if kind == "fig6a":
        usual["network"] = "original"
    return Part(**{**usual, **changes})


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return part("table2").problem.cells(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="module")
def found(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return marginal.measure(part("table2"), cells, tmp_path_factory.mktemp("unfinished"))


def test_each_pair_epoch_and_estimator_has_a_row(found: dict[str, Any]) -> None:
    rows = found["rows"]
    pairs = {(row["group"], row["perturbation"]) for row in rows}
    assert len(pairs) == 3 * 2
    assert len(rows) == len(pairs) * 2 * 3
    assert {row["epoch"] for row in rows} == {1, 2}
    assert all(row["n_cells"] > 30 for row in rows)
    # What does not come from the model does not change with it.
    plain = {
        epoch: [
            row["r2_all"]
            for row in rows
            if (row["predicted"], row["epoch"]) == ("treated_mean", epoch)
        ]
        for epoch in (1, 2)
    }
    assert plain[1] == plain[2]
    moving = {r["epoch"]: r["r2_all"] for r in rows if r["predicted"] == "plug_in"}
    assert moving[1] != moving[2]


def test_the_estimators_are_those_of_the_equations_cell_by_cell(cells: Path) -> None:
    """Eq. 14 and its rivals from loops over single cells."""
    data = PerturbationData.read(cells)
    settings = part("table2").model.settings  # type: ignore[union-attr]
    task = GraphVCITask(data, None, settings.model_copy(update={"model": "vci"}))
    asked, known = Asked(data, task.member()), list(arms(data))
    rows = {
        (row["group"], row["perturbation"], row["predicted"]): row["r2_all"]
        for row in marginal.seen(asked, known)
    }
    train, validation = data.split == "train", data.split == "validation"
    for group, label in ((arm.group, arm.perturbation) for arm in known[:2]):
        own = [i for i in range(data.n_cells) if train[i] and data.groups[i] == group]
        other = torch.from_numpy(data.treatment_code.encode([label]))
        mu, y = {}, {i: data.dense(np.array([i]))[0].astype(float) for i in own}
        for i in own:
            x = torch.from_numpy(data.covariates[[i]])
            t = torch.from_numpy(data.treatment_code.encode([data.perturbation[i]]))
            z = task.member().latent(torch.from_numpy(data.dense(np.array([i]))), x, t)
            (outcome,) = task.member().outcomes(z, x, [other], None)
            mu[i] = outcome.mean.numpy()[0].astype(float)
        treated = [i for i in own if data.perturbation[i] == label]
        plug_in = sum(mu.values()) / len(own)
        robust = plug_in + sum(y[i] - mu[i] for i in treated) / len(treated)
        inside = validation & (data.groups == group) & (data.perturbation == label)
        truth = data.dense(np.flatnonzero(inside)).astype(float).mean(axis=0)
        means = {"plug_in": plug_in, "robust": robust,
                 "treated_mean": sum(y[i] for i in treated) / len(treated)}  # fmt: skip
        for name, mean in means.items():
            literal = 1 - ((truth - mean) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
            assert rows[group, label, name] == pytest.approx(literal, abs=1e-5)


def test_validation_cells_are_the_truth_and_nothing_else(cells: Path) -> None:
    data = PerturbationData.read(cells)
    for arm in arms(data):
        assert (data.split[arm.rows] == "train").all()
        assert (data.groups[arm.rows] == arm.group).all()
        assert (data.perturbation[arm.rows[arm.treated]] == arm.perturbation).all()
        assert not (data.perturbation[arm.rows[~arm.treated]] == arm.perturbation).any()


def test_pairs_with_few_validation_cells_are_refused_in_words(
    tmp_path: Path, small_data: PerturbationData
) -> None:
    small_data.write(tmp_path / "small.h5ad")
    with pytest.raises(DataError, match="No pair of group and perturbation has more than 30 valid"):
        marginal.measure(part("table2"), tmp_path / "small.h5ad", tmp_path)


def test_a_training_that_is_stopped_goes_on_with_the_same_figures(
    cells: Path, found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    look, calls = marginal.seen, []

    def stopped(asked: Asked, known: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return look(asked, known)

    with monkeypatch.context() as patch:
        patch.setattr(marginal, "seen", stopped)
        with pytest.raises(KeyboardInterrupt):
            marginal.measure(part("table2"), cells, tmp_path)
    (kept,) = tmp_path.glob("*.safetensors")
    counted: list[int] = []
    monkeypatch.setattr(marginal, "seen", lambda a, k: counted.append(1) or look(a, k))
    assert marginal.measure(part("table2"), cells, tmp_path)["rows"] == found["rows"]
    assert len(counted) == 1  # the first epoch was not trained again
    assert kept.exists()  # until the part is finished


# --- figure 6a ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return part("fig6a").problem.cells(tmp_path_factory.mktemp("held_out"))


def test_every_epoch_and_way_has_a_row_and_networks_differ(held_out: Path, tmp_path: Path) -> None:
    made = {
        name: curves.measure(
            part("fig6a", network=name, refine=RefineSettings.preset("quick")
                 if name == "refined" else None),
            held_out, tmp_path,
        )
        for name in ("original", "refined", "random")
    }  # fmt: skip
    for found in made.values():
        keys = [(row["epoch"], row["predicted"]) for row in found["rows"]]
        assert sorted(keys) == [(e, way) for e in (1, 2) for way in ("mean", "residual")]
    values = {name: [row["r2_all"] for row in found["rows"]] for name, found in made.items()}
    assert values["original"] != values["random"]
    assert values["original"] != values["refined"]
    assert "edges of the prior; refined on the training cells" in made["refined"]["notes"][0]
    again = curves.measure(part("fig6a"), held_out, tmp_path)
    assert again["rows"] == made["original"]["rows"]


def test_held_out_cells_change_what_is_seen_and_not_what_is_trained(
    held_out: Path, tmp_path: Path
) -> None:
    data = PerturbationData.read(held_out)
    other = data.adata.copy()
    dense = other.X.toarray()
    dense[data.split == "ood"] = dense[data.split == "ood"][:, ::-1]
    other.X = dense
    PerturbationData(other, data.columns, data.meta).write(tmp_path / "other.h5ad")
    states = []

    class Kept(GraphVCITask):
        def restore(self, state: dict[str, torch.Tensor]) -> None:
            states.append(state)
            super().restore(state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watched, "GraphVCITask", Kept)
        rows = [
            curves.measure(part("fig6a"), file, tmp_path / "u")["rows"]
            for file in (held_out, tmp_path / "other.h5ad")
        ]
    assert rows[0][0]["r2_all"] != rows[1][0]["r2_all"]
    one, two = states[1::2]  # the first of each is where it starts
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_what_is_seen_is_the_r2_of_the_transported_controls(held_out: Path) -> None:
    data = PerturbationData.read(held_out)
    settings = part("fig6a").model.settings  # type: ignore[union-attr]
    task = GraphVCITask(data, None, settings.model_copy(update={"model": "vci"}))
    (pair,) = scorable_pairs(data, "ood")
    rows = {r["predicted"]: r for r in seen(Asked(data, task.member()), [target(data, pair)],
                                            ["mean", "residual"])}  # fmt: skip
    truth = data.dense(pair.cells).mean(axis=0, dtype=float)
    member, controls = task.member(), pair.controls
    y, x = torch.from_numpy(data.dense(controls)), torch.from_numpy(data.covariates[controls])
    code = data.treatment_code
    own, other = (
        torch.from_numpy(code.encode([label] * len(controls)))
        for label in (data.columns.control, pair.perturbation)
    )
    z = member.latent(y, x, own)
    before, after = (o.mean.numpy() for o in member.outcomes(z, x, [own, other], None))
    said = {"mean": after.mean(axis=0), "residual": (y.numpy() + after - before).mean(axis=0)}
    for way, mean in said.items():
        literal = 1 - ((truth - mean.clip(0)) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
        assert rows[way]["r2_all"] == pytest.approx(literal, abs=1e-4)


def test_a_network_is_refined_once_for_all_seeds(
    held_out: Path, small_simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = PerturbationData.read(held_out)
    prior = part("fig6a").problem.prior
    assert prior is not None
    edges = prior.restricted(data.genes)
    settings = RefineSettings.preset("quick", seed=5)
    one = refined(data, edges, settings, held_out)
    monkeypatch.setattr(curves, "refine", lambda *_: pytest.fail("it was refined again"))
    two = refined(data, edges, settings, held_out)
    pd.testing.assert_frame_equal(one.edges, two.edges)
    assert list(one.genes) == list(data.genes)


def test_the_curve_is_the_mean_over_pairs_and_the_spread_over_seeds() -> None:
    about = {"dataset": "d", "problem": "p", "holdout": "auto", "failure": None, "notes": []}
    results = [
        {**about, "model": "ours, refined", "seed": seed, "steps": 4, "seconds": 1.0, "work_s": 1.0,
         "cells": 5, "genes": 6,
         "rows": [{"group": "g", "perturbation": p, "n_cells": 40, "predicted": "mean",
                   "epoch": e, "r2_all": value + 0.1 * e + shift, "r2_de": 0.0}
                  for e in (1, 2) for p, shift in (("a", 0.0), ("b", 0.2))]}
        for seed, value in ((0, 0.1), (1, 0.3))
    ]  # fmt: skip
    table = curve(labelled(tidy(results)))
    assert list(table["epoch"]) == [1, 2]
    assert list(table["r2_all_mean"]) == pytest.approx([0.4, 0.5])
    assert list(table["r2_all_std"]) == pytest.approx([0.2 / 2**0.5] * 2)

    other = [
        replaced | {"model": "ours, original",
                    "rows": [{**r, "r2_all": r["r2_all"] - 0.05} for r in replaced["rows"]]}
        for replaced in results
    ]  # fmt: skip
    spec = Spec.checked(
        {"kind": "fig6a", "epochs": [1, 2], "own": "ours", "networks": ["original", "refined"],
         "datasets": (Dataset.read({"name": "d", "data": "sim"}, Path()),),
         "models": (Model.read({"name": "ours", "predict": "mean"}),)}
    )  # fmt: skip
    made = report(spec, tidy(results + other), results + other, {}, "c", 1.0)
    assert made.verdicts[0].startswith(
        "d: **R² all**: ours, refined, decoder's mean (0.500 ± 0.141) is ahead of ours, original, "
        "decoder's mean (0.450 ± 0.141): +0.0500, more than the seeds' spread (0.0000)"
    )
    assert "| ours, refined, decoder's mean | 0.400 ± 0.141 / 0.000 ± 0.000 | 0.500" in made.text
