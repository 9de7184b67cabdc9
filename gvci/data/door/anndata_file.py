"""An .h5ad file: X, the layer of counts, the columns of obs, a few of var, and nothing else.

Read by its specification (encodings of anndata 0.8 and later, and the older forms that are
found in archives), after the scan. uns, obsm, obsp and raw stay behind.
"""

from __future__ import annotations

from collections.abc import Iterable

import h5py
import numpy as np
import scipy.sparse as sp

from gvci.data.door.hdf5 import is_text, note, texts, values, words
from gvci.data.door.scan import SAVE_AGAIN, short
from gvci.data.door.values import (
    GENE_COLUMNS,
    Categories,
    Cells,
    Column,
    Laid,
    Masked,
    native,
    numbers,
    sparse,
)
from gvci.data.laid import PARTS
from gvci.errors import FileError, listed

LAYERS = ("counts",)
OURS = "gvci"  # the text in uns that `prepare` writes


def read_anndata(file: h5py.File, name: str, in_place: bool = False) -> Cells:
    """The cells of a scanned .h5ad file.

    Args:
        in_place: whether matrices that `prepare` laid plain may stay where they are.

    Raises:
        FileError: no X, obs or var, parts that do not fit together, or values of no use.
    """
    missing = [key for key in ("X", "obs", "var") if key not in file]
    if set(missing) & {"obs", "var"}:
        message = (
            f"{name} is HDF5 but not AnnData: it has no {' and no '.join(missing)}. "
            "Save the cells as AnnData: adata.write_h5ad('cells.h5ad')."
        )
        raise FileError(message)
    layers = file["layers"] if isinstance(file.get("layers"), h5py.Group) else {}
    if missing or note(file["X"], "encoding-type") == "null":
        others = f" (its layers: {listed(map(short, layers), 10)})" if len(layers) else ""
        message = f"{name} has no matrix X{others}. Put the counts into X."
        raise FileError(message)
    notes: list[str] = []
    cells, obs = _frame(file, "obs", name, notes)
    genes, var = _frame(file, "var", name, notes)
    ours = _ours(file)
    nodes = {"X": file["X"]} | {key: layers[key] for key in LAYERS if key in layers}
    matrices: dict[str, np.ndarray | sp.csr_matrix | Laid] = {}
    for key, node in nodes.items():
        laid = _laid(node) if in_place and ours else None
        place = key if key == "X" else f"layers/{key}"
        matrices[key] = _matrix(node, place, name) if laid is None else laid
    for key, matrix in matrices.items():
        if matrix.shape != (len(cells), len(genes)):
            message = (
                f"{key} of {name} is {matrix.shape[0]:,} × {matrix.shape[1]:,}, but there are "
                f"{len(cells):,} cells in obs and {len(genes):,} genes in var. {SAVE_AGAIN}"
            )
            raise FileError(message)
    var = {key: column for key, column in var.items() if key.lower() in GENE_COLUMNS}
    return Cells(cells, genes, matrices, obs, var, ours, notes)


def _matrix(node: h5py.Group | h5py.Dataset, where: str, name: str) -> np.ndarray | sp.csr_matrix:
    place = f"/{where} of {name}"
    if isinstance(node, h5py.Dataset):
        if node.ndim != 2:
            message = f"{place} has {node.ndim} axes, not cells × genes. Put a matrix there."
            raise FileError(message)
        if is_text(node):
            message = f"{place} holds text, not numbers. Give counts as float32 or integers."
            raise FileError(message)
        numbers(np.empty(0, node.dtype), place)
        return numbers(node[()], place)
    form = str(note(node, "encoding-type") or note(node, "h5sparse_format"))
    shape = note(node, "shape", note(node, "h5sparse_shape"))
    if form not in ("csr_matrix", "csc_matrix", "csr", "csc") or np.shape(shape) != (2,):
        message = f"{place} is neither an array nor a sparse matrix. {SAVE_AGAIN}"
        raise FileError(message)
    return sparse(
        values(node, "data", name),
        values(node, "indices", name),
        values(node, "indptr", name),
        (int(shape[0]), int(shape[1])),
        place,
        by_column=form.startswith("csc"),
    )


def _laid(node: h5py.Group | h5py.Dataset) -> Laid | None:
    """Where the arrays of a matrix lie that can be mapped as they are; None for all others."""
    if note(node, "encoding-type") != "csr_matrix" or np.shape(note(node, "shape")) != (2,):
        return None
    arrays = [node.get(part) for part in PARTS]
    if not all(isinstance(array, h5py.Dataset) and array.ndim == 1 for array in arrays):
        return None
    places = [None if array.chunks else array.id.get_offset() for array in arrays]
    kinds = [array.dtype.str for array in arrays]
    known = kinds[0] == "<f4" and kinds[1] == kinds[2] and kinds[1] in ("<i4", "<i8")
    laid = [place for place in places if place is not None and place % 8 == 0]
    if not known or len(laid) < len(places):
        return None
    rows, columns = (int(length) for length in note(node, "shape"))
    lengths = [int(array.shape[0]) for array in arrays]
    return Laid((rows, columns), tuple(zip(kinds, lengths, laid, strict=True)))


# --- obs and var -----------------------------------------------------------------------


def _frame(
    file: h5py.File, part: str, name: str, notes: list[str]
) -> tuple[list[str], dict[str, Column]]:
    """Names and columns of obs or var; columns of other kinds are noted and left out."""
    node = file[part]
    if isinstance(node, h5py.Dataset):
        index, members = _records(node, file, part, name)
    else:
        index, members = _group(node, part, name)
    columns: dict[str, Column] = {}
    others = []
    for word, column in members:
        if column is None:
            others.append(word)
            continue
        where = f"{part}['{short(word)}'] of {name}"
        if len(column) != len(index):
            message = (
                f"{where} has {len(column):,} values for {len(index):,} "
                f"{'cells' if part == 'obs' else 'genes'}. {SAVE_AGAIN}"
            )
            raise FileError(message)
        if isinstance(column, Categories):
            _require_levels(column, where)
        columns[word] = column
    if others and part == "obs":
        notes.append(
            f"{len(others):,} columns of obs hold neither text nor numbers and are left out: "
            f"{listed(map(short, others))}."
        )
    return index, columns


def _group(
    node: h5py.Group, part: str, name: str
) -> tuple[list[str], Iterable[tuple[str, Column | None]]]:
    key = str(note(node, "_index", "_index" if "_index" in node else "index"))
    order = note(node, "column-order", [])
    given = [
        w if isinstance(w, bytes) else str(w).encode("utf-8", "surrogateescape") for w in order
    ]
    # What is no text comes out with "\ufffd" in it: h5py finds no member by such a name.
    asked = list(dict.fromkeys(word.decode("utf-8", "replace") for word in given))
    gone = [word for word in asked if "\ufffd" not in word and word not in node]
    if gone:
        message = (
            f"{part} of {name} lacks {len(gone):,} of its {len(asked):,} columns: "
            f"{listed(map(short, gone))}. {SAVE_AGAIN}"
        )
        raise FileError(message)
    members = (
        (word, _column(node, word) if word in node else None) for word in asked if word != key
    )
    return texts(node, key, name), members


def _column(frame: h5py.Group, word: str) -> Column | None:
    """A column as it is stored; None for what is neither text nor numbers."""
    node = frame[word]
    if isinstance(node, h5py.Dataset):
        levels = frame.get("__categories")
        if isinstance(levels, h5py.Group) and isinstance(levels.get(word), h5py.Dataset):
            return Categories(node[()], _levels(levels[word]))
        return _plain(node)
    form = str(note(node, "encoding-type"))
    if form == "categorical" and {"codes", "categories"} <= set(node):
        ordered = bool(note(node, "ordered", False))
        return Categories(node["codes"][()], _levels(node["categories"]), ordered)
    if form.startswith("nullable") and {"values", "mask"} <= set(node):
        return _masked(_plain(node["values"]), node["mask"][()].astype(bool))
    return None


def _masked(kept: np.ndarray | list[str] | None, mask: np.ndarray) -> Column | None:
    if kept is None or len(kept) != len(mask):
        return None
    if isinstance(kept, list):
        return [None if gone else word for word, gone in zip(kept, mask, strict=True)]
    return np.where(mask, np.nan, kept) if kept.dtype.kind == "f" else Masked(kept, mask)


def _plain(node: h5py.Dataset) -> np.ndarray | list[str] | None:
    if not isinstance(node, h5py.Dataset) or node.ndim != 1:
        return None
    if is_text(node):
        return words(node)
    if node.dtype.kind not in "fiub" or node.dtype.itemsize > 8:
        return None
    return native(node[()])


def _levels(node: h5py.Dataset) -> np.ndarray | list[str]:
    kept = _plain(node)
    return [] if kept is None else kept


def _require_levels(column: Categories, where: str) -> None:
    codes, levels = column.codes, list(column.levels)
    if codes.dtype.kind not in "iu" or codes.ndim != 1:
        message = f"The codes of {where} are no whole numbers. {SAVE_AGAIN}"
        raise FileError(message)
    wrong = int(((codes < -1) | (codes >= len(levels))).sum())
    if wrong:
        message = (
            f"{wrong:,} codes of {where} point outside its {len(levels):,} categories. {SAVE_AGAIN}"
        )
        raise FileError(message)
    if len(set(levels)) < len(levels):
        message = f"{where} has categories of the same name. {SAVE_AGAIN}"
        raise FileError(message)


def _records(
    node: h5py.Dataset, file: h5py.File, part: str, name: str
) -> tuple[list[str], Iterable[tuple[str, Column | None]]]:
    """obs and var of files before anndata 0.7: one array of records, categories in uns."""
    fields = node.dtype.names
    if not fields or node.ndim != 1:
        message = f"{part} of {name} is no table. {SAVE_AGAIN}"
        raise FileError(message)
    records = node[()]
    key = next((word for word in ("index", "_index") if word in fields), fields[0])

    def column(word: str) -> Column | None:
        kept = records[word]
        levels = file.get(f"uns/{word}_categories")
        if isinstance(levels, h5py.Dataset) and kept.dtype.kind in "iu":
            return Categories(kept, _levels(levels))
        if kept.ndim != 1:
            return None
        if kept.dtype.kind in "SO":
            return [w.decode("utf-8", "replace") if isinstance(w, bytes) else str(w) for w in kept]
        return native(kept) if kept.dtype.kind in "fiub" else None

    index = column(key)
    names = index if isinstance(index, list) else records[key].tolist()
    return [str(word) for word in names], ((word, column(word)) for word in fields if word != key)


def _ours(file: h5py.File) -> dict[str, str]:
    """The text that `prepare` wrote into uns; anything else there is never read."""
    node = file.get(f"uns/{OURS}")
    if not isinstance(node, h5py.Dataset) or node.shape != () or not is_text(node):
        return {}
    return {OURS: str(node.asstr(errors="replace")[()])}
