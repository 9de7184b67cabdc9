"""What a job is now, read from its directory and nothing else.

              start                turn comes              verb ends
    (nothing) ─────► queued ─────────────────► running ─────────────────► done
                       │ stop                    │ stop, fault
                       └────────► stopped ◄──────┘
    queued, running ──── process gone without a word ────► lost
    stopped, lost ──── resume ────► queued

done.json says done or stopped; else a process that is alive, and the same one, says queued or
running; else the job is lost. A refresh, a second tab, a restarted server, a kill −9, a
half-written file and a number that another process got are then one case: read it again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from gvci.errors import JobError
from gvci.jobs.folder import DONE, PROCESS, REQUEST, job_folder, job_ids, read_json
from gvci.jobs.kept import kept
from gvci.jobs.limits import speaks_of_memory
from gvci.jobs.process import alive
from gvci.jobs.progress import Progress, log_tail, read_progress
from gvci.jobs.request import Request

State = Literal["queued", "running", "done", "stopped", "lost"]
STATES: tuple[State, ...] = get_args(State)
OPEN = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One reading of a job's directory.

    Attributes:
        request: None where it is damaged, or of another version.
        state: one of `STATES`.
        process: who works, or worked, on it; {} where nobody ever did.
        end: what done.json says; {} while it is not there.
    """

    id: str
    folder: Path
    request: Request | None
    state: State
    process: dict[str, Any]
    end: dict[str, Any]

    @cached_property
    def progress(self) -> Progress | None:
        """Step of steps and the time left."""
        return read_progress(self.folder)

    @property
    def created(self) -> str:
        """When it was asked for, ISO; "" where that is not known."""
        return "" if self.request is None else self.request.created

    @property
    def order(self) -> int:
        """Its place among all jobs that were started or resumed on this machine."""
        order = self.process.get("order")
        return order if type(order) is int else 0

    @property
    def title(self) -> str:
        """Its label, as anyone typed it: to be shown literally."""
        if self.request is None:
            return f"unreadable job {self.id[:8]}"
        return self.request.title or f"{self.request.verb} {Path(self.request.data).name}"

    @property
    def fault(self) -> bool:
        """Whether it was stopped by a fault and not on request."""
        return self.state == "stopped" and self.end.get("reason") != "asked"

    @cached_property
    def sentence(self) -> str:
        """What happened and what to do."""
        if self.request is None:
            return (
                "The request of this job cannot be read: it is damaged, or of another version of "
                "gvci. Delete the job, and start it anew."
            )
        if self.state in ("done", "stopped"):
            return str(self.end.get("sentence", ""))
        at = self.progress
        where = "" if at is None else f" at step {at.step:,} of {at.steps:,}"
        if self.state == "lost":
            return f"It stopped unexpectedly{where}{self._why}. {self.how_to_resume}"
        if self.state == "queued":
            return "It waits for its turn and starts by itself."
        return f"It runs{where.replace(' at', ', at', 1)}."

    @property
    def _why(self) -> str:
        """What the last lines of its log speak of: some libraries end the process by themselves."""
        memory = speaks_of_memory("\n".join(log_tail(self.folder, 3)))
        return ": out of memory, so use fewer genes or cells" if memory else ""

    @property
    def how_to_resume(self) -> str:
        """From where it would go on."""
        found = kept(self.folder)
        if found is None:
            return "Nothing was kept: resume starts it again."
        return f"Resume goes on from {found.words}."


def read_job(job_id: str) -> Job:
    """The job as it is now.

    Raises:
        JobError: not an id, or there is no such job.
    """
    folder = job_folder(job_id)
    if not folder.is_dir():
        message = f"There is no job {job_id}: it was deleted, or the link is not whole."
        raise JobError(message)
    request, process = _request(folder), read_json(folder / PROCESS) or {}
    lives = alive(process)
    # Read after the process: one that ended in between has written it.
    end = read_json(folder / DONE) or {}
    state: State = "lost"
    if end.get("outcome") in ("done", "stopped"):
        state = end["outcome"]
    elif lives:
        state = "running" if process.get("stage") == "working" else "queued"
    return Job(job_id, folder, request, state, process, end)


def jobs(workspace: str | None = None) -> list[Job]:
    """Everyone's jobs and those of a workspace; the newest first.

    Unreadable ones are left out, since nobody knows whose they are.
    """
    return [
        job
        for job in jobs_of_all()
        if job.request is not None and job.request.workspace in (None, workspace)
    ]


def belongs_to_all(job_id: str) -> bool:
    """Whether everyone may see a job and what it makes; of a workspace only its key shows them."""
    request = read_job(job_id).request
    return request is not None and request.workspace is None


def jobs_of_all() -> list[Job]:
    """Every directory of this machine as it is now, the newest first, unreadable ones last."""
    found = []
    for job_id in job_ids():
        with suppress(JobError):  # deleted in between
            found.append(read_job(job_id))
    return sorted(found, key=lambda job: (job.created, job.order, job.id), reverse=True)


def _request(folder: Path) -> Request | None:
    content = read_json(folder / REQUEST)
    try:
        return None if content is None else Request(**content)
    except ValidationError:
        return None
