"""The command line end to end on small data, and its refusals: one sentence, exit code 2."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.cli import main
from gvci.data.dataset import PerturbationData
from gvci.gate.words import gate_sentence
from gvci.run import Run

SMALL = ["max_steps=40", "evaluate_every=20", "latent=16", "width=32"]


@pytest.fixture(scope="module")
def folder(small_simulation, tmp_path_factory):
    """raw.h5ad and prior.csv as a user would bring them, and everything made from them."""
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        small_simulation.adata.write_h5ad(folder / "raw.h5ad")
        small_simulation.prior.edges.to_csv(folder / "prior.csv", index=False)
        small_simulation.truth.edges.to_csv(folder / "truth.tsv", index=False, sep="\t")
        f = {name: str(folder / name) for name in ("raw.h5ad", "data.h5ad", "grn", "run")}
        prior = str(folder / "prior.csv")
        for words in (
            ["prepare", f["raw.h5ad"], "--out", f["data.h5ad"], "--perturbation", "perturbation",
             "--control", "control", "--covariates", "cell_type", "--keep-genes", "STAT1",
             "--holdout", "cell_type=B cells,perturbation=STAT1"],
            ["refine", f["data.h5ad"], "--prior", prior, "--out", f["grn"], "--preset", "quick",
             "--seed", "1"],
            ["train", f["data.h5ad"], "--grn", f["grn"], "--out", f["run"], "--set", *SMALL],
        ):  # fmt: skip
            assert main(words) == 0
    return folder


def last_json(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_evaluate_prints_one_json_object_last(folder, capsys):
    assert main(["evaluate", str(folder / "run"), "--json"]) == 0
    told = capsys.readouterr().out
    answer = json.loads(told.splitlines()[-1])
    said = gate_sentence(Run.open(folder / "run").model.gate)
    assert (said in told) == (answer["gate"]["lambda"] < 1)
    assert answer["split"] == "ood"
    assert set(answer["models"]) >= {"graphvci", "no_change", "perturbed_mean", "additive"}
    wanted = {"r2_all", "r2_de", "pearson_delta", "cell_correlation"}
    assert wanted <= set(answer["models"]["graphvci"])
    assert {"r2_all", "r2_de"} <= set(answer["ceiling"])


def test_predicted_cells_of_any_program_are_scored_beside_a_run(folder, tmp_path, capsys):
    out = str(tmp_path / "p.h5ad")
    words = ["predict", str(folder / "run"), "--perturbation", "STAT1", "--cells",
             "cell_type=B cells", "perturbation=control", "--out", out]  # fmt: skip
    assert main(words) == 0
    assert main(["evaluate", str(folder / "run"), "--json"]) == 0
    alone = last_json(capsys)
    words = ["evaluate", str(folder / "run"), "--predictions", out]
    assert main([*words, "--name", "copy", "--json"]) == 0
    told = capsys.readouterr().out
    answer = json.loads(told.splitlines()[-1])
    assert answer["models"]["graphvci"] == alone["models"]["graphvci"]
    assert answer["gate"] == alone["gate"]
    # What our own model wrote scores as our model, but for cells clipped at 0 one by one.
    for score, room in (("r2_all", 0.02), ("r2_de", 0.05), ("pearson_delta", 0.05)):
        difference = answer["models"]["copy"][score] - answer["models"]["graphvci"][score]
        assert abs(difference) < room, score
    assert answer["models"]["copy"]["cell_correlation"] is None
    assert "copy" in told.splitlines()[0]
    assert "graphVCI" in told.splitlines()[0]


def test_edges_of_a_directory_have_all_rivals(folder, capsys):
    truth = str(folder / "truth.tsv")
    assert main(["edges", str(folder / "grn"), "--truth", truth, "--json"]) == 0
    answer = last_json(capsys)
    for rival in ("refined", "prior", "correlation", "prior_correlation"):
        assert 0 <= answer[rival]["auprc"] <= 1
        assert 0 <= answer[rival]["auroc"] <= 1
    assert "STAT1" in answer["sources"]


def test_edges_of_a_plain_list_need_data_for_correlation(folder, capsys):
    prior, truth = str(folder / "prior.csv"), str(folder / "truth.tsv")
    assert main(["edges", prior, "--truth", truth, "--sources", "STAT1", "--json"]) == 0
    assert last_json(capsys)["correlation"] is None
    words = ["edges", prior, "--truth", truth, "--data", str(folder / "data.h5ad"), "--json"]
    assert main(words) == 0
    assert last_json(capsys)["correlation"]["auprc"] > 0


def test_predict_writes_labelled_cells(folder, capsys):
    out = folder / "pred.h5ad"
    words = ["predict", str(folder / "run"), "--perturbation", "STAT1", "--cells",
             "cell_type=B cells", "perturbation=control", "--out", str(out)]  # fmt: skip
    assert main(words) == 0
    cells = ad.read_h5ad(out)
    assert set(cells.obs["perturbation"]) == {"STAT1"}
    assert set(cells.obs["factual_perturbation"]) == {"control"}
    assert set(cells.obs["cell_type"]) == {"B cells"}
    assert set(cells.obs["support"]) == {"held_out"}
    assert cells.uns["gvci"]["unit"] == "log1p CP10k"
    gate = Run.open(folder / "run").gate("B cells", "STAT1")
    assert cells.uns["gvci"]["lambda"] == {"B cells": gate["lambda"]}
    assert cells.uns["gvci"]["baseline"] == gate["baseline"]
    assert set(cells.obs["network_share"]) == {gate["lambda"]}
    assert np.isfinite(cells.X).all()


def test_effects_writes_a_table_with_intervals(folder):
    out = folder / "effects.csv"
    assert (
        main(["effects", str(folder / "run"), "--out", str(out), "--where", "cell_type=B cells"])
        == 0
    )
    table = pd.read_csv(out)
    assert {"robust", "se", "lower", "upper", "p_adjusted", "status"} <= set(table)
    assert set(table["group"]) == {"B cells"}
    held_out = table[table["perturbation"] == "STAT1"]
    assert set(held_out["status"]) == {"not_identifiable"}
    assert held_out["robust"].isna().all()
    known = table[table["status"] == "estimated"]
    assert ((known["lower"] <= known["robust"]) & (known["robust"] <= known["upper"])).all()


def test_effects_with_bands_and_folds(folder, capsys):
    words = ["effects", str(folder / "run"), "--out", str(folder / "e.csv"), "--latent", "cell"]
    words += ["--where", "cell_type=B cells", "--perturbation", "IRF1"]
    assert main([*words, "--folds", "1"]) == 2
    assert "takes 2 to" in capsys.readouterr().err
    assert main(words) == 0
    own = pd.read_csv(folder / "e.csv")
    assert main([*words, "--folds", "2", "--bands"]) == 0
    table = pd.read_csv(folder / "e.csv")
    assert (table["band_upper"] > table["upper"]).all()
    assert (table["effect_band_lower"] < table["effect_lower"]).all()
    assert not np.allclose(own["plug_in"], table["plug_in"])  # other models
    np.testing.assert_allclose(own["treated_mean"], table["treated_mean"])
    assert (folder / "run" / "crossfit-2" / "fold 2.safetensors").is_file()


def test_datasets_lists_the_catalogue(capsys):
    assert main(["datasets", "--json"]) == 0
    names = {row["name"] for row in last_json(capsys)}
    assert {"demo", "kang2018-ifnb", "papalexi2021-eccite", "sergio-ds1"} <= names


def test_settings_come_from_a_file_and_from_words(folder, tmp_path, capsys):
    config = tmp_path / "settings.json"
    config.write_text('{"max_steps": 10, "evaluate_every": 5}')
    words = ["refine", str(folder / "data.h5ad"), "--prior", str(folder / "prior.csv"), "--out",
             str(tmp_path / "grn"), "--config", str(config), "--set", "alpha=0.5",
             "--name", "motifs"]  # fmt: skip
    assert main(words) == 0
    notes = json.loads((tmp_path / "grn" / "grn.json").read_text())
    assert notes["settings"]["max_steps"] == 10
    assert notes["alpha"] == 0.5
    assert notes["prior"] == "motifs"
    assert notes["name"].startswith("motifs, refined on ")


BAD = {
    "text named h5ad": (
        ["prepare", "{bad}/text.h5ad", "--out", "{bad}/o"],
        "text.h5ad is not an .h5ad file",
    ),
    "missing column": (
        ["prepare", "{ok}/raw.h5ad", "--perturbation", "gnee", "--control", "control",
         "--out", "{bad}/o"],
        "obs has no column 'gnee'",
    ),
    "no control cells": (
        ["prepare", "{ok}/raw.h5ad", "--perturbation", "perturbation", "--control", "NT",
         "--out", "{bad}/o"],
        "No cells are labelled 'NT'",
    ),
    "no shared gene": (
        ["refine", "{ok}/data.h5ad", "--prior", "{bad}/mouse.csv", "--out", "{bad}/o"],
        "shares 0 of its 2 genes",
    ),
    "damaged checkpoint": (["evaluate", "{bad}/run"], "damaged"),
    "not prepared": (
        ["refine", "{ok}/raw.h5ad", "--prior", "demo", "--out", "{bad}/o"],
        "is not a prepared dataset",
    ),
    "unknown name": (["prepare", "kang2018-ifn", "--out", "{bad}/o"], "kang2018-ifnb"),
    "unknown setting": (
        ["train", "{ok}/data.h5ad", "--out", "{bad}/o", "--set", "latnet=3"],
        "no setting 'latnet'. Did you mean latent",
    ),
    "unknown perturbation": (
        ["predict", "{ok}/run", "--perturbation", "STAT11", "--out", "{bad}/o"],
        "has not seen the perturbation 'STAT11', so it cannot predict it. Did you mean STAT1",
    ),
    "unknown cells": (
        ["predict", "{ok}/run", "--perturbation", "STAT1", "--cells", "cell_type=neurons",
         "--out", "{bad}/o"],
        "No cell has cell_type = 'neurons'",
    ),
    "no run": (["evaluate", "{bad}"], "neither a run"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(folder, tmp_path, capsys, case):
    (tmp_path / "text.h5ad").write_text("cells,genes\n1,2\n")
    (tmp_path / "mouse.csv").write_text("source,target\nNopea,Nopeb\n")
    (tmp_path / "run").mkdir()
    whole = (folder / "run" / "model.safetensors").read_bytes()
    (tmp_path / "run" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    words, sentence = BAD[case]
    given = [word.format(ok=folder, bad=tmp_path) for word in words]
    assert main(given) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told
    assert len([line for line in told.splitlines() if line.startswith("gvci: ")]) == 1


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "gvci", "datasets", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout.splitlines()[-1]), list)


def test_edges_of_a_run_keep_the_correlation_rivals(folder, capsys):
    truth = str(folder / "truth.tsv")
    assert main(["edges", str(folder / "run"), "--truth", truth, "--json"]) == 0
    of_run = last_json(capsys)
    assert main(["edges", str(folder / "grn"), "--truth", truth, "--json"]) == 0
    assert of_run["correlation"] == last_json(capsys)["correlation"] is not None


def test_a_table_with_statuses_trains_on_its_adopted_edges(folder, tmp_path, capsys):
    table = folder / "grn" / "edges.parquet"
    words = ["train", str(folder / "data.h5ad"), "--grn", str(table), "--out", str(tmp_path / "r")]
    assert main([*words, "--set", *SMALL]) == 0
    model = Run.open(tmp_path / "r").model
    assert gate_sentence(model.gate) in capsys.readouterr().out
    assert model.header["grn_hash"] == Run.open(folder / "run").model.header["grn_hash"]


def test_training_never_touches_a_network_that_is_not_its_own(folder, tmp_path, capsys):
    shutil.copytree(folder / "grn", tmp_path / "grn")
    words = ["train", str(folder / "data.h5ad"), "--out", str(tmp_path), "--set", *SMALL]
    assert main(words) == 2
    assert "is not part of a run" in capsys.readouterr().err
    assert (tmp_path / "grn" / "edges.parquet").is_file()


def test_what_the_user_sets_wins_over_the_catalogue(tmp_path):
    words = ["prepare", "demo", "--out", str(tmp_path / "d"), "--set", "ood=none"]
    assert main([*words, 'covariates=["cell_type"]']) == 0
    data = PerturbationData.read(tmp_path / "d")
    assert "ood" not in set(data.split)
    assert data.columns.covariates == ("cell_type",)


@pytest.mark.parametrize("dose", ["nan", "-1", "inf"])
def test_impossible_doses_are_refused(folder, tmp_path, capsys, dose):
    out = tmp_path / "p.h5ad"
    words = ["predict", str(folder / "run"), "--perturbation", "STAT1", f"--dose={dose}"]
    assert main([*words, "--out", str(out)]) == 2
    assert "is not usable" in capsys.readouterr().err
    assert not out.exists()


def test_cells_that_were_exchanged_are_refused(folder, tmp_path, capsys):
    shutil.copytree(folder / "run", tmp_path / "run")
    data = PerturbationData.read(folder / "data.h5ad")
    obs = data.adata.obs
    obs["split"] = ["ood" if s == "test" else s for s in obs["split"].astype(str)]
    PerturbationData(data.adata, data.columns, data.meta).write(tmp_path / "run" / "data.h5ad")
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    assert "not those that this model was trained on" in capsys.readouterr().err


def test_a_model_of_cells_with_ages(small_simulation, tmp_path):
    cells = small_simulation.adata.copy()
    cells.obs["age"] = np.random.default_rng(0).uniform(20, 80, cells.n_obs)
    cells.write_h5ad(tmp_path / "raw.h5ad")
    words = ["prepare", str(tmp_path / "raw.h5ad"), "--out", str(tmp_path / "data.h5ad")]
    assert main([*words, "--covariates", "cell_type", "--real-covariates", "age"]) == 0
    data = str(tmp_path / "data.h5ad")
    words = ["train", data, "--model", "vci", "--out", str(tmp_path / "run")]
    assert main([*words, "--set", *SMALL]) == 0
    run = Run.open(tmp_path / "run")
    assert run.model.covariate_code == run.data.covariate_code
    assert run.model.covariate_code.width == 4
    before = run.predict(np.arange(5), "STAT1", mode="mean")
    run.data.covariates[:5, 3] += 2  # years matter to the model
    assert np.abs(run.predict(np.arange(5), "STAT1", mode="mean") - before).max() > 1e-6
