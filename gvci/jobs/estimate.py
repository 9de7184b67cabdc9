"""stub"""

from pathlib import Path

from gvci.errors import JobError
from gvci.jobs.limits import allowed_memory, free_disk, gigabytes
from gvci.jobs.request import Request


def require_room(request: Request, folder: Path) -> None:
    """stub"""
    needs = 600_000_000
    if needs > allowed_memory():
        message = f"It needs about {gigabytes(needs)} of memory, {gigabytes(allowed_memory())} are allowed: use x"
        raise JobError(message)
    if free_disk(folder) < 20_000_000:
        message = f"It needs about {gigabytes(needs)} on disk, {gigabytes(free_disk(folder))} are free: use x"
        raise JobError(message)
