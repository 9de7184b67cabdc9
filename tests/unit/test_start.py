"""Where training starts: step 0 is the baseline, and its latent already tells cells apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gvci.config import TrainSettings
from gvci.effects import kriging_constants, started_effects
from gvci.gate.inner import control_cells, predicted_means
from gvci.metrics import cell_correlation
from gvci.model.start import RIDGES, ridge
from gvci.pseudobulk import pseudobulks
from gvci.training.task import GraphVCITask

SMALL = {"latent": 32, "width": 32, "depth": 2, "outcome_embedding": 32, "graph_latent": 32}


@pytest.mark.parametrize("model", ["graphvci", "vci"])
def test_step_zero_is_the_kriged_baseline(small_data, small_simulation, model):
    settings = TrainSettings(**SMALL, model=model)
    grn = small_simulation.prior.restricted(small_data.genes)
    task = GraphVCITask(small_data, grn, settings)
    bulks = pseudobulks(small_data)
    pairs = [(g, p) for g in sorted(bulks.levels) for p in small_data.treatment_code.levels]
    controls = control_cells(small_data, sorted(bulks.levels), 0)
    said = predicted_means(small_data, task.member(), pairs, controls)
    effects = started_effects(small_data, None).table[:, 1:].reshape(len(pairs), -1)
    expected = np.stack([bulks.control_mean(g) for g, _ in pairs]) + effects
    np.testing.assert_allclose(said, expected, atol=1e-5)
    assert kriging_constants(small_data) is kriging_constants(small_data)


@pytest.mark.parametrize("model", ["graphvci", "vci"])
def test_step_zero_reconstructs_single_cells(small_data, small_simulation, model):
    settings = TrainSettings(**SMALL, model=model)
    grn = small_simulation.prior.restricted(small_data.genes)
    member = GraphVCITask(small_data, grn, settings).member()
    rows = small_data.rows("test")
    y, x = torch.from_numpy(small_data.dense(rows)), torch.from_numpy(small_data.covariates[rows])
    code = small_data.treatment_code
    t = torch.from_numpy(code.encode(list(small_data.perturbation[rows])))
    (made,) = member.outcomes(member.latent(y, x, t), x, [t], None)
    assert cell_correlation(y.numpy(), made.mean.numpy()) > 0.6


def test_ridge_equals_scikit_learn_at_the_penalty_of_least_leave_one_out_error():
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import LeaveOneOut, cross_val_predict

    rng = np.random.default_rng(0)
    design = rng.normal(size=(14, 6))
    outcomes = design @ rng.normal(size=(6, 5)) + rng.normal(size=(14, 5))
    errors = [
        (
            (cross_val_predict(Ridge(alpha), design, outcomes, cv=LeaveOneOut()) - outcomes) ** 2
        ).mean()
        for alpha in RIDGES
    ]
    # The centring makes the short form of leave-one-out approximate: compare the fit it chose.
    coefficients, intercept = ridge(design, outcomes)
    fits = [Ridge(alpha).fit(design, outcomes) for alpha in RIDGES]
    gaps = [abs(fit.coef_.T - coefficients).max() for fit in fits]
    chosen = int(np.argmin(gaps))
    assert gaps[chosen] < 1e-5
    np.testing.assert_allclose(fits[chosen].intercept_, intercept, atol=1e-5)
    assert errors[chosen] < 1.05 * min(errors)
