"""PerturbationData: what it answers, and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.errors import DataError, FileError, PredictionError

DEMO = Path(__file__).parents[2] / "pretrained" / "demo" / "data.h5ad"


def test_splits_cover_all_cells(small_data: PerturbationData) -> None:
    rows = [small_data.rows(split) for split in ("train", "validation", "test", "ood")]
    assert sorted(np.concatenate(rows)) == list(range(small_data.n_cells))
    np.testing.assert_array_equal(
        small_data.rows(["train", "ood"]), np.sort(np.r_[rows[0], rows[3]])
    )
    held = rows[3]
    assert len(held) == 36
    assert set(small_data.perturbation[held]) == {"STAT1"}
    assert set(small_data.groups[held]) == {"B cells"}


def test_treatment_code_knows_only_what_training_may_see(small_data: PerturbationData) -> None:
    assert small_data.treatment_code.levels == ("CD86", "IRF1", "JAK2", "STAT1")
    assert small_data.perturbations == ["CD86", "IRF1", "JAK2", "STAT1"]
    assert small_data.covariates.shape == (small_data.n_cells, 3)
    np.testing.assert_array_equal(small_data.covariates.sum(axis=1), 1)


def test_numbers_agree_with_the_matrix(small_data: PerturbationData) -> None:
    values = small_data.adata.X.toarray()
    rows = small_data.rows("ood")
    np.testing.assert_array_equal(small_data.dense(rows), values[rows])
    np.testing.assert_allclose(small_data.mean(rows), values[rows].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        small_data.mean(small_data.is_control), values[small_data.is_control].mean(0), rtol=1e-5
    )
    assert set(small_data.dose) == {1.0}


def test_where(small_data: PerturbationData) -> None:
    mask = small_data.where({"cell_type": "B cells", "donor": "donor1"})
    assert (
        mask.sum()
        == (
            (small_data.adata.obs["cell_type"] == "B cells")
            & (small_data.adata.obs["donor"] == "donor1")
        ).sum()
    )
    with pytest.raises(PredictionError, match=r"The cells have no column 'tissue'\. Columns: pert"):
        small_data.where({"tissue": "x"})
    with pytest.raises(PredictionError, match=r"No cell has donor = 'donor3'\. Values found: d"):
        small_data.where({"donor": "donor3"})


def test_unlabelled_cells_are_left_out(small_data: PerturbationData) -> None:
    cells = small_data.adata.copy()
    cells.obs["cell_type"] = cells.obs["cell_type"].astype(object)
    cells.obs.iloc[:7, cells.obs.columns.get_loc("cell_type")] = None
    data = PerturbationData(cells, small_data.columns)
    assert data.n_cells == small_data.n_cells - 7
    assert [f.code for f in data.findings if f.level == "warning"] == ["unlabelled_cells"]


def test_without_covariates_and_split(small_data: PerturbationData) -> None:
    cells = small_data.adata.copy()
    del cells.obs["split"]
    data = PerturbationData(cells, Columns("perturbation", "control"))
    assert set(data.groups) == {"all cells"}
    assert data.covariates.shape == (data.n_cells, 1)
    assert set(data.split) == {"train"}


def aged(data: PerturbationData, *names: str, kinds: tuple[str, ...] = ()) -> PerturbationData:
    """The cells with ages; those held out are 1,000 years old."""
    cells = data.adata.copy()
    rng = np.random.default_rng(3)
    for name in names:
        cells.obs[name] = np.where(data.split == "ood", 1000.0, rng.uniform(20, 80, data.n_cells))
    return PerturbationData(cells, Columns("perturbation", "control", kinds, None, names))


def test_real_covariates_are_standardised_by_what_training_may_see(
    small_data: PerturbationData,
) -> None:
    data = aged(small_data, "age", "score", kinds=("cell_type", "donor"))
    assert data.covariates.shape == (data.n_cells, 3 + 2 + 2)
    np.testing.assert_array_equal(
        data.covariates[:, :5], np.c_[small_data.covariates, _one_hot(data, "donor")]
    )
    seen = data.split != "ood"
    for column, name in ((5, "age"), (6, "score")):
        age = data.adata.obs[name].to_numpy()
        expected = (age - age[seen].mean()) / age[seen].std()
        np.testing.assert_allclose(data.covariates[:, column], expected, rtol=1e-5)
        assert expected[~seen].min() > 10
        assert data.covariate_code.real[name] == pytest.approx((age[seen].mean(), age[seen].std()))
    assert set(data.groups) == set(aged(small_data, kinds=("cell_type", "donor")).groups)


def _one_hot(data: PerturbationData, name: str) -> np.ndarray:
    values = data.adata.obs[name].astype(str).to_numpy()
    return (values[:, None] == np.unique(values)[None, :]).astype(np.float32)


def test_one_real_covariate_alone(small_data: PerturbationData) -> None:
    data = aged(small_data, "age")
    assert data.covariate_code.width == data.covariates.shape[1] == 1
    assert set(data.groups) == {"all cells"}
    assert set(data.strata) == {f"all cells · age bin {k}" for k in (1, 2, 3, 4)}


def test_strata_are_groups_crossed_with_quarters_of_the_training_cells(
    small_data: PerturbationData,
) -> None:
    data = aged(small_data, "age", kinds=("cell_type",))
    age, train = data.real_covariates["age"], data.split == "train"
    ranked = np.sort(age[train])
    ends = [ranked[int(np.ceil(share * len(ranked))) - 1] for share in (0.25, 0.5, 0.75)]
    literal = [
        f"{group} · age bin {1 + sum(end < value for end in ends)}"
        for group, value in zip(data.groups, age, strict=True)
    ]
    assert list(data.strata) == literal
    assert {s.rpartition(" ")[2] for s in data.strata[data.split == "ood"]} == {"4"}
    sizes = np.unique([s.rpartition(" ")[2] for s in data.strata[train]], return_counts=True)[1]
    assert sizes.max() - sizes.min() <= 1
    two = aged(small_data, "age", "score", kinds=("cell_type",))
    assert len(set(two.strata)) == 3 * 4 * 4
    assert two.strata[0].startswith(f"{data.strata[0]} · score bin ")


def test_without_real_covariates_strata_are_groups(small_data: PerturbationData) -> None:
    np.testing.assert_array_equal(small_data.strata, small_data.groups)


def test_cells_without_an_age_are_left_out(small_data: PerturbationData) -> None:
    cells = aged(small_data, "age").adata
    cells.obs.iloc[:5, cells.obs.columns.get_loc("age")] = np.nan
    data = PerturbationData(cells, Columns("perturbation", "control", (), None, ("age",)))
    assert data.n_cells == small_data.n_cells - 5
    assert np.isfinite(data.covariates).all()


def test_real_covariates_survive_a_file(small_data: PerturbationData, tmp_path: Path) -> None:
    data = aged(small_data, "age", kinds=("cell_type",))
    data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    assert again.columns == data.columns
    assert again.covariate_code == data.covariate_code
    assert again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(again.covariates, data.covariates)
    np.testing.assert_array_equal(again.strata, data.strata)


def test_files_from_before_real_covariates_are_read(
    small_data: PerturbationData, tmp_path: Path
) -> None:
    small_data.write(tmp_path / "data.h5ad")
    cells = ad.read_h5ad(tmp_path / "data.h5ad")
    stored = json.loads(cells.uns["gvci"])
    del stored["columns"]["real_covariates"]
    cells.uns["gvci"] = json.dumps(stored)
    del cells.obs["gvci_depth"]
    cells.write_h5ad(tmp_path / "old.h5ad")
    old = PerturbationData.read(tmp_path / "old.h5ad")
    assert old.columns == small_data.columns
    np.testing.assert_array_equal(old.covariates, small_data.covariates)
    np.testing.assert_allclose(old.depth, small_data.depth, rtol=1e-5)


def test_the_shipped_cells_open_and_their_counts_follow_from_their_rates() -> None:
    data = PerturbationData.read(DEMO)
    rates = np.expm1(data.expression.toarray().astype(np.float64))
    counts = data.counts
    assert counts.dtype == np.float32
    assert counts.shape == (data.n_cells, len(data.genes))
    expected = rates * data.depth[:, None] / data.target_sum
    np.testing.assert_allclose(expected, counts.toarray(), atol=1e-3)
    assert counts.max() > 100


def test_without_counts_there_is_neither_counts_nor_depth(small_data: PerturbationData) -> None:
    cells = small_data.adata.copy()
    del cells.layers["counts"], cells.obs["gvci_depth"]
    data = PerturbationData(cells, small_data.columns, small_data.meta)
    sentence = (
        "Small (simulated) has no raw counts (no layer 'counts'), which this needs. "
        "Prepare it again from a file of counts."
    )
    for name in ("counts", "depth"):
        with pytest.raises(DataError) as caught:
            getattr(data, name)
        assert str(caught.value) == sentence


def test_depth_of_a_cell_without_any_kept_count_is_1(small_data: PerturbationData) -> None:
    cells = small_data.adata.copy()
    del cells.obs["gvci_depth"]
    for matrix in (cells.X, cells.layers["counts"]):
        matrix.data[matrix.indptr[0] : matrix.indptr[1]] = 0
    data = PerturbationData(cells, small_data.columns, small_data.meta)
    assert data.depth[0] == 1
    np.testing.assert_allclose(data.depth[1:], small_data.depth[1:], rtol=1e-5)


@pytest.mark.parametrize(
    ("meta", "unit"),
    [
        ({}, "log1p CP10k"),
        ({"settings": {}}, "log1p CP10k"),
        ({"settings": {"target_sum": 1e4}}, "log1p CP10k"),
        ({"settings": {"target_sum": 5000}}, "log1p counts per 5,000"),
        ({"settings": {"target_sum": 1e6}}, "log1p counts per 1,000,000"),
        ({"settings": {"target_sum": 0.5}}, "log1p counts per 0.5"),
    ],
)
def test_unit(small_data: PerturbationData, meta: dict[str, Any], unit: str) -> None:
    assert PerturbationData(small_data.adata, small_data.columns, meta).unit == unit


def test_round_trip(small_data: PerturbationData, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "data.h5ad"
    small_data.write(path)
    again = PerturbationData.read(path)
    assert again.fingerprint == small_data.fingerprint
    assert again.columns == small_data.columns
    assert again.meta == small_data.meta
    assert (again.adata.layers["counts"] != small_data.adata.layers["counts"]).nnz == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["data.h5ad"]


def test_fingerprint_notices_whatever_training_may_read(small_data: PerturbationData) -> None:
    base = aged(small_data, "age", kinds=("cell_type",)).adata
    base.obs["dose"] = 2.0
    columns = Columns("perturbation", "control", ("cell_type",), "dose", ("age",))

    labels = ["perturbation", "cell_type", "split", "age", "gvci_depth"]
    differs = (base.obs[labels].astype(str) != base.obs[labels].astype(str).iloc[0]).all(axis=1)
    other = int(np.flatnonzero(differs)[0])

    def swapped(name: str) -> ad.AnnData:
        """The first cell and one that differs in every way exchange their values."""
        cells = base.copy()
        values = cells.obs[name].to_numpy(dtype=object)
        values[[0, other]] = values[[other, 0]]
        cells.obs[name] = values
        return cells

    def more(matrix: str) -> ad.AnnData:
        cells = base.copy()
        (cells.X if matrix == "X" else cells.layers[matrix]).data[0] += 1
        return cells

    def without(part: str) -> ad.AnnData:
        cells = base.copy()
        if part == "counts":
            del cells.layers[part]
        else:
            del cells.obs[part]
        return cells

    renamed, dosed = base.copy(), base.copy()
    renamed.var_names = ["other", *renamed.var_names[1:]]
    dosed.obs["dose"] = np.where(np.arange(dosed.n_obs) == other, 3.0, 2.0)
    changed = {
        "value": more("X"), "count": more("counts"), "gene": renamed, "dose": dosed,
        "perturbation": swapped("perturbation"), "group": swapped("cell_type"),
        "age": swapped("age"), "depth": swapped("gvci_depth"), "split": swapped("split"),
        "no counts": without("counts"), "no depth": without("gvci_depth"), "nothing": base.copy(),
    }  # fmt: skip
    prints = {what: PerturbationData(cells, columns).fingerprint for what, cells in changed.items()}
    prints["no age"] = PerturbationData(base, replace(columns, real_covariates=())).fingerprint
    prints["control"] = PerturbationData(base, replace(columns, control="CD86")).fingerprint
    assert len(set(prints.values())) == len(prints)
    assert prints["nothing"] == PerturbationData(base, columns).fingerprint


def test_a_failed_write_leaves_the_old_file(
    small_data: PerturbationData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.h5ad"
    path.write_bytes(b"old")

    def full(self: ad.AnnData, target: Path, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ad.AnnData, "write_h5ad", full)
    with pytest.raises(DataError, match=r"could not be written: No space left on device\."):
        small_data.write(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["data.h5ad"]


@pytest.mark.parametrize(
    "stored", [None, "[]", "{}", "not json", '{"columns": {"x": 1}}', '"text"']
)
def test_a_file_that_prepare_did_not_make(
    small_data: PerturbationData, tmp_path: Path, stored: str | None
) -> None:
    cells = small_data.adata.copy()
    cells.uns = {} if stored is None else {"gvci": stored}
    cells.write_h5ad(tmp_path / "raw.h5ad")
    with pytest.raises(DataError) as caught:
        PerturbationData.read(tmp_path / "raw.h5ad")
    assert str(caught.value) == (
        "raw.h5ad is not a prepared dataset. "
        "Make one first: python -m gvci prepare raw.h5ad --out DATA."
    )


def test_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "x.h5ad").write_text("hello")
    with pytest.raises(FileError):
        PerturbationData.read(tmp_path / "x.h5ad")


def test_meta_is_json_in_the_file(small_data: PerturbationData, tmp_path: Path) -> None:
    small_data.write(tmp_path / "data.h5ad")
    stored = json.loads(str(ad.read_h5ad(tmp_path / "data.h5ad").uns["gvci"]))
    assert stored["format"] == 1
    assert stored["columns"]["control"] == "control"
