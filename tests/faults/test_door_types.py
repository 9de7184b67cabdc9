"""What the door takes is told by name and by first bytes; archives and pickles are never opened."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest

from gvci.data.door.limits import UPLOAD
from gvci.data.door.read import read_cells, read_sources
from gvci.data.door.sources import Source
from gvci.errors import FileError
from tests.faults import door_files as make


class Bomb:
    """Touches a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def refused(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        read_cells(path, UPLOAD)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


def zipped(content: bytes = b"y") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../outside.h5ad", content)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside.h5ad"))
    return buffer.getvalue()


NOT_HDF5 = {
    "text": b"cell,gene\n1,2\n",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "empty": b"",
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("name", ["cells.h5ad", "cells.h5", "cells.h5ad.gz"])
@pytest.mark.parametrize("content", NOT_HDF5.values(), ids=NOT_HDF5)
def test_f01_not_hdf5(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    ending = ".h5" if name.endswith(".h5") else ".h5ad"
    assert f"{name} is not an {ending} file: it does not begin like" in refused(tmp_path / name)


@pytest.mark.parametrize("name", ["cells.h5ad", "cells.h5", "cells"])
def test_f01_a_zip_is_a_zip_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(zipped())
    said = refused(tmp_path / name)
    assert "an archive, and archives are not opened. Unpack it and give the .h5ad" in said


ARCHIVES = {
    "a.zip": zipped(),
    "a.tar": tarred(),
    "a.tar.gz": gzip.compress(tarred()),
    "a.tgz": gzip.compress(tarred()),
    "a.csv.gz": gzip.compress(tarred()),
    "b.csv.gz": gzip.compress(gzip.compress(b"a,b\n1,2\n")),
    "a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
    "a.rar": b"Rar!\x1a\x07" + bytes(40),
    "a.bz2": b"BZh91AY",
    "a.xz": b"\xfd7zXZ\x00",
    "a.csv": zipped(),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_f39_archives_are_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ARCHIVES[name])
    said = refused(tmp_path / name)
    assert said.startswith(f"{name} is an archive, and archives are not opened.")
    assert "Unpack it" in said
    assert not list(tmp_path.parent.glob("outside*"))


@pytest.mark.parametrize(
    "name",
    ["a.pkl", "a.pickle", "a.joblib", "a.npy", "a.npz", "a.pt", "a.ckpt", "a.rds", "a.pkl.gz"],
)
def test_f08_kinds_that_can_run_code_are_refused_by_name(tmp_path: Path, name: str) -> None:
    touched = tmp_path / "touched"
    content = pickle.dumps(Bomb(touched))
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    said = refused(tmp_path / name)
    assert "can run code when it is opened, so it is never opened" in said
    assert "write_h5ad" in said
    assert not touched.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["a.h5ad", "a.csv", "a"])
def test_f08_a_pickle_is_told_by_its_first_bytes(tmp_path: Path, name: str, protocol: int) -> None:
    touched = tmp_path / "touched"
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(touched), protocol))
    assert "can run code when it is opened" in refused(tmp_path / name)
    assert not touched.exists()


def test_f08_numpy_objects(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    np.save(tmp_path / "a.npy", np.array([Bomb(touched)], dtype=object), allow_pickle=True)
    (tmp_path / "a.npy").rename(tmp_path / "a.h5ad")
    assert "can run code when it is opened" in refused(tmp_path / "a.h5ad")
    assert not touched.exists()


@pytest.mark.parametrize("name", ["a.loom", "a.h5mu", "a.xlsx", "a.parquet"])
def test_f08_foreign_kinds_are_named(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / name, "w") as file:
        file["matrix"] = np.ones((3, 3))
    assert f"{name} is of a kind that is not read. Convert" in refused(tmp_path / name)


def test_f08_a_zarr_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / ".zgroup").write_text("{}")
    assert "a.zarr is of a kind that is not read. Convert" in refused(tmp_path / "a.zarr")


def test_f08_an_h5_of_another_program(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "frame.h5", "w") as file:
        file["df/block0_values"] = np.frombuffer(pickle.dumps({"a": 1}), dtype=np.uint8)
    said = refused(tmp_path / "frame.h5")
    assert said.startswith("frame.h5 is HDF5 but not AnnData: it has no X and no obs and no var.")


def test_f01_names_that_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hello")
    assert refused(tmp_path / "notes").startswith("notes is none of the files that are read: .h5ad")
    (tmp_path / "cells.csv").write_bytes(make.good_file(tmp_path).read_bytes())
    assert "cells.csv is not text but HDF5" in refused(tmp_path / "cells.csv")


def test_f01_a_name_without_ending_is_told_by_content(tmp_path: Path) -> None:
    """`prepare … --out my-data` writes such a file."""
    assert read_cells(make.good_file(tmp_path, "my-data")).n_obs == make.N_CELLS


def test_a_gzipped_h5ad(tmp_path: Path) -> None:
    packed = make.gzipped(make.good_file(tmp_path))
    assert read_cells(packed).n_obs == make.N_CELLS
    packed.write_bytes(packed.read_bytes()[:-300])
    assert "cells.h5ad.gz is cut short or damaged" in refused(packed)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    path = make.good_file(tmp_path)
    with pytest.raises(FileError, match=r"again\.h5ad: give either one file, or the three"):
        read_sources([Source(path, "cells.h5ad"), Source(path, "again.h5ad")], UPLOAD)


def test_no_file_and_a_folder_of_other_things(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        read_cells(tmp_path / "none.h5ad")
    assert "is a folder without a matrix.mtx" in refused_folder(tmp_path)


def refused_folder(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        read_cells(path)
    return str(caught.value)


def test_ours_is_read_as_before(tmp_path: Path) -> None:
    """What the door gives of a plain file is what anndata gives."""
    path = make.good_file(tmp_path)
    ours, theirs = read_cells(path), ad.read_h5ad(path)
    assert (ours.X != theirs.X).nnz == 0
    assert ours.obs.equals(theirs.obs)
    assert list(ours.var_names) == list(theirs.var_names)
    assert list(ours.layers) == ["counts"]
