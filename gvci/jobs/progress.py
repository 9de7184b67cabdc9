"""How far a job is: written by its process now and then, read by whoever asks.

The time left is reckoned by the writer from its own monotonic clock, so no clock on the wall
counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvci.jobs.folder import LOG, METRICS, PROGRESS, job_folder, read_json, write_json

PAUSE_SECONDS = 0.5
WINDOW = 240  # reports, two minutes, that the pace is taken from
LONGEST_TAIL = 1 << 16
LARGEST_METRICS = 1 << 26


@dataclass(frozen=True)
class Progress:
    """Where a job is.

    Attributes:
        step, steps: done and planned.
        words: the part that is being worked on, e.g. "inner 2 score −0.41".
        seconds: since this process began to work.
        left: seconds until all planned steps are done; None where it cannot be told.
    """

    step: int
    steps: int
    words: str
    seconds: float
    left: float | None

    @property
    def share(self) -> float:
        """Share done, 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps > 0 else 0.0


class Reporter:
    """Writes progress.json, at most twice a second.

    Args:
        folder: the job's.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / PROGRESS
        self.started = self._told = time.monotonic()
        self._reports: deque[tuple[float, int]] = deque(maxlen=WINDOW)

    def __call__(self, done: int, planned: int, words: str = "") -> None:
        """Steps done, steps planned, a few words.

        Raises:
            JobError: the disk refuses.
        """
        now = time.monotonic()
        if self._reports and now - self._told < PAUSE_SECONDS and done < planned:
            return
        self._told = now
        self._reports.append((now, done))
        content = {
            "step": done,
            "steps": planned,
            "words": words,
            "seconds": round(now - self.started, 2),
            "left": self._left(done, planned),
        }
        write_json(self.file, content)

    def _left(self, done: int, planned: int) -> float | None:
        (then, before), (now, _) = self._reports[0], self._reports[-1]
        if done <= before or now <= then:
            return None
        return round((planned - done) * (now - then) / (done - before), 1)


@contextmanager
def told(
    what: str, job_id: str | None = None, shown: bool = True, unit: str = "step"
) -> Iterator[Any]:
    """What a verb reports to: of a job its progress.json, else a bar on standard error.

    Args:
        what: the verb.
        job_id: whose process this is; None for none.
        shown: False in all processes of a training but the first.
        unit: what is counted; "B" for bytes.
    """
    if job_id and shown:
        yield Reporter(job_folder(job_id))
        return
    from tqdm import tqdm

    style = {"unit": unit, "unit_scale": unit == "B", "file": sys.stderr, "dynamic_ncols": True}
    with tqdm(desc=what, disable=not shown, leave=False, delay=0.5, **style) as bar:

        def report(done: int, planned: int, words: str) -> None:
            bar.total = planned or None
            bar.update(done - bar.n)
            if words:
                bar.set_postfix_str(words)

        yield report


def read_progress(folder: Path) -> Progress | None:
    """What was written last; None where there is nothing readable."""
    found = read_json(folder / PROGRESS)
    if found is None:
        return None
    try:
        left = None if found["left"] is None else float(found["left"])
        return Progress(
            int(found["step"]),
            int(found["steps"]),
            str(found["words"]),
            float(found["seconds"]),
            left,
        )
    except (KeyError, TypeError, ValueError):
        return None


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """One row per validation, in the order of the training.

    A line that is cut short or damaged is left out; of two of the same stage and step, which a
    resumed training writes, the later one counts.
    """
    rows: dict[tuple[str, float], dict[str, Any]] = {}
    for line in _tail(folder / METRICS, LARGEST_METRICS):
        try:
            row = json.loads(line)
            rows[str(row.get("stage", "")), float(row["step"])] = row
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return list(rows.values())


def log_tail(folder: Path, lines: int = 20) -> list[str]:
    """The last lines that the process said."""
    return _tail(folder / LOG, LONGEST_TAIL)[-lines:]


def _tail(path: Path, most: int) -> list[str]:
    """The lines at the end of a text file, the first one whole."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = text.splitlines()
    return lines[1:] if size > most else lines
