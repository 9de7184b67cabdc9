"""What a job's process does around its verb: wait for its turn, work, say how it ended."""

from __future__ import annotations

import logging
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gvci.errors import JobError
from gvci.jobs.ending import explain, finish, spell
from gvci.jobs.folder import (
    CHECKPOINT,
    PROCESS,
    WORKING,
    book,
    held,
    read_json,
    write_json,
)
from gvci.jobs.limits import allowed_memory, memory_in_force
from gvci.jobs.process import identity
from gvci.jobs.queue import turn
from gvci.jobs.state import read_job

RESERVE, RESERVED = ".reserve", 1 << 16  # so that a full disk has room for the last word
log = logging.getLogger("gvci.jobs")


class StopAsked(KeyboardInterrupt):
    """SIGTERM came."""


def work(job_id: str, verb: Callable[[], Any]) -> int:
    """Do the verb when it is the job's turn; the exit code is 0, or 2 where it was stopped.

    However the verb ends, short of a kill, done.json says so in one sentence.

    Raises:
        JobError: no such job.
    """
    folder = read_job(job_id).folder
    with held(folder / WORKING, wait=False) as mine:
        if not mine:  # somebody else works on it already
            return 0
        signal.signal(signal.SIGTERM, _stop)
        try:
            _sign_in(folder)
            with turn(job_id):
                began = time.monotonic()
                _stage(folder, "working")
                _limit_memory()
                verb()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                took = time.monotonic() - began
            _finish(folder, "done", "finished", f"Finished after {spell(took)}.", took)
        except BaseException as fault:  # noqa: BLE001
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            memory = memory_in_force()
            _unlimit_memory()
            reason, sentence = explain(fault, folder, memory)
            _finish(folder, "stopped", reason, sentence, None)
            return 2
    return 0


# --- inside ----------------------------------------------------------------------------


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StopAsked


def _sign_in(folder: Path) -> None:
    """Make sure that process.json names this process: who started it may have been killed."""
    me = identity(os.getpid())
    with book():
        known = read_json(folder / PROCESS) or {}
        if me is None or {name: known.get(name) for name in me} != me:
            write_json(folder / PROCESS, {**known, **(me or {}), "stage": "waiting"})
    for part in [*folder.glob(".part-*"), *(folder / CHECKPOINT).glob(".part-*")]:
        part.unlink(missing_ok=True)  # of a process that was killed
    with suppress(OSError):
        (folder / RESERVE).write_bytes(bytes(RESERVED))


def _stage(folder: Path, stage: str) -> None:
    with book():
        write_json(folder / PROCESS, {**(read_json(folder / PROCESS) or {}), "stage": stage})


def _limit_memory() -> None:
    """An allocation beyond the limit fails here instead of ending some other process."""
    limit = allowed_memory()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _unlimit_memory() -> None:
    """What is left to say needs a little more."""
    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS):
        _, hard = resource.getrlimit(kind)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (hard, hard))


def _finish(folder: Path, outcome: str, reason: str, sentence: str, took: float | None) -> None:
    """The last word; where even that cannot be written, the log has it."""
    (folder / RESERVE).unlink(missing_ok=True)
    with suppress(OSError):
        print(f"{outcome}: {sentence}", flush=True)
    try:
        finish(folder, outcome, reason, sentence, took)
    except JobError as fault:
        log.error("%s", fault)
