"""An HDF5 file is looked through before a value is read, and nothing in it is followed.

anndata and h5py follow external storage, external links and virtual datasets, and so would hand
out other files of this machine; cycles never end; a few bytes can declare terabytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import h5py
from h5py import h5d, h5g, h5l, h5o, h5t, h5z

from gvci.data.door.limits import Limits
from gvci.errors import FileError

MOST_DEPTH = 32
MOST_OBJECTS = 20_000
LZF = 32000  # comes with h5py
FILTERS = {
    h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SZIP,
    h5z.FILTER_NBIT, h5z.FILTER_SCALEOFFSET, LZF,
}  # fmt: skip
FILTER_NAMES = {
    307: "bzip2", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
    32015: "Zstandard", 32026: "Blosc2",
}  # fmt: skip
SAVE_AGAIN = (
    "Read it where it was made and save it again as one file: adata.write_h5ad('new.h5ad')."
)


def scan(file: h5py.File, name: str, limits: Limits) -> None:
    """Refuse what could lead out of the file, around in it, or over the limits.

    Raises:
        FileError: links that are not hard, objects linked twice, groups too deep or too many,
            values kept elsewhere, filters or types that are not loaded, too much declared.
    """
    seen = {h5o.get_info(file.id).addr}
    unpacked = 0
    groups = [(file.id, "", 0)]
    while groups:
        group, path, depth = groups.pop()
        if depth > MOST_DEPTH:
            _refuse(f"{short(path)} of {name} lies more than {MOST_DEPTH} groups deep, too deep")
        for word, where in _links(group, path, name):
            info = h5o.get_info(group, word)
            if info.type != h5o.TYPE_NAMED_DATATYPE and (info.rc > 1 or info.addr in seen):
                _refuse(f"{where} of {name} is linked twice")
            seen.add(info.addr)
            if len(seen) > MOST_OBJECTS:
                _refuse(f"{name} holds more than {MOST_OBJECTS:,} groups and arrays")
            if info.type == h5o.TYPE_GROUP:
                groups.append((h5g.open(group, word), f"{path}/{text(word)}", depth + 1))
            elif info.type == h5o.TYPE_DATASET:
                unpacked += _bytes(h5d.open(group, word), where, name)
            if unpacked > limits.unpacked:
                message = f"{name} declares more than {limits.size} unpacked. {limits.above}"
                raise FileError(message)


def _links(group: h5g.GroupID, path: str, name: str) -> Iterator[tuple[bytes, str]]:
    """Name and place of each member, none of which is a link to elsewhere."""
    for word in group:
        where = short(f"{path}/{text(word)}")
        kind = group.links.get_info(word).type
        if kind == h5l.TYPE_SOFT:
            _refuse(f"{where} of {name} is a link to another place")
        if kind != h5l.TYPE_HARD:
            _refuse(f"{where} of {name} is a link to another file")
        yield word, where


def _bytes(array: h5d.DatasetID, where: str, name: str) -> int:
    """Declared size of an array that keeps plain values here, in a way that we load."""
    made = array.get_create_plist()
    # Before the shape is asked for: that of a virtual dataset is looked up in other files.
    if made.get_layout() == h5d.VIRTUAL or made.get_external_count():
        _refuse(f"{where} of {name} keeps its values in another file")
    for i in range(made.get_nfilters()):
        number = made.get_filter(i)[0]
        if number not in FILTERS:
            known = FILTER_NAMES.get(number, "")
            message = (
                f"{where} of {name} is compressed with a filter that is not loaded "
                f"({f'{known}, ' if known else ''}number {number}). "
                "Save it with gzip: adata.write_h5ad('new.h5ad', compression='gzip')."
            )
            raise FileError(message)
    kind = array.get_type()
    _require_plain(kind, where, name)
    chunk = math.prod(made.get_chunk()) if made.get_layout() == h5d.CHUNKED else 0
    return max(math.prod(array.shape or (1,)), chunk) * int(kind.get_size())


def _require_plain(kind: h5t.TypeID, where: str, name: str) -> None:
    """Refuse references and opaque bytes (which may be a pickle), inside other types too."""
    code = kind.get_class()
    if code in (h5t.REFERENCE, h5t.OPAQUE):
        what = "references" if code == h5t.REFERENCE else "opaque bytes, which may be a pickle"
        _refuse(f"{where} of {name} holds {what}")
    if code == h5t.COMPOUND:
        for i in range(kind.get_nmembers()):
            _require_plain(kind.get_member_type(i), where, name)
    elif code in (h5t.ARRAY, h5t.VLEN, h5t.ENUM):
        _require_plain(kind.get_super(), where, name)


def _refuse(what: str) -> None:
    message = f"{what}. {SAVE_AGAIN}"
    raise FileError(message)


def text(word: bytes) -> str:
    """A name of the file as text."""
    return word.decode("utf-8", "replace")


def short(where: str) -> str:
    """A place in the file, cut for a message."""
    return where if len(where) <= 80 else f"{where[:40]}…{where[-39:]}"
