"""10x Genomics' .h5 (Cell Ranger 2 and 3): genes × cells by column, so cells × genes by row."""

from __future__ import annotations

import h5py

from gvci.data.door.hdf5 import texts, values
from gvci.data.door.scan import SAVE_AGAIN, short
from gvci.data.door.values import Cells, genes_only, sparse
from gvci.errors import FileError, listed

MATRIX = {"data", "indices", "indptr", "shape", "barcodes"}


def tenx_group(file: h5py.File, name: str) -> h5py.Group | None:
    """The group that holds 10x's matrix, or None where the file is of another kind.

    Raises:
        FileError: several genomes, each with a matrix of its own.
    """
    found = [key for key in file if isinstance(file[key], h5py.Group) and set(file[key]) >= MATRIX]
    if len(found) > 1:
        message = (
            f"{name} holds {len(found)} genomes: {listed(map(short, found))}. "
            "Give one: in scanpy, read_10x_h5(file, genome=…) and write_h5ad."
        )
        raise FileError(message)
    return file[found[0]] if found else None


def read_tenx(group: h5py.Group, name: str) -> Cells:
    """The cells of a scanned 10x file; features that are no genes are left out.

    Raises:
        FileError: parts are missing, damaged, or of unequal lengths.
    """
    cells = texts(group, "barcodes", name)
    features = group.get("features")
    kinds = None
    if isinstance(features, h5py.Group):
        genes, ids = texts(features, "name", name), texts(features, "id", name)
        kinds = texts(features, "feature_type", name) if "feature_type" in features else None
    else:
        genes, ids = texts(group, "gene_names", name), texts(group, "genes", name)
    shape = values(group, "shape", name).tolist()
    per_gene = {len(genes), len(ids), len(genes if kinds is None else kinds)}
    if shape != [len(genes), len(cells)] or len(per_gene) > 1:
        message = (
            f"{name} declares {' × '.join(map(str, shape[:2]))} values for {len(genes):,} names "
            f"and {len(ids):,} ids of genes and {len(cells):,} barcodes. {SAVE_AGAIN}"
        )
        raise FileError(message)
    matrix = sparse(
        values(group, "data", name),
        values(group, "indices", name),
        values(group, "indptr", name),
        (len(cells), len(genes)),
        f"{short(group.name)} of {name}",
    )
    made = Cells(cells, genes, {"X": matrix}, var={"gene_ids": list(ids)})
    return made if kinds is None else genes_only(made, kinds)
