"""How a job ended: one sentence for the user, in done.json."""

from __future__ import annotations

import errno
import logging
import os
import resource
import secrets
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from gvci.errors import GvciError
from gvci.jobs.folder import DONE, write_json
from gvci.jobs.kept import kept
from gvci.jobs.limits import Memory, gigabytes, speaks_of_memory, status
from gvci.jobs.progress import read_progress

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
log = logging.getLogger("gvci.jobs")


def explain(fault: BaseException, folder: Path, memory: Memory) -> tuple[str, str]:
    """Why a job ended early, asked or fault, and in one sentence for the user.

    Args:
        fault: what was raised.
        folder: the job's.
        memory: as it was then.
    """
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
    elif _is_memory(fault) or (memory.at_limit and not known):
        message = (
            f"Out of memory: {gigabytes(memory.limit)} are allowed, and this job needs more. "
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
    # What getrusage tells holds the parent's before the start, too.
    if "VmHWM" in status():
        return status()["VmHWM"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak * (1 if sys.platform == "darwin" else 1024))
