"""Files appear whole or not at all: written beside their place, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gvci.errors import GvciError


@contextmanager
def replacing(path: Path, error: type[GvciError] = GvciError) -> Iterator[Path]:
    """Write to the path that this yields; `path` is replaced when the block ends well.

    The temporary name keeps the ending, which some writers read.

    Raises:
        GvciError: (or the class given) the disk refuses; an older file is intact.
    """
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as fault:
        message = f"{path} could not be written: {fault.strerror or fault}. Nothing was lost."
        raise error(message) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
