"""Simulations with known truth: bias, coverage and false discoveries of the estimator.

Each column ("gene") of a simulation is one replication, so a few draws give thousands.
"""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.coverage import encoder, trained, true_state
from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.estimator import marginal_effects, robust_mean, standard_error

Z_95 = 1.959963984540054


def replications(
    bias: float, draws: int = 25, cells: int = 500, genes: int = 200, seed: int = 0
) -> dict[str, np.ndarray]:
    """Latent state → outcome, a tenth treated, and a model that is right up to `bias`."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {n: [] for n in ("plug_in", "treated", "robust", "se")}
    for _ in range(draws):
        treated = rng.permutation(cells) < cells // 10
        latent = rng.normal(0, 1, (cells, genes))
        outcomes = 2 + latent + rng.normal(0, 0.8, (cells, genes))
        mu = 2 + bias + latent
        estimate, error, _ = robust_mean(outcomes, treated, mu)
        found["plug_in"].append(mu.mean(axis=0))
        found["treated"].append(outcomes[treated].mean(axis=0))
        found["robust"].append(estimate)
        found["se"].append(error)
    return {name: np.concatenate(values) for name, values in found.items()}


def test_a_biased_model_biases_the_plug_in_and_not_the_robust_estimate() -> None:
    found = replications(bias=-0.5)
    errors = {name: found[name] - 2 for name in ("plug_in", "treated", "robust")}
    assert abs(errors["plug_in"].mean() + 0.5) < 0.01
    assert abs(errors["robust"].mean()) < 0.01
    # The plain treated mean is unbiased too, and less exact: it does not use the model.
    assert abs(errors["treated"].mean()) < 0.02
    assert errors["robust"].std() < 0.75 * errors["treated"].std()


def test_the_interval_covers_at_its_nominal_rate_and_the_error_is_right() -> None:
    for bias in (0.0, -0.5, 3.0):
        found = replications(bias)
        covered = np.abs(found["robust"] - 2) < Z_95 * found["se"]
        assert 0.935 < covered.mean() < 0.96
        assert np.isclose(found["se"].mean(), found["robust"].std(), rtol=0.05)


def test_the_contrast_covers_too() -> None:
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(15):
        treated = rng.permutation(400) < 60
        latent = rng.normal(0, 1, (400, 200))
        outcomes = latent + 0.7 * treated[:, None] + rng.normal(0, 0.5, (400, 200))
        one, _, psi = robust_mean(outcomes, treated, 0.8 * latent + 0.2)
        zero, _, psi_0 = robust_mean(outcomes, ~treated, 0.9 * latent - 0.3)
        error = standard_error(psi - psi_0)
        covered.append(np.abs(one - zero - 0.7) < Z_95 * error)
    assert 0.935 < np.mean(covered) < 0.96


class GroupMeans:
    """The least that a model can know: the control mean, whatever the perturbation."""

    def __init__(self, data: PerturbationData) -> None:
        self.mean = data.mean(np.flatnonzero(data.is_control))

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        return np.tile(self.mean, (len(rows), 1)).astype(np.float32)


def test_rare_genes_in_few_treated_cells_are_not_discovered_by_chance() -> None:
    # Without the controls' variance in the test: 20 to 220 false discoveries here, not 1.
    rng = np.random.default_rng(0)
    genes = 500
    sizes = {"ctrl": 300, "K5": 5, "K15": 15, "K40": 40}
    labels = np.repeat(list(sizes), list(sizes.values()))
    level = np.exp(rng.normal(-2.5, 1.5, genes))
    counts = rng.poisson(level * rng.gamma(2, 0.5, (len(labels), genes)))
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(len(labels))])
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    adata = ad.AnnData(sp.csr_matrix(np.log1p(3.0 * counts).astype(np.float32)), obs=obs, var=var)
    data = PerturbationData(adata, Columns("perturbation", "ctrl"))
    table = marginal_effects(GroupMeans(data), data)
    assert (table["p_adjusted"] < 0.05).sum() <= 2
    assert (table["p"] < 0.05).mean() < 0.06


def test_through_the_whole_estimator_intervals_and_bands_hold_under_a_biased_model() -> None:
    right, biased, projected = true_state(60)
    for case in (right, biased, projected):
        row = case.row("robust")
        assert 0.93 < row["coverage"] < 0.97
        assert 0.88 < row["band"] < 0.99  # 120 bands of 12 genes
        assert abs(row["bias"]) < 0.02
        assert np.isclose(row["se"], row["sd"], rtol=0.1)
    assert biased.row("plug-in")["bias"] < -0.45
    assert biased.row("plug-in")["coverage"] < 0.01
    # The state is worth more than w alone, and w alone is worth something.
    plain = biased.row("treated mean")["sd"]
    assert right.row("robust")["sd"] < biased.row("robust")["sd"] < 0.8 * plain
    assert projected.row("robust")["sd"] < 0.95 * plain


def test_intervals_from_a_trained_encoders_own_z_are_too_narrow_and_the_defaults_hold() -> None:
    (cell, pretreatment), balances = encoder("", 15, lambda c, r: trained(c, r, {}))
    own, default, plain = cell.row("robust"), pretreatment.row("robust"), cell.row("treated mean")
    assert own["coverage"] < 0.8
    assert own["se"] < 0.6 * own["sd"]
    assert 0.9 < default["coverage"] < 0.98
    assert default["se"] < 0.95 * plain["se"]
    assert len(balances) == 15
