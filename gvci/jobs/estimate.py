"""stub"""

from pathlib import Path

from gvci.jobs.request import Request


def require_room(request: Request, folder: Path) -> None:
    """stub"""
