"""Sums over chunks against eqs. 14 and 23 on whole arrays; projections and bands by hand."""

from __future__ import annotations

import tracemalloc

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.errors import SettingsError
from gvci.estimator import marginal_effects, robust_mean, standard_error, sums
from gvci.estimator.bands import Multipliers

GENES = 7


def cohort(
    seed: int = 0, cells: int = 260, genes: int = GENES, groups: int = 2, kinds: int = 3
) -> PerturbationData:
    """Cells of two groups, three treatments and a control, with age and weight."""
    rng = np.random.default_rng(seed)
    labels = np.array(["ctrl", *(f"P{i}" for i in range(kinds))])
    age = rng.normal(40, 9, cells)
    obs = pd.DataFrame(
        {
            "perturbation": labels[rng.integers(0, len(labels), cells)],
            "cell_type": np.array([f"T{i}" for i in range(groups)])[rng.integers(0, groups, cells)],
            "age": age,
            "weight": 70 + 0.5 * age + rng.normal(0, 5, cells),
        },
        index=[f"c{i}" for i in range(cells)],
    )
    values = np.maximum(rng.normal(2, 1, (cells, genes)) + 0.05 * age[:, None], 0)
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    adata = ad.AnnData(sp.csr_matrix(values.astype(np.float32)), obs=obs, var=var)
    columns = Columns("perturbation", "ctrl", ("cell_type",), None, ("age", "weight"))
    return PerturbationData(adata, columns)


class Linear:
    """μ from the cell's own outcome, its covariates and noise: everything that moments can meet."""

    def __init__(self, data: PerturbationData, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.data = data
        self.effects = {label: rng.normal(0, 1, len(data.genes)) for label in data.perturbations}
        self.effects["ctrl"] = rng.normal(0, 1, len(data.genes))
        self.noise = rng.normal(0, 0.3, (data.n_cells, len(data.genes)))

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        effect = self.effects[perturbation]
        age = self.data.real_covariates["age"][rows, None]
        own = 0.6 * self.data.dense(rows) * (1 + 0.2 * effect) + 0.01 * age * effect
        return np.asarray(own + effect + self.noise[rows], dtype=np.float32)


@pytest.fixture(params=[50, 2**20], ids=["small chunks", "one chunk"])
def _chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "VALUES_AT_ONCE", request.param * GENES)
    monkeypatch.setattr(sums, "FEWEST_AT_ONCE", 1)


def literal(
    data: PerturbationData, model: Linear, group: str, label: str, pretreatment: bool
) -> dict[str, np.ndarray]:
    """One pair from whole arrays, by robust_mean."""
    rows = np.flatnonzero(data.groups == group)
    y, own = data.dense(rows).astype(np.float64), data.perturbation[rows]
    mu, mu_0 = (model.predict(rows, a).astype(np.float64) for a in (label, "ctrl"))
    if pretreatment:
        w = np.stack([np.ones(len(rows)), *(v[rows] for v in data.real_covariates.values())], 1)
        mu, mu_0 = (w @ np.linalg.lstsq(w, m, rcond=None)[0] for m in (mu, mu_0))
    one, se, psi = robust_mean(y, own == label, mu)
    zero, _, psi_0 = robust_mean(y, own == "ctrl", mu_0)
    return {
        "plug_in": mu.mean(axis=0),
        "treated_mean": y[own == label].mean(axis=0),
        "robust": one,
        "se": se,
        "effect": one - zero,
        "effect_se": standard_error(psi - psi_0),
        "psi": psi,
        "psi_0": psi_0,
    }


@pytest.mark.usefixtures("_chunks")
@pytest.mark.parametrize("latent", ["cell", "pretreatment"])
def test_sums_over_chunks_are_the_literal_form(latent: str) -> None:
    data = cohort()
    model = Linear(data)
    table = marginal_effects(model, data, latent=latent)
    for (group, label), found in table.groupby(["group", "perturbation"]):
        expected = literal(data, model, group, label, latent == "pretreatment")
        for name in ("plug_in", "treated_mean", "robust", "se", "effect", "effect_se"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


@given(st.integers(0, 2**32 - 1))
def test_the_literal_form_holds_for_any_cells_and_models(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = cohort(seed, cells=int(rng.integers(60, 150)), genes=3)
    model = Linear(data, seed)
    model.noise *= 10.0 ** rng.integers(-3, 3)
    latent = ["cell", "pretreatment"][seed % 2]
    table = marginal_effects(model, data, ["P1"], ["T0"], latent=latent)
    if not (table["n_treated"] > 1).all() or not (table["n_control"] > 1).all():
        return
    expected = literal(data, model, "T0", "P1", latent == "pretreatment")
    for name in ("robust", "se", "effect", "effect_se"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-6, err_msg=name)


def test_without_real_covariates_robust_is_the_treated_mean_with_its_error() -> None:
    whole = cohort()
    data = PerturbationData(whole.adata, Columns("perturbation", "ctrl", ("cell_type",)))
    model = Linear(whole)
    table = marginal_effects(model, data, ["P0"], ["T1"])
    y = data.dense(np.flatnonzero((data.groups == "T1") & (data.perturbation == "P0")))
    np.testing.assert_allclose(table["robust"], table["treated_mean"], rtol=1e-12)
    expected = y.std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(len(y))
    np.testing.assert_allclose(table["se"], expected, rtol=1e-6)
    np.testing.assert_allclose(
        table["plug_in"], marginal_effects(model, data, ["P0"], ["T1"], latent="cell")["plug_in"]
    )


def test_a_covariate_without_spread_or_twice_the_same_changes_nothing() -> None:
    data = cohort()
    obs = data.adata.obs.assign(site=7.0, age2=2 * data.real_covariates["age"] + 1)
    obs.loc[data.groups == "T1", "site"] = 8.0  # varies, but not within a group
    columns = Columns(
        "perturbation", "ctrl", ("cell_type",), None, ("age", "weight", "site", "age2")
    )
    more = PerturbationData(ad.AnnData(data.adata.X, obs=obs, var=data.adata.var), columns)
    model = Linear(data)
    expected = marginal_effects(model, data)
    pd.testing.assert_frame_equal(marginal_effects(model, more), expected, rtol=1e-8)


@pytest.mark.usefixtures("_chunks")
def test_bands_are_the_bootstrap_of_influence_functions_by_hand() -> None:
    data = cohort()
    model = Linear(data)
    table = marginal_effects(
        model, data, ["P0", "P2"], ["T1"], latent="cell", bands=True, draws=300, seed=5
    )
    rows = np.flatnonzero(data.groups == "T1")
    group = sums.Group(data, rows, Multipliers(300, 5))
    drawn = np.concatenate([group.drawn(chunk) for chunk in group.chunks()], axis=1)
    assert drawn.shape == (300, len(rows))
    for label in ("P0", "P2"):
        found = table[table["perturbation"] == label]
        expected = literal(data, model, "T1", label, pretreatment=False)
        for name, estimate, psi in (
            ("", "robust", expected["psi"]),
            ("effect_", "effect", expected["psi"] - expected["psi_0"]),
        ):
            largest = [
                max(abs(xi @ psi[:, g]) / np.sqrt(psi[:, g] @ psi[:, g]) for g in range(GENES))
                for xi in drawn.astype(np.float64)
            ]
            width = np.quantile(largest, 0.95) * standard_error(psi)
            np.testing.assert_allclose(
                found[f"{name}band_lower"], expected[estimate] - width, rtol=1e-5
            )
            np.testing.assert_allclose(
                found[f"{name}band_upper"], expected[estimate] + width, rtol=1e-5
            )


def test_bands_contain_the_intervals_and_change_nothing_else() -> None:
    data = cohort()
    model = Linear(data)
    plain, table = (marginal_effects(model, data, bands=bands) for bands in (False, True))
    pd.testing.assert_frame_equal(table[plain.columns], plain)
    for ends in ("", "effect_"):
        assert (table[f"{ends}band_lower"] < table[f"{ends}lower"]).all()
        assert (table[f"{ends}band_upper"] > table[f"{ends}upper"]).all()
    again = marginal_effects(model, data, ["P1"], ["T0"], bands=True)
    own = table[(table["group"] == "T0") & (table["perturbation"] == "P1")]
    # A pair's band does not depend on what else was asked.
    pd.testing.assert_frame_equal(again, own.reset_index(drop=True))


class Nothing:
    """A model that says 0."""

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        return np.zeros((len(rows), 2), dtype=np.float32)


@pytest.mark.parametrize("same", [True, False])
def test_a_band_costs_nothing_for_equal_genes_and_sidaks_price_for_independent_ones(
    same: bool,
) -> None:
    data = cohort(cells=3000, genes=2, groups=1, kinds=1)
    values = data.adata.X.toarray()
    data.adata.X = sp.csr_matrix(values[:, [0, 0]] if same else values)
    data = PerturbationData(data.adata, data.columns)
    table = marginal_effects(Nothing(), data, bands=True, draws=8000)
    width = (table["band_upper"] - table["robust"]) / table["se"]
    y = data.dense(np.flatnonzero(~data.is_control))
    assert same or abs(np.corrcoef(y.T)[0, 1]) < 0.2
    expected = norm.ppf(0.975) if same else norm.ppf((1 + 0.95**0.5) / 2)
    np.testing.assert_allclose(width, expected, rtol=0.02)


def test_settings_that_make_no_sense_are_refused() -> None:
    data = cohort()
    with pytest.raises(SettingsError, match=r"latent is 'z'\. It can be pretreatment, cell\."):
        marginal_effects(Linear(data), data, latent="z")
    with pytest.raises(SettingsError, match="Bands take 100 draws or more; 5 were asked for"):
        marginal_effects(Linear(data), data, bands=True, draws=5)


def test_a_pair_without_treated_cells_has_no_band() -> None:
    data = cohort()
    obs = data.adata.obs.copy()
    gone = (data.groups == "T1") & (data.perturbation == "P0")
    obs["split"] = np.where(gone, "ood", "train")
    data = PerturbationData(ad.AnnData(data.adata.X, obs=obs, var=data.adata.var), data.columns)
    table = marginal_effects(Linear(data), data, ["P0"], bands=True)
    pair = table[table["group"] == "T1"]
    bands = ["band_lower", "band_upper", "effect_band_lower", "effect_band_upper"]
    assert pair[["treated_mean", "robust", *bands]].isna().all(axis=None)
    assert set(pair["status"]) == {"not_identifiable"}
    assert table.loc[table["group"] == "T0", bands].notna().all(axis=None)


def test_memory_beyond_the_table_grows_with_neither_groups_nor_perturbations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sums, "VALUES_AT_ONCE", 100 * 400)

    def beyond(groups: int, kinds: int, cells: int) -> float:
        data = cohort(0, cells, 400, groups, kinds)
        model = Small(data)
        data.dense(np.arange(3))
        tracemalloc.start()
        table = marginal_effects(model, data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return (peak - float(table.memory_usage().sum())) / 2**20

    least = beyond(2, 16, 1500)
    assert least < 3  # Y alone is 2.3 MiB, all predictions 39
    for groups, kinds, cells in ((12, 16, 1500), (2, 64, 1500), (2, 16, 6000)):
        assert beyond(groups, kinds, cells) < 1.35 * least


class Small:
    """Two numbers a cell: nothing of size cells × genes is kept."""

    def __init__(self, data: PerturbationData) -> None:
        rng = np.random.default_rng(0)
        labels = ["ctrl", *data.perturbations]
        self.cells = rng.random((data.n_cells, 2), dtype=np.float32)
        self.genes = {a: rng.random((2, len(data.genes)), dtype=np.float32) for a in labels}

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        return np.asarray(self.cells[rows] @ self.genes[perturbation])
