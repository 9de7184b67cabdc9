"""Good and hostile files for the door, made by hand with h5py."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

CANARY = "CANARY-7f3a9b"
N_CELLS, N_GENES = 40, 20


def good_cells(seed: int = 0) -> ad.AnnData:
    """40 cells × 20 genes of counts, a layer of the same, two label columns and a number."""
    rng = np.random.default_rng(seed)
    counts = sp.csr_matrix(rng.poisson(1, (N_CELLS, N_GENES)).astype(np.float32))
    labels = np.array(["control", "STAT1", "control", "IRF1"] * 10)
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(labels),
            "cell_type": ["B cells"] * 20 + ["T cells"] * 20,
            "age": np.linspace(20, 60, N_CELLS),
        },
        index=[f"c{i}" for i in range(N_CELLS)],
    )
    var = pd.DataFrame(index=[f"G{i}" for i in range(N_GENES)])
    cells = ad.AnnData(counts, obs=obs, var=var)
    cells.layers["counts"] = counts.copy()
    return cells


def good_file(folder: Path, name: str = "cells.h5ad") -> Path:
    """The same, written."""
    path = folder / name
    good_cells().write_h5ad(path)
    return path


def changed(folder: Path, change: Callable[[h5py.File], None], name: str = "cells.h5ad") -> Path:
    """A good file after something was done to it."""
    path = good_file(folder, name)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def secrets(folder: Path) -> Path:
    """Another file of the server: a canary as raw bytes, and as HDF5 arrays and texts."""
    raw = folder / f"secret-{CANARY}.bin"
    raw.write_bytes(CANARY.encode() * 400)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["names"] = [CANARY] * N_CELLS
        file["X"] = np.full((N_CELLS, N_GENES), 7.0, dtype=np.float32)
        file["frame/_index"] = [CANARY] * N_CELLS
    return raw


# --- F04: values and names kept elsewhere -------------------------------------------------


def external_storage(folder: Path) -> Path:
    raw = secrets(folder)

    def change(file: h5py.File) -> None:
        del file["X"]
        size = N_CELLS * N_GENES * 4
        shape = (N_CELLS, N_GENES)
        file.create_dataset("X", shape, np.float32, external=[(str(raw), 0, size)])

    return changed(folder, change)


def external_names(folder: Path) -> Path:
    raw = secrets(folder)

    def change(file: h5py.File) -> None:
        del file["obs/_index"]
        file["obs"].create_dataset(
            "_index", (N_CELLS,), "S13", external=[(str(raw), 0, N_CELLS * 13)]
        )

    return changed(folder, change)


def external_link(folder: Path) -> Path:
    secrets(folder)

    def change(file: h5py.File) -> None:
        del file["obs/_index"]
        file["obs/_index"] = h5py.ExternalLink(str(folder / "secret.h5"), "/names")

    return changed(folder, change)


def external_group(folder: Path) -> Path:
    """A link inside the path to what is read."""
    secrets(folder)

    def change(file: h5py.File) -> None:
        del file["obs"]
        file["obs"] = h5py.ExternalLink(str(folder / "secret.h5"), "/frame")

    return changed(folder, change)


def virtual(folder: Path) -> Path:
    secrets(folder)

    def change(file: h5py.File) -> None:
        del file["X"]
        layout = h5py.VirtualLayout((N_CELLS, N_GENES), np.float32)
        source = h5py.VirtualSource(str(folder / "secret.h5"), "X", (N_CELLS, N_GENES))
        layout[:] = source
        file.create_virtual_dataset("X", layout)

    return changed(folder, change)


def virtual_names(folder: Path) -> Path:
    """Of unlimited extent: HDF5 opens the other file as soon as the shape is asked for."""
    secrets(folder)

    def change(file: h5py.File) -> None:
        del file["obs/_index"]
        kind = h5py.string_dtype()
        layout = h5py.VirtualLayout((N_CELLS,), kind, maxshape=(None,))
        source = h5py.VirtualSource(str(folder / "secret.h5"), "names", (N_CELLS,), kind, (None,))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        file["obs"].create_virtual_dataset("_index", layout)

    return changed(folder, change)


def soft_link(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        file["kept"] = file["X"]
        del file["X"]
        file["X"] = h5py.SoftLink("/kept")

    return changed(folder, change)


# --- F05: cycles and depth -------------------------------------------------------------------


def cycle(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        file["uns/loop"] = file["uns"]

    return changed(folder, change)


def root_cycle(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        file["uns/loop"] = file["/"]

    return changed(folder, change)


def linked_twice(folder: Path) -> Path:
    def change(file: h5py.File) -> None:
        file["layers/again"] = file["X"]

    return changed(folder, change)


def nested(folder: Path, depth: int = 100_000) -> Path:
    """Groups within groups; made from the inside of one open group to the next."""

    def change(file: h5py.File) -> None:
        group = file["uns"].id
        for _ in range(depth):
            group = h5py.h5g.create(group, b"g")

    return changed(folder, change)


def crowded(folder: Path, count: int = 20_001) -> Path:
    """Very many groups side by side."""

    def change(file: h5py.File) -> None:
        for i in range(count):
            h5py.h5g.create(file["uns"].id, str(i).encode())

    return changed(folder, change)


# --- F06: bombs ---------------------------------------------------------------------------------


def declared(folder: Path) -> Path:
    """A few kilobytes that declare 8 TB."""
    path = folder / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "X", (1_000_000, 2_000_000), np.float32, chunks=(1000, 1000), compression="gzip"
        )
        for part, length in (("obs", 1_000_000), ("var", 2_000_000)):
            group = file.create_group(part)
            group.attrs["_index"] = "_index"
            group.create_dataset("_index", (length,), "S4", chunks=True)
    return path


def zeros(folder: Path) -> Path:
    """2.4 GB of zeros, all there, compressed 1,000 : 1."""

    def change(file: h5py.File) -> None:
        side = 5000
        made = file.create_dataset(
            "uns/zeros", (5 * side, 5 * side), np.float32, chunks=(side, side), compression="gzip"
        )
        packed = zlib.compress(bytes(side * side * 4), 9)
        for row in range(5):
            for column in range(5):
                made.id.write_direct_chunk((row * side, column * side), packed)

    return changed(folder, change)


def wide_chunk(folder: Path) -> Path:
    """A list of 40 whose one chunk takes 3.2 GB to unpack."""

    def change(file: h5py.File) -> None:
        file.create_dataset(
            "obs/fat", (N_CELLS,), np.float64, chunks=(400_000_000,), maxshape=(None,)
        )

    return changed(folder, change)


def one_text_many_times(folder: Path, cells: int = 4000) -> Path:
    """Cells whose names are all one text of 1 MB in the file's heap: 64 kB that become 4 GB."""
    path = folder / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = np.ones((cells, 2), dtype=np.float32)
        for part, length in (("obs", cells), ("var", 2)):
            group = file.create_group(part)
            group.attrs["_index"] = "_index"
            names = group.create_dataset("_index", (length,), h5py.string_dtype(), chunks=(length,))
            names[:] = ["x" * 2**20, *["y"] * (length - 1)]
        raw = file["obs/_index"].id.read_direct_chunk((0,))[1]
        file["obs/_index"].id.write_direct_chunk((0,), raw[:16] * cells)
    return path


def gzipped(path: Path) -> Path:
    """A packed copy beside a file."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def gzip_bomb(path: Path, block: bytes, times: int) -> Path:
    """`block` over and over, each time a member of its own: quick to make."""
    member = gzip.compress(block, 9)
    with path.open("wb") as file:
        for _ in range(times):
            file.write(member)
    return path
