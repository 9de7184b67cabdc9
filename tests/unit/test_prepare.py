"""From raw cells to a dataset: quality, scale, what is kept, and real data."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.roles import Columns
from gvci.data.simulate import Simulation
from gvci.errors import DataError, FindingsError, SettingsError

Cells = Callable[..., ad.AnnData]


def report_of(data: PerturbationData) -> str:
    return " ".join(data.meta["report"])


def test_expression_is_log1p_cp10k_and_counts_are_kept(toy: Cells) -> None:
    cells = toy()
    data = prepare(cells, PrepareSettings(ood="none"))
    counts = cells.X.toarray()
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    np.testing.assert_allclose(data.expression.toarray(), expected, rtol=1e-5)
    np.testing.assert_array_equal(data.adata.layers["counts"].toarray(), counts)
    assert data.expression.dtype == np.float32


def test_scale_is_that_of_scanpy(small_simulation: Simulation) -> None:
    import scanpy as sc

    data = prepare(small_simulation.adata, PrepareSettings(ood="none"))
    theirs = small_simulation.adata[data.adata.obs_names].copy()
    sc.pp.normalize_total(theirs, target_sum=1e4)
    sc.pp.log1p(theirs)
    np.testing.assert_allclose(data.expression.toarray(), theirs.X.toarray(), rtol=1e-4)


def test_input_is_not_changed(toy: Cells) -> None:
    cells = toy()
    before = cells.copy()
    prepare(cells, PrepareSettings())
    assert (cells.X != before.X).nnz == 0
    pd.testing.assert_frame_equal(cells.obs, before.obs)


def test_log_values_are_used_as_they_are_and_said_so(toy: Cells) -> None:
    cells = toy()
    cells.X = sp.csr_matrix(np.log1p(cells.X.toarray()))
    data = prepare(cells, PrepareSettings(ood="none"))
    np.testing.assert_allclose(data.expression.toarray(), cells.X.toarray(), rtol=1e-6)
    assert "counts" not in data.adata.layers
    assert "look log-transformed" in report_of(data)
    with pytest.raises(SettingsError, match="qc = paper has thresholds for counts"):
        prepare(cells, PrepareSettings(qc="paper"))


def test_counts_are_taken_from_the_layer_when_x_has_none(toy: Cells) -> None:
    cells = toy()
    cells.layers["counts"] = cells.X.copy()
    cells.X = sp.csr_matrix(np.log1p(cells.X.toarray()))
    data = prepare(cells, PrepareSettings(ood="none"))
    assert "taken from the layer 'counts'" in report_of(data)
    assert "counts" in data.adata.layers


def test_dense_integers_and_csc_are_fine(toy: Cells) -> None:
    cells = toy()
    expected = prepare(cells, PrepareSettings()).fingerprint
    for convert in (lambda x: x.toarray(), lambda x: x.toarray().astype(int), sp.csc_matrix):
        other = toy()
        other.X = convert(cells.X)
        assert prepare(other, PrepareSettings()).fingerprint == expected


def test_empty_cells_outliers_and_unlabelled_cells_are_left_out(toy: Cells) -> None:
    cells = toy()
    values = cells.X.toarray()
    values[0] = 0
    values[1] *= 400
    cells.X = sp.csr_matrix(values)
    cells.obs.loc["c2", "condition"] = np.nan
    cells.obs.loc["c3", "condition"] = "unassigned"
    data = prepare(cells, PrepareSettings())
    assert data.n_cells == 236
    assert not {"c0", "c1", "c2", "c3"} & set(data.adata.obs_names)
    report = report_of(data)
    assert "2 cells without a label: left out." in report
    assert "1 cells without any count: left out." in report
    assert "1 cells beyond 5 MAD of the median log counts: left out." in report


def test_shallow_cells_survive_the_default_but_not_the_papers_thresholds(toy: Cells) -> None:
    with pytest.raises(DataError, match="Quality control leaves 0 of 240 cells and of them 0"):
        prepare(toy(), PrepareSettings(qc="paper"))
    assert prepare(toy(), PrepareSettings()).n_cells == 240


def test_the_papers_thresholds(toy: Cells) -> None:
    cells = toy(genes=900)
    values = cells.X.toarray()
    values[0, :200] = 0  # 700 genes
    values[1] = np.r_[np.ones(499), np.zeros(401)]  # 499 counts
    cells.var_names = [f"MT-{i}" if i < 90 else f"G{i}" for i in range(900)]
    values[2, :90] = 60  # > 0.2 mitochondrial
    cells.X = sp.csr_matrix(values)
    data = prepare(cells, PrepareSettings(qc="paper", ood="none"))
    assert data.n_cells == 237


def test_duplicate_genes_are_refused_or_summed(toy: Cells) -> None:
    cells = toy()
    cells.var_names = ["G0", "G0", *(f"G{i}" for i in range(2, 12))]
    with pytest.raises(FindingsError, match=r"1 gene names occur more than once: G0\. Sum them"):
        prepare(cells, PrepareSettings())
    data = prepare(cells, PrepareSettings(duplicate_genes="sum", ood="none"))
    assert list(data.genes) == ["G0", *(f"G{i}" for i in range(2, 12))]
    both = cells.X.toarray()[:, :2].sum(axis=1)
    np.testing.assert_array_equal(data.adata.layers["counts"][:, 0].toarray().ravel(), both)
    assert "1 columns of repeated gene names were summed." in report_of(data)


def test_negative_and_missing_values_are_refused_together(toy: Cells) -> None:
    cells = toy()
    values = cells.X.toarray()
    values[0, 0], values[1, 1] = -1, np.nan
    cells.X = values
    with pytest.raises(FindingsError) as caught:
        prepare(cells, PrepareSettings())
    codes = {finding.code for finding in caught.value.findings}
    assert {"negative_values", "not_finite"} <= codes


def test_genes_without_counts_are_left_out(toy: Cells) -> None:
    cells = toy()
    values = cells.X.toarray()
    values[:, 3] = 0
    cells.X = sp.csr_matrix(values)
    data = prepare(cells, PrepareSettings())
    assert "G3" not in data.genes
    assert "1 genes are expressed in no cell: left out." in report_of(data)


def test_everything_survives_json_and_a_file(small_data: PerturbationData, tmp_path: Path) -> None:
    assert json.loads(json.dumps(small_data.meta)) == small_data.meta
    small_data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    assert again.meta == small_data.meta
    assert again.fingerprint == small_data.fingerprint
    assert again.simulated
    assert again.title == "Small (simulated)"


def test_awkward_obs_columns_do_not_stop_writing(tmp_path: Path, toy: Cells) -> None:
    cells = toy()
    cells.obs["_index"] = "x"
    cells.obs["split"] = "mine"
    cells.obs["a/b"] = 1
    cells.obs["mixed"] = [1, "a"] * 120
    cells.obs["when"] = pd.Timestamp("2020-01-01")
    cells.obs["share"] = 0.5
    cells.obs["cell_type"] = pd.Categorical(np.where(cells.obs["cell_type"] == "T", 1, 2))
    cells.obs_names = ["same"] * 240
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = prepare(cells, PrepareSettings())
    data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    assert set(again.groups) == {"1", "2"}
    assert "The column 'split' of the file is replaced." in report_of(again)


def test_doses_are_numbers(toy: Cells) -> None:
    cells = toy()
    cells.obs["dose"] = np.where(cells.obs["condition"] == "A", "0.5", "1")
    data = prepare(cells, PrepareSettings(dose="dose"))
    assert set(data.dose[data.perturbation == "A"]) == {0.5}


def test_doses_of_controls_are_not_asked_for(toy: Cells) -> None:
    """FAULTS F19: a missing value takes a cell out only where the value is needed."""
    cells = toy()
    doses = np.where(cells.obs["condition"] == "ctrl", "vehicle", "0.5").astype(object)
    doses[[0, 3]] = np.nan  # controls
    doses[[1, 4]] = np.nan  # treated with A
    cells.obs["dose"] = doses
    data = prepare(cells, PrepareSettings(dose="dose"))
    assert "2 cells without a label: left out." in report_of(data)
    assert data.n_cells == 238
    assert set(data.dose[data.is_control]) == {0.0}
    assert set(data.dose[~data.is_control]) == {0.5}
    assert np.isfinite(data.treatment_code.encode(data.perturbation, data.dose)).all()
    assert (data.is_control).sum() == 80


def test_real_covariates_are_kept_as_numbers(toy: Cells, tmp_path: Path) -> None:
    cells = toy()
    ages = np.random.default_rng(0).uniform(20, 80, 240)
    cells.obs["age"] = pd.Categorical([f"{age!r}" for age in ages.tolist()])
    cells.obs["score"] = np.arange(240) % 7
    cells.obs.loc["c5", "age"] = np.nan
    settings = PrepareSettings(real_covariates=("age", "score"), ood="none")
    data = prepare(cells, settings)
    assert data.columns == Columns("condition", "ctrl", ("cell_type",), None, ("age", "score"))
    assert data.n_cells == 239
    data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    np.testing.assert_allclose(again.real_covariates["age"], np.delete(ages, 5), rtol=1e-14)
    assert again.covariates.shape == (239, 2 + 2)
    assert len(set(again.strata)) == 2 * 4 * 4
    cells.obs["score"] = np.where(np.arange(240) == 3, np.inf, cells.obs["score"])
    with pytest.raises(FindingsError, match=r"the first: c3\. Give finite numbers"):
        prepare(cells, settings)


def test_a_real_covariate_is_not_guessed_as_a_kind_too(toy: Cells) -> None:
    cells = toy()
    cells.obs["donor"] = np.where(np.arange(240) < 120, 1, 2)
    assert prepare(cells, PrepareSettings()).columns.covariates == ("cell_type", "donor")
    columns = prepare(cells, PrepareSettings(real_covariates=("donor",))).columns
    assert (columns.covariates, columns.real_covariates) == (("cell_type",), ("donor",))


@pytest.mark.parametrize("target_sum", [1e4, 3000.0])
def test_depth_counts_the_genes_that_were_not_kept(toy: Cells, target_sum: float) -> None:
    cells = toy(genes=60)
    cells.obs["gvci_depth"] = -1.0
    data = prepare(cells, PrepareSettings(n_genes=20, target_sum=target_sum, ood="none"))
    assert len(data.genes) < 30
    whole = np.asarray(cells.X.sum(axis=1)).ravel()
    np.testing.assert_array_equal(data.depth, whole)
    assert (whole > np.asarray(data.counts.sum(axis=1)).ravel()).all()
    rates = np.expm1(data.expression.toarray().astype(np.float64))
    counts = cells[:, data.genes].X.toarray()
    np.testing.assert_allclose(rates * data.depth[:, None] / data.target_sum, counts, atol=1e-4)
    # A file that did not keep the depth is solved for it.
    old = data.adata.copy()
    del old.obs["gvci_depth"]
    np.testing.assert_allclose(
        PerturbationData(old, data.columns, data.meta).depth, whole, rtol=1e-5
    )


@pytest.mark.realdata
def test_kang_in_a_minute(data_dir: Path) -> None:
    from gvci.data.catalogue import load_dataset, load_genes

    began = time.perf_counter()
    adata, entry = load_dataset("kang2018-ifnb")
    assert entry is not None
    settings = PrepareSettings(
        **entry.columns,
        n_genes=2000,
        keep_genes=tuple(load_genes("hallmark-interferon")),
        holdout=("cell_type=CD14+ Monocytes",),
    )
    data = prepare(adata, settings, name=entry.name, title=entry.title)
    assert time.perf_counter() - began < 60
    expected = (data.adata.obs["cell_type"] == "CD14+ Monocytes") & ~data.is_control
    np.testing.assert_array_equal(data.split == "ood", expected.to_numpy())
    assert data.n_cells == 2708
    assert 2000 <= len(data.genes) <= 2224
    assert {"STAT1", "IRF1", "ISG15"} <= set(data.genes)
    assert "ISG15" in data.meta["de_genes"]["B cells"]["IFN-beta"]


@pytest.mark.realdata
def test_papalexi_keeps_nearly_all_shallow_cells(data_dir: Path) -> None:
    from gvci.data.catalogue import load_dataset

    adata, entry = load_dataset("papalexi2021-eccite")
    assert entry is not None
    data = prepare(adata, PrepareSettings(**entry.columns), name=entry.name)
    assert data.n_cells > 20_000
    assert data.columns.covariates == ("donor",)
    assert "STAT1" in set(data.perturbation[data.split == "ood"])
