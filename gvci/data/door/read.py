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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anndata as ad

import gvci
from gvci.data.door.limits import Limits, command_line
from gvci.data.door.sources import Source, plan_of, sources_at
from gvci.data.door.taken import taken_in
from gvci.errors import FileError

AT_ONCE = 2
PATIENCE_SECONDS = 120
log = logging.getLogger("gvci.data")
_places = threading.BoundedSemaphore(AT_ONCE)


def read_cells(path: Path, limits: Limits | None = None, labels: Path | None = None) -> ad.AnnData:
    """The cells of a file, or of a folder with a Matrix Market triple.

    Args:
        labels: a table whose first column names cells and whose others become columns of obs.

    Returns:
        X and, where there, the layer `counts` (CSR, or dense as in the file), the plain columns of
        obs, those of var that name genes, and in uns["door"] sentences on what was chosen.

    Raises:
        FileError: missing, of no kind that is read, damaged, hostile, or over the limits.
    """
    sources = sources_at(path)
    beside = Source(labels, labels.name) if labels is not None else None
    return read_sources(sources, limits, beside)


def read_sources(
    sources: Sequence[Source], limits: Limits | None = None, labels: Source | None = None
) -> ad.AnnData:
    """The cells of one file, or of the three of a triple; labels may be among them, by name.

    Raises:
        FileError: as `read_cells`; also files that do not belong together.
    """
    limits = limits or command_line()
    plan = plan_of(sources, labels)
    plan["limits"] = asdict(limits)
    name = plan["name"]
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        message = f"{name} has to wait: other files are being read. Try again in a minute."
        raise FileError(message)
    try:
        with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
            plan["folder"] = folder
            _run(plan, limits)
            cells = Path(next(iter(plan["files"].values()))["path"])
            return taken_in(Path(folder), cells, name, limits)
    except OSError as error:
        log.warning("%s: %r", name, error)
        message = f"{name} cannot be read here: {error.strerror or type(error).__name__}."
        raise FileError(message) from None
    finally:
        _places.release()


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
        except BaseException as error:
            if child.poll() is None:  # not waited for yet, so its number is still its own
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            message = f"{name} could not be read within {limits.seconds:g} s. {limits.above}"
            raise FileError(message) from None
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
