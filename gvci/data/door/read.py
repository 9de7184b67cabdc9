"""Starts the child, waits, and takes in what it made; the foreign file is never opened here."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

import gvci
from gvci.data.door.kinds import REFUSED_ENDINGS, TYPES, Kind, beginning, ending, kind_of
from gvci.data.door.limits import Limits, command_line
from gvci.data.door.parcel import Unpacked
from gvci.errors import FileError, listed

NOTES = "door"  # key in uns: what was chosen on the way, in sentences
AT_ONCE = 2
PATIENCE_SECONDS = 120
log = logging.getLogger("gvci.data")
_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Source:
    """A foreign file: where it is, and its name, by which it is told and spoken of."""

    path: Path
    name: str


def read_cells(path: Path, limits: Limits | None = None) -> ad.AnnData:
    """The cells of a file, or of a folder with a Matrix Market triple.

    Returns:
        X and, where there, the layer `counts` (CSR, or dense as in the file), the plain columns of
        obs, those of var that name genes, and in uns["door"] sentences on what was chosen.

    Raises:
        FileError: missing, of no kind that is read, damaged, hostile, or over the limits.
    """
    if path.is_dir():
        if ending(path.name) in REFUSED_ENDINGS:
            kind_of(path.name, b"")
        inside = sorted(file for file in path.iterdir() if file.is_file())
        roles = {file.name: role_of(file.name) for file in inside}
        sources = [Source(file, file.name) for file in inside if roles[file.name]]
        if not any(roles[source.name] == "matrix" for source in sources):
            message = (
                f"{path.name} is a folder without a matrix.mtx, and cannot be opened as cells. "
                f"Read are {TYPES}."
            )
            raise FileError(message)
        return read_sources(sources, limits)
    return read_sources([Source(path, path.name)], limits)


def read_sources(sources: Sequence[Source], limits: Limits | None = None) -> ad.AnnData:
    """The cells of one file, or of the three of a Matrix Market triple.

    Raises:
        FileError: as `read_cells`; also files that do not belong together.
    """
    limits = limits or command_line()
    plan = _plan(sources)
    plan["limits"] = asdict(limits)
    name = plan["name"]
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        message = f"{name} has to wait: other files are being read. Try again in a minute."
        raise FileError(message)
    try:
        with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
            plan["folder"] = folder
            _run(plan, limits)
            return _taken_in(Path(folder), name, limits)
    except OSError as error:
        log.warning("%s: %r", name, error)
        message = f"{name} cannot be read here: {error.strerror or type(error).__name__}."
        raise FileError(message) from None
    finally:
        _places.release()


# --- which files --------------------------------------------------------------------------


def role_of(name: str) -> str | None:
    """What a file is in a Matrix Market triple, by its name."""
    low = name.lower()
    if low.endswith((".mtx", ".mtx.gz")):
        return "matrix"
    if not low.endswith((".tsv", ".tsv.gz", ".txt", ".txt.gz", ".csv", ".csv.gz")):
        return None
    if "barcode" in low or "cell" in low:
        return "barcodes"
    return "features" if "feature" in low or "gene" in low else None


def _plan(sources: Sequence[Source]) -> dict[str, Any]:
    """What the child is asked to do.

    Raises:
        FileError: no files, or of kinds that are not read, or that do not belong together.
    """
    kinds = {source: _kind(source) for source in sources}
    form = kinds[sources[0]][0] if len(sources) == 1 else "mtx"
    files = _triple(sources) if form == "mtx" else {"cells": sources[0]}
    return {
        "format": form,
        "name": next(iter(files.values())).name,
        "files": {
            role: {"path": str(s.path.absolute()), "name": s.name, "gzipped": kinds[s][1]}
            for role, s in files.items()
        },
    }


def _kind(source: Source) -> tuple[Kind, bool]:
    try:
        head, gzipped = beginning(source.path)
    except FileNotFoundError:
        message = (
            f"There is no file {source.path}. Give the path of an .h5ad file or a catalogue name."
        )
        raise FileError(message) from None
    except OSError as error:
        message = f"{source.name} cannot be opened: {error.strerror}."
        raise FileError(message) from None
    return kind_of(source.name, head), gzipped


def _triple(sources: Sequence[Source]) -> dict[str, Source]:
    roles: dict[str, list[Source]] = {"matrix": [], "barcodes": [], "features": []}
    others = []
    for source in sources:
        role = role_of(source.name)
        roles[role].append(source) if role else others.append(source)
    if others or any(len(files) != 1 for files in roles.values()):
        message = (
            f"{listed(source.name for source in sources)}: give either one file, or the three of "
            "a Matrix Market matrix together (matrix.mtx, barcodes.tsv, features.tsv or genes.tsv)."
        )
        raise FileError(message)
    return {role: files[0] for role, files in roles.items()}


# --- the child ------------------------------------------------------------------------------


def _run(plan: dict[str, Any], limits: Limits) -> None:
    """Let the child work until it ends or its time is over.

    Raises:
        FileError: it crashed, was killed, or took too long.
    """
    name, folder = plan["name"], Path(plan["folder"])
    command = [sys.executable, "-P", "-m", "gvci.data.door.child", json.dumps(plan)]
    with (folder / "errors").open("wb") as errors:
        child = subprocess.Popen(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
        )  # fmt: skip
        try:
            status = child.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            message = f"{name} could not be read within {limits.seconds:g} s. {limits.above}"
            raise FileError(message) from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if status:
        said = (folder / "errors").read_bytes()[-2000:].decode("utf-8", "replace")
        log.warning("the reader of %r ended with %s: %s", name, status, said)
        message = (
            f"{name} is damaged: what read it ended unexpectedly ({_ended(status)}), and nothing "
            "else was touched. Copy or upload it again."
        )
        raise FileError(message)


def _environment() -> dict[str, str]:
    """What the child needs, and none of our secrets; no plugins, one thread."""
    kept = {
        key: os.environ[key]
        for key in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
        if key in os.environ
    }
    own = str(Path(gvci.__file__).parents[1])
    others = os.environ.get("PYTHONPATH", "")
    return kept | {
        "PYTHONPATH": f"{own}{os.pathsep}{others}" if others else own,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HDF5_PLUGIN_PATH": "::",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _ended(status: int) -> str:
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


# --- what comes back --------------------------------------------------------------------------


def _taken_in(folder: Path, name: str, limits: Limits) -> ad.AnnData:
    """The parcel as AnnData; nothing in it is believed.

    Raises:
        FileError: refused by the child, or the parcel is not sound.
    """
    try:
        parcel = Unpacked(folder)
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
    parts = tuple(parcel.array(part) for part in described["sparse"])
    matrix = sp.csr_matrix(parts, shape=(int(rows), int(columns)))
    matrix.check_format(full_check=True)
    matrix.has_canonical_format = True
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
