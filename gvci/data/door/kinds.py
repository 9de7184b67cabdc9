"""What a file is, by its name and its first bytes; what is never opened, and why."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

from gvci.errors import FileError

Kind = Literal["hdf5", "table", "mtx"]
TYPES = (
    ".h5ad, 10x .h5, .csv or .tsv (each also as .gz), or the three files of a Matrix Market "
    "matrix (matrix.mtx, barcodes.tsv, features.tsv)"
)
ENDINGS: dict[str, Kind] = {
    ".h5ad": "hdf5", ".h5": "hdf5", ".hdf5": "hdf5",
    ".csv": "table", ".tsv": "table", ".txt": "table", ".mtx": "mtx",
}  # fmt: skip
HEAD = 4096
HDF5 = b"\x89HDF\r\n\x1a\n"
GZIP = b"\x1f\x8b"

ARCHIVE = (
    "an archive, and archives are not opened",
    "Unpack it and give the .h5ad, .h5, .csv or .tsv inside.",
)
CODE = (
    "of a kind that can run code when it is opened, so it is never opened",
    "Save the cells as AnnData: adata.write_h5ad('cells.h5ad').",
)
FOREIGN = (
    "of a kind that is not read",
    "Convert the cells to AnnData and save them: adata.write_h5ad('cells.h5ad').",
)
REFUSED_ENDINGS = {
    **dict.fromkeys(
        (".zip", ".tar", ".tgz", ".tbz", ".7z", ".rar", ".bz2", ".xz", ".zst", ".lz4"), ARCHIVE
    ),
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".rds",
         ".rda", ".rdata"), CODE
    ),
    **dict.fromkeys((".zarr", ".loom", ".h5mu", ".xlsx", ".xls", ".parquet", ".feather"), FOREIGN),
}  # fmt: skip
REFUSED_BEGINNINGS = (
    (b"PK\x03\x04", ARCHIVE), (b"PK\x05\x06", ARCHIVE), (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!", ARCHIVE), (b"BZh", ARCHIVE), (b"\xfd7zXZ", ARCHIVE), (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (GZIP, ARCHIVE), (b"\x93NUMPY", CODE), (b"RDX", CODE), (b"RDA", CODE),
    *((b"\x80" + bytes([protocol]), CODE) for protocol in range(2, 6)),
    (b"PAR1", FOREIGN), (b"\xd0\xcf\x11\xe0", FOREIGN),
)  # fmt: skip
TAR_AT, TAR = 257, b"ustar"


def beginning(path: Path) -> tuple[bytes, bool]:
    """The first bytes, unpacked where the file is gzipped, and whether it is.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.startswith(GZIP):
        return head, False
    try:
        return zlib.decompressobj(31).decompress(head, HEAD), True
    except zlib.error:
        return b"", True


def ending(name: str) -> str:
    """The last ending in lower case, that of what is inside for .gz: ".csv" for "a.CSV.gz"."""
    return Path(name.lower().removesuffix(".gz")).suffix


def kind_of(name: str, head: bytes) -> Kind:
    """What to read a file as; `name` is used for its ending and in messages only.

    Raises:
        FileError: an archive, a pickle, of another kind, or not what its ending says.
    """
    claimed = ENDINGS.get(ending(name))
    refused = REFUSED_ENDINGS.get(ending(name))
    if refused is None and head[TAR_AT:].startswith(TAR):
        refused = ARCHIVE
    if refused is None:
        refused = next((why for magic, why in REFUSED_BEGINNINGS if head.startswith(magic)), None)
    if refused is not None:
        what, do = refused
        but = f"not an {ending(name)} file but {what}" if claimed == "hdf5" else what
        message = f"{name} is {but}. {do}"
        raise FileError(message)
    is_hdf5 = head.startswith(HDF5)
    if claimed == "hdf5" and not is_hdf5:
        message = (
            f"{name} is not an {ending(name)} file: it does not begin like an HDF5 file. "
            f"Read are {TYPES}."
        )
        raise FileError(message)
    if claimed in ("table", "mtx") and is_hdf5:
        message = (
            f"{name} is not text but HDF5. Give it the ending .h5ad, or .h5 if it is from 10x."
        )
        raise FileError(message)
    if claimed is None and not is_hdf5:
        message = f"{name} is none of the files that are read: {TYPES}."
        raise FileError(message)
    return claimed or "hdf5"
