"""What a job may use: memory and disk, and in words how much that is."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import NamedTuple

from gvci.errors import SettingsError

MEMORY = "GVCI_MAX_MEMORY"
CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
GIGABYTE = 10**9
NEAR = 0.97  # of a limit: what failed may have failed for lack of memory
NO_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "memory allocation still failed",
    "failed to map segment",
    "bad_alloc",
    "out of memory",
)


def allowed_memory() -> int:
    """Bytes that one job may use: GVCI_MAX_MEMORY in GB, else all that this machine has.

    Raises:
        SettingsError: GVCI_MAX_MEMORY is not a number above 0.
    """
    word = os.environ.get(MEMORY, "").strip()
    if word:
        try:
            limit = float(word)
        except ValueError:
            limit = 0.0
        if not 0 < limit < 1e9:
            message = f"{MEMORY} is '{word}'. Give the gigabytes that a job may use, e.g. 8."
            raise SettingsError(message)
        return int(limit * GIGABYTE)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_cgroup_limits()])


def free_disk(folder: Path) -> int:
    """Bytes free where this folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def gigabytes(count: float) -> str:
    """Bytes for people: "30 MB", "0.4 GB", "12 GB"."""
    size = count / GIGABYTE
    if size < 0.1:
        return f"{1000 * size:.0f} MB"
    return f"{size:.1f} GB" if size < 9.95 else f"{size:.0f} GB"


class Memory(NamedTuple):
    """What this process may use, in bytes, and whether it has come to that."""

    limit: int
    at_limit: bool


def memory_in_force() -> Memory:
    """The lowest of all limits; where memory is short any call may fail in any way."""
    sizes = {"VmPeak": resource.RLIMIT_AS, "VmData": resource.RLIMIT_DATA}
    limits = {name: resource.getrlimit(kind)[0] for name, kind in sizes.items()}
    limits = {name: limit for name, limit in limits.items() if limit != resource.RLIM_INFINITY}
    used = status()
    at_limit = any(used.get(name, 0) > NEAR * limit for name, limit in limits.items())
    return Memory(min([allowed_memory(), *limits.values()]), at_limit)


def status() -> dict[str, int]:
    """Sizes of this process in bytes, by the kernel's names; {} where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines if line.startswith("Vm")]
    return {name.rstrip(":"): 1024 * int(size) for name, size, *_ in words}


def speaks_of_memory(text: str) -> bool:
    """Whether a library says that memory ran out; each has its own words for it."""
    return any(words in text.lower() for words in NO_MEMORY)


def _cgroup_limits() -> list[int]:
    """What a container allows, where there is one."""
    limits = []
    for file in CGROUPS:
        try:
            word = Path(file).read_text().strip()
        except OSError:
            continue
        if word.isdecimal():
            limits.append(int(word))
    return limits
