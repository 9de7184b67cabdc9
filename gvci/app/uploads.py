"""What a visitor brings to the Data page: read through the door, kept, listed, deleted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import anndata as ad

from gvci import workspaces
from gvci.app.provenance import of_day
from gvci.app.text import day, literal, plain
from gvci.data.door.kinds import ENDINGS
from gvci.data.door.limits import UPLOAD
from gvci.data.door.read import read_sources
from gvci.data.door.sources import Source, role_of
from gvci.data.door.taken import NOTES
from gvci.errors import FileError, JobError
from gvci.workspaces import Upload

__all__ = [
    "TYPES",
    "JobError",
    "Upload",
    "about",
    "forget",
    "keep",
    "kept",
    "label",
    "meant",
    "offer",
    "strip",
]

TYPES = [*(ending.removeprefix(".") for ending in ENDINGS), "gz"]


def offer(megabytes: int) -> str:
    """What is taken, before anything is given; `megabytes` is the server's limit."""
    return (
        "Cells in rows and raw counts (or log-normalised values): an .h5ad, a 10x .h5, a .csv or "
        ".tsv of counts with its label columns, or the three files of a Matrix Market matrix "
        "together; each also as .gz, and with a labels.csv whose first column names the cells, if "
        f"need be. Up to {megabytes:,} MB, {UPLOAD.size} unpacked, read within "
        f"{UPLOAD.seconds:g} s. Archives and pickles are not opened: save the cells as .h5ad. Only "
        "whoever has the link of this page sees them, and they go "
        f"{workspaces.keep_days():g} days after its last use. Larger files: the command line."
    )


def read_upload(files: Sequence[tuple[str, bytes]]) -> ad.AnnData:
    """The cells of an upload: (name, content) of one file, or of the three of a triple.

    A name is a label and never a path.

    Raises:
        FileError: the door refuses it, or there is no space to put it down.
    """
    with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
        sources = []
        for i, (name, content) in enumerate(files):
            path = Path(folder) / f"{i}"
            try:
                path.write_bytes(content)
            except OSError as error:
                message = f"{plain(name)} cannot be kept while it is read: {error.strerror}."
                raise FileError(message) from None
            sources.append(Source(path, plain(name)))
        return read_sources(sources, UPLOAD)


def keep(workspace: str, files: Sequence[tuple[str, bytes]]) -> Upload:
    """Read an upload and keep what came through the door.

    Raises:
        FileError: the door refuses it, or there is no room for it.
    """
    cells = read_upload(files)
    said = [str(note) for note in cells.uns.get(NOTES, ())]
    return workspaces.keep_cells(workspace, [plain(name) for name, _ in files], cells, said)


def meant(names: Sequence[str]) -> list[int]:
    """Which of all files given so far: the last one or its triple, then the last labels."""
    roles = {i: role_of(name) for i, name in enumerate(names)}
    cells = [i for i in roles if roles[i] != "labels"]
    if not cells:
        return [len(names) - 1]
    labels = [i for i in roles if roles[i] == "labels"][-1:]
    if roles[cells[-1]] is None or "matrix" not in roles.values():
        return [cells[-1], *labels]
    triple = {roles[i]: i for i in cells if roles[i] is not None}
    return [*sorted(triple.values()), *labels]


def label(names: Sequence[str]) -> str:
    """What an upload is called on the page."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def kept(workspace: str) -> list[Upload]:
    """Everything of this workspace, the newest first."""
    return workspaces.uploads(workspace)


def about(upload: Upload) -> str:
    """Label, size and date in one line."""
    return f"{label(upload.labels)}: {upload.words}, {day(upload.created)}"


def strip(upload: Upload) -> str:
    """The same as a page's provenance, Markdown."""
    name = f":material/database: {literal(label(upload.labels), 48)}, {upload.words}"
    return f"{name} · {of_day(upload.created)}"


def forget(workspace: str, upload: Upload | None) -> None:
    """Delete one upload, or the workspace with its jobs and what they made.

    Raises:
        JobError: a job of the workspace is at work.
    """
    if upload is None:
        workspaces.delete(workspace)
    else:
        workspaces.forget(workspace, upload.id)
