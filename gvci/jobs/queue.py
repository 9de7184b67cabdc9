"""Whose turn it is: so many jobs work at a time on this machine, first come first served.

Every job's process waits for itself, so nobody has to start the next one. Its place is the order
that it got when it was started; a slot is a locked file, which the kernel frees when its holder
ends in whatever way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from gvci.errors import SettingsError
from gvci.jobs.folder import held, jobs_home
from gvci.jobs.state import Job, jobs_of_all

AT_ONCE = "GVCI_JOBS_AT_ONCE"
POLL_SECONDS = 0.3


def at_once() -> int:
    """How many jobs may work at a time: GVCI_JOBS_AT_ONCE, else 1.

    Raises:
        SettingsError: not a whole number, 1 or more.
    """
    word = os.environ.get(AT_ONCE, "").strip() or "1"
    if not word.isdecimal() or int(word) < 1:
        message = f"{AT_ONCE} is '{word}'. Give the number of jobs at a time, 1 or more."
        raise SettingsError(message)
    return int(word)


def waiting() -> list[Job]:
    """The queued jobs, first come first."""
    return sorted(
        (job for job in jobs_of_all() if job.state == "queued"), key=lambda job: job.order
    )


@contextmanager
def turn(job_id: str) -> Iterator[None]:
    """Wait until it is this job's turn, and hold the slot for the time of the block."""
    count = at_once()
    with ExitStack() as stack:
        while True:
            first = next(iter(waiting()), None)
            if (first is None or first.id == job_id) and _slot(stack, count):
                break
            time.sleep(POLL_SECONDS)
        yield


def _slot(stack: ExitStack, count: int) -> bool:
    """Take any free slot."""
    for number in range(count):
        attempt = ExitStack()
        if attempt.enter_context(held(jobs_home() / f".slot-{number}.lock", wait=False)):
            stack.push(attempt)
            return True
        attempt.close()
    return False
