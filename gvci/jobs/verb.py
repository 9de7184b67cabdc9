"""The verb `jobs` of the command line: what it does and what it says."""

from __future__ import annotations

from typing import Any

from gvci.errors import JobError
from gvci.jobs.control import clean, delete, resume, stop
from gvci.jobs.progress import log_tail
from gvci.jobs.state import Job, jobs_of_all, read_job

VERBS = {"stop": stop, "resume": resume, "show": read_job}


def obey(
    what: str, job_id: str | None, days: float, results: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Do it; what became of each job, for a program and in lines for people.

    Args:
        what: list, show, stop, resume, delete or clean.
        job_id: its id, or the beginning of it where no other job's begins so.
        days, results: of clean.

    Raises:
        GvciError: as the functions of `control`.
    """
    if what == "list":
        found = jobs_of_all()
        return [row(job) for job in found], [line(job) for job in found] or ["No jobs."]
    if what == "clean":
        gone = clean(days, results=results)
        return [{"id": one, "deleted": True} for one in gone], [f"Deleted {len(gone):,} jobs."]
    full = _full(job_id)
    if what == "delete":
        delete(full)
        return [{"id": full, "deleted": True}], [f"Deleted {full}."]
    job = VERBS[what](full)
    lines = [line(job), job.sentence]
    if what == "show":
        lines += log_tail(job.folder)
    return [row(job)], lines


def row(job: Job) -> dict[str, Any]:
    """A job for a program."""
    at = job.progress
    return {
        "id": job.id,
        "state": job.state,
        "title": job.title,
        "created": job.created,
        "step": None if at is None else at.step,
        "steps": None if at is None else at.steps,
        "seconds_left": None if at is None or job.state != "running" else at.left,
        "sentence": job.sentence,
        "folder": str(job.folder),
    }


def line(job: Job) -> str:
    """A job on one line."""
    at = job.progress
    share = f"{at.share:4.0%}" if at is not None and job.state != "done" else "    "
    return f"{job.id}  {job.state:<8} {share}  {job.title}"


def _full(job_id: str | None) -> str:
    """The whole id."""
    if not job_id:
        message = "Name the job: python -m gvci jobs list shows the ids."
        raise JobError(message)
    found = [job.id for job in jobs_of_all() if job.id.startswith(job_id)]
    if len(found) > 1:
        message = f"{len(found)} jobs begin with '{job_id[:36]}'. Give more of the id."
        raise JobError(message)
    return found[0] if found else job_id
