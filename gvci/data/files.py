"""Where a catalogue entry's file is: the local mirror, the cache, or a download.

GVCI_DATA_DIR is looked into first: a local mirror, also for labs without internet. Then the
cache (GVCI_CACHE_DIR, else the user's cache folder), then the internet, with checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

import pooch

from gvci.atomic import replacing
from gvci.data.entries import CatalogueEntry
from gvci.errors import CatalogueError

CHECKSUMS = "checksums.json"
TIMEOUT_SECONDS = 30
Available = Literal["shipped", "found in GVCI_DATA_DIR", "cached", "downloadable", "by hand"]


def data_dir() -> Path | None:
    """The folder GVCI_DATA_DIR names, or None."""
    folder = os.environ.get("GVCI_DATA_DIR", "").strip()
    return Path(folder).expanduser() if folder else None


def cache_dir() -> Path:
    """Where downloads are kept: GVCI_CACHE_DIR, else the user's cache folder."""
    folder = os.environ.get("GVCI_CACHE_DIR", "").strip()
    return Path(folder).expanduser() if folder else Path(pooch.os_cache("gvci"))


def availability(entry: CatalogueEntry) -> Available:
    """Whether it can be had here, without asking the internet."""
    if not entry.file:
        return "shipped"
    folder = data_dir()
    if folder is not None and (folder / entry.file).is_file():
        return "found in GVCI_DATA_DIR"
    if (cache_dir() / entry.file).is_file():
        return "cached"
    return "downloadable" if entry.urls else "by hand"


def locate(entry: CatalogueEntry, progress: bool = False) -> Path:
    """The entry's file on this machine, downloaded if need be.

    Raises:
        CatalogueError: made here rather than read, not downloadable, no internet, no space, or
            not the file that was published.
    """
    if not entry.file:
        message = f"'{entry.name}' is simulated here and is no file: use its name."
        raise CatalogueError(message)
    where = availability(entry)
    if where == "found in GVCI_DATA_DIR":
        folder = data_dir()
        assert folder is not None
        return folder / entry.file
    if where == "cached":
        return _unchanged(entry, cache_dir() / entry.file)
    if where == "by hand":
        message = (
            f"{entry.title} cannot be downloaded by gvci. Put {entry.file} "
            f"(from {entry.source or 'its authors'}) into a folder and set GVCI_DATA_DIR to it."
        )
        raise CatalogueError(message)
    return _download(entry, progress)


def _download(entry: CatalogueEntry, progress: bool) -> Path:
    reasons = []
    expected = entry.sha256 or _recorded().get(entry.file)
    known = f"sha256:{expected}" if expected else None
    pooch.get_logger().setLevel("WARNING")
    for url in entry.urls:
        fetch = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS, progressbar=progress)
        try:
            path = pooch.retrieve(url, known, entry.file, cache_dir(), downloader=fetch)
        except ValueError:
            reasons.append(
                "the file there is not the one that was published (its checksum differs)"
            )
        except OSError as error:
            reasons.append(type(error).__name__ if error.strerror is None else error.strerror)
        else:
            _record(entry.file, Path(path))
            return Path(path)
    message = (
        f"{entry.title} could not be downloaded ({'; '.join(reasons)}). Fetch {entry.urls[0]} by "
        f"hand, put it as {entry.file} into a folder and set GVCI_DATA_DIR to that folder."
    )
    raise CatalogueError(message)


def _recorded() -> dict[str, str]:
    """Checksums of the first downloads."""
    try:
        known = json.loads((cache_dir() / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _record(file: str, path: Path) -> None:
    known = {**_recorded(), file: _sha256(path)}
    with replacing(cache_dir() / CHECKSUMS, CatalogueError) as part:
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")


def _unchanged(entry: CatalogueEntry, path: Path) -> Path:
    expected = entry.sha256 or _recorded().get(entry.file)
    if expected is not None and _sha256(path) != expected:
        message = (
            f"{path} is not the file that was downloaded (its checksum differs). "
            "Delete it, and it is fetched again."
        )
        raise CatalogueError(message)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
