"""The one loop, and graphVCI trained with it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gvci.config import TrainSettings
from gvci.errors import PredictionError, TrainingError
from gvci.prediction import TrainedModel
from gvci.task import GraphVCITask
from gvci.training import fit, train

SMALL = {
    "latent": 16, "width": 32, "depth": 2, "outcome_embedding": 32, "graph_latent": 16,
    "max_steps": 60, "evaluate_every": 20,
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


def test_divergence_names_step_and_term_and_keeps_the_best():
    task = Scripted([1, 2, 3], diverges_at=25)
    with pytest.raises(TrainingError, match=r"diverged at step 25 \(kl is nan\)"):
        fit(task, 60, 10, patience=3)
    assert task.kept == 20


def test_a_hopeless_learning_rate_is_explained(small_data):
    settings = TrainSettings(**SMALL, model="vci", learning_rate=1e30, clip=1e30)
    with pytest.raises(TrainingError, match="Lower the learning rate"):
        train(small_data, None, settings)


@pytest.mark.parametrize(
    "changes",
    [{}, {"decoder": "att"}, {"model": "vci"}, {"kernel": "log_mean", "constructed": "sample"}],
)
def test_training_lowers_the_objective_and_predicts_both_ways(
    small_data, small_simulation, tmp_path, changes
):
    settings = TrainSettings(**(SMALL | changes))
    task = GraphVCITask(small_data, small_simulation.prior.restricted(small_data.genes), settings)
    before = task.validate()["score"]
    rows = fit(task, 60, 20, 3)
    assert max(row["score"] for row in rows) > before
    assert task.validate()["score"] == pytest.approx(max(row["score"] for row in rows), abs=1e-4)


def test_same_seed_same_model_and_files_bring_it_back(small_data, small_simulation, tmp_path):
    settings = TrainSettings(**SMALL, seed=5)
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

    exact = one.counterfactual(*cells, t)
    np.testing.assert_allclose(exact, cells[0], atol=1e-5)
    alone = one.counterfactual(*(c[3:4] for c in cells), other[3:4])
    np.testing.assert_allclose(alone, predicted[3:4], atol=1e-5)
    sample = one.counterfactual(*cells, other, mode="sample", seed=1)
    np.testing.assert_array_equal(sample, one.counterfactual(*cells, other, "sample", 1))
    assert (sample >= 0).all()
    assert (sample != one.counterfactual(*cells, other, "sample", 2)).any()


def test_unknown_perturbation_is_explained(small_data):
    with pytest.raises(PredictionError, match=r"has not seen the perturbation 'STAT11'.*STAT1"):
        small_data.treatment_code.encode(["STAT11"])


def test_held_out_cells_train_nothing(small_data, small_simulation):
    """Moving the OOD cells far away leaves the trained model as it was."""
    from gvci.data.dataset import PerturbationData

    settings = TrainSettings(**SMALL)
    adata = small_data.adata.copy()
    moved = adata.X.toarray()
    moved[small_data.split == "ood"] += 7
    adata.X = moved
    other = PerturbationData(adata, small_data.columns, small_data.meta)
    one = train(small_data, small_simulation.prior, settings)
    two = train(other, small_simulation.prior, settings)
    for name, tensor in one.core.state_dict().items():
        assert tensor.equal(two.core.state_dict()[name]), name
