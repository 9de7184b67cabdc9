"""Values, names and columns that files of real labs hold: kept as they are, or refused by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.door.read import read_cells
from gvci.data.findings import check
from gvci.data.prepare import prepare
from gvci.data.roles import Columns
from gvci.errors import DataError, FileError, FindingsError
from tests.faults import door_files as make

COLUMNS = Columns("perturbation", "control", ("cell_type",))


def written(folder: Path, cells: ad.AnnData) -> Path:
    path = folder / "cells.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata's own words on names
        cells.write_h5ad(path)
    return path


def sentences(cells: ad.AnnData) -> str:
    return " ".join(finding.sentence for finding in check(cells, COLUMNS))


# --- F10 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "genes", "said"),
    [
        (0, 20, "0 cells; at least 10 are needed."),
        (1, 20, "1 cells; at least 10 are needed."),
        (40, 0, "0 genes; at least 2 are needed."),
        (40, 1, "1 genes; at least 2 are needed."),
    ],
)
@pytest.mark.parametrize("dense", [False, True])
def test_f10_empty_and_tiny(tmp_path: Path, cells: int, genes: int, said: str, dense: bool) -> None:
    small = make.good_cells()[:cells, :genes].copy()
    if dense:
        small.X = small.X.toarray()
    read = read_cells(written(tmp_path, small))
    assert read.shape == (cells, genes)
    assert said in sentences(read)
    with pytest.raises((FindingsError, DataError)):
        prepare(read, PrepareSettings(perturbation="perturbation", control="control"))


# --- F11 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize(
    ("value", "code"), [(np.nan, "not_finite"), (np.inf, "not_finite"), (-3.0, "negative_values")]
)
def test_f11_bad_values_are_counted(tmp_path: Path, value: float, code: str, dense: bool) -> None:
    cells = make.good_cells()
    values = cells.X.toarray()
    values[values == 0] = 1
    values[[3, 7, 30], [2, 5, 19]] = value
    cells.X = values if dense else sp.csr_matrix(values)
    read = read_cells(written(tmp_path, cells))
    finding = next(f for f in check(read, COLUMNS) if f.code == code)
    assert finding.count == 3
    assert "3 values are" in finding.message
    assert "gene G2 in cell c3" in finding.message


def test_f11_nan_in_raw_only_stays_behind(tmp_path: Path) -> None:
    cells = make.good_cells()
    raw = cells.copy()
    raw.X = np.full(raw.shape, np.nan, dtype=np.float32)
    cells.raw = raw
    read = read_cells(written(tmp_path, cells))
    assert read.raw is None
    assert not [f for f in check(read, COLUMNS) if f.level == "error"]


# --- F12 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), (">i4", "i4"),
        ("?", "u1"), ("i1", "i1"), ("i2", "i2"), ("i4", "i4"), ("i8", "i8"), ("u1", "u1"),
        ("u2", "u2"), ("u4", "u4"), ("u8", "u8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["dense", "csr"])
def test_f12_numbers_of_every_kind_come_through_unchanged(
    tmp_path: Path, kind: str, expected: str, form: str
) -> None:
    come_through(tmp_path, kind, expected, form)


def test_f12_by_column_becomes_by_row(tmp_path: Path) -> None:
    come_through(tmp_path, "f4", "f4", "csc")


def come_through(folder: Path, kind: str, expected: str, form: str) -> None:
    whole = make.good_cells().X.toarray()
    values = whole.astype(bool) if kind == "?" else whole.astype(kind)

    def change(file: h5py.File) -> None:
        del file["X"]
        if form == "dense":
            file["X"] = values
            return
        matrix = sp.csr_matrix(whole) if form == "csr" else sp.csc_matrix(whole)
        group = file.create_group("X")
        group.attrs["encoding-type"] = f"{form}_matrix"
        group.attrs["shape"] = whole.shape
        group["data"] = matrix.data.astype(values.dtype)
        group["indices"], group["indptr"] = matrix.indices, matrix.indptr

    read = read_cells(make.changed(folder, change)).X
    assert read.dtype == np.dtype(expected)
    assert sp.issparse(read) == (form != "dense")
    assert form == "dense" or read.format == "csr"
    dense = read if form == "dense" else read.toarray()
    np.testing.assert_array_equal(dense, values.astype(np.float64))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((40, 20), b"a"), "/X of cells.h5ad holds text, not numbers"),
        (np.full((40, 20), 1 + 1j), "/X of cells.h5ad holds complex128, not numbers"),
        (np.full((40, 20), 2**60), "800 values in /X of cells.h5ad are beyond 2^53"),
        (np.full((40, 20), 2**63, "u8"), "800 values in /X of cells.h5ad are beyond 2^53"),
        (np.ones(40), "/X of cells.h5ad has 1 axes, not cells × genes"),
        (np.ones((40, 19)), "X of cells.h5ad is 40 × 19, but there are 40 cells in obs and 20 gen"),
    ],
)
def test_f12_what_is_no_number_is_refused_by_name(
    tmp_path: Path, values: np.ndarray, said: str
) -> None:
    def change(file: h5py.File) -> None:
        del file["X"]
        file["X"] = values

    with pytest.raises(FileError) as caught:
        read_cells(make.changed(tmp_path, change))
    assert said in str(caught.value)


def test_f12_whole_numbers_beyond_32_bits(tmp_path: Path) -> None:
    cells = make.good_cells()
    cells.X = cells.X.toarray().astype(np.int64)
    cells.X[0, 0] = 2**31 + 5
    assert read_cells(written(tmp_path, cells)).X[0, 0] == 2**31 + 5


@pytest.mark.parametrize("way", ["missing", "null"])
def test_f12_layers_only(tmp_path: Path, way: str) -> None:
    cells = make.good_cells()
    if way == "null":
        cells = ad.AnnData(obs=cells.obs, var=cells.var, layers={"counts": cells.X})
    path = written(tmp_path, cells)
    if way == "missing":
        with h5py.File(path, "r+") as file:
            del file["X"]
    with pytest.raises(FileError) as caught:
        read_cells(path)
    assert str(caught.value) == (
        "cells.h5ad has no matrix X (its layers: counts). Put the counts into X."
    )


# --- F13, F14 -------------------------------------------------------------------------------


def test_f13_repeated_and_empty_names(tmp_path: Path) -> None:
    cells = make.good_cells()
    cells.var_names = ["A", "A", "B", "B", "", "  ", *cells.var_names[6:]]
    cells.obs_names = ["c0", "c0", *cells.obs_names[2:]]
    read = read_cells(written(tmp_path, cells))
    assert list(read.var_names) == list(cells.var_names)
    said = sentences(read)
    assert "2 gene names occur more than once: A, B." in said
    assert "Sum them" in said
    assert "2 genes have no name." in said
    assert "1 cell names occur more than once: c0." in said


# --- F19 ------------------------------------------------------------------------------------


def test_f19_columns_of_every_kind(tmp_path: Path) -> None:
    """Missing values, numeric and ordered categories, 10⁴ levels, nullable kinds: as anndata."""
    cells = make.good_cells()
    n = cells.n_obs
    many = pd.Categorical([f"level {i}" for i in range(n)], [f"level {i}" for i in range(10_000)])
    cells.obs["many"] = many
    cells.obs["missing label"] = pd.Categorical(["a", None] * (n // 2))
    cells.obs["numeric levels"] = pd.Categorical([3, 1] * (n // 2), [3, 1], ordered=True)
    cells.obs["whole or missing"] = pd.array([1, None] * (n // 2), dtype="Int64")
    cells.obs["yes, no, missing"] = pd.array([True, None] * (n // 2), dtype="boolean")
    cells.obs["number or missing"] = [1.5, np.nan] * (n // 2)
    cells.obs["truth"] = [True, False] * (n // 2)
    cells.obs["long"] = ["x" * 10_000] * n
    path = written(tmp_path, cells)
    read, theirs = read_cells(path).obs, ad.read_h5ad(path).obs
    pd.testing.assert_frame_equal(read, theirs)
    assert len(read["many"].cat.categories) == 10_000


def test_f19_reserved_and_strange_column_names(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        obs = file["obs"]
        names = ["perturbation", "cell_type", "_index", "age", "perturbation"]
        obs.attrs["column-order"] = np.array(names, dtype=h5py.string_dtype())

    read = read_cells(make.changed(tmp_path, change))
    assert list(read.obs.columns) == ["perturbation", "cell_type", "age"]
    assert read.obs_names[0] == "c0"


def test_f19_columns_that_are_no_columns_are_left_out_and_named(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["obs/table"] = np.ones((make.N_CELLS, 3))
        file.create_group("obs/group")
        names = ["perturbation", "table", "group"]
        file["obs"].attrs["column-order"] = np.array(names, dtype=h5py.string_dtype())

    read = read_cells(make.changed(tmp_path, change))
    assert list(read.obs.columns) == ["perturbation"]
    assert read.uns["door"] == [
        "2 columns of obs hold neither text nor numbers and are left out: table, group."
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("short", "obs['age'] of cells.h5ad has 39 values for 40 cells."),
        ("codes", "2 codes of obs['perturbation'] of cells.h5ad point outside its 3 categories."),
        ("twice", "obs['perturbation'] of cells.h5ad has categories of the same name."),
        ("gone", "obs of cells.h5ad lacks 1 of its 3 columns: age."),
        ("names", "/obs of cells.h5ad has no list '_index'."),
    ],
)
def test_f19_columns_that_do_not_fit(tmp_path: Path, fault: str, said: str) -> None:
    def change(file: h5py.File) -> None:
        obs = file["obs"]
        if fault == "short":
            kept = obs["age"][:-1]
            del obs["age"]
            obs["age"] = kept
        elif fault == "codes":
            obs["perturbation/codes"][:2] = [7, -4]
        elif fault == "twice":
            obs["perturbation/categories"][1] = obs["perturbation/categories"][0]
        else:
            del obs["age" if fault == "gone" else "_index"]

    with pytest.raises(FileError) as caught:
        read_cells(make.changed(tmp_path, change))
    assert said in str(caught.value)


# --- F21 ------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "[a](javascript:b)", "$x$",
    ":material/home:", "a\u202eb", "x" * 10_000, "\U0001f9ec gene", "../../etc/passwd", "=1+1",
    "C:\\CON", " spaced ", "tab\there", "line\nbreak", "é", "e\u0301",
]  # fmt: skip


def test_f21_names_are_kept_literally(tmp_path: Path) -> None:
    cells = make.good_cells()
    cells.var_names = [*HOSTILE, *cells.var_names[len(HOSTILE) :]]
    cells.obs_names = [*HOSTILE, *cells.obs_names[len(HOSTILE) :]]
    cells.obs["perturbation"] = pd.Categorical([*HOSTILE, *["control"] * (40 - len(HOSTILE))])
    read = read_cells(written(tmp_path, cells))
    assert list(read.var_names) == list(cells.var_names)
    assert list(read.obs_names) == list(cells.obs_names)
    assert list(read.obs["perturbation"]) == list(cells.obs["perturbation"])


def test_f21_names_that_are_no_utf8(tmp_path: Path) -> None:
    """Bytes that are no text become the sign for that, and the rest of the name stays."""

    def change(file: h5py.File) -> None:
        del file["var/_index"]
        names = np.array([b"G\xff1", *(f"G{i}".encode() for i in range(1, make.N_GENES))])
        file["var/_index"] = names

    assert read_cells(make.changed(tmp_path, change)).var_names[0] == "G\ufffd1"


def test_f21_column_names_that_are_no_utf8(tmp_path: Path) -> None:
    """They are left out, and named by something that can be printed."""

    def change(file: h5py.File) -> None:
        file["obs"].move("cell_type", b"cell\xfftype")
        names = np.array([b"perturbation", b"cell\xfftype"], dtype=object)
        file["obs"].attrs.create("column-order", names, dtype=h5py.string_dtype())

    read = read_cells(make.changed(tmp_path, change))
    assert list(read.obs.columns) == ["perturbation"]
    assert read.uns["door"] == [
        "1 columns of obs hold neither text nor numbers and are left out: cell\ufffdtype."
    ]


def test_f21_a_file_name_is_a_label(tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.h5ad"
    path.write_text("hello")
    with pytest.raises(FileError, match=r"^<img src=x onerror=alert\(1\)>\.h5ad is not an"):
        read_cells(path)
