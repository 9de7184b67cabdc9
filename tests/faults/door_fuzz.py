"""Files that nobody would write: seeded damage of every format, and what is done with survivors."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import scipy.io
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.door.limits import UPLOAD
from gvci.data.door.read import read_cells
from gvci.data.findings import check
from gvci.data.prepare import prepare
from gvci.data.roles import Columns
from gvci.errors import FileError, GvciError
from tests.faults import door_files as make

Rng = np.random.Generator


def outcome(path: Path) -> str:
    """ "refused" or "accepted"; what is accepted is used as a person would use it.

    Anything but a GvciError goes through, and so does a sentence that is none.
    """
    try:
        cells = read_cells(path, UPLOAD)
    except FileError as error:
        said = str(error)
        assert said.endswith("."), said
        assert "\n" not in said
        assert make.CANARY not in said
        assert str(path.parent) not in said
        return "refused"
    use(cells)
    return "accepted"


def use(cells: ad.AnnData) -> None:
    """Findings, arithmetic that walks all indices, and prepare."""
    for name in (cells.obs.columns[:1].tolist() or ["perturbation"])[:1]:
        check(cells, Columns(str(name), "control", ()))
    for matrix in (cells.X, *cells.layers.values()):
        rows = sp.csr_matrix(matrix, dtype=np.float64)
        _ = rows @ np.ones(rows.shape[1]), rows.T @ np.ones(rows.shape[0]), rows[::2].tocsc()
    assert make.CANARY not in " ".join([*cells.obs_names, *cells.var_names])
    try:
        prepare(cells, PrepareSettings(perturbation="perturbation", control="control"))
    except GvciError:
        return


# --- the damage -----------------------------------------------------------------------------


def flipped(content: bytes, rng: Rng) -> bytes:
    """1 to 64 bytes with other bits, anywhere or all near one place."""
    damaged = bytearray(content)
    count = int(rng.integers(1, 65))
    spread = len(damaged) if rng.random() < 0.6 else min(len(damaged), 512)
    first = int(rng.integers(0, len(damaged) - spread + 1))
    for at in rng.integers(first, first + spread, count):
        damaged[int(at)] ^= int(rng.integers(1, 256))
    return bytes(damaged)


def cut(content: bytes, rng: Rng) -> bytes:
    """Cut short, or a piece from the middle gone or there twice."""
    a, b = sorted(int(i) for i in rng.integers(0, len(content) + 1, 2))
    way = rng.integers(3)
    return (content[:a], content[:a] + content[b:], content[:b] + content[a:])[way]


def restructured(path: Path, rng: Rng) -> None:
    """A valid HDF5 file whose parts are wrong: types, shapes, names, links, attributes."""
    with h5py.File(path, "r+") as file:
        for _ in range(int(rng.integers(1, 4))):
            names: list[str] = []
            file.visit(names.append)
            if not names:
                return
            where = str(rng.choice(names))
            WAYS[int(rng.integers(len(WAYS)))](file, where, rng)


def _gone(file: h5py.File, where: str, rng: Rng) -> None:
    del file[where]


def _other_array(file: h5py.File, where: str, rng: Rng) -> None:
    del file[where]
    shape = tuple(rng.integers(0, 50, int(rng.integers(0, 4))))
    kinds = ("f4", "i8", "u8", "f2", "c8", "S5", "?", "i1")
    values = rng.integers(0, 3, shape).astype(kinds[int(rng.integers(len(kinds)))])
    file[where] = values


def _other_values(file: h5py.File, where: str, rng: Rng) -> None:
    node = file[where]
    if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf" and node.size:
        extreme = [-1, 0, 2**31 - 1, -(2**31), 7] if node.dtype.kind != "u" else [0, 255]
        flat = node[()].ravel()
        for at in rng.integers(0, flat.size, 3):
            flat[int(at)] = np.asarray(rng.choice(extreme)).astype(flat.dtype)
        node[...] = flat.reshape(node.shape)


def _other_length(file: h5py.File, where: str, rng: Rng) -> None:
    node = file[where]
    if isinstance(node, h5py.Dataset) and node.ndim == 1:
        kept = node[: int(rng.integers(0, len(node) + 1))]
        kind = node.dtype
        del file[where]
        file.create_dataset(where, data=kept, dtype=kind)


def _a_group(file: h5py.File, where: str, rng: Rng) -> None:
    del file[where]
    file.create_group(where).attrs["encoding-type"] = str(
        rng.choice(["csr_matrix", "categorical", "dataframe", "nullable-integer", "awkward-array"])
    )


def _attributes(file: h5py.File, where: str, rng: Rng) -> None:
    node = file[where]
    wrong: list[object] = [
        "csc_matrix", "csr_matrix", -1, [1, 2, 3], [10**12, 10**12], "", b"\xff\xfe", 3.5,
        np.array(["x", "y"], dtype=h5py.string_dtype()), [-5, 20], "_index", True,
    ]  # fmt: skip
    keys = [*node.attrs, "encoding-type", "shape", "_index", "column-order", "ordered"]
    node.attrs[str(rng.choice(keys))] = wrong[int(rng.integers(len(wrong)))]


def _link(file: h5py.File, where: str, rng: Rng) -> None:
    ways = (h5py.SoftLink("/X"), h5py.ExternalLink("secret.h5", "/names"), file["/"], file["obs"])
    del file[where]
    file[where] = ways[int(rng.integers(len(ways)))]


def _moved(file: h5py.File, where: str, rng: Rng) -> None:
    file.move(where, f"{where}-moved")


WAYS: tuple[Callable[[h5py.File, str, Rng], None], ...] = (
    _gone, _other_array, _other_values, _other_length, _a_group, _attributes, _link, _moved,
)  # fmt: skip


# --- one file per seed ------------------------------------------------------------------------


def hostile(seed: int, folder: Path) -> Path:
    """The file, or the folder of a triple, of a seed."""
    rng = np.random.default_rng(seed)
    way = rng.choice(
        ["flipped", "cut", "restructured", "table", "triple", "10x", "packed"],
        p=[0.3, 0.12, 0.28, 0.1, 0.06, 0.06, 0.08],
    )
    if way == "table":
        content = make.good_cells().to_df().astype(int).to_csv().encode()
        return _put(folder / "cells.csv", damaged(content, rng))
    if way == "triple":
        return _triple(folder / "matrix", rng)
    path = _tenx(folder) if way == "10x" else _h5ad(folder, rng)
    if way == "restructured":
        # What h5py itself refuses to write: what was changed until then is hostile enough.
        with suppress(KeyError, OSError, RuntimeError, ValueError, TypeError):
            restructured(path, rng)
        return path
    content = path.read_bytes()
    if way == "packed":
        packed = gzip.compress(content)
        return _put(folder / "cells.h5ad.gz", damaged(packed, rng))
    return _put(path, flipped(content, rng) if way == "flipped" else damaged(content, rng))


def damaged(content: bytes, rng: Rng) -> bytes:
    """Flipped or cut."""
    return flipped(content, rng) if rng.random() < 0.5 else cut(content, rng)


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@cache
def _written(seed: int, form: int, compression: str | None) -> bytes:
    cells = make.good_cells(seed)
    if form == 1:
        cells.X = cells.X.toarray()
    elif form == 2:
        cells.X = cells.X.tocsc()
    with tempfile.TemporaryDirectory() as folder:
        cells.write_h5ad(Path(folder) / "cells.h5ad", compression=compression)
        return (Path(folder) / "cells.h5ad").read_bytes()


def _h5ad(folder: Path, rng: Rng) -> Path:
    compression = None if rng.random() < 0.5 else "gzip"
    content = _written(int(rng.integers(3)), int(rng.integers(3)), compression)
    return _put(folder / "cells.h5ad", content)


def _tenx(folder: Path) -> Path:
    matrix = make.good_cells().X
    path = folder / "filtered.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = [f"AAACCC{i}-1" for i in range(matrix.shape[0])]
        group["shape"] = matrix.shape[::-1]
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)
        names = [f"G{i}" for i in range(matrix.shape[1])]
        group["features/name"], group["features/id"] = names, names
    return path


def _triple(folder: Path, rng: Rng) -> Path:
    folder.mkdir(exist_ok=True)
    scipy.io.mmwrite(folder / "matrix.mtx", make.good_cells().X.T.tocoo(), field="integer")
    (folder / "barcodes.tsv").write_text("\n".join(f"c{i}" for i in range(make.N_CELLS)))
    (folder / "features.tsv").write_text("\n".join(f"E{i}\tG{i}" for i in range(make.N_GENES)))
    for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
        if rng.random() < 0.5:
            path = folder / name
            path.write_bytes(damaged(path.read_bytes(), rng))
    return folder
