"""Where a job lives: a directory whose name is a random id, and the files in it.

    jobs/<uuid>/  request.json    what was asked; never changed
                  process.json    who works on it, since when, and its place in the queue
                  progress.json   step of steps, and the time left
                  metrics.jsonl   one line per validation
                  log.txt         what the process said
                  checkpoint/     the unfinished training
                  done.json       how it ended
                  …               what the verb writes: the directory becomes the run

An id is the only thing from outside that becomes part of a path, and only a canonical UUID does.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gvci.atomic import replacing
from gvci.errors import JobError
from gvci.home import gvci_home

REQUEST, PROCESS, PROGRESS, DONE = "request.json", "process.json", "progress.json", "done.json"
LOG, METRICS, CHECKPOINT = "log.txt", "metrics.jsonl", "checkpoint"
WORKING = "working.lock"  # held by the one process that works on the job
LARGEST_JSON = 1 << 20


def jobs_home() -> Path:
    """The folder of all jobs of this machine."""
    return gvci_home() / "jobs"


def new_id() -> str:
    """An id that cannot be guessed: 122 random bits."""
    return str(uuid.uuid4())


def is_id(text: object) -> bool:
    """Whether this is an id as `new_id` writes it."""
    try:
        return str(uuid.UUID(str(text))) == text
    except ValueError:
        return False


def job_folder(job_id: str) -> Path:
    """The directory of a job, there or not; always directly below `jobs_home()`.

    Raises:
        JobError: not an id, or a link is in the directory's place.
    """
    if not is_id(job_id):
        message = "This is not the id of a job. Choose the job from the list of jobs."
        raise JobError(message)
    folder = jobs_home() / job_id
    if folder.is_symlink():
        message = f"The directory of job {job_id} is a link, which is not followed. Remove it."
        raise JobError(message)
    return folder


def job_ids() -> list[str]:
    """The ids of all directories there are, in no order."""
    try:
        with os.scandir(jobs_home()) as found:
            return [e.name for e in found if is_id(e.name) and e.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where it is missing, damaged, too large, or something else."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_JSON + 1)
        content = json.loads(text) if len(text) <= LARGEST_JSON else None
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a file whole.

    Raises:
        JobError: the disk refuses; an older file is intact.
    """
    with replacing(path, JobError) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


@contextmanager
def held(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock file; yields False where another process has it and `wait` is off.

    The kernel lets go of it when the process ends, however it ends.

    Raises:
        JobError: the file cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as fault:
        message = f"{path} cannot be opened: {fault.strerror or fault}. Jobs need a place to write."
        raise JobError(message) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def book() -> Iterator[None]:
    """Only one process at a time changes who works on what."""
    with held(jobs_home() / ".book.lock"):
        yield
