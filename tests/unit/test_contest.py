"""Everybody on the same pairs and cells: new scores by hand, baselines alone, and known truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gvci.baselines import BASELINES
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.data.truth import true_counterfactuals
from gvci.errors import DataError
from gvci.evaluation.evaluate import evaluate, evaluate_baselines
from gvci.evaluation.pairs import target_genes
from gvci.metrics import (
    cell_correlation,
    centroid_accuracy,
    des,
    mae,
    mmd,
    pds,
    pearson_delta,
    rank,
    wasserstein,
)
from gvci.pseudobulk import pseudobulks

LABELS = ("G3", "G5", "G7")
EFFECTS = {label: 0.8 * np.random.default_rng(i).normal(size=24) for i, label in enumerate(LABELS)}


@pytest.fixture
def several(cells: Callable[..., Any], profile: Callable[[int], np.ndarray]) -> PerturbationData:
    """Group B is asked about G3 and G5, and has learned G7; A has learned all three."""
    collector = cells()
    for seed, group in enumerate("AB"):
        collector.add(60, group, "ctrl", "train", profile(seed), spread=0.5)
        for label, effect in EFFECTS.items():
            split = "ood" if group == "B" and label != "G7" else "train"
            collector.add(80, group, label, split, profile(seed) + effect, spread=0.5)
    return collector.data()


class Half:
    """Says half of each effect, with an interval of a fixed width."""

    def __init__(self, data: PerturbationData, error: float | None = 0.1) -> None:
        self.data, self.error = data, error

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
    ) -> np.ndarray:
        moved = self.data.dense(rows) + EFFECTS.get(perturbation, np.zeros(24)) / 2
        return moved.astype(np.float32)

    def predict_mean(self, rows: np.ndarray, perturbation: str, *more: Any) -> np.ndarray:
        return self.predict(rows, perturbation).mean(axis=0, dtype=np.float64)

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        return self.data.dense(rows)

    def mean_error(self, group: str, label: str, change: np.ndarray) -> np.ndarray | None:
        return None if self.error is None else np.full(len(change), self.error)


def row_of(result: dict[str, Any], model: str, label: str = "G3") -> dict[str, Any]:
    (row,) = [r for r in result["pairs"] if (r["model"], r["perturbation"]) == (model, label)]
    return row


def test_scores_among_other_perturbations_by_hand(several: PerturbationData) -> None:
    model = Half(several)
    result = evaluate(model, several, name="half")
    own = (several.groups == "B") & several.is_control
    truth = {p: several.mean((several.groups == "B") & (several.perturbation == p)) for p in LABELS}
    said = {p: model.predict_mean(np.flatnonzero(own), p) for p in LABELS}
    others = np.stack([truth["G5"], truth["G7"]])
    row = row_of(result, "half")
    assert row["systema_delta"] == pytest.approx(
        pearson_delta(truth["G3"], said["G3"], others.mean(axis=0))
    )
    assert row["centroid_accuracy"] == centroid_accuracy(truth["G3"], said["G3"], others)
    assert row["pds"] == pds(truth["G3"], said["G3"], others, [3])
    # G7 is not asked for, so nobody has predicted it.
    assert row["rank"] == rank(truth["G3"], said["G3"], said["G5"][None])
    assert row["mae"] == pytest.approx(mae(truth["G3"], said["G3"]))
    # The perturbed mean answers G7's cells to everything: the two predictions tie.
    assert {row_of(result, "perturbed_mean", p)["rank"] for p in ("G3", "G5")} == {0.25}
    assert row_of(result, "perturbed_mean")["systema_delta"] is not None
    assert row_of(result, "ceiling")["rank"] == 0
    assert row_of(result, "ceiling")["pds"] == 1


def test_one_perturbation_has_no_others(held_out: PerturbationData, oracle: type[Any]) -> None:
    result = evaluate(oracle(held_out, np.linspace(-1.5, 1.5, 24)), held_out)
    for scores in (*result["models"].values(), result["ceiling"]):
        assert scores["rank"] is None
        assert scores["pds"] is not None  # KO2 is measured in training
    only = held_out.perturbation != "KO2"
    alone = PerturbationData(held_out.adata[only].copy(), held_out.columns)
    result = evaluate(oracle(alone, np.linspace(-1.5, 1.5, 24)), alone)
    names = ("rank", "pds", "systema_delta", "centroid_accuracy")
    for scores in (*result["models"].values(), result["ceiling"]):
        assert {scores[name] for name in names} == {None}


def test_distributions_are_of_halves_as_large_as_the_ceilings(
    several: PerturbationData,
) -> None:
    result = evaluate(Half(several), several, name="half")
    true = several.dense(np.flatnonzero((several.groups == "B") & (several.perturbation == "G3")))
    control = several.dense(np.flatnonzero((several.groups == "B") & several.is_control))
    made = control + (EFFECTS["G3"] / 2).astype(np.float32)
    row, ceiling = row_of(result, "half"), row_of(result, "ceiling")
    # All cells against all: near what random halves give, which is a little more.
    assert row["wasserstein"] == pytest.approx(wasserstein(true, made), rel=0.2)
    assert row["mmd"] == pytest.approx(mmd(true, made), abs=0.03)
    assert row["des"] == pytest.approx(des(true, made, control), abs=0.15)
    assert ceiling["wasserstein"] < row["wasserstein"] < row_of(result, "no_change")["wasserstein"]
    assert ceiling["des"] > row_of(result, "no_change")["des"] == 0
    assert abs(ceiling["mmd"]) < row["mmd"] < row_of(result, "no_change")["mmd"]
    # 40 cells a side, as many as of the model: two samples of one distribution by scipy's rule.
    rng = np.random.default_rng(0)
    expected = np.mean([
        wasserstein(true[order[:40]], true[order[40:]])
        for order in (rng.permutation(80) for _ in range(50))
    ])  # fmt: skip
    assert ceiling["wasserstein"] == pytest.approx(expected, rel=0.1)


def test_coverage_of_a_models_own_interval(several: PerturbationData) -> None:
    change = np.abs(EFFECTS["G3"]) / 2
    for error in (0.05, 0.2, 1.0):
        found = row_of(evaluate(Half(several, error), several, name="half"), "half")["coverage"]
        # Cells move alike, so the interval is ± 1.96 of the model's own error.
        assert found == pytest.approx((change <= 1.96 * error).mean(), abs=0.15)
    result = evaluate(Half(several, None), several, name="half")
    assert {row["coverage"] for row in result["pairs"]} == {None}


def test_baselines_alone_are_the_rows_beside_a_model(several: PerturbationData) -> None:
    beside = evaluate(Half(several), several, name="half", seed=4)
    alone = evaluate_baselines(several, "ood", seed=4)
    assert alone["pairs"] == [row for row in beside["pairs"] if row["model"] != "half"]
    assert list(alone["models"]) == list(BASELINES)
    assert (alone["ceiling"], alone["n_pairs"]) == (beside["ceiling"], 2)
    assert alone["chosen"] == beside["chosen"]
    without = evaluate(Half(several), several, name="half", seed=4, baselines=False)
    assert without["pairs"] == [
        row for row in beside["pairs"] if row["model"] in ("half", "ceiling")
    ]
    assert without["chosen"] is None
    assert "no baseline is defined" in without["verdict"]
    for result in (alone, without):
        assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_known_counterfactuals_are_scored(several: PerturbationData) -> None:
    rng = np.random.default_rng(1)
    shaken = 0.3 * rng.normal(size=(several.n_cells, 24))

    def truth(perturbation: str, rows: np.ndarray) -> np.ndarray:
        """Every cell has a response of its own."""
        if perturbation == "ctrl":
            return several.dense(rows)
        return several.dense(rows) + EFFECTS[perturbation] + shaken[rows]

    result = evaluate(Half(several), several, name="half", truth=truth)
    rows = np.flatnonzero((several.groups == "B") & several.is_control)
    true = truth("G3", rows)
    row = row_of(result, "half")
    made = several.dense(rows) + EFFECTS["G3"] / 2
    assert row["cell_truth"] == pytest.approx(cell_correlation(true, made), abs=1e-6)
    assert row["response_truth"] == pytest.approx(0, abs=1e-6)  # all its cells respond alike
    moved = row_of(result, "additive")
    assert moved["response_truth"] == 0
    control = several.mean(rows)
    mean = BASELINES["additive"](pseudobulks(several), "B", "G3").mean
    shifted = np.maximum(several.dense(rows) + mean - control, 0)
    assert moved["cell_truth"] == pytest.approx(cell_correlation(true, shifted), abs=1e-6)
    assert row_of(result, "ceiling")["cell_truth"] is None

    class Knowing(Half):
        def predict(self, rows: np.ndarray, perturbation: str, *more: Any, **words: Any) -> Any:
            return truth(perturbation, rows)

    knows = row_of(evaluate(Knowing(several), several, name="k", truth=truth), "k")
    assert knows["cell_truth"] == pytest.approx(1)
    assert knows["response_truth"] == pytest.approx(1)


def test_true_counterfactuals_of_prepared_cells(
    small_simulation: Simulation, small_data: PerturbationData
) -> None:
    truth = true_counterfactuals(small_simulation, small_data)
    rows = np.flatnonzero(small_data.perturbation == "STAT1")[[5, 2]]
    found = truth("STAT1", rows)
    assert found.shape == (2, len(small_data.genes))
    by_name = small_simulation.adata.obs_names.get_indexer(small_data.adata.obs_names[rows])
    columns = small_simulation.adata.var_names.get_indexer(small_data.genes)
    expected = small_simulation.counterfactual("STAT1", by_name)[:, columns]
    np.testing.assert_array_equal(found, expected)
    # What the cells really express under their own perturbation scatters around it.
    own = np.flatnonzero((small_data.perturbation == "STAT1") & (small_data.groups == "B cells"))
    error = truth("STAT1", own).mean(axis=0) - small_data.mean(own)
    assert np.corrcoef(truth("STAT1", own).mean(axis=0), small_data.mean(own))[0, 1] > 0.97
    assert np.abs(error).mean() < 0.6


def test_cells_of_another_simulation_are_refused(
    small_simulation: Simulation, several: PerturbationData
) -> None:
    with pytest.raises(DataError, match=r"600 cells of dataset are not of this simulation: cell0,"):
        true_counterfactuals(small_simulation, several)


def test_the_genes_that_a_label_names() -> None:
    genes = ["STAT1", "IRF7", "NKX2-1", "JAK2"]
    assert target_genes("STAT1", genes) == [0]
    assert target_genes("IRF7 OE", genes) == [1]
    assert target_genes("JAK2 + NKX2-1", genes) == [2, 3]
    assert target_genes("STAT12", genes) == []
