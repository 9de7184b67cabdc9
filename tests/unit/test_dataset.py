"""PerturbationData: what it answers, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from gvci.data.dataset import PerturbationData
from gvci.data.findings import Columns
from gvci.errors import DataError, FileError, PredictionError


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
    np.testing.assert_array_equal(small_data.expression_by_gene.toarray(), values)
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


def test_round_trip(small_data: PerturbationData, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "data.h5ad"
    small_data.write(path)
    again = PerturbationData.read(path)
    assert again.fingerprint == small_data.fingerprint
    assert again.columns == small_data.columns
    assert again.meta == small_data.meta
    assert (again.adata.layers["counts"] != small_data.adata.layers["counts"]).nnz == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["data.h5ad"]


def test_fingerprint_notices_a_value_a_label_and_a_split(small_data: PerturbationData) -> None:
    def changed(what: str) -> str:
        cells = small_data.adata.copy()
        if what == "value":
            cells.X = cells.X.copy()
            cells.X.data[0] += 1e-3
        elif what == "gene":
            cells.var_names = ["other", *cells.var_names[1:]]
        else:
            column = cells.obs[what].astype(str).to_numpy()
            column[[0, -1]] = column[[-1, 0]]
            cells.obs[what] = column
        return PerturbationData(cells, small_data.columns).fingerprint

    prints = {changed(what) for what in ("value", "gene", "cell_type")} | {small_data.fingerprint}
    assert len(prints) == 4


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
