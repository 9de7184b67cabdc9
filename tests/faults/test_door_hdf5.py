"""Hostile HDF5: what leads out of the file, around in it, or over the limits is refused.

Nothing of another file may come out, the process that serves others stays alive, and the next
valid file is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from gvci.data.door.limits import GIB, UPLOAD, Limits
from gvci.data.door.read import read_cells
from gvci.errors import FileError
from tests.faults import door_files as make

Change = Callable[[h5py.File], None]


def refused(path: Path, limits: Limits = UPLOAD) -> str:
    """The sentence, after making sure that it tells nothing of this machine."""
    with pytest.raises(FileError) as caught:
        read_cells(path, limits)
    said = str(caught.value)
    assert make.CANARY not in said
    assert str(path.parent) not in said
    assert "\n" not in said
    return said


def test_the_next_valid_file_is_read(tmp_path: Path) -> None:
    refused(make.cycle(tmp_path))
    assert read_cells(make.good_file(tmp_path)).shape == (make.N_CELLS, make.N_GENES)


@pytest.mark.parametrize("part", range(1, 16))
def test_f02_cut_at_every_sixteenth(tmp_path: Path, part: int) -> None:
    path = make.good_file(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 16])
    assert refused(path) == "cells.h5ad is cut short or damaged. Copy or upload it again."


ELSEWHERE = {
    make.external_storage: "/X of cells.h5ad keeps its values in another file",
    make.external_names: "/obs/_index of cells.h5ad keeps its values in another file",
    make.external_link: "/obs/_index of cells.h5ad is a link to another file",
    make.external_group: "/obs of cells.h5ad is a link to another file",
    make.virtual: "/X of cells.h5ad keeps its values in another file",
    make.virtual_names: "/obs/_index of cells.h5ad keeps its values in another file",
    make.soft_link: "/X of cells.h5ad is a link to another place",
}


@pytest.mark.parametrize("builder", ELSEWHERE, ids=lambda b: b.__name__)
def test_f04_values_kept_elsewhere_are_refused(
    tmp_path: Path, builder: Callable[[Path], Path], caplog: pytest.LogCaptureFixture
) -> None:
    assert ELSEWHERE[builder] in refused(builder(tmp_path))
    assert make.CANARY not in caplog.text


def test_f04_the_files_do_lead_out_with_a_plain_reader(tmp_path: Path) -> None:
    """What the door is for: h5py follows each of them, so the tests above test something."""
    for builder, where in (
        (make.external_names, "obs/_index"),
        (make.external_link, "obs/_index"),
        (make.virtual_names, "obs/_index"),
        (make.external_group, "obs/_index"),
    ):
        folder = tmp_path / builder.__name__
        folder.mkdir()
        with h5py.File(builder(folder)) as file:
            assert make.CANARY.encode() in bytes(file[where][0])


def test_f04_a_child_that_is_shut_in_opens_nothing_more(tmp_path: Path) -> None:
    """Even if the scan missed a way out: no other file can be opened, by Python or by HDF5."""
    code = (
        "import sys, h5py\n"
        "from gvci.data.door.child import _shut\n"
        "file = h5py.File(sys.argv[1], 'r', locking=False)\n"
        "_shut()\n"
        "for way in (lambda: open(sys.argv[2]), lambda: file['obs/_index'][()]):\n"
        "    try:\n        print('read', way())\n"
        "    except (OSError, KeyError):\n        print('shut')\n"
        "print(file['X/data'].shape[0] > 0)\n"
    )
    for builder in (make.external_link, make.external_names):
        words = [sys.executable, "-c", code, str(builder(tmp_path)), str(make.secrets(tmp_path))]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["shut", "shut", "True"]


ROUND_AND_ROUND = {
    make.cycle: "linked twice",
    make.root_cycle: "linked twice",
    make.linked_twice: "/layers/again of cells.h5ad is linked twice",
    make.nested: "lies more than 32 groups deep, too deep",
    make.crowded: "holds more than 20,000 groups and arrays",
}


@pytest.mark.parametrize("builder", ROUND_AND_ROUND, ids=lambda b: b.__name__)
def test_f05_cycles_and_depth(tmp_path: Path, builder: Callable[[Path], Path]) -> None:
    said = refused(builder(tmp_path))
    if builder is make.linked_twice:
        assert "linked twice" in said
    else:
        assert ROUND_AND_ROUND[builder] in said


class Watch:
    """The largest resident memory of any child while the block runs."""

    def __enter__(self) -> Watch:
        self.most, self._on = 0, True
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        own = psutil.Process(os.getpid())
        while self._on:
            for child in own.children(recursive=True):
                try:
                    self.most = max(self.most, child.memory_info().rss)
                except psutil.Error:
                    continue
            time.sleep(0.005)

    def __exit__(self, *_: object) -> None:
        self._on = False
        self._thread.join()


@pytest.mark.parametrize("builder", [make.declared, make.zeros, make.wide_chunk])
def test_f06_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, builder: Callable[[Path], Path]
) -> None:
    path = builder(tmp_path)
    assert path.stat().st_size < 4e6
    with Watch() as child:
        said = refused(path)
    assert "cells.h5ad declares more than 2 GiB unpacked." in said
    assert "command line" in said
    assert 0 < child.most < GIB


def test_f06_one_text_that_is_named_thousands_of_times(tmp_path: Path) -> None:
    """Nothing declares its size: the limit of memory holds where the scan cannot see."""
    limits = Limits(64 * 2**20, 30, "Give a smaller one.")
    path = make.one_text_many_times(tmp_path)
    assert path.stat().st_size < 4e6
    with Watch() as child:
        said = refused(path, limits)
    assert "cells.h5ad needs more than 1.12 GiB of memory. Give a smaller one." in said
    assert 0 < child.most < 1.2 * GIB


@pytest.mark.parametrize("name", ["cells.h5ad.gz", "cells.csv.gz"])
def test_f06_a_gzip_bomb_is_stopped_while_it_streams(tmp_path: Path, name: str) -> None:
    block = b"a,b,c\n" + b"0,0,0\n" * 1_000_000
    path = tmp_path / name
    if "h5ad" in name:
        block = make.good_file(tmp_path).read_bytes() + bytes(6_000_000)
    make.gzip_bomb(path, block, 30)
    limits = Limits(64 * 2**20, 30, "Give a smaller one.")
    with Watch() as child:
        said = refused(path, limits)
    assert "more than 0.0625 GiB unpacked. Give a smaller one." in said
    assert 0 < child.most < GIB


def test_f07_a_filter_that_is_not_loaded(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["X"]
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((make.N_CELLS, make.N_GENES))
        made.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        space = h5py.h5s.create_simple((make.N_CELLS, make.N_GENES))
        h5py.h5d.create(file.id, b"X", h5py.h5t.NATIVE_FLOAT, space, made)

    said = refused(make.changed(tmp_path, change))
    assert "/X of cells.h5ad is compressed with a filter that is not loaded" in said
    assert "Zstandard, number 32015" in said
    assert "compression='gzip'" in said


def test_f08_objects_in_uns_are_never_unpickled(tmp_path: Path) -> None:
    """Pickle bytes as opaque values are refused; as plain bytes they are never read."""
    touched = tmp_path / "touched"
    pickled = f"cposix\nsystem\n(S'touch {touched}'\ntR.".encode()

    def opaque(file: h5py.File) -> None:
        file["uns/object"] = np.void(pickled)

    def plain(file: h5py.File) -> None:
        file["uns/object"] = np.frombuffer(pickled, dtype=np.uint8)
        file["uns/words"] = make.CANARY

    assert "holds opaque bytes, which may be a pickle" in refused(make.changed(tmp_path, opaque))
    cells = read_cells(make.changed(tmp_path, plain), UPLOAD)
    assert "object" not in cells.uns
    assert make.CANARY not in str(cells.uns)
    assert not touched.exists()


def test_f08_references_are_refused(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file.create_dataset("obs/ref", (make.N_CELLS,), h5py.ref_dtype)

    assert "/obs/ref of cells.h5ad holds references" in refused(make.changed(tmp_path, change))


def put(array: str, position: int | slice, value: object) -> Change:
    def change(file: h5py.File) -> None:
        file[array][position] = value

    return change


def shorter(array: str) -> Change:
    def change(file: h5py.File) -> None:
        kept = file[array][:-3]
        del file[array]
        file[array] = kept

    return change


def wider(array: str) -> Change:
    """2³² + 3: right after a careless cast to 32 bits."""

    def change(file: h5py.File) -> None:
        kept = file[array][()].astype(np.int64)
        kept[0] = 2**32 + 3
        del file[array]
        file[array] = kept

    return change


def as_floats(array: str) -> Change:
    def change(file: h5py.File) -> None:
        kept = file[array][()].astype(np.float64)
        del file[array]
        file[array] = kept

    return change


@pytest.mark.parametrize("matrix", ["X", "layers/counts"])
@pytest.mark.parametrize(
    ("what", "gist"),
    [
        (lambda m: put(f"{m}/indices", 3, 10_000), "indices must be >= 0 and < 20"),
        (lambda m: put(f"{m}/indices", 3, -1), "indices must be >= 0 and < 20"),
        (lambda m: wider(f"{m}/indices"), "indices must be >= 0 and < 20"),
        (lambda m: put(f"{m}/indptr", 5, 10_000), "index pointers must be"),
        (lambda m: put(f"{m}/indptr", 5, 0), "indptr must be a non-decreasing sequence"),
        (lambda m: put(f"{m}/indptr", 0, 2), "index pointer should start with 0"),
        (lambda m: put(f"{m}/indptr", -1, 3), "damaged"),
        (lambda m: shorter(f"{m}/data"), "should have the same size"),
        (lambda m: shorter(f"{m}/indptr"), "index pointer size"),
        (lambda m: as_floats(f"{m}/indices"), "its indices are float64"),
    ],
)  # fmt: skip
def test_f11a_damaged_sparse_matrices(
    tmp_path: Path, matrix: str, what: Callable[[str], Change], gist: str
) -> None:
    said = refused(make.changed(tmp_path, what(matrix)))
    assert f"The sparse matrix /{matrix} of cells.h5ad is damaged" in said
    assert gist in said


def test_f11a_unsorted_and_duplicate_indices_are_repaired(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        end = int(file["X/indptr"][1])
        indices = file["X/indices"][:end][::-1]
        file["X/indices"][:end] = indices
        file["X/indices"][0] = indices[1]  # the last gene of the cell now twice the one before

    path = make.changed(tmp_path, change)
    with h5py.File(path) as file:
        end = int(file["X/indptr"][1])
        indices, data = file["X/indices"][:end], file["X/data"][:end]
    expected = np.zeros(make.N_GENES)
    np.add.at(expected, indices, data)
    matrix = read_cells(path).X
    assert matrix.has_canonical_format
    np.testing.assert_array_equal(matrix[0].toarray().ravel(), expected)


def test_f11a_what_is_damaged_in_obsp_stays_behind(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file.copy("X", "obsp/neighbours")
        file["obsp/neighbours/indices"][0] = -5

    assert len(read_cells(make.changed(tmp_path, change)).obsp) == 0
