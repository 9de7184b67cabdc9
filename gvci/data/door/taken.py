"""What the child made, as AnnData; nothing in it is believed."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.door.limits import Limits
from gvci.data.door.parcel import Unpacked
from gvci.errors import FileError

NOTES = "door"  # key in uns: what was chosen on the way, in sentences
log = logging.getLogger("gvci.data")


def taken_in(folder: Path, file: Path, name: str, limits: Limits) -> ad.AnnData:
    """The parcel as AnnData; nothing in it is believed. Plain matrices stay in `file`, mapped.

    Raises:
        FileError: refused by the child, or the parcel is not sound.
    """
    try:
        parcel = Unpacked(folder, file)
        table = parcel.table
        if "refused" in table:
            if table["detail"]:
                log.info("%s was refused: %s", name, table["detail"])
            raise FileError(str(table["refused"]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # repeated names are the findings' business
            return _anndata(parcel, table)
    except MemoryError:
        message = f"{name} needs more memory than this machine has free. {limits.above}"
        raise FileError(message) from None
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        log.warning("the parcel of %s is not sound: %r", name, error)
        message = f"{name} is cut short or damaged. Copy or upload it again."
        raise FileError(message) from None


def _anndata(parcel: Unpacked, table: dict[str, Any]) -> ad.AnnData:
    # In the order in which the child wrote them.
    matrices = {key: _matrix(parcel, described) for key, described in table["matrices"].items()}
    obs = _frame(parcel, table["obs"], table["cells"])
    var = _frame(parcel, table["var"], table["genes"])
    uns = {str(key): str(text) for key, text in table["uns"].items()}
    uns_notes = {NOTES: [str(note) for note in table["notes"]]} if table["notes"] else {}
    return ad.AnnData(matrices.pop("X"), obs, var, uns=uns | uns_notes, layers=matrices)


def _matrix(parcel: Unpacked, described: dict[str, Any]) -> np.ndarray | sp.csr_matrix:
    if "dense" in described:
        return parcel.array(described["dense"])
    rows, columns = described["shape"]
    laid = "laid" in described
    arrays = (
        map(parcel.mapped, described["laid"]) if laid else map(parcel.array, described["sparse"])
    )
    matrix = sp.csr_matrix(tuple(arrays), shape=(int(rows), int(columns)))
    matrix.check_format(full_check=True)
    if not laid:
        matrix.has_canonical_format = True
    elif not matrix.has_canonical_format:  # what is mapped cannot be put in order
        message = "a mapped matrix is not sorted"
        raise ValueError(message)
    return matrix


def _frame(parcel: Unpacked, columns: list[Any], names: list[str]) -> pd.DataFrame:
    made = {str(key): _column(parcel, described) for key, described in columns}
    return pd.DataFrame(made, index=pd.Index([str(name) for name in names], dtype=object))


def _column(parcel: Unpacked, described: dict[str, Any]) -> Any:
    if "text" in described:
        return np.array([None if w is None else str(w) for w in described["text"]], dtype=object)
    if "codes" in described:
        levels = (
            described["levels"] if "levels" in described else parcel.array(described["numbers"])
        )
        codes = parcel.array(described["codes"])
        return pd.Categorical.from_codes(
            codes, pd.Index(levels), ordered=bool(described["ordered"])
        )
    values = parcel.array(described["values"])
    if "mask" not in described:
        return values
    kind = pd.arrays.BooleanArray if values.dtype.kind == "b" else pd.arrays.IntegerArray
    return kind(values, parcel.array(described["mask"]))
