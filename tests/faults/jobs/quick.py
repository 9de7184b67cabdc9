"""A job that notes when it begins and ends: `quick.py … --job ID …` under gvci's own `work`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gvci.jobs.work import work

NOTES = Path(os.environ["GVCI_HOME"]) / "notes.txt"


def note(word: str) -> None:
    """One line, whole."""
    with NOTES.open("a") as file:
        file.write(f"{word} {job}\n")


def verb() -> None:
    """Take a moment."""
    note("begin")
    time.sleep(0.4)
    note("end")


if __name__ == "__main__":
    job = sys.argv[sys.argv.index("--job") + 1]
    raise SystemExit(work(job, verb))
