"""Which tables of scores the Compare page can open: the shipped ones, and finished benchmarks.

A benchmark's folder may lie anywhere. The command line leaves a note with its path in the user's
gvci folder; a page takes a table by the note's id only, never by a path.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from gvci.benchmark.run import TIDY
from gvci.benchmark.tidy import ABOUT, OF_PART, PAIR
from gvci.checkpoint import write_bytes
from gvci.errors import CatalogueError, FileError, GvciError, listed, nearest
from gvci.evaluation.scoring import SCORES
from gvci.home import gvci_home

SHIPPED = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
NEEDED = {*ABOUT, *PAIR, "failure"}


@dataclass(frozen=True)
class Scoreboard:
    """A table of scores that can be opened by its id."""

    id: str
    file: Path
    shipped: bool
    created: str


def home() -> Path:
    """The folder of the notes."""
    return gvci_home() / "benchmarks"


def register(folder: Path) -> str | None:
    """Leave a note of a benchmark's folder for the pages; its id, None where the disk refuses."""
    folder = folder.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")[:40] or "benchmark"
    board = f"{slug}-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    note = json.dumps({"path": str(folder), "created": created})
    try:
        write_bytes(home() / f"{board}.json", note.encode())
    except GvciError:
        return None
    return board


def scoreboards() -> list[Scoreboard]:
    """All that can be opened now: shipped first, then the newest."""
    files = sorted(SHIPPED.glob("*.parquet")) if SHIPPED.is_dir() else []
    shipped = [Scoreboard(file.stem, file, True, "") for file in files]
    try:
        notes = sorted(home().glob("*.json"))
    except OSError:
        notes = []
    made = [board for board in map(_of_note, notes) if board is not None]
    return shipped + sorted(made, key=lambda board: board.created, reverse=True)


def _of_note(note: Path) -> Scoreboard | None:
    """None where the note or its table is gone or unreadable."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        file, created = Path(content["path"]) / TIDY, str(content["created"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Scoreboard(note.stem, file, False, created) if file.is_file() else None


def find_scoreboard(board: str) -> Scoreboard:
    """The table with this id.

    Raises:
        CatalogueError: there is none; names the nearest.
    """
    known = {one.id: one for one in scoreboards()}
    if board not in known:
        message = (
            f"There is no table of scores '{board[:60]}'.{nearest(board, known)} "
            f"Tables: {listed(known, 8) or 'none'}."
        )
        raise CatalogueError(message)
    return known[board]


def read_scoreboard(board: Scoreboard) -> pd.DataFrame:
    """The tidy table; what it is about is in its `attrs`, scores it lacks are missing.

    Raises:
        FileError: damaged, or no benchmark's table.
    """
    try:
        table = pd.read_parquet(board.file)
    except (OSError, ValueError) as error:
        message = f"The table {board.id} cannot be read: {error}. Run its benchmark again."
        raise FileError(message) from None
    missing = sorted(NEEDED - set(table.columns))
    if missing:
        message = (
            f"The table {board.id} has no column {listed(missing)}: it is not what a benchmark "
            "writes. Run the benchmark again."
        )
        raise FileError(message)
    columns = [*ABOUT, *PAIR, "lambda", *SCORES, *OF_PART]
    whole = table.reindex(columns=columns)
    whole.attrs = {"kind": "table1", "title": board.id, **table.attrs}
    return whole
