"""How large a prepared dataset is, read from its head alone: no cell is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from gvci.errors import FileError


@dataclass(frozen=True)
class DataSize:
    """What memory and disk depend on.

    Attributes:
        title: of the dataset, for people.
        values: numbers that are kept of X: those that are not 0 where it is sparse.
        counts: whether the raw counts are kept too.
        labels: perturbations, the control among them.
        arms: perturbations × doses × covariate groups, at most.
        file_bytes: of the file.
        simulated: whether the cells are.
    """

    title: str
    cells: int
    genes: int
    values: int
    counts: bool
    labels: int
    arms: int
    file_bytes: int
    simulated: bool = False


def data_size(path: Path) -> DataSize:
    """The size of what `prepare` wrote.

    Raises:
        FileError: missing, damaged, or not a prepared dataset.
    """
    try:
        with h5py.File(path, "r") as file:
            matrix = file["X"]
            sparse = isinstance(matrix, h5py.Group)
            cells, genes = (int(n) for n in (matrix.attrs["shape"] if sparse else matrix.shape))
            values = int(matrix["data"].shape[0]) if sparse else cells * genes
            meta = json.loads(file["uns/gvci"][()])
            columns = meta["columns"]
            labels = arms = _levels(file[f"obs/{columns['perturbation']}"])
            for name in (*columns["covariates"], columns.get("dose")):
                arms *= _levels(file[f"obs/{name}"]) if name else 1
            counts = "layers/counts" in file
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError):
        message = (
            f"{path.name} is missing, damaged, or not a prepared dataset. "
            "Make one first: python -m gvci prepare."
        )
        raise FileError(message) from None
    title = str(meta.get("title") or meta.get("name") or path.stem)
    return DataSize(
        title, cells, genes, values, counts, labels, min(arms, cells), path.stat().st_size,
        bool(meta.get("simulated")),
    )  # fmt: skip


def cells_with(path: Path, conditions: Mapping[str, str]) -> int:
    """How many cells meet every `column = value`; a column that is no label does not count.

    Raises:
        FileError: missing, damaged, or not a prepared dataset.
    """
    size = data_size(path)
    mask = np.ones(size.cells, dtype=bool)
    with h5py.File(path, "r") as file:
        for name, value in conditions.items():
            column = file.get(f"obs/{name}")
            if isinstance(column, h5py.Group) and "codes" in column:
                levels = list(column["categories"].asstr()[()])
                mask &= column["codes"][()] == (levels.index(value) if value in levels else -2)
    return int(mask.sum())


def _levels(column: h5py.Group | h5py.Dataset) -> int:
    """Distinct values of a column, at least 1."""
    if isinstance(column, h5py.Group):
        return max(1, int(column["categories"].shape[0]))
    return max(1, len(np.unique(column[()])))
