"""From raw cells to a dataset: columns, quality, scale, splits, genes, DE genes."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from gvci.config import PrepareSettings
from gvci.data.columns import find_columns, looks_like_control
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import differential_genes, prepare
from gvci.data.simulate import Simulation
from gvci.data.split import parse_word, split_cells
from gvci.errors import DataError, FindingsError, SettingsError


def toy(n: int = 240, genes: int = 12, seed: int = 0) -> ad.AnnData:
    """Counts of two perturbations and controls in two types, with a strong effect of A."""
    rng = np.random.default_rng(seed)
    labels = np.array(["ctrl", "A", "B"])[np.arange(n) % 3]
    types = np.array(["T", "M"])[(np.arange(n) // 3) % 2]
    counts = rng.poisson(8, (n, genes)).astype(np.float32)
    counts[labels == "A", 0] *= 6
    obs = pd.DataFrame({"condition": labels, "cell_type": types}, index=[f"c{i}" for i in range(n)])
    var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
    return ad.AnnData(sp.csr_matrix(counts), obs=obs, var=var)


def report_of(data: PerturbationData) -> str:
    return " ".join(data.meta["report"])


# --- columns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    ["control", "Control ", "ctrl", "CTRL", "NT", "non-targeting", "Non_Targeting", "Vehicle",
     "DMSO", "NTC", "NT3", "unstimulated", "safe-targeting"],
)  # fmt: skip
def test_control_labels_are_recognised(label: str) -> None:
    assert looks_like_control(label)


@pytest.mark.parametrize("label", ["STAT1", "CTRL-like", "NTRK1", "stim", "IFN-beta", "12"])
def test_other_labels_are_not(label: str) -> None:
    assert not looks_like_control(label)


def test_columns_are_guessed_where_plain() -> None:
    columns, said = find_columns(toy().obs, PrepareSettings())
    assert (columns.perturbation, columns.control) == ("condition", "ctrl")
    assert columns.covariates == ("cell_type",)
    assert "The control cells are those labelled 'ctrl'." in said


def test_a_covariate_that_leaves_a_group_without_controls_is_not_guessed() -> None:
    cells = toy()
    cells.obs["donor"] = np.where(cells.obs["condition"] == "ctrl", "d1", "d2")
    columns, _ = find_columns(cells.obs, PrepareSettings())
    assert columns.covariates == ("cell_type",)


def test_unclear_control_names_the_labels_found() -> None:
    cells = toy()
    cells.obs["condition"] = cells.obs["condition"].replace({"ctrl": "plain"})
    with pytest.raises(DataError) as caught:
        prepare(cells, PrepareSettings(perturbation="condition"))
    assert str(caught.value) == (
        "No label is plainly the control in obs['condition']. Labels found: A, B, plain. "
        "Name the control label."
    )
    cells.obs["condition"] = cells.obs["condition"].replace({"plain": "NT", "B": "DMSO"})
    with pytest.raises(DataError, match="More than one label could be the control: DMSO, NT in"):
        prepare(cells, PrepareSettings(perturbation="condition"))


def test_no_perturbation_column_lists_the_columns() -> None:
    cells = toy()
    cells.obs = cells.obs.rename(columns={"condition": "something"})
    with pytest.raises(DataError, match=r"the columns are something, cell_type\. Name the column"):
        prepare(cells, PrepareSettings())


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"perturbation": "conditio"}, "Did you mean condition?"),
        ({"perturbation": "condition", "control": "Control"}, "No cells are labelled 'Control'"),
        ({"covariates": ("tissue",)}, "obs has no column 'tissue'"),
    ],
)
def test_named_columns_that_are_wrong_are_findings(
    given_settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(FindingsError) as caught:
        prepare(toy(), PrepareSettings(**given_settings))
    assert sentence in str(caught.value)


# --- scale and quality ---------------------------------------------------------------------


def test_expression_is_log1p_cp10k_and_counts_are_kept() -> None:
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


def test_input_is_not_changed() -> None:
    cells = toy()
    before = cells.copy()
    prepare(cells, PrepareSettings())
    assert (cells.X != before.X).nnz == 0
    pd.testing.assert_frame_equal(cells.obs, before.obs)


def test_log_values_are_used_as_they_are_and_said_so() -> None:
    cells = toy()
    cells.X = sp.csr_matrix(np.log1p(cells.X.toarray()))
    data = prepare(cells, PrepareSettings(ood="none"))
    np.testing.assert_allclose(data.expression.toarray(), cells.X.toarray(), rtol=1e-6)
    assert "counts" not in data.adata.layers
    assert "look log-transformed" in report_of(data)
    with pytest.raises(SettingsError, match="qc = paper has thresholds for counts"):
        prepare(cells, PrepareSettings(qc="paper"))


def test_counts_are_taken_from_the_layer_when_x_has_none() -> None:
    cells = toy()
    cells.layers["counts"] = cells.X.copy()
    cells.X = sp.csr_matrix(np.log1p(cells.X.toarray()))
    data = prepare(cells, PrepareSettings(ood="none"))
    assert "taken from the layer 'counts'" in report_of(data)
    assert "counts" in data.adata.layers


def test_dense_integers_and_csc_are_fine() -> None:
    cells = toy()
    expected = prepare(cells, PrepareSettings()).fingerprint
    for convert in (lambda x: x.toarray(), lambda x: x.toarray().astype(int), sp.csc_matrix):
        other = toy()
        other.X = convert(cells.X)
        assert prepare(other, PrepareSettings()).fingerprint == expected


def test_empty_cells_outliers_and_unlabelled_cells_are_left_out() -> None:
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


def test_shallow_cells_survive_the_default_but_not_the_papers_thresholds() -> None:
    with pytest.raises(DataError, match="Quality control leaves 0 of 240 cells and of them 0"):
        prepare(toy(), PrepareSettings(qc="paper"))
    assert prepare(toy(), PrepareSettings()).n_cells == 240


def test_the_papers_thresholds() -> None:
    cells = toy(genes=900)
    values = cells.X.toarray()
    values[0, :200] = 0  # 700 genes
    values[1] = np.r_[np.ones(499), np.zeros(401)]  # 499 counts
    cells.var_names = [f"MT-{i}" if i < 90 else f"G{i}" for i in range(900)]
    values[2, :90] = 60  # > 0.2 mitochondrial
    cells.X = sp.csr_matrix(values)
    data = prepare(cells, PrepareSettings(qc="paper", ood="none"))
    assert data.n_cells == 237


def test_duplicate_genes_are_refused_or_summed() -> None:
    cells = toy()
    cells.var_names = ["G0", "G0", *(f"G{i}" for i in range(2, 12))]
    with pytest.raises(FindingsError, match=r"1 gene names occur more than once: G0\. Sum them"):
        prepare(cells, PrepareSettings())
    data = prepare(cells, PrepareSettings(duplicate_genes="sum", ood="none"))
    assert list(data.genes) == ["G0", *(f"G{i}" for i in range(2, 12))]
    both = cells.X.toarray()[:, :2].sum(axis=1)
    np.testing.assert_array_equal(data.adata.layers["counts"][:, 0].toarray().ravel(), both)
    assert "1 columns of repeated gene names were summed." in report_of(data)


def test_negative_and_missing_values_are_refused_together() -> None:
    cells = toy()
    values = cells.X.toarray()
    values[0, 0], values[1, 1] = -1, np.nan
    cells.X = values
    with pytest.raises(FindingsError) as caught:
        prepare(cells, PrepareSettings())
    codes = {finding.code for finding in caught.value.findings}
    assert {"negative_values", "not_finite"} <= codes


def test_genes_without_counts_are_left_out() -> None:
    cells = toy()
    values = cells.X.toarray()
    values[:, 3] = 0
    cells.X = sp.csr_matrix(values)
    data = prepare(cells, PrepareSettings())
    assert "G3" not in data.genes
    assert "1 genes are expressed in no cell: left out." in report_of(data)


# --- splits --------------------------------------------------------------------------------


def test_a_named_holdout_takes_exactly_the_treated_cells() -> None:
    data = prepare(toy(), PrepareSettings(holdout=("cell_type=T",)))
    obs = data.adata.obs
    expected = ((obs["cell_type"] == "T") & (obs["condition"] != "ctrl")).to_numpy()
    np.testing.assert_array_equal(data.split == "ood", expected)
    assert data.meta["holdout"] == {"rule": "named", "cells": int(expected.sum())}


def test_and_inside_a_word_or_between_words() -> None:
    words = ("cell_type=T,condition=A", "cell_type=M,condition=B")
    data = prepare(toy(), PrepareSettings(holdout=words))
    obs = data.adata.obs
    first = (obs["cell_type"] == "T") & (obs["condition"] == "A")
    second = (obs["cell_type"] == "M") & (obs["condition"] == "B")
    np.testing.assert_array_equal(data.split == "ood", (first | second).to_numpy())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cell_type=CD14+ Monocytes", {"cell_type": "CD14+ Monocytes"}),
        ("a=x y, b = z", {"a": "x y", "b": "z"}),
        ("drug=2,4-D,dose=1", {"drug": "2,4-D", "dose": "1"}),
    ],
)
def test_words(word: str, expected: dict[str, str]) -> None:
    assert parse_word(word) == expected


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"holdout": ("cell_typ=T",)}, "no column 'cell_typ'. Did you mean cell_type?"),
        ({"holdout": ("cell_type=X",)}, "No cell has cell_type = 'X'. Values found: M, T."),
        ({"holdout": ("B cells",)}, "'B cells' does not say which cells"),
        ({"holdout": ("condition=ctrl",)}, "matches no treated cell"),
        ({"holdout": ("cell_type=T", "cell_type=M")}, "leaves no treated cell to learn from"),
        ({"holdout": ("cell_type=T",), "ood": "auto"}, "exclude each other"),
        ({"holdout": ("cell_type=T",), "ood": "none"}, "exclude each other"),
        ({"ood": "none", "ood_level": "cell_type=T"}, "has no meaning with ood = none"),
        ({"ood": "auto", "ood_level": "condition=A"}, "must be one covariate's level"),
        ({"ood": "auto", "covariates": ()}, "Nothing can be held out by the rule"),
    ],
)  # fmt: skip
def test_holdouts_that_make_no_sense(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        prepare(toy(), PrepareSettings(**settings))
    assert sentence in str(caught.value)


def test_a_perturbation_held_out_everywhere_is_reported() -> None:
    data = prepare(toy(), PrepareSettings(holdout=("condition=A",)))
    assert "1 perturbations are then seen nowhere in training: A." in report_of(data)


def test_auto_holds_out_the_perturbations_farthest_from_the_rest() -> None:
    data = prepare(toy(), PrepareSettings(ood="auto", ood_level="cell_type=M"))
    obs = data.adata.obs
    held = obs[data.split == "ood"]
    assert set(held["condition"]) == {"A"}
    assert set(held["cell_type"]) == {"M"}
    # Still seen elsewhere.
    assert ((obs["condition"] == "A") & (data.split == "train")).any()
    # The rule, literally (C.2).
    values = data.expression.toarray()
    labels = data.perturbation
    distance = {
        p: np.linalg.norm(values[labels == p].mean(axis=0) - values[labels != p].mean(axis=0))
        for p in ("A", "B")
    }
    assert distance["A"] > distance["B"]


def test_auto_is_the_default_where_feasible_and_takes_a_third_at_most(
    small_simulation: Simulation,
) -> None:
    plain = prepare(toy(), PrepareSettings())
    assert plain.meta["holdout"]["rule"] == "auto"
    settings = PrepareSettings(covariates=("cell_type",))
    data = prepare(small_simulation.adata, settings)
    assert len(set(data.perturbation[data.split == "ood"])) == 1  # a third of 4
    alone = prepare(toy(), PrepareSettings(covariates=()))
    assert alone.meta["holdout"]["rule"] == "none"
    assert "No cells are held out: no covariate has a level" in report_of(alone)
    switched_off = prepare(toy(), PrepareSettings(ood="none"))
    assert not (switched_off.split == "ood").any()


def test_shares_of_the_splits_hold_in_every_stratum() -> None:
    data = prepare(toy(1200), PrepareSettings(holdout=("cell_type=T,condition=A",)))
    table = pd.crosstab(data.groups + data.perturbation, data.split)
    free = table[table["ood"] == 0]
    assert (free["validation"].between(19, 21)).all()
    assert (free["test"].between(19, 21)).all()


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    validation=st.floats(0.01, 0.49),
    test=st.floats(0.0, 0.49),
    seed=st.integers(0, 9),
)
def test_every_stratum_keeps_a_training_cell(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    strata = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    held_out = np.zeros(len(strata), dtype=bool)
    settings = PrepareSettings(validation=validation, test=test, seed=seed)
    split = split_cells(strata, held_out, settings)
    assert set(split) <= {"train", "validation", "test"}
    assert set(strata[split == "train"]) == set(strata)
    np.testing.assert_array_equal(split, split_cells(strata, held_out, settings))


def test_seed_changes_the_split_only() -> None:
    one, two = (prepare(toy(), PrepareSettings(seed=seed)) for seed in (0, 1))
    assert (one.split != two.split).any()
    np.testing.assert_array_equal(one.split == "ood", two.split == "ood")
    assert (one.expression != two.expression).nnz == 0


# --- genes ---------------------------------------------------------------------------------


def varied(seed: int = 0) -> ad.AnnData:
    """Four hundred genes; the first eighty vary between cells."""
    rng = np.random.default_rng(seed)
    cells = toy(genes=400, seed=seed)
    rates = rng.lognormal(1.5, 1.0, 400) * np.ones((cells.n_obs, 1))
    rates[:, :80] *= rng.lognormal(0.0, 0.8, (cells.n_obs, 80))
    cells.X = sp.csr_matrix(rng.poisson(rates).astype(np.float32))
    return cells


def test_variable_perturbed_and_kept_genes_in_file_order() -> None:
    cells = varied()
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


def test_all_genes_are_kept_when_fewer_are_measured() -> None:
    assert "All 12 genes are kept." in report_of(prepare(toy(), PrepareSettings()))


def test_held_out_cells_choose_no_gene_and_no_de_gene() -> None:
    cells = varied()
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


# --- DE genes ------------------------------------------------------------------------------


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


# --- what is kept --------------------------------------------------------------------------


def test_everything_survives_json_and_a_file(small_data: PerturbationData, tmp_path: Path) -> None:
    assert json.loads(json.dumps(small_data.meta)) == small_data.meta
    small_data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    assert again.meta == small_data.meta
    assert again.fingerprint == small_data.fingerprint
    assert again.simulated
    assert again.title == "Small (simulated)"


def test_awkward_obs_columns_do_not_stop_writing(tmp_path: Path) -> None:
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


def test_doses_are_numbers() -> None:
    cells = toy()
    cells.obs["dose"] = np.where(cells.obs["condition"] == "A", "0.5", "1")
    data = prepare(cells, PrepareSettings(dose="dose"))
    assert set(data.dose[data.perturbation == "A"]) == {0.5}


# --- real data -----------------------------------------------------------------------------


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
