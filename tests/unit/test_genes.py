"""Which genes are kept, and which differ between treated and control cells."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import differential_genes, prepare

Cells = Callable[..., ad.AnnData]


def report_of(data: PerturbationData) -> str:
    return " ".join(data.meta["report"])


@pytest.fixture
def varied(toy: Cells) -> ad.AnnData:
    """Four hundred genes; the first eighty vary between cells."""
    rng = np.random.default_rng(0)
    cells = toy(genes=400)
    rates = rng.lognormal(1.5, 1.0, 400) * np.ones((cells.n_obs, 1))
    rates[:, :80] *= rng.lognormal(0.0, 0.8, (cells.n_obs, 80))
    cells.X = sp.csr_matrix(rng.poisson(rates).astype(np.float32))
    return cells


def test_variable_perturbed_and_kept_genes_in_file_order(varied: ad.AnnData) -> None:
    cells = varied
    cells.obs["condition"] = cells.obs["condition"].replace({"A": "G399", "B": "G398 OE"})
    settings = PrepareSettings(n_genes=80, keep_genes=("G397", "absent"), ood="none")
    data = prepare(cells, settings)
    positions = cells.var_names.get_indexer(data.genes)
    assert (np.diff(positions) > 0).all()
    assert {"G397", "G398", "G399"} <= set(data.genes)
    assert 80 <= len(data.genes) <= 83
    assert (positions < 80).sum() > 55
    assert "1 of 2 genes to keep are not measured: absent." in report_of(data)
    assert "80 highly variable in the training cells (cell_ranger)" in report_of(data)


def test_all_genes_are_kept_when_fewer_are_measured(toy: Cells) -> None:
    assert "All 12 genes are kept." in report_of(prepare(toy(), PrepareSettings()))


def test_held_out_cells_choose_no_gene_and_no_de_gene(varied: ad.AnnData) -> None:
    cells = varied
    settings = PrepareSettings(n_genes=80, holdout=("cell_type=T,condition=A",))
    before = prepare(cells, settings)
    changed = cells.copy()
    unseen = np.isin(cells.obs_names, before.adata.obs_names[before.split != "train"])
    values = changed.X.toarray()
    rng = np.random.default_rng(5)
    values[unseen] = values[unseen][:, rng.permutation(400)]
    changed.X = sp.csr_matrix(values)
    after = prepare(changed, settings)
    np.testing.assert_array_equal(before.split, after.split)
    assert list(before.genes) == list(after.genes)
    assert before.meta["de_genes"] == after.meta["de_genes"]
    assert "A" not in before.meta["de_genes"]["T"]
    assert before.meta["de_genes"]["M"]["A"]


def test_de_ranking_is_that_of_scanpy(small_data: PerturbationData) -> None:
    import scanpy as sc

    rows = small_data.where({"cell_type": "B cells"})
    rows &= np.isin(small_data.perturbation, ["IRF1", "control"])
    cells = ad.AnnData(
        small_data.expression[rows].astype(np.float64),
        obs=pd.DataFrame({"label": pd.Categorical(small_data.perturbation[rows])},
                         index=small_data.adata.obs_names[rows]),
        var=pd.DataFrame(index=small_data.genes),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.rank_genes_groups(
            cells, "label", groups=["IRF1"], reference="control", method="t-test", rankby_abs=True
        )
    theirs = [str(gene) for gene in cells.uns["rank_genes_groups"]["names"]["IRF1"]][:50]
    label = cells.obs["label"].to_numpy()
    treated, control = cells.X[label == "IRF1"], cells.X[label == "control"]
    for a, b in ((treated, control), (treated.toarray(), control.toarray())):
        ours = small_data.genes[differential_genes(a, b, 50)]
        assert list(ours) == theirs


def test_de_ranking_of_constant_genes_and_of_single_cells() -> None:
    treated = np.array([[1.0, 2.0, 5.0], [1.0, 4.0, 5.0]])
    control = np.array([[1.0, 1.0, 0.0], [1.0, 2.0, 0.0]])
    # Gene 2 differs without any spread, gene 0 never differs.
    assert list(differential_genes(treated, control, 3)) == [2, 1, 0]
    assert list(differential_genes(treated[:1], control[:1], 9)) == [1, 2, 0]


def test_training_de_genes_are_those_of_the_function(small_data: PerturbationData) -> None:
    train = small_data.split == "train"
    inside = train & (small_data.groups == "B cells")
    treated = small_data.expression[inside & (small_data.perturbation == "IRF1")]
    control = small_data.expression[inside & small_data.is_control]
    expected = list(small_data.genes[differential_genes(treated, control, 50)])
    assert small_data.meta["de_genes"]["B cells"]["IRF1"] == expected
    assert "STAT1" not in small_data.meta["de_genes"]["B cells"]
    assert "STAT1" in small_data.meta["de_genes"]["CD4 T cells"]
