"""Which process is meant: its number, and the moment it started at, counted by the kernel.

Numbers are given again, after a restart of the machine above all; the clock on the wall jumps. The
kernel's own count of ticks since it booted, with the id of that boot, does neither.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

PROC = Path("/proc")
BOOT = PROC / "sys/kernel/random/boot_id"
GONE = ("Z", "X")  # ended, only its parent has not asked for its exit code yet


def identity(pid: int) -> dict[str, Any] | None:
    """pid, start and boot of a process; None where there is none."""
    start = _start(pid)
    return None if start is None else {"pid": pid, "start": start, "boot": _boot()}


def alive(known: dict[str, Any] | None) -> bool:
    """Whether the very process that `identity` told of is still there."""
    if known is None or type(known.get("pid")) is not int or known["pid"] <= 1:
        return False
    mine = {name: known.get(name) for name in ("pid", "start", "boot")}
    return identity(known["pid"]) == mine


def end(known: dict[str, Any], patience: float) -> None:
    """Ask the process group of a job to end, and end it after so many seconds; returns when gone.

    A job leads its own session, so its children are in its group and nobody else is.
    """
    if not alive(known):
        return  # the number may be somebody else's by now
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(known["pid"], number)
        deadline = time.monotonic() + seconds
        while alive(known) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not alive(known):
            break
    # What the leader left behind in its group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(known["pid"], signal.SIGKILL)


def _start(pid: int) -> str | None:
    """Ticks after boot; where there is no /proc, what `ps` says of the start."""
    if not PROC.is_dir():
        words = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
        told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
        return None if not told or told[0][0] in GONE else " ".join(told[1:])
    try:
        # The second field is a name in brackets that may hold anything, brackets too.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in GONE else fields[19]
    except (OSError, IndexError, ValueError):
        return None


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
