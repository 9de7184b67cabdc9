"""What a job's process does around its verb: wait for its turn, work, say how it ended."""

from __future__ import annotations

import errno
import logging
import os
import resource
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gvci.errors import GvciError, JobError
from gvci.jobs.folder import (
    CHECKPOINT,
    DONE,
    PROCESS,
    WORKING,
    book,
    held,
    read_json,
    write_json,
)
from gvci.jobs.kept import kept
from gvci.jobs.limits import allowed_memory, gigabytes, speaks_of_memory
from gvci.jobs.process import identity
from gvci.jobs.progress import read_progress
from gvci.jobs.queue import turn
from gvci.jobs.state import read_job

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
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
            _unlimit_memory()
            reason, sentence = explain(fault, folder)
            _finish(folder, "stopped", reason, sentence, None)
            return 2
    return 0


def explain(fault: BaseException, folder: Path) -> tuple[str, str]:
    """Why a job ended early, asked or fault, and in one sentence for the user."""
    if isinstance(fault, KeyboardInterrupt):
        return "asked", stopped_sentence(folder)
    known = isinstance(fault, GvciError)
    if not known:
        with suppress(OSError):  # the log itself may be what is full
            traceback.print_exception(fault)
    if _is_full(fault):
        message = (
            "No space left on the server: the job could not write its files. Older files are "
            "intact. Free some space, then resume."
        )
    elif _is_memory(fault):
        message = (
            f"Out of memory: {gigabytes(allowed_memory())} are allowed, and this job needs more. "
            "Use fewer genes or cells, or a smaller batch."
        )
    elif known:
        message = str(fault)
    else:
        number = secrets.token_hex(4)
        log.error("unexpected fault %s", number)
        message = (
            f"The job ended by a fault that was not foreseen. Error id {number}: the details are "
            "above it in the job's log."
        )
    found = kept(folder)
    return "fault", f"{message} The weights of {found.words} are kept." if found else message


def stopped_sentence(folder: Path) -> str:
    """That somebody stopped it, where, and from where it can go on."""
    at, found = read_progress(folder), kept(folder)
    where = "" if at is None else f" at step {at.step:,} of {at.steps:,}"
    then = f"Resume goes on from {found.words}." if found else "Resume starts it again."
    return f"Stopped on request{where}. {then}"


def finish(folder: Path, outcome: str, reason: str, sentence: str, took: float | None) -> None:
    """Write done.json.

    Raises:
        JobError: the disk refuses.
    """
    content = {
        "format": 1,
        "outcome": outcome,
        "reason": reason,
        "sentence": sentence,
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": None if took is None else round(took, 2),
        "peak_bytes": _peak_bytes(),
    }
    write_json(folder / DONE, content)


def spell(seconds: float) -> str:
    """A time for people: "12 s", "3 min", "2 h 5 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


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


def _is_full(fault: BaseException) -> bool:
    """Whether the disk was full, a quota reached, or a file too large."""
    return any(
        getattr(error, "errno", None) in FULL or os.strerror(errno.ENOSPC) in str(error)
        or os.strerror(errno.EFBIG) in str(error)
        for error in _chain(fault)
    )  # fmt: skip


def _is_memory(fault: BaseException) -> bool:
    """Whether memory ran out, of the machine or of the GPU; torch has its own words for it."""
    return any(
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or speaks_of_memory(str(error))
        or getattr(error, "errno", None) == errno.ENOMEM
        for error in _chain(fault)
    )


def _chain(fault: BaseException) -> list[BaseException]:
    """An error, what it came from, and so on."""
    chain: list[BaseException] = []
    error: BaseException | None = fault
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _peak_bytes() -> int:
    """The most resident memory that this process had."""
    with suppress(OSError, StopIteration, ValueError):
        # What the system counts for getrusage holds the parent's before the start, too.
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak * (1 if sys.platform == "darwin" else 1024))
