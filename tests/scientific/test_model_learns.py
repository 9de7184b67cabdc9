"""graphVCI learns a perturbation's effect where the truth is known: the simulator's own cells."""

from __future__ import annotations

import numpy as np
import pytest

from gvci.config import TrainSettings
from gvci.evaluation.evaluate import evaluate
from gvci.making import make_run


@pytest.fixture(scope="module")
def run(small_data, small_simulation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learns")
    small_data.write(folder / "data.h5ad")
    settings = TrainSettings(
        latent=32, width=64, depth=2, outcome_embedding=64, graph_latent=32, max_steps=800
    )
    prior = small_simulation.prior.restricted(small_data.genes)
    return make_run(folder / "data.h5ad", prior, settings, "standard", folder / "run")


def test_a_held_out_pair_is_predicted_better_than_no_change(run):
    models = evaluate(run, run.data, "ood")["models"]
    assert models["graphvci"]["r2_de"] > models["no_change"]["r2_de"] + 0.1
    assert models["graphvci"]["pearson_delta"] > 0.4


def test_cells_move_towards_their_own_true_counterfactual(run, small_simulation):
    """The simulator knows what each control cell would express after the STAT1 knock-out."""
    rows = np.flatnonzero(run.data.is_control & (run.data.groups == "B cells"))
    names = run.data.adata.obs_names[rows]
    there = small_simulation.adata.obs_names.get_indexer(names)
    genes = small_simulation.adata.var_names.get_indexer(run.data.genes)
    truth = small_simulation.counterfactual("STAT1", there)[:, genes]
    now = small_simulation.counterfactual("control", there)[:, genes]
    change = (truth - now).mean(axis=0)
    predicted = (run.predict(rows, "STAT1") - run.data.dense(rows)).mean(axis=0)
    assert np.corrcoef(change, predicted)[0, 1] > 0.6


def test_counterfactuals_keep_the_cells_apart(run):
    rows = np.flatnonzero(run.data.is_control)
    spread = run.predict(rows, "STAT1").std(axis=0).mean() / run.data.dense(rows).std(axis=0).mean()
    assert spread > 0.5
