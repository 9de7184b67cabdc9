"""Large matrices lie plain in our files, so that they can be mapped and are never read as a whole.

anndata writes arrays in chunks. Those of a large CSR matrix are written here as they are in
memory, each in one piece at a whole page; anndata reads them like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

LARGE = 2**24  # values from which a matrix is laid plain: about 130 MB
PAGE = 4096
PARTS = ("data", "indices", "indptr")


def large(matrix: sp.csr_matrix) -> bool:
    """Whether a matrix is kept plain and mapped, instead of compressed and read."""
    return bool(matrix.nnz >= LARGE)


def lay(path: Path, matrices: Mapping[str, sp.csr_matrix]) -> None:
    """Add matrices to an .h5ad file, by their place in it ("X", "layers/counts").

    Raises:
        OSError: the disk refuses.
    """
    with h5py.File(path, "r+", alignment_threshold=PAGE, alignment_interval=PAGE) as file:
        for place, matrix in matrices.items():
            if place in file:
                del file[place]
            group = file.create_group(place)
            group.attrs["encoding-type"], group.attrs["encoding-version"] = "csr_matrix", "0.1.0"
            group.attrs["shape"] = np.asarray(matrix.shape)
            # One type for both: scipy would copy what is narrower.
            index = np.int64 if matrix.nnz >= 2**31 else np.int32
            for name in PARTS:
                values = getattr(matrix, name)
                kind = np.float32 if name == "data" else index
                group.create_dataset(name, data=values.astype(kind, copy=False))
