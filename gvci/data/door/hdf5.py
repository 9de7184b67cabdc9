"""Lists, texts and notes of an HDF5 file that was scanned."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from gvci.data.door.scan import SAVE_AGAIN, short
from gvci.errors import FileError

LARGEST_NOTE = 2**24


def values(group: h5py.Group, key: str, name: str) -> np.ndarray:
    """All values of an array with one axis.

    Raises:
        FileError: it is missing, or of another shape.
    """
    return np.asarray(_listed(group, key, name)[()])


def texts(group: h5py.Group, key: str, name: str) -> list[str]:
    """All values of an array with one axis, as text.

    Raises:
        FileError: it is missing, or of another shape.
    """
    return words(_listed(group, key, name))


def words(node: h5py.Dataset) -> list[str]:
    """The texts of an array with one axis, whatever their kind; numbers as text."""
    if is_text(node):
        return [str(word) for word in node.asstr(errors="replace")[()]]
    return [str(word) for word in node[()].tolist()]


def is_text(node: h5py.Dataset) -> bool:
    """True for text of fixed or variable length."""
    return h5py.check_string_dtype(node.dtype) is not None


def note(node: h5py.Group | h5py.Dataset, key: str, default: Any = None) -> Any:
    """An attribute; the default where it is missing, huge or a reference."""
    if key not in node.attrs:
        return default
    kept = node.attrs.get_id(key)
    size = math.prod(kept.shape or ()) * int(kept.get_type().get_size())
    if size > LARGEST_NOTE or h5py.check_ref_dtype(kept.dtype) is not None:
        return default
    value = node.attrs[key]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _listed(group: h5py.Group, key: str, name: str) -> h5py.Dataset:
    node = group.get(key)
    if not isinstance(node, h5py.Dataset) or node.ndim != 1:
        message = f"{short(group.name)} of {name} has no list '{short(key)}'. {SAVE_AGAIN}"
        raise FileError(message)
    return node
