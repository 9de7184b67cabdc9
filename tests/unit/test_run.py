"""Run directories: made, opened, moved, damaged; and the notes by which pages find them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.errors import CatalogueError, CheckpointError, FileError, PredictionError
from gvci.grn.read import read_grn
from gvci.making import make_run, save_grn
from gvci.prediction.trained_model import TrainedModel
from gvci.refiner.result import RefinedGRN
from gvci.registry import entries, find_entry, register
from gvci.run import Run, grn_data
from gvci.training.loop import refine


@pytest.fixture(scope="module")
def made(small_data, small_simulation, tmp_path_factory):
    """A run made the way the command line makes it."""
    folder = tmp_path_factory.mktemp("made")
    small_data.write(folder / "data.h5ad")
    grn = refine(small_data, small_simulation.prior, RefineSettings.preset("quick"), "quick")
    save_grn(grn, folder / "data.h5ad", folder / "grn")
    settings = TrainSettings(max_steps=40, evaluate_every=20, latent=16, width=32)
    make_run(folder / "data.h5ad", grn, settings, "standard", folder / "run")
    return folder


def test_a_run_is_whole_without_what_it_was_made_from(made, tmp_path, small_data):
    moved = tmp_path / "elsewhere"
    shutil.copytree(made / "run", moved)
    run = Run.open(moved)
    assert run.name == "graphVCI standard"
    assert run.data.fingerprint == small_data.fingerprint
    assert run.grn is not None
    rows = np.flatnonzero(run.data.is_control)[:5]
    predicted = run.predict(rows, "STAT1")
    assert predicted.shape == (5, len(run.data.genes))
    assert np.isfinite(predicted).all()
    np.testing.assert_allclose(run.predict(rows, "control"), run.data.dense(rows), atol=1e-5)
    assert set(run.scores["ood"]["models"]) >= {"graphvci", "no_change", "additive"}
    assert json.loads((moved / "metrics.jsonl").read_text().splitlines()[0])["step"] == 20
    assert len(run.fingerprint) == 8


def test_paths_may_be_words(made, tmp_path, small_data):
    run = Run.open(str(made / "run"))
    assert run.path == made / "run"
    run.model.save(str(tmp_path / "model.safetensors"))
    assert TrainedModel.load(str(tmp_path / "model.safetensors")).genes.equals(run.model.genes)
    small_data.write(str(tmp_path / "data.h5ad"))
    again = PerturbationData.read(str(tmp_path / "data.h5ad"))
    assert again.fingerprint == small_data.fingerprint
    assert RefinedGRN.load(str(made / "run" / "grn")).genes.equals(run.grn.genes)
    run.grn.adopted().edges.to_csv(tmp_path / "edges.csv", index=False)
    assert len(read_grn(str(tmp_path / "edges.csv")).edges) == len(run.grn.adopted().edges)


def test_support_tells_seen_from_held_out_from_outside(made):
    run = Run.open(made / "run")
    assert run.support("STAT1", "CD4 T cells") == "seen"
    assert run.support("STAT1", "B cells") == "held_out"
    assert run.support("IRF1+STAT1", "B cells") == "held_out"
    assert run.support("NOPE", "B cells") == "outside"
    assert run.support("STAT1", "neurons") == "outside"


def test_predicting_nothing_or_the_unknown_is_explained(made):
    run = Run.open(made / "run")
    with pytest.raises(PredictionError, match="No cell was chosen"):
        run.predict(np.array([], dtype=int), "STAT1")
    with pytest.raises(PredictionError, match="has not seen the perturbation 'STAT9'"):
        run.predict(np.array([0]), "STAT9")


def test_a_network_alone_opens_and_has_no_model(made):
    grn = Run.open(made / "grn")
    assert grn.kind == "grn"
    assert grn.grn is not None
    assert grn_data(made / "grn") == made / "grn" / "data.h5ad"
    with pytest.raises(CheckpointError, match="a refined network without a model"):
        _ = grn.model


def test_data_overwritten_later_does_not_change_the_run(made, small_data):
    before = Run.open(made / "run").data.fingerprint
    other = small_data.adata[: small_data.n_cells // 2].copy()
    type(small_data)(other, small_data.columns, small_data.meta).write(made / "data.h5ad")
    assert Run.open(made / "run").data.fingerprint == before
    small_data.write(made / "data.h5ad")


def test_damaged_model_and_empty_folder_are_refused(made, tmp_path):
    shutil.copytree(made / "run", tmp_path / "run")
    model = tmp_path / "run" / "model.safetensors"
    whole = bytearray(model.read_bytes())
    whole[-40] ^= 1
    model.write_bytes(bytes(whole))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        _ = Run.open(tmp_path / "run").model
    with pytest.raises(FileError, match="neither a run"):
        Run.open(tmp_path)


def test_runs_are_found_by_id_and_never_by_path(made, tmp_path, monkeypatch):
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    entry_id = register(made / "run", "run", "My run")
    assert entry_id is not None
    assert find_entry(entry_id).path == (made / "run").resolve()
    assert find_entry(entry_id).title == "My run"
    (tmp_path / "home" / "runs" / "broken.json").write_text("{")
    assert entry_id in [entry.id for entry in entries()]
    for hostile in ("../../etc/passwd", str(made / "run"), "x" * 500):
        with pytest.raises(CatalogueError, match="There is no run"):
            find_entry(hostile)
    shutil.rmtree(made / "grn")
    gone = register(made / "grn", "grn", "gone")
    assert gone not in [entry.id for entry in entries()]
