"""Start, stop, resume, delete and clean up jobs; each is safe to ask for twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gvci
from gvci.errors import JobError
from gvci.jobs.ending import finish, stopped_sentence
from gvci.jobs.estimate import require_room
from gvci.jobs.folder import (
    DONE,
    LOG,
    PROCESS,
    REQUEST,
    book,
    job_folder,
    jobs_home,
    new_id,
    write_json,
)
from gvci.jobs.process import end, identity
from gvci.jobs.queue import waiting
from gvci.jobs.request import Request
from gvci.jobs.state import OPEN, Job, jobs_of_all, read_job
from gvci.registry import forget

PROGRAM = (sys.executable, "-m", "gvci")
MOST_WAITING = 50
KEEP_DAYS = 30.0


def start(request: Request, job_id: str | None = None) -> Job:
    """Queue a job; it works as soon as it is its turn, also when nobody looks.

    Args:
        request: what to do; its settings are checked now.
        job_id: from `new_id`, where the same click may come twice: the second one gets the job of
            the first.

    Raises:
        GvciError: settings, or a dataset, that cannot be used; not enough disk or memory; too many
            jobs waiting; the disk refuses.
    """
    job_id = job_id or new_id()
    folder = job_folder(job_id)
    if not folder.is_dir():
        request.checked_settings()
        require_room(request, jobs_home())
    with book():
        if not folder.is_dir():
            queued = len(waiting())
            if queued >= MOST_WAITING:
                message = f"{queued} jobs are waiting already. Wait, or stop some of them."
                raise JobError(message)
            _make(folder, request)
            _launch(job_id, folder, request)
    return read_job(job_id)


def resume(job_id: str) -> Job:
    """Queue a stopped or lost job again: it goes on from its last checkpoint, else from the start.

    Raises:
        GvciError: no such job, it cannot be read, not enough disk or memory, the disk refuses.
    """
    job = read_job(job_id)
    if job.request is None:
        raise JobError(job.sentence)
    if job.state not in ("stopped", "lost"):
        return job
    require_room(job.request, jobs_home())
    with book():
        if read_job(job_id).state in ("stopped", "lost"):
            (job.folder / DONE).unlink(missing_ok=True)
            _launch(job_id, job.folder, job.request)
    return read_job(job_id)


def stop(job_id: str, patience: float = 10.0) -> Job:
    """End a queued or running job; what it has kept stays, and `resume` goes on from there.

    Args:
        job_id: which.
        patience: seconds between asking the process to end and ending it.

    Raises:
        JobError: no such job.
    """
    job = read_job(job_id)
    if job.state not in OPEN:
        return job
    end(job.process, patience)
    with book():
        # A process that was ended before it could speak: say it in its place.
        if read_job(job_id).state == "lost":
            finish(job.folder, "stopped", "asked", stopped_sentence(job.folder), None)
    return read_job(job_id)


def delete(job_id: str) -> None:
    """Remove a job that does not run, with all that it wrote; its name is gone at once.

    Raises:
        JobError: it is queued or running, or the disk refuses.
    """
    folder = job_folder(job_id)
    with book():
        if not folder.is_dir():
            return
        if read_job(job_id).state in OPEN:
            message = "A job that is queued or running cannot be deleted. Stop it first."
            raise JobError(message)
        trash = jobs_home() / f".trash-{job_id}"
        try:
            shutil.rmtree(trash, ignore_errors=True)
            folder.rename(trash)
        except OSError as fault:
            message = f"The job could not be deleted: {fault.strerror or fault}."
            raise JobError(message) from None
    forget(folder.resolve())
    shutil.rmtree(trash, ignore_errors=True)


def clean(days: float = KEEP_DAYS, *, results: bool = False) -> list[str]:
    """Delete what was left alone for so many days: stopped, lost and unreadable jobs.

    Args:
        days: since anything in the job's directory changed.
        results: finished jobs too, with what they made.

    Returns:
        The ids of the deleted jobs.
    """
    for trash in jobs_home().glob(".trash-*"):
        shutil.rmtree(trash, ignore_errors=True)
    with book():
        for half in jobs_home().glob(".new-*"):
            shutil.rmtree(half, ignore_errors=True)
    oldest = datetime.now(UTC) - timedelta(days=days)
    old = [
        job.id
        for job in jobs_of_all()
        if job.state in ("stopped", "lost", *(("done",) if results else ()))
        and _last_change(job.folder) < oldest
    ]
    gone = []
    for job_id in old:
        with suppress(JobError):  # resumed in between
            delete(job_id)
            gone.append(job_id)
    return gone


def _last_change(folder: Path) -> datetime:
    """When a file of the directory was written last; a job of which nothing is known is old."""
    times = [0.0]
    for file in (folder, *folder.iterdir()):
        with suppress(OSError):
            times.append(file.lstat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC)


def _make(folder: Path, request: Request) -> None:
    """The directory with its request appears whole."""
    half = folder.with_name(f".new-{folder.name}")
    created = datetime.now(UTC).isoformat(timespec="microseconds")
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        write_json(
            half / REQUEST, request.model_copy(update={"created": created}).model_dump(mode="json")
        )
        half.rename(folder)
    except OSError as fault:
        message = f"The job could not be kept: {fault.strerror or fault}. Nothing was started."
        raise JobError(message) from None
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _launch(job_id: str, folder: Path, request: Request) -> None:
    """Start the process of a job in a session of its own; the book is held."""
    order = 1 + max((job.order for job in jobs_of_all()), default=0)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [*PROGRAM, *request.words(job_id, folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(gvci.__file__).parents[1],
                env=environment,
                start_new_session=True,
            )
        known = {**(identity(process.pid) or {}), "stage": "waiting", "order": order}
        write_json(folder / PROCESS, known)
    except OSError as fault:
        message = f"The job could not be started: {fault.strerror or fault}. Resume starts it."
        raise JobError(message) from None
    # Whoever started it takes its exit code, else it would stay in the list of processes.
    threading.Thread(target=process.wait, daemon=True).start()
