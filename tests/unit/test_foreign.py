"""Predictions of any other program: read, matched by name, and scored beside everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.baselines import BASELINES
from gvci.data.dataset import PerturbationData
from gvci.errors import DataError, PredictionError, SettingsError
from gvci.evaluation.evaluate import evaluate
from gvci.evaluation.foreign import evaluate_predictions
from gvci.metrics import e_distance, mse, r2_mean, wasserstein
from gvci.pseudobulk import pseudobulks

NOT_ITS = ("coverage", "cell_truth", "response_truth")  # need intervals, or a simulator
EFFECT = 0.8 * np.random.default_rng(0).normal(size=24)  # of G3


@pytest.fixture
def data(two_held_out: PerturbationData) -> PerturbationData:
    return two_held_out


@pytest.fixture
def score(data: PerturbationData, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write predicted cells and score them."""

    def write(predicted: ad.AnnData, **more: Any) -> dict[str, Any]:
        predicted.write_h5ad(tmp_path / "made.h5ad")
        return evaluate_predictions(tmp_path / "made.h5ad", data, **more)

    return write


# --- what the scores are ---------------------------------------------------------------


def test_perfect_predictions_score_about_the_ceiling(
    true_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    result = score(true_cells.copy(), name="perfect")
    own, ceiling = result["models"]["perfect"], result["ceiling"]
    assert own["r2_all"] == pytest.approx(1)
    assert own["mse"] == pytest.approx(0, abs=1e-10)
    for name in ("r2_de", "pearson_delta", "centroid_accuracy", "pds", "rank", "spread_ratio"):
        assert own[name] == pytest.approx(ceiling[name], abs=0.02), name
    # Compared with themselves, cells are nearer than two samples: −2E|x − x′|/n on average.
    for name in ("e_distance", "mmd"):
        assert own[name] == pytest.approx(ceiling[name], abs=0.12), name
    # Half of the predicted cells are in the half that they are compared with.
    assert 0.5 < own["wasserstein"] / ceiling["wasserstein"] < 1
    assert own["des"] == pytest.approx(ceiling["des"], abs=0.12)
    assert own["cell_correlation"] is None
    assert "perfect beats" in result["verdict"]
    assert list(result["models"]) == ["perfect", *BASELINES]
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_control_cells_score_as_no_change_does(
    lazy_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    models = score(lazy_cells.copy(), name="lazy")["models"]
    for name in ("r2_all", "r2_de", "mse", "mae", "systema_delta", "pds", "rank"):
        assert models["lazy"][name] == pytest.approx(models["no_change"][name], abs=1e-5), name
    assert models["lazy"]["pearson_delta"] is models["no_change"]["pearson_delta"] is None
    for name in ("e_distance", "mmd", "wasserstein"):
        assert models["lazy"][name] == pytest.approx(models["no_change"][name], rel=0.1), name
    assert models["lazy"]["des"] == models["no_change"]["des"] == 0
    assert models["lazy"]["spread_ratio"] == pytest.approx(1, abs=0.1)  # of its own cells


def test_scores_of_a_pair_by_hand(
    lazy_cells: ad.AnnData, data: PerturbationData, score: Callable[..., dict[str, Any]]
) -> None:
    made = lazy_cells.copy()
    shift = 0.5 * EFFECT * (made.obs["perturbation"] == "G3").to_numpy()[:, None]
    made.X = np.maximum(made.X + shift, 0).astype(np.float32)
    (row,) = [
        row for row in score(made, name="half")["pairs"]
        if (row["model"], row["perturbation"]) == ("half", "G3")
    ]  # fmt: skip
    true = data.dense(np.flatnonzero((data.groups == "B") & (data.perturbation == "G3")))
    said = np.asarray(made[made.obs["perturbation"] == "G3"].X)
    assert row["r2_all"] == pytest.approx(r2_mean(true.mean(axis=0), said.mean(axis=0)), abs=1e-5)
    assert row["r2_all"] == row["r2_all_native"]
    assert row["e_distance"] == pytest.approx(e_distance(true, said), rel=0.15)
    assert row["wasserstein"] == pytest.approx(wasserstein(true, said), rel=0.2)


def test_cells_named_as_true_cells_are_compared_one_by_one(
    true_cells: ad.AnnData, data: PerturbationData, score: Callable[..., dict[str, Any]]
) -> None:
    made = true_cells.copy()
    made.obs_names = data.adata.obs_names[data.split == "ood"]
    order = np.random.default_rng(0).permutation(made.n_obs)[:120]
    result = score(made[order].copy(), name="copy")
    assert result["models"]["copy"]["cell_correlation"] == pytest.approx(1)
    assert any("compared one by one" in note for note in result["predictions"]["notes"])
    other = made.obs_names.to_numpy().copy()
    other[made.obs["perturbation"] == "G3"] = other[::-1][made.obs["perturbation"] == "G3"]
    made.obs_names = pd.Index([f"{name}" for name in np.roll(made.obs_names, 80)])
    assert score(made, name="copy")["models"]["copy"]["cell_correlation"] is None


# --- how files are read ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "csr", "csc", "float64", "float16", "text obs"])
def test_kinds_of_files_score_the_same(
    true_cells: ad.AnnData, score: Callable[..., dict[str, Any]], kind: str
) -> None:
    made = true_cells.copy()
    plain = score(made.copy(), name="a")["models"]["a"]
    made.obs["perturbation"] = made.obs["perturbation"].astype("category")
    if kind in ("csr", "csc"):
        made.X = (sp.csr_matrix if kind == "csr" else sp.csc_matrix)(made.X)
    elif kind.startswith("float"):
        made.X = made.X.astype(kind)
    elif kind == "text obs":
        made.obs = made.obs.astype(str).astype(object)
    found = score(made, name="a")["models"]["a"]
    assert {name for name, value in found.items() if value is None} == {
        "cell_correlation",
        *NOT_ITS,
    }
    for name, value in found.items():
        if value is not None:
            assert value == pytest.approx(plain[name], rel=1e-2, abs=2e-3), name


def test_another_order_of_genes_changes_nothing(
    lazy_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    made = lazy_cells.copy()
    first = score(made, name="a")
    order = np.random.default_rng(1).permutation(24)
    again = score(made[::-1, order].copy(), name="a")
    assert again["models"]["no_change"] == first["models"]["no_change"]
    assert again["models"]["a"]["r2_all"] == pytest.approx(first["models"]["a"]["r2_all"])
    assert again["predictions"]["notes"][0] == "24 of 24 genes are found by name in var_names."


def test_a_missing_gene_is_missing_for_everybody(
    lazy_cells: ad.AnnData,
    data: PerturbationData,
    score: Callable[..., dict[str, Any]],
    oracle: type[Any],
) -> None:
    kept = [i for i in range(24) if i not in (4, 9)]
    made = lazy_cells.copy()[:, [*kept[::-1]]].copy()
    extra = ad.AnnData(np.ones((made.n_obs, 1), np.float32), made.obs, pd.DataFrame(index=["X"]))
    model = oracle(data, EFFECT)
    result = score(
        ad.concat([made, extra], axis=1, merge="same"), name="a", beside=model, beside_name="ours"
    )
    notes = result["predictions"]["notes"]
    assert notes[:3] == [
        "22 of 24 genes are found by name in var_names.",
        "2 genes are missing: G4, G9. Every model, every baseline and the ceiling are scored on "
        "the other 22.",
        "1 further genes of the file are not used.",
    ]
    assert (result["n_de"], result["predictions"]["n_genes"]) == (22, 22)
    (row,) = [r for r in result["pairs"] if (r["model"], r["perturbation"]) == ("additive", "G3")]
    true = data.mean((data.groups == "B") & (data.perturbation == "G3"))
    said = BASELINES["additive"](pseudobulks(data), "B", "G3").mean
    assert row["r2_all"] == pytest.approx(r2_mean(true[kept], said[kept]))
    (row,) = [r for r in result["pairs"] if (r["model"], r["perturbation"]) == ("ours", "G3")]
    own = np.flatnonzero((data.groups == "B") & data.is_control)
    assert row["mse"] == pytest.approx(mse(true[kept], model.predict_mean(own, "G3")[kept]))


def test_our_model_beside_it_scores_as_it_does_alone(
    lazy_cells: ad.AnnData,
    data: PerturbationData,
    score: Callable[..., dict[str, Any]],
    oracle: type[Any],
) -> None:
    class Gated(oracle):  # type: ignore[misc, valid-type]
        def gate(self, group: str, perturbation: str) -> dict[str, Any]:
            return {"lambda": 0.5, "baseline": "ridge"}

    model = Gated(data, EFFECT)
    result = score(lazy_cells.copy(), name="a", beside=model, beside_name="ours")
    alone = evaluate(model, data, name="ours")
    assert result["models"]["ours"] == alone["models"]["ours"]
    assert result["models"]["ridge"] == alone["models"]["ridge"]
    assert result["gate"] == alone["gate"] == {"lambda": 0.5, "baselines": ["ridge"]}
    assert result["verdict"].endswith(alone["verdict"])


def test_counts_are_recognised_and_scaled(small_data: PerturbationData, tmp_path: Path) -> None:
    rows = np.flatnonzero(small_data.split == "ood")
    obs = small_data.adata.obs.iloc[rows][["cell_type", "perturbation"]]
    obs.index = pd.Index([f"n{i}" for i in range(len(rows))])
    var = pd.DataFrame(index=small_data.genes)
    answers = {}
    for kind, values in (
        ("log1p", small_data.expression[rows]),
        ("counts", small_data.counts[rows].astype(np.int64)),
    ):
        ad.AnnData(values, obs=obs, var=var).write_h5ad(tmp_path / "a.h5ad")
        answers[kind] = evaluate_predictions(tmp_path / "a.h5ad", small_data, name="a")
    assert "The values are taken as log1p CP10k." in answers["log1p"]["predictions"]["notes"]
    assert any("are counts" in note for note in answers["counts"]["predictions"]["notes"])
    for name in ("r2_all", "pearson_delta"):
        found = [answers[kind]["models"]["a"][name] for kind in ("counts", "log1p")]
        assert found[0] == pytest.approx(found[1], abs=0.02)


def test_a_little_below_zero_is_set_to_zero_and_said(
    lazy_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    made = lazy_cells.copy()
    made.X[:, 0] = -0.01
    notes = score(made, name="a")["predictions"]["notes"]
    assert "4.2 % of the values are below 0 (down to -0.01); they are set to 0." in notes


def test_a_combination_in_another_order_is_the_same(
    true_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    made = true_cells.copy()
    made.obs["perturbation"] = made.obs["perturbation"].astype(str).replace("G5+G6", "G6 + G5")
    assert score(made, name="a")["n_pairs"] == 2


def test_what_is_not_asked_for_is_named_and_a_missing_pair_is_left_out(
    true_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    made = true_cells.copy()
    labels = made.obs["perturbation"].astype(str).to_numpy().astype(object)
    labels[labels == "G5+G6"] = ["ctrl"] * 50 + ["new"] * 29 + [np.nan]
    made.obs["perturbation"] = pd.Categorical(labels)
    result = score(made, name="scGen")
    assert result["n_pairs"] == 1
    assert "B, G5+G6 is left out: scGen has no cell of it." in result["notes"]
    notes = result["predictions"]["notes"]
    assert any(note.startswith("50 control cells of the file are not used") for note in notes)
    assert "29 cells of pairs that are not scored are not used: (B, new)." in notes
    assert "1 cells without a perturbation or covariate are left out." in notes
    assert result["predictions"]["n_cells"] == 80


def test_one_predicted_profile_has_means_and_no_distribution(
    lazy_cells: ad.AnnData, score: Callable[..., dict[str, Any]]
) -> None:
    result = score(lazy_cells.copy()[[0, 90]].copy(), name="bulk")
    own = result["models"]["bulk"]
    assert own["r2_all"] is not None
    names = ("e_distance", "mmd", "wasserstein", "des", "spread_ratio", "cell_correlation")
    assert {own[name] for name in names} == {None}
    assert any("fewer predicted cells than are compared: (B, G3) has 1" in note
               for note in result["predictions"]["notes"])  # fmt: skip


@pytest.mark.parametrize("name", ["ridge", "ceiling", "ours"])
def test_names_of_other_rows_are_refused(
    lazy_cells: ad.AnnData,
    data: PerturbationData,
    score: Callable[..., dict[str, Any]],
    oracle: type[Any],
    name: str,
) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' is the name of another row"):
        score(lazy_cells.copy(), name=name, beside=oracle(data, EFFECT), beside_name="ours")


def test_no_pair_left_is_said(
    true_cells: ad.AnnData, data: PerturbationData, tmp_path: Path
) -> None:
    only = true_cells.copy()
    only = only[only.obs["perturbation"] == "G3"].copy()
    only.write_h5ad(tmp_path / "a.h5ad")
    alone = data.split.copy()
    alone[(data.perturbation == "G3") & (alone == "ood")] = "train"
    obs = data.adata.obs.assign(split=alone)
    other = PerturbationData(ad.AnnData(data.adata.X, obs, data.adata.var), data.columns)
    with pytest.raises(DataError, match=r"such as \(B, G5\+G6\); it has \(B, G3\)"):
        evaluate_predictions(tmp_path / "a.h5ad", other)


def test_a_model_that_knows_no_pair_of_the_file_says_why(
    lazy_cells: ad.AnnData,
    data: PerturbationData,
    score: Callable[..., dict[str, Any]],
    oracle: type[Any],
) -> None:
    class Ignorant(oracle):  # type: ignore[misc, valid-type]
        def predict_mean(self, *asked: Any, **more: Any) -> np.ndarray:
            message = "The model has not seen it."
            raise PredictionError(message)

    with pytest.raises(PredictionError, match="has not seen it"):
        score(lazy_cells.copy(), name="a", beside=Ignorant(data, EFFECT), beside_name="ours")
