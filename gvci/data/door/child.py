"""The child that opens a foreign file: limited, then shut in, then one reader, then a parcel.

Run as `python -m gvci.data.door.child PLAN`, PLAN in JSON. It ends well whatever the file: what
was refused is in the parcel. Before a value is read it gives up the right to open any other file.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import io
import json
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from gvci.data.door.limits import GIB, Limits
from gvci.data.door.parcel import Parcel
from gvci.data.door.text import Bounded, TextFile
from gvci.data.door.values import Cells
from gvci.errors import FileError

CODECS = ("ascii", "latin-1", "utf-8", "utf-8-sig", "utf-16")  # Python loads them when first used


def main() -> None:
    """Read what the plan names, into the folder that it names."""
    plan = json.loads(sys.argv[1])
    limits = Limits(**plan["limits"])
    folder, name = Path(plan["folder"]), str(plan["name"])
    _limit(limits)
    parcel = Parcel(folder)
    try:
        cells = _read(plan["format"], plan["files"], folder, limits)
        parcel.write(cells)
    except FileError as refusal:
        parcel.refuse(str(refusal))
    # h5py, numpy and zlib raise a dozen classes on damaged files, RuntimeError among them.
    except Exception as error:  # noqa: BLE001
        parcel.refuse(_sentence(error, name, limits), f"{type(error).__name__}: {error}"[:2000])


def _sentence(error: Exception, name: str, limits: Limits) -> str:
    """What the user reads; the error's own words may hold paths, and are for the log."""
    if isinstance(error, MemoryError) or "memory allocation failed" in str(error):
        return f"{name} needs more than {limits.memory / GIB:.3g} GiB of memory. {limits.above}"
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return f"No space left on the server to read {name}. Make room on its disk."
    return f"{name} is cut short or damaged. Copy or upload it again."


def _limit(limits: Limits) -> None:
    seconds = int(limits.seconds) + 5
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.memory),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS does not know all of them
            hard = resource.getrlimit(what)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))


def _read(form: str, files: dict[str, Any], folder: Path, limits: Limits) -> Cells:
    """Open what is named, shut the door behind, read."""
    texts = {
        role: TextFile(io.FileIO(one["path"]), bool(one["gzipped"]), one["name"], limits)
        for role, one in files.items()
        if form != "hdf5" or role == "labels"
    }
    if "labels" not in texts:
        return _cells(form, files, texts, folder, limits)
    from gvci.data.door.labels import labelled

    return labelled(_cells(form, files, texts, folder, limits), texts["labels"])


def _cells(
    form: str, files: dict[str, Any], texts: dict[str, TextFile], folder: Path, limits: Limits
) -> Cells:
    if form == "hdf5":
        import h5py

        from gvci.data.door.anndata_file import read_anndata
        from gvci.data.door.scan import scan
        from gvci.data.door.tenx import read_tenx, tenx_group

        path, name = Path(files["cells"]["path"]), str(files["cells"]["name"])
        if files["cells"]["gzipped"]:
            path = _unpacked(path, folder / "unpacked", name, limits)
        with h5py.File(path, "r", locking=False) as file:
            _shut()
            scan(file, name, limits)
            group = tenx_group(file, name)
            if group is not None:
                return read_tenx(group, name)
            return read_anndata(file, name, in_place=not files["cells"]["gzipped"])
    if form == "table":
        from gvci.data.door.table import read_table

        _shut()
        return read_table(texts["cells"])
    from gvci.data.door.triple import read_triple

    _shut()
    return read_triple(texts["matrix"], texts["barcodes"], texts["features"])


def _unpacked(path: Path, target: Path, name: str, limits: Limits) -> Path:
    """A gzipped HDF5 file beside the parcel, as far as the limit goes."""
    with gzip.open(path) as packed, target.open("wb") as plain:
        file: BinaryIO = packed  # type: ignore[assignment]
        bounded = Bounded(file, name, limits)
        while block := bounded.read(2**20):
            plain.write(block)
    return target


def _shut() -> None:
    """No other file and no process from here on, whatever a file or a fault in libhdf5 asks for."""
    for codec in CODECS:
        codecs.lookup(codec)
    lowest = os.dup(0)  # the next file would get this number
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


if __name__ == "__main__":
    main()
