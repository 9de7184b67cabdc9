"""AE, CEVAE, GANITE and CPA learn, stop and go on, and answer as every model does."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gvci.config import PUBLISHED, TrainSettings
from gvci.config.train import ONLY
from gvci.errors import CheckpointError, GvciError, SettingsError, TrainingError
from gvci.making import make_run
from gvci.model_card import facts
from gvci.prediction.trained_model import TrainedModel
from gvci.training.ensemble import train
from gvci.training.network_task import NetworkTask

SMALL = {
    "latent": 16, "width": 32, "depth": 2, "outcome_embedding": 32, "learning_rate": 3e-3,
    "smallest_scale": 0.1, "max_steps": 60, "evaluate_every": 20,
}  # fmt: skip


def small(model, **changes):
    return TrainSettings.preset("paper", **SMALL | {"model": model} | changes)


def asked(data, split="test", label="STAT1"):
    """Y, X, T and T′ of cells."""
    rows = data.rows(split)
    code = data.treatment_code
    own = code.encode(list(data.perturbation[rows]))
    return data.dense(rows), data.covariates[rows], own, code.encode([label] * len(rows))


# --- training ---------------------------------------------------------------------------


def explained(model, data):
    """R² of the predicted changes of training pairs: 0 for "no change", 1 for the truth."""
    learning = np.isin(data.split, ("train", "validation"))
    left = whole = 0.0
    for group in sorted(set(data.groups)):
        own = learning & (data.groups == group)
        rows = np.flatnonzero(own & data.is_control)
        control = data.dense(rows)
        t = model.treatment_code.encode([data.columns.control] * len(rows))
        for label in sorted(set(data.perturbation[own]) - {data.columns.control}):
            truth = data.dense(np.flatnonzero(own & (data.perturbation == label))).mean(axis=0)
            other = model.treatment_code.encode([label] * len(rows))
            made = model.counterfactual(control, data.covariates[rows], t, other, "mean")
            left += float(((made.mean(axis=0) - truth) ** 2).sum())
            whole += float(((control.mean(axis=0) - truth) ** 2).sum())
    return 1 - left / whole


@pytest.mark.parametrize(
    ("model", "least"), [("ae", 0.2), ("cevae", 0.2), ("ganite", 0.2), ("cpa", 0.4)]
)
def test_each_learns_the_changes_of_seen_pairs(small_data, model, least):
    settings = small(model, latent=32, width=64, max_steps=400, evaluate_every=100)
    trained = train(small_data, None, settings)
    assert explained(trained, small_data) > least
    assert trained.header["watched"]["cell_correlation"] > 0.05


@pytest.mark.parametrize("model", PUBLISHED)
def test_stopped_and_resumed_equals_uninterrupted(small_data, tmp_path, monkeypatch, model):
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    settings = small(model, batch_size=48)
    files = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    whole = train(small_data, None, settings, metrics=files[0])
    folder, done, plain = tmp_path / "unfinished", 0, NetworkTask.step

    def stopping(self):
        nonlocal done
        done += 1
        if done == 45:
            raise KeyboardInterrupt
        return plain(self)

    monkeypatch.setattr(NetworkTask, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(small_data, None, settings, metrics=files[1], unfinished=folder)
    resumed = train(small_data, None, settings, metrics=files[1], unfinished=folder)
    assert done == 45 + 20  # taken up at step 40
    lines = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
    for one, other in zip(*lines, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    for name, tensor in whole.members[0].core.state_dict().items():
        assert tensor.equal(resumed.members[0].core.state_dict()[name]), name


@pytest.mark.parametrize("model", PUBLISHED)
def test_held_out_cells_train_nothing_and_files_bring_the_model_back(small_data, tmp_path, model):
    from gvci.data.dataset import PerturbationData

    adata = small_data.adata.copy()
    moved = adata.X.toarray()
    moved[np.isin(small_data.split, ("ood", "test"))] += 7
    adata.X = moved
    far = PerturbationData(adata, small_data.columns, small_data.meta)
    one, other = (train(data, None, small(model)) for data in (small_data, far))
    file = tmp_path / "model.safetensors"
    one.save(file)
    again = TrainedModel.load(file)
    y, x, t, t2 = asked(small_data)
    for mode in ("mean", "residual", "sample"):
        made = one.counterfactual(y, x, t, t2, mode, seed=4)
        np.testing.assert_array_equal(made, other.counterfactual(y, x, t, t2, mode, seed=4))
        np.testing.assert_array_equal(made, again.counterfactual(y, x, t, t2, mode, seed=4))
        assert np.isfinite(made).all()
        assert (made >= 0).all()
    alone = one.counterfactual(y[3:4], x[3:4], t[3:4], t2[3:4])
    np.testing.assert_allclose(alone, one.counterfactual(y, x, t, t2)[3:4], atol=1e-5)
    np.testing.assert_allclose(one.counterfactual(y, x, t, t), y, atol=1e-5)
    y, x, t, t2 = (torch.from_numpy(part) for part in (y, x, t, t2))
    member = again.members[0]
    own, their = member.outcomes(member.latent(y, x, t), x, [t, t2], None)
    shift = again.mean_shift(*(part.numpy() for part in (y, x, t, t2)))
    np.testing.assert_allclose(shift, (their.mean - own.mean).mean(dim=0).numpy(), atol=2e-5)


@pytest.mark.parametrize(
    "lie",
    [{"width": 4096}, {"depth": 10**6}, {"latent": 10**7}, {"model": "cevae"}, {"members": 3}],
)
def test_a_tampered_header_is_refused(small_data, tmp_path, lie):
    trained = train(small_data, None, small("cpa", max_steps=2, evaluate_every=1))
    trained.header["settings"] |= lie
    trained.save(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="do not fit its settings"):
        TrainedModel.load(tmp_path / "model.safetensors")


def test_a_damaged_file_is_refused(small_data, tmp_path):
    file = tmp_path / "model.safetensors"
    train(small_data, None, small("ganite", max_steps=2, evaluate_every=1)).save(file)
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="damaged"):
        TrainedModel.load(file)


def told_from_basal(data, weight):
    """How often a fresh classifier reads a treated cell's perturbation from z_basal."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    steps = {"max_steps": 1000, "evaluate_every": 1000, "learning_rate": 1e-3}
    settings = small("cpa", **steps, adversary_weight=weight)
    core = train(data, None, settings).members[0]
    rows = np.flatnonzero(~data.is_control & (data.split != "ood"))
    basal = core.latent(torch.from_numpy(data.dense(rows)), None, None).numpy()
    scaled = (basal - basal.mean(axis=0)) / (basal.std(axis=0) + 1e-6)
    reader = LogisticRegression(max_iter=2000, C=0.1)
    return float(cross_val_score(reader, scaled, data.perturbation[rows], cv=5).mean())


def test_cpas_adversaries_take_the_treatment_out_of_the_basal_state(small_data):
    assert told_from_basal(small_data, 1.0) < told_from_basal(small_data, 0.0) - 0.1


def test_a_hopeless_learning_rate_names_term_step_and_epoch(small_data):
    settings = small("cevae", learning_rate=1e30, clip=1e30)
    with pytest.raises(TrainingError, match=r"diverged at step \d+ .*Lower the learning rate"):
        train(small_data, None, settings)
    task = NetworkTask(small_data, small("ae"))
    with torch.no_grad():
        task.core.decoder.output.bias[3] = torch.inf
    with pytest.raises(TrainingError, match=r"step 1 \(epoch 1\): reconstruction is not finite"):
        task.step()


# --- settings and the rest of the house -------------------------------------------------


@pytest.mark.parametrize("model", ["graphvci", "vci", *PUBLISHED])
def test_settings_that_a_model_does_not_have_are_refused(model):
    other_words = {
        "graph": "random", "heads": "additive", "decoder": "dot", "aggregation": "max",
        "likelihood": "nb", "treatment": "node", "distribution": "fit", "kernel": "means",
        "constructed": "residual", "softmax": False,
    }  # fmt: skip
    for name, models in ONLY.items():
        usual = getattr(TrainSettings.preset("paper"), name)
        changes = {"model": model, name: other_words[name] if name in other_words else usual + 1}
        if name == "likelihood":
            changes["constructed"] = "residual"  # counts need it
        if model in models:
            assert getattr(TrainSettings.preset("paper", **changes), name) == changes[name] != usual
        else:
            with pytest.raises(SettingsError, match=rf"model '{model}' has no {name}:"):
                TrainSettings.preset("paper", **changes)


def test_a_published_network_needs_preset_paper():
    with pytest.raises(SettingsError, match="model 'cpa' has no heads: take preset paper"):
        TrainSettings.preset("standard", model="cpa")
    assert TrainSettings.usual_preset("cpa") == "paper"
    assert TrainSettings.usual_preset("vci") == TrainSettings.usual_preset(None) == "standard"


def test_a_run_of_a_published_network_says_what_it_is(small_data, small_simulation, tmp_path):
    small_data.write(tmp_path / "data.h5ad")
    settings = small("cpa", max_steps=40)
    run = make_run(
        tmp_path / "data.h5ad", small_simulation.prior, settings, "paper", tmp_path / "run"
    )
    assert run.name == "CPA paper"
    assert run.card["grn"] is run.card["grn_hash"] is run.grn is None
    assert "CPA" in run.scores["ood"]["verdict"]
    said = dict(facts(run))
    assert said["GRN"] == "none"
    assert said["Model"].startswith("CPA paper: compositional perturbation autoencoder")
    assert "decoder" not in said["Model"]


def test_the_train_verb_takes_preset_paper_for_them(small_data, tmp_path, capsys, monkeypatch):
    from gvci.cli import main

    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    small_data.write(tmp_path / "data.h5ad")
    words = ["train", str(tmp_path / "data.h5ad"), "--out", str(tmp_path / "run")]
    quick = ["max_steps=20", "evaluate_every=10"]
    assert main([*words, "--set", "model=ganite", *quick]) == 0
    assert TrainedModel.load(tmp_path / "run/model.safetensors").header["preset"] == "paper"
    assert main([*words, "--model", "ae", "--preset", "standard"]) == 2
    assert "model 'ae' has no heads: take preset paper" in capsys.readouterr().err
    with pytest.raises(GvciError, match="has no samples"):
        TrainSettings.preset("paper", model="ae", samples=1)
