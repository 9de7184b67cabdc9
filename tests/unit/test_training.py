"""The one loop, and graphVCI trained with it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from gvci.config import TrainSettings
from gvci.errors import PredictionError, TrainingError
from gvci.model.graph import drawn_targets
from gvci.prediction.trained_model import TrainedModel
from gvci.training.ensemble import train
from gvci.training.loop import fit
from gvci.training.task import GraphVCITask
from gvci.unfinished import Unfinished

SMALL = {
    "latent": 16, "width": 32, "depth": 2, "outcome_embedding": 32, "graph_latent": 16,
    "max_steps": 60, "evaluate_every": 20, "inner_folds": 2, "members": 1,
}  # fmt: skip


class Scripted:
    """A task whose validation scores are given, to watch the loop."""

    def __init__(self, scores, diverges_at=None):
        self.scores, self.diverges_at = list(scores), diverges_at
        self.steps = self.kept = 0

    def step(self):
        self.steps += 1
        return {"fine": 1.0, "kl": math.nan if self.steps == self.diverges_at else 0.5}

    def validate(self):
        return {"score": self.scores[self.steps // 10 - 1]}

    def state(self):
        return {"steps": self.steps}

    def restore(self, state):
        self.kept = state["steps"]


def test_loop_keeps_the_best_and_stops_early(tmp_path):
    task = Scripted([1, 3, 2, 2.5, 2, 9])
    rows = fit(task, 60, 10, patience=3, metrics=tmp_path / "m.jsonl")
    assert task.kept == 20
    assert task.steps == 50
    written = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [row["step"] for row in written] == [10, 20, 30, 40, 50] == [r["step"] for r in rows]
    assert rows[0]["fine"] == pytest.approx(1.0)


def test_a_training_that_had_stopped_early_does_not_go_on_when_taken_up(tmp_path, monkeypatch):
    """Killed between the last saving and the end."""
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    file = Unfinished(tmp_path / "u.safetensors", "key")

    class Kept(Scripted):
        weights = 0

        def step(self):
            terms = super().step()
            self.weights = self.steps
            return terms

        def state(self):
            return {"weights": torch.tensor(self.weights)}

        def restore(self, state):
            self.weights = int(state["weights"])

        def snapshot(self):
            return self.state() | {"steps": torch.tensor(self.steps)}

        def resume(self, snapshot):
            self.restore(snapshot)
            self.steps = int(snapshot["steps"])

    scores = [1, 3, 2, 2.5, 2, 9]
    whole = fit(Kept(scores), 60, 10, patience=3, unfinished=file)
    again = Kept(scores)
    assert fit(again, 60, 10, patience=3, unfinished=file) == whole
    assert (again.steps, again.weights) == (50, 20)


def test_divergence_names_step_and_term_and_keeps_the_best():
    task = Scripted([1, 2, 3], diverges_at=25)
    with pytest.raises(TrainingError, match=r"diverged at step 25 \(kl is nan\)"):
        fit(task, 60, 10, patience=3)
    assert task.kept == 20


def test_without_patience_the_last_state_is_kept():
    task = Scripted([1, 3, 2, 2.5, 2, 9])
    assert len(fit(task, 40, 10, patience=None)) == 4
    assert task.kept == 40


def test_a_hopeless_learning_rate_is_explained(small_data):
    settings = TrainSettings(**SMALL, model="vci", learning_rate=1e30, clip=1e30)
    with pytest.raises(TrainingError, match="Lower the learning rate"):
        train(small_data, None, settings)


def test_divergence_names_term_epoch_and_gene(small_data):
    task = GraphVCITask(small_data, None, TrainSettings(**SMALL, model="vci"))
    gene = 7
    with torch.no_grad():
        task.core.head.gene_bias[0, 0, gene] = torch.inf
    with pytest.raises(TrainingError, match=r"epoch 1\): \w+ is not finite") as caught:
        task.step()
    assert "Lower the learning rate" in str(caught.value)
    expected = f"(1 of {len(small_data.genes)} genes, first {small_data.genes[gene]})"
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"heads": "joint"},
        {"decoder": "att", "softmax": True, "heads": "joint", "samples": 3},
        {"decoder": "att"},
        {"model": "vci"},
        {"kernel": "log_mean", "constructed": "sample", "heads": "joint"},
        {"kernel": "mean_log"},
        {"distribution": "discriminate", "heads": "joint"},
        {"distribution": "fit"},
        {"likelihood": "nb"},
        {"likelihood": "zinb", "heads": "joint"},
        {"treatment": "embedded", "aggregation": "max"},
        {"treatment": "node", "graph": "random", "schedule": "step"},
    ],
)
def test_every_option_trains_and_predicts(small_data, small_simulation, changes):
    settings = TrainSettings.checked(SMALL | changes)
    task = GraphVCITask(small_data, small_simulation.prior.restricted(small_data.genes), settings)
    before = task.validate()
    rows = fit(task, 60, 20, 3)
    assert all(math.isfinite(value) for row in rows for value in row.values())
    best = max(rows, key=lambda row: row["score"])
    if settings.distribution == "discriminate":  # an adversary moves the objective itself
        assert best["validation_reconstruction"] < before["validation_reconstruction"]
    else:
        assert best["score"] > before["score"]
    model = train(small_data, small_simulation.prior, settings)
    rows = small_data.rows("test")
    depth = small_data.depth[rows]
    code = small_data.treatment_code
    t = code.encode(list(small_data.perturbation[rows]))
    cells = (small_data.dense(rows), small_data.covariates[rows], t)
    other = code.encode(["STAT1"] * len(rows))
    np.testing.assert_allclose(model.counterfactual(*cells, t, depth=depth), cells[0], atol=1e-5)
    for mode in ("mean", "sample", "residual"):
        made = model.counterfactual(*cells, other, mode, depth=depth)
        assert np.isfinite(made).all()
        assert (made >= 0).all()
    shift = model.mean_shift(*cells, other, depth)
    unclipped = _unclipped(model, cells, other, depth)
    np.testing.assert_allclose(shift, unclipped, atol=2e-5)


def _unclipped(model, cells, other, depth):
    """The mean over cells of μ(Z, T′) − μ(Z, T), cell by cell."""
    y, x, t = (torch.from_numpy(a) for a in cells)
    d = torch.from_numpy(depth[:, None].astype("f4"))
    shifts = []
    for member in model.members:
        z = member.latent(y, x, t)
        own, their = member.outcomes(z, x, [t, torch.from_numpy(other)], d)
        shifts.append((their.mean - own.mean).mean(dim=0).numpy())
    return np.mean(shifts, axis=0)


def test_same_seed_same_model_and_files_bring_it_back(small_data, small_simulation, tmp_path):
    settings = TrainSettings(**SMALL | {"members": 2}, seed=5)
    one = train(small_data, small_simulation.prior, settings)
    two = train(small_data, small_simulation.prior, settings)
    rows = small_data.rows("test")
    t = small_data.treatment_code.encode(list(small_data.perturbation[rows]))
    other = small_data.treatment_code.encode(["STAT1"] * len(rows))
    cells = (small_data.dense(rows), small_data.covariates[rows], t)
    predicted = one.counterfactual(*cells, other)
    np.testing.assert_array_equal(predicted, two.counterfactual(*cells, other))

    one.save(tmp_path / "m.safetensors")
    again = TrainedModel.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(predicted, again.counterfactual(*cells, other))
    assert again.header["data_hash"] == small_data.fingerprint
    assert again.gate.to_json() == one.gate.to_json()
    np.testing.assert_array_equal(again.gate.corrections, one.gate.corrections)

    alone = one.counterfactual(*(c[3:4] for c in cells), other[3:4])
    np.testing.assert_allclose(alone, predicted[3:4], atol=1e-5)
    sample = one.counterfactual(*cells, other, mode="sample", seed=1)
    np.testing.assert_array_equal(sample, one.counterfactual(*cells, other, "sample", 1))
    assert (sample >= 0).all()
    assert (sample != one.counterfactual(*cells, other, "sample", 2)).any()


def total_steps(model, settings):
    return settings.inner_folds * settings.max_steps + settings.members * model.header["steps"]


@pytest.mark.parametrize("changes", [{}, {"distribution": "discriminate", "heads": "joint"}])
@pytest.mark.parametrize("stop_at", [7, 25, 85, 130])
def test_stopped_and_resumed_equals_uninterrupted(
    small_data, small_simulation, tmp_path, monkeypatch, stop_at, changes
):
    """Stopped in the first inner member, in the second, or in the final one."""
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    settings = TrainSettings.checked(SMALL | changes)
    files = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    whole = train(small_data, small_simulation.prior, settings, metrics=files[0])
    folder, done = tmp_path / "unfinished", 0
    plain = GraphVCITask.step

    def stopping(self):
        nonlocal done
        if done == stop_at:
            raise KeyboardInterrupt
        done += 1
        return plain(self)

    monkeypatch.setattr(GraphVCITask, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(small_data, small_simulation.prior, settings, metrics=files[1], unfinished=folder)
    assert folder.is_dir() == (stop_at >= 20)
    stopped, done = done, -1000
    resumed = train(
        small_data, small_simulation.prior, settings, metrics=files[1], unfinished=folder
    )
    lines = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
    for one, other in zip(*lines, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert folder.is_dir()  # until the model has been saved
    if stopped >= 20:  # something was kept, so not everything was done again
        assert done + 1000 < total_steps(whole, settings)
    assert resumed.gate.to_json() == whole.gate.to_json()
    for one, other in zip(whole.members, resumed.members, strict=True):
        for name, tensor in one.core.state_dict().items():
            assert tensor.equal(other.core.state_dict()[name]), name


def test_members_never_train_longer_than_the_inner_ones(small_data, monkeypatch):
    """The last validation comes at max_steps, which need not be a multiple of evaluate_every."""
    settings = TrainSettings(**SMALL | {"max_steps": 25, "inner_folds": 1}, model="vci")
    monkeypatch.setattr(
        "gvci.training.ensemble._choose_step", lambda *_: 2
    )  # of those at 20 and 25
    assert train(small_data, None, settings).header["steps"] == 25


def test_the_largest_seed_trains(small_data):
    settings = TrainSettings(**SMALL | {"seed": 2**63 - 1, "inner_folds": 0}, model="vci")
    terms = GraphVCITask(small_data, None, settings).step()
    assert all(math.isfinite(value) for value in terms.values())


def test_unknown_perturbation_is_explained(small_data):
    with pytest.raises(PredictionError, match=r"has not seen the perturbation 'STAT11'.*STAT1"):
        small_data.treatment_code.encode(["STAT11"])


def test_held_out_cells_train_nothing(small_data, small_simulation):
    """Moving the OOD cells far away leaves the trained model, gate included, as it was."""
    from gvci.data.dataset import PerturbationData

    settings = TrainSettings(**SMALL)
    adata = small_data.adata.copy()
    moved = adata.X.toarray()
    moved[small_data.split == "ood"] += 7
    adata.X = moved
    other = PerturbationData(adata, small_data.columns, small_data.meta)
    one = train(small_data, small_simulation.prior, settings)
    two = train(other, small_simulation.prior, settings)
    np.testing.assert_array_equal(one.gate.corrections, two.gate.corrections)
    for name, tensor in one.members[0].core.state_dict().items():
        assert tensor.equal(two.members[0].core.state_dict()[name]), name


def test_random_graph_keeps_regulators_and_their_numbers_of_targets():
    pairs = np.array([[0, 0, 0, 4, 4, 7], [1, 2, 3, 1, 5, 6]])
    drawn = drawn_targets(pairs, 12, seed=1)
    assert np.bincount(drawn[0]).tolist() == np.bincount(pairs[0]).tolist()
    assert len({tuple(pair) for pair in drawn.T}) == 6
    assert drawn[1].tolist() != pairs[1].tolist()
    np.testing.assert_array_equal(drawn, drawn_targets(pairs, 12, seed=1))


def test_metrics_name_stage_and_watch_the_cells(small_data, small_simulation, tmp_path):
    file = tmp_path / "metrics.jsonl"
    model = train(small_data, small_simulation.prior, TrainSettings(**SMALL), metrics=file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["stage"] for row in rows} == {"inner 1", "inner 2", "member 1"}
    for row in rows:
        assert {"step", "epoch", "validation_r2", "cell_correlation", "spread_ratio"} <= set(row)
        assert ("inner_ratio" in row) == row["stage"].startswith("inner")
    assert model.header["warnings"] == []
    assert model.header["watched"]["spread_ratio"] > 0.1
