"""The only door for .h5ad files that we did not write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import scipy.sparse as sp

from gvci.errors import FileError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_h5ad(path: Path) -> ad.AnnData:
    """Read an .h5ad file into memory, refusing what is not one or is damaged.

    Raises:
        FileError: missing, not HDF5, without X, obs or var, cut short, or with a sparse
            matrix whose indices point outside it.
    """
    _require_anndata(path)
    try:
        adata = ad.read_h5ad(path)
    # anndata and h5py raise a dozen classes on damaged files, RuntimeError among them.
    except Exception as error:  # noqa: BLE001
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{path.name} is cut short or damaged ({reason}). Copy or upload it again."
        raise FileError(message) from None
    if adata.X is None:
        message = f"{path.name} has no matrix X. Put the counts into X."
        raise FileError(message)
    for where, matrix in (("X", adata.X), *((f"layers/{k}", m) for k, m in adata.layers.items())):
        _require_sound(matrix, path.name, where)
    return adata


def _require_anndata(path: Path) -> None:
    """Refuse what is not an HDF5 file with X, obs and var, without reading values."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(HDF5_MAGIC))
    except FileNotFoundError:
        message = f"There is no file {path}. Give the path of an .h5ad file or a catalogue name."
        raise FileError(message) from None
    except OSError as error:
        message = f"{path} cannot be opened: {error.strerror}."
        raise FileError(message) from None
    if magic != HDF5_MAGIC:
        message = f"{path.name} is not an .h5ad file: it does not begin like an HDF5 file."
        raise FileError(message)
    try:
        with h5py.File(path, "r") as file:
            missing = [key for key in ("X", "obs", "var") if key not in file]
    except (OSError, RuntimeError, KeyError, ValueError):
        message = f"{path.name} is cut short or damaged. Copy or upload it again."
        raise FileError(message) from None
    if missing:
        message = f"{path.name} is HDF5 but not AnnData: it has no {' and no '.join(missing)}."
        raise FileError(message)


def _require_sound(matrix: Any, name: str, where: str) -> None:
    """Refuse a sparse matrix whose indices would read outside it (scipy does not look)."""
    if sp.issparse(matrix):
        try:
            matrix.check_format(full_check=True)
        except ValueError as error:
            message = f"The sparse matrix {where} of {name} is damaged: {error}."
            raise FileError(message) from None
        matrix.sum_duplicates()
    kind = matrix.dtype if hasattr(matrix, "dtype") else np.dtype(object)
    if kind.kind not in "fiub":
        message = f"{where} of {name} holds {kind}, not numbers."
        raise FileError(message)
