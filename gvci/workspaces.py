"""What people bring: uploads in a workspace, whose id is the only key to them.

    workspaces/<uuid>/            nobody lists workspaces; who has the id has what is inside
        used                      when it was opened last: what is old is deleted
        <uuid>/                   one upload
            about.json            its label, kind, size, and what the door chose
            cells.h5ad            as the door took them in, or network.csv

The names that a browser sends are labels; paths are made of random ids alone.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import anndata as ad

from gvci.atomic import replacing
from gvci.data.door.read import read_cells
from gvci.errors import FileError, GvciError, JobError
from gvci.grn import GRN, read_grn
from gvci.home import gvci_home
from gvci.jobs.control import delete as delete_job
from gvci.jobs.folder import is_id, new_id, read_json
from gvci.jobs.limits import free_disk, gigabytes
from gvci.jobs.state import OPEN, jobs, jobs_of_all
from gvci.registry import Entry, entries_of

KEEP, USUAL_DAYS = "GVCI_KEEP_DAYS", 7.0
MOST_BYTES = 4 * 10**9  # of one workspace
SPARE_BYTES = 10**9  # of the disk, for jobs at work
ABOUT, USED = "about.json", "used"
FILES = {"cells": "cells.h5ad", "network": "network.csv"}
DAY = 86_400


@dataclass(frozen=True)
class Upload:
    """One thing that somebody brought.

    Attributes:
        labels: the files' names as the browser sent them: shown literally, never a path.
        size: bytes on disk. created: ISO.
        words: its size for people. notes: what was chosen when it was read, in sentences.
    """

    id: str
    folder: Path
    kind: Literal["cells", "network"]
    labels: tuple[str, ...]
    words: str
    created: str
    notes: tuple[str, ...] = field(default=())

    @property
    def path(self) -> Path:
        """The file that gvci wrote of it."""
        return self.folder / FILES[self.kind]

    def cells(self) -> ad.AnnData:
        """The cells, read through the door once more.

        Raises:
            FileError: the file is gone or damaged.
        """
        return read_cells(self.path)

    def network(self) -> GRN:
        """The network under its label.

        Raises:
            GRNError: the file is gone or damaged.
        """
        return read_grn(self.path, self.labels[0])


def keep_days() -> float:
    """Days that a workspace outlives its last use: GVCI_KEEP_DAYS, else a week."""
    try:
        days = float(os.environ.get(KEEP, ""))
    except ValueError:
        return USUAL_DAYS
    return days if days > 0 else USUAL_DAYS


def home() -> Path:
    """The folder of all workspaces of this machine."""
    return gvci_home() / "workspaces"


def _folder(workspace: str) -> Path:
    """Where a workspace is, there or not; always directly below `home()`.

    Raises:
        FileError: not an id, or a link is in its place.
    """
    folder = home() / workspace if is_id(workspace) else None
    if folder is None or folder.is_symlink():
        message = "This is not the key of a workspace. Open the link whole, or upload again."
        raise FileError(message)
    return folder


def exists(workspace: str) -> bool:
    """Whether anything is kept under this key; counts as a use of it."""
    with suppress(GvciError, OSError):
        folder = _folder(workspace)
        if folder.is_dir():
            (folder / USED).touch()
            return True
    return False


def keep_cells(
    workspace: str, labels: Sequence[str], cells: ad.AnnData, notes: list[str]
) -> Upload:
    """Keep cells as the door gave them.

    Raises:
        FileError: the workspace or the disk is full; nothing else is lost.
    """
    words = f"{cells.n_obs:,} cells × {cells.n_vars:,} genes"
    size = sum(_bytes(matrix) for matrix in (cells.X, *cells.layers.values()))

    def write(folder: Path) -> None:
        with replacing(folder / FILES["cells"], FileError) as part, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # repeated names are the findings' business
            plain = ad.AnnData(cells.X, cells.obs, cells.var, layers=dict(cells.layers))
            plain.write_h5ad(part, compression="lzf")

    return _keep(workspace, "cells", labels, words, notes, size, write)


def keep_network(workspace: str, label: str, grn: GRN) -> Upload:
    """Keep a network as a list of edges.

    Raises:
        FileError: as `keep_cells`.
    """
    words = f"{len(grn):,} edges"

    def write(folder: Path) -> None:
        with replacing(folder / FILES["network"], FileError) as part:
            grn.edges.to_csv(part, index=False)

    return _keep(workspace, "network", [label], words, list(grn.notes), 60 * len(grn), write)


def uploads(workspace: str) -> list[Upload]:
    """What is kept under this key, the newest first; counts as a use of it."""
    if not exists(workspace):
        return []
    found = [_read(entry) for entry in _folder(workspace).iterdir() if is_id(entry.name)]
    return sorted((u for u in found if u is not None), key=lambda u: u.created, reverse=True)


def upload(workspace: str, upload_id: str) -> Upload:
    """One of them.

    Raises:
        FileError: it is not there, or no longer.
    """
    found = next((u for u in uploads(workspace) if u.id == upload_id), None)
    if found is None:
        message = (
            "What this link shows is not kept here: it was deleted, or its time was over "
            f"({keep_days():g} days after the last visit). Upload it again."
        )
        raise FileError(message)
    return found


def own_entries(workspace: str | None) -> list[Entry]:
    """The runs and networks that this workspace's jobs have made; nobody else's list shows them."""
    if workspace is None:
        return []
    own = [j for j in jobs(workspace) if j.request is not None and j.request.workspace is not None]
    return entries_of([job.folder.resolve() for job in own if job.state == "done"])


def forget(workspace: str, upload_id: str) -> None:
    """Delete one upload; jobs that were made from it stay until the workspace goes."""
    if is_id(upload_id):
        shutil.rmtree(_folder(workspace) / upload_id, ignore_errors=True)


def delete(workspace: str) -> None:
    """Delete everything of a workspace: uploads, jobs, and what they made.

    Raises:
        JobError: one of its jobs is at work.
    """
    own = [j for j in jobs_of_all() if j.request is not None and j.request.workspace == workspace]
    if any(job.state in OPEN for job in own):
        message = "A job of this workspace is queued or running. Stop it first."
        raise JobError(message)
    for job in own:
        delete_job(job.id)
    shutil.rmtree(_folder(workspace), ignore_errors=True)


def sweep() -> list[str]:
    """Delete the workspaces that nobody has opened for `keep_days`, but none that works.

    Returns:
        How many there were, by id.
    """
    oldest, gone = time.time() - keep_days() * DAY, []
    for folder in home().iterdir() if home().is_dir() else []:
        used = folder / USED
        with suppress(GvciError, OSError):
            changed = (used if used.exists() else folder).stat().st_mtime
            if is_id(folder.name) and not folder.is_symlink() and changed < oldest:
                delete(folder.name)
                gone.append(folder.name)
    return gone


def _keep(
    workspace: str,
    kind: Literal["cells", "network"],
    labels: Sequence[str],
    words: str,
    notes: Sequence[str],
    size: int,
    write: Callable[[Path], None],
) -> Upload:
    """The upload appears whole or not at all."""
    home_of = _folder(workspace)
    _require_room(home_of, size)
    upload_id = new_id()
    half, folder = home_of / f".new-{upload_id}", home_of / upload_id
    created = datetime.now(UTC).isoformat(timespec="microseconds")
    made = Upload(upload_id, folder, kind, tuple(labels), words, created, tuple(notes))
    try:
        half.mkdir(parents=True, mode=0o700)
        (home_of / USED).touch()
        write(half)
        about = asdict(made)
        del about["folder"], about["id"]
        (half / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        half.rename(folder)
    except OSError as fault:
        message = f"{labels[0]} could not be kept: {fault.strerror or fault}. Nothing was lost."
        raise FileError(message) from None
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return made


def _require_room(folder: Path, size: int) -> None:
    used = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) if folder.exists() else 0
    if used + size > MOST_BYTES:
        message = (
            f"This workspace holds {gigabytes(used)} and may hold {gigabytes(MOST_BYTES)}; this "
            f"would add about {gigabytes(size)}. Delete an older upload, or use the command line."
        )
        raise FileError(message)
    free = free_disk(folder)
    if free < size + SPARE_BYTES:
        message = (
            f"The server has {gigabytes(free)} of disk left, and this needs {gigabytes(size)} and "
            f"{gigabytes(SPARE_BYTES)} to spare. Ask whoever runs it to make room."
        )
        raise FileError(message)


def _bytes(matrix: object) -> int:
    parts = [getattr(matrix, name, None) for name in ("data", "indices", "indptr")]
    return sum(int(getattr(part, "nbytes", 0)) for part in parts)


def _read(folder: Path) -> Upload | None:
    """None where it is half deleted or damaged."""
    found = read_json(folder / ABOUT)
    try:
        if found is None or found["kind"] not in FILES:
            return None
        labels, notes = (tuple(str(word) for word in found[k]) for k in ("labels", "notes"))
        made = Upload(
            folder.name, folder, found["kind"], labels, str(found["words"]), str(found["created"]),
            notes,
        )  # fmt: skip
    except (KeyError, TypeError):
        return None
    return made if made.path.is_file() and labels else None
