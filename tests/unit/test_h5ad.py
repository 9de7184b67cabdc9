"""The door for foreign .h5ad files: what is not one, is cut short, or lies about itself."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.data.h5ad import read_h5ad
from gvci.errors import FileError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    counts = sp.csr_matrix(rng.poisson(1, (40, 20)).astype(np.float32))
    obs = pd.DataFrame({"perturbation": ["control"] * 40}, index=[f"c{i}" for i in range(40)])
    cells = ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(20)]))
    cells.layers["counts"] = counts.copy()
    path = tmp_path / "cells.h5ad"
    cells.write_h5ad(path)
    return path


def test_a_good_file_is_read(file: Path) -> None:
    assert read_h5ad(file).shape == (40, 20)


@pytest.mark.parametrize(
    "content", [b"cell,gene\n1,2\n", b"PK\x03\x04 a zip", b"\x89PNG\r\n\x1a\n", b""]
)
def test_what_is_not_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cells.h5ad"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_h5ad(path)
    assert str(caught.value) == (
        "cells.h5ad is not an .h5ad file: it does not begin like an HDF5 file."
    )


@pytest.mark.parametrize("part", range(1, 16))
def test_cut_short_at_every_sixteenth(file: Path, part: int) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * part // 16])
    with pytest.raises(FileError, match="cut short or damaged"):
        read_h5ad(file)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        read_h5ad(tmp_path / "none.h5ad")
    with pytest.raises(FileError, match="cannot be opened"):
        read_h5ad(tmp_path)


def test_hdf5_that_is_not_anndata(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5ad", "w") as other:
        other["X"] = np.ones(3)
    with pytest.raises(FileError) as caught:
        read_h5ad(tmp_path / "other.h5ad")
    assert str(caught.value) == "other.h5ad is HDF5 but not AnnData: it has no obs and no var."


@pytest.mark.parametrize("matrix", ["X", "layers/counts"])
@pytest.mark.parametrize(
    ("array", "position", "value"),
    [("indices", 3, 10_000), ("indices", 3, -1), ("indptr", 5, 10_000), ("indptr", 5, 0)],
)
def test_damaged_csr_is_refused_and_nothing_crashes(
    file: Path, matrix: str, array: str, position: int, value: int
) -> None:
    with h5py.File(file, "r+") as damaged:
        damaged[f"{matrix}/{array}"][position] = value
    with pytest.raises(FileError) as caught:
        read_h5ad(file)
    assert "damaged" in str(caught.value)


def test_unsorted_and_duplicate_indices_are_repaired(file: Path) -> None:
    with h5py.File(file, "r+") as changed:
        indices = changed["X/indices"][:]
        indptr = changed["X/indptr"][:]
        row = slice(indptr[0], indptr[1])
        indices[row] = indices[row][::-1]
        changed["X/indices"][:] = indices
    matrix = read_h5ad(file).X
    assert matrix.has_canonical_format


def test_values_that_are_no_numbers(file: Path) -> None:
    with h5py.File(file, "r+") as changed:
        del changed["X"]
        changed.create_dataset("X", data=np.full((40, 20), "a", dtype="S1"))
        changed["X"].attrs["encoding-type"] = "array"
        changed["X"].attrs["encoding-version"] = "0.2.0"
    with pytest.raises(FileError, match=r"X of cells\.h5ad holds .*, not numbers\."):
        read_h5ad(file)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_are_read_or_refused(file: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(file.read_bytes())
    for position in rng.integers(8, len(content), 16):
        content[position] ^= int(rng.integers(1, 256))
    file.write_bytes(bytes(content))
    try:
        cells = read_h5ad(file)
    except FileError:
        return
    cells.X.sum()
