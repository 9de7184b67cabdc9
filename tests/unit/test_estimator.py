"""Eqs. 14 and 23 in loops by hand, and what the table of effects says and does not say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, norm

from gvci.data.dataset import PerturbationData
from gvci.errors import PredictionError
from gvci.estimator import marginal_effects, robust_mean, standard_error

CHANGE = np.linspace(-1.5, 1.5, 24)
MISSING = ["robust", "se", "lower", "upper", "effect", "effect_se"]
MISSING += ["effect_lower", "effect_upper", "p", "p_adjusted"]


def by_hand(
    outcomes: np.ndarray, in_group: np.ndarray, treated: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eq. 14 and eq. 23 over all N cells, those of other groups included, gene by gene.

    E[Y | Z, a] of eq. 23 is μ plus the mean treated residual; the treated part carries
    √(n / (n − 1)).
    """
    n_cells, n_genes = outcomes.shape
    n_c = sum(in_group)
    n_ca = sum(in_group & treated)
    estimates, errors = np.zeros(n_genes), np.zeros(n_genes)
    psi = np.zeros((n_cells, n_genes))
    for gene in range(n_genes):
        shift = sum(
            outcomes[k, gene] - mu[k, gene] for k in range(n_cells) if in_group[k] and treated[k]
        )
        shift /= n_ca
        estimates[gene] = shift + sum(mu[k, gene] for k in range(n_cells) if in_group[k]) / n_c
        for k in range(n_cells):
            if in_group[k] and treated[k]:
                p = n_ca / n_cells
                residual = outcomes[k, gene] - (mu[k, gene] + shift)
                psi[k, gene] += residual / p * (n_ca / (n_ca - 1)) ** 0.5
            if in_group[k]:
                p = n_c / n_cells
                psi[k, gene] += (mu[k, gene] + shift - estimates[gene]) / p
        errors[gene] = (np.mean(psi[:, gene] ** 2) / n_cells) ** 0.5
    return estimates, errors, psi


@pytest.fixture
def problem() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, group mask, treated mask and a poor model of 60 cells and 4 genes."""
    rng = np.random.default_rng(1)
    outcomes = rng.normal(2, 1, (60, 4))
    in_group = rng.random(60) < 0.6
    treated = rng.random(60) < 0.3
    return outcomes, in_group, treated, 0.4 * outcomes + rng.normal(-1, 1, (60, 4))


def test_robust_mean_is_equations_14_and_23_by_hand(problem: tuple[np.ndarray, ...]) -> None:
    outcomes, in_group, treated, mu = problem
    expected, errors, psi = by_hand(outcomes, in_group, treated, mu)
    # Within the group the other cells, whose ψ is 0, change neither estimate nor error.
    estimate, error, influence = robust_mean(outcomes[in_group], treated[in_group], mu[in_group])
    np.testing.assert_allclose(estimate, expected, rtol=1e-12)
    np.testing.assert_allclose(error, errors, rtol=1e-12)
    np.testing.assert_allclose(influence, psi[in_group] * in_group.mean(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(influence.mean(axis=0), 0, atol=1e-12)


def test_a_constant_error_of_the_model_changes_neither_estimate_nor_error(
    problem: tuple[np.ndarray, ...],
) -> None:
    outcomes, _, treated, mu = problem
    one, other = robust_mean(outcomes, treated, mu), robust_mean(outcomes, treated, mu - 0.5)
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


def test_a_model_that_is_constant_gives_the_treated_mean_and_its_standard_error(
    problem: tuple[np.ndarray, ...],
) -> None:
    outcomes, _, treated, _ = problem
    estimate, error, _ = robust_mean(outcomes, treated, np.ones_like(outcomes))
    np.testing.assert_allclose(estimate, outcomes[treated].mean(axis=0))
    expected = outcomes[treated].std(axis=0, ddof=1) / np.sqrt(treated.sum())
    np.testing.assert_allclose(error, expected)


def test_a_perfect_model_gives_the_plug_in(problem: tuple[np.ndarray, ...]) -> None:
    outcomes, _, treated, _ = problem
    estimate, error, _ = robust_mean(outcomes, treated, outcomes)
    np.testing.assert_allclose(estimate, outcomes.mean(axis=0))
    np.testing.assert_allclose(error, outcomes.std(axis=0) / np.sqrt(len(outcomes)))


def test_one_treated_cell_has_an_estimate_and_no_error() -> None:
    outcomes, mu = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [1.0], [1.5]])
    estimate, error, influence = robust_mean(outcomes, np.array([False, False, True]), mu)
    assert estimate[0] == pytest.approx(2.5 + 3.5 / 3)
    assert np.isnan(error).all()
    assert np.isnan(influence).all()


def test_no_treated_cell_is_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="at least one treated cell"):
        robust_mean(np.ones((3, 1)), np.zeros(3, dtype=bool), np.ones((3, 1)))


class Flat:
    """Predicts the cell's own values plus a change, off by a bias; remembers its questions."""

    def __init__(self, data: PerturbationData, bias: float = -0.3) -> None:
        self.data, self.bias = data, bias
        self.asked: list[tuple[int, str, float, str]] = []

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
    ) -> np.ndarray:
        self.asked.append((len(rows), perturbation, dose, mode))
        change = {"KO": CHANGE, "KO2": -CHANGE / 2, "KO+KO2": CHANGE / 2}.get(perturbation)
        base = self.data.mean(
            (self.data.groups == self.data.groups[rows[0]]) & self.data.is_control
        )
        biased = base + (0 if change is None else change) + self.bias
        return np.tile(biased, (len(rows), 1)).astype(np.float32)


@pytest.fixture
def table(held_out: PerturbationData) -> pd.DataFrame:
    return marginal_effects(Flat(held_out), held_out)


def test_one_row_per_group_perturbation_and_gene(
    table: pd.DataFrame, held_out: PerturbationData
) -> None:
    assert len(table) == 3 * 2 * 24
    assert not table.duplicated(["group", "perturbation", "gene"]).any()
    assert list(table["gene"][:24]) == list(held_out.genes)
    assert list(table.columns) == [
        *("group", "perturbation", "gene", "status", "n_treated", "n_control", "n_group"),
        *("plug_in", "treated_mean", "robust", "se", "lower", "upper", "effect", "effect_se"),
        *("effect_lower", "effect_upper", "p", "p_adjusted"),
    ]


def test_the_table_is_equation_14_and_the_contrast_of_influence_functions(
    table: pd.DataFrame, held_out: PerturbationData
) -> None:
    rows = np.flatnonzero((held_out.groups == "A") & (held_out.split != "ood"))
    y, labels = held_out.dense(rows), held_out.perturbation[rows]
    model = Flat(held_out)
    mu, mu_0 = model.predict(rows, "KO"), model.predict(rows, "ctrl")
    one, se, influence = robust_mean(y, labels == "KO", mu)
    zero, _, reference = robust_mean(y, labels == "ctrl", mu_0)
    found = table[(table["group"] == "A") & (table["perturbation"] == "KO")]
    assert set(found["n_treated"]) == {50}
    assert set(found["n_control"]) == {70}
    assert set(found["n_group"]) == {160}
    np.testing.assert_allclose(found["robust"], one)
    np.testing.assert_allclose(found["se"], se)
    np.testing.assert_allclose(found["upper"] - found["lower"], 2 * norm.ppf(0.975) * se)
    np.testing.assert_allclose(found["effect"], one - zero)
    error = standard_error(influence - reference)
    np.testing.assert_allclose(found["effect_se"], error)
    np.testing.assert_allclose(found["effect_lower"], one - zero - norm.ppf(0.975) * error)
    np.testing.assert_allclose(found["plug_in"], mu.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found["treated_mean"], y[labels == "KO"].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["p_adjusted"], false_discovery_control(found["p"]))
    # The model is off by −0.3; the plug-in keeps that, the robust estimate does not.
    np.testing.assert_allclose(found["robust"], found["treated_mean"], atol=1e-6)
    assert (found["plug_in"] < found["robust"] - 0.2).all()
    # The plain difference of means with its standard error, for a model without cells' detail.
    plain = np.sqrt(
        y[labels == "KO"].var(axis=0, ddof=1) / 50 + y[labels == "ctrl"].var(axis=0, ddof=1) / 70
    )
    np.testing.assert_allclose(error, plain, rtol=1e-5)


def test_p_is_at_least_that_of_the_influence_function(table: pd.DataFrame) -> None:
    known = table[table["status"] == "estimated"]
    plain = 2 * norm.sf(np.abs(known["effect"]) / known["effect_se"])
    assert (known["p"] >= plain * (1 - 1e-9)).all()


def test_held_out_pairs_are_not_identifiable_and_never_zero(
    table: pd.DataFrame, held_out: PerturbationData
) -> None:
    pair = table[(table["group"] == "C") & (table["perturbation"] == "KO")]
    assert set(pair["status"]) == {"not_identifiable"}
    assert set(pair["n_treated"]) == {0}
    assert pair[["treated_mean", *MISSING]].isna().all(axis=None)
    assert pair["plug_in"].notna().all()
    rest = table[table["status"] == "estimated"]
    assert len(rest) == len(table) - len(pair)
    assert rest.notna().all(axis=None)


def test_held_out_cells_change_nothing(table: pd.DataFrame, held_out: PerturbationData) -> None:
    adata = held_out.adata.copy()
    values = adata.X.toarray()
    values[held_out.split == "ood"] = 50.0
    adata.X = values
    changed = PerturbationData(adata, held_out.columns)
    pd.testing.assert_frame_equal(marginal_effects(Flat(changed), changed), table)


def test_a_gene_without_spread_has_an_effect_and_no_p(cells: Callable[..., Any]) -> None:
    flat = np.zeros(24)
    collector = cells().add(20, "A", "ctrl", "train", flat, spread=0.0)
    noisy = np.where(np.arange(24) < 3, 2.0, 0.0)
    data = collector.add(20, "A", "KO", "train", noisy, spread=0.0).data()

    class Zero(Flat):
        def predict(
            self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
        ) -> np.ndarray:
            return np.zeros((len(rows), 24), dtype=np.float32)

    table = marginal_effects(Zero(data), data)
    assert table["p"].isna().all()
    assert table["p_adjusted"].isna().all()
    assert list(table["effect"][:4]) == [2, 2, 2, 0]


def test_the_model_is_asked_for_its_mean_once_per_group_and_perturbation(
    held_out: PerturbationData,
) -> None:
    model = Flat(held_out)
    marginal_effects(model, held_out, ["KO"], ["A", "B"])
    assert model.asked == [
        *((160, "ctrl", 1.0, "mean"), (160, "KO", 2.0, "mean")),
        *((160, "ctrl", 1.0, "mean"), (160, "KO", 2.0, "mean")),
    ]


def test_an_unmeasured_combination_has_the_plug_in(held_out: PerturbationData) -> None:
    table = marginal_effects(Flat(held_out), held_out, ["KO+KO2"], ["A"])
    assert set(table["status"]) == {"not_identifiable"}
    assert table["plug_in"].notna().all()


def test_unknown_names_are_refused_with_suggestions(held_out: PerturbationData) -> None:
    model = Flat(held_out)
    with pytest.raises(PredictionError, match=r"perturbation 'KO3'\. Did you mean KO, KO2\?"):
        marginal_effects(model, held_out, ["KO3"])
    with pytest.raises(PredictionError, match=r"group 'D'\. The data have 3: A, B, C\."):
        marginal_effects(model, held_out, groups=["D"])
    assert marginal_effects(model, held_out, ["ctrl"]).empty
