"""Which runs the pages can open: the shipped ones, and those the command line made.

A run may lie anywhere. The command line leaves a note with its path in the user's gvci folder
(`GVCI_HOME` sets another); a page takes a run by the note's id only, never by a path.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from gvci.checkpoint import write_bytes
from gvci.errors import CatalogueError, GvciError, listed, nearest
from gvci.home import gvci_home
from gvci.refiner.result import NOTES
from gvci.run import MODEL, SUMMARIES

CARD = "card.md"
_ID = re.compile(r"[a-z0-9-]{1,60}")
SHIPPED = Path(__file__).resolve().parent.parent / "pretrained"


@dataclass(frozen=True)
class Entry:
    """A run or refined network that can be opened by its id."""

    id: str
    title: str
    kind: Literal["run", "grn"]
    path: Path
    shipped: bool
    created: str
    listed: bool = True  # else only whoever knows the id can open it


def home() -> Path:
    """The folder of the notes."""
    return gvci_home() / "runs"


def register(
    path: Path, kind: Literal["run", "grn"], title: str, listed: bool = True
) -> str | None:
    """Leave a note of a run for the pages; returns its id, None where the disk refuses.

    Args:
        path: the run's folder.
        kind: run or network.
        title: a label.
        listed: whether everyone sees it; else only who knows its id, and the folder's own name has
            to be one that cannot be guessed.
    """
    path = path.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-")[:40] or kind
    entry_id = f"{slug}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"path": str(path), "kind": kind, "title": title, "created": created, "listed": listed}
    try:
        write_bytes(home() / f"{entry_id}.json", json.dumps(note).encode())
    except GvciError:
        return None
    return entry_id


def entries() -> list[Entry]:
    """All that can be opened now: shipped first, of these the real ones, then the newest."""
    folders = sorted(SHIPPED.iterdir() if SHIPPED.is_dir() else [])
    # Real cells are not shipped, so the runs of them are those with summaries.
    folders.sort(key=lambda folder: not (folder / SUMMARIES).is_dir())
    found = [
        Entry(folder.name, _title(folder), "run", folder, shipped=True, created="")
        for folder in folders
        if (folder / MODEL).is_file()
    ]
    made = [entry for entry in map(_read, sorted(_notes())) if entry is not None and entry.listed]
    return found + sorted(made, key=lambda entry: entry.created, reverse=True)


def _title(folder: Path) -> str:
    """The first heading of a shipped run's card, else the folder's name."""
    try:
        lines = (folder / CARD).read_text(encoding="utf-8").splitlines()
    except OSError:
        return folder.name
    return next((line[2:] for line in lines if line.startswith("# ")), folder.name)


def _notes() -> list[Path]:
    try:
        return list(home().glob("*.json"))
    except OSError:
        return []


def _read(note: Path) -> Entry | None:
    """The entry of a note; None where the note or its run is gone or unreadable."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        path, kind = Path(content["path"]), content["kind"]
        title, created = str(content["title"]), str(content["created"])
        listed = bool(content.get("listed", True))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (path / (MODEL if kind == "run" else NOTES)).is_file():
        return None
    return Entry(note.stem, title, "run" if kind == "run" else "grn", path, False, created, listed)


def entries_of(folders: Collection[Path]) -> list[Entry]:
    """The entries of these folders, listed or not: whoever knows a folder may open it."""
    found = (_read(note) for note in _notes()) if folders else ()
    return [entry for entry in found if entry is not None and entry.path in folders]


def forget(path: Path) -> None:
    """Take away the notes of a folder that is being deleted."""
    for note in _notes():
        with suppress(OSError, ValueError, KeyError, TypeError):
            if Path(json.loads(note.read_text(encoding="utf-8"))["path"]) == path:
                note.unlink()


def find_entry(entry_id: str) -> Entry:
    """The entry with this id, also one that is not listed.

    Raises:
        CatalogueError: there is none; names the nearest.
    """
    known = {entry.id: entry for entry in entries()}
    if entry_id not in known and _ID.fullmatch(entry_id):
        unlisted = _read(home() / f"{entry_id}.json")
        known |= {} if unlisted is None else {entry_id: unlisted}
    if entry_id not in known:
        message = (
            f"There is no run '{entry_id[:60]}'.{nearest(entry_id, known)} "
            f"Runs: {listed(known, 8) or 'none'}."
        )
        raise CatalogueError(message)
    return known[entry_id]
