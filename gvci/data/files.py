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
from gvci.data.download import Download, TransferError
from gvci.data.entries import CatalogueEntry
from gvci.errors import CatalogueError
from gvci.progress import Progress

CHECKSUMS = "checksums.json"
Available = Literal["shipped", "found in GVCI_DATA_DIR", "cached", "downloadable", "by hand"]
HERE: tuple[Available, ...] = ("shipped", "found in GVCI_DATA_DIR", "cached")


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


def locate(
    entry: CatalogueEntry, progress: Progress | None = None, accept_licence: bool = False
) -> Path:
    """The entry's file on this machine, downloaded if need be.

    Args:
        progress: called with the bytes that are here and those in all.
        accept_licence: the user has read and accepted the licence of an entry that asks for it.

    Raises:
        CatalogueError: made here rather than read, not downloadable, licence not accepted, no
            internet, no space, or not the file that was published.
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
            f"{entry.title} cannot be downloaded by gvci. Get it from "
            f"{entry.source or 'its authors'}, put it as {entry.file} into a folder and set "
            "GVCI_DATA_DIR to that folder."
        )
        raise CatalogueError(message)
    if entry.ask_licence and not accept_licence:
        message = (
            f"{entry.title} has a licence to accept first: {entry.licence}. It is at "
            f"{entry.source}. To accept it: python -m gvci fetch {entry.name} --accept-licence."
        )
        raise CatalogueError(message)
    return _download(entry, progress)


def checksum(entry: CatalogueEntry) -> str:
    """The SHA-256 that is published or that the first download recorded; else what will be."""
    return entry.sha256 or _recorded().get(entry.file) or "recorded on first download"


def _download(entry: CatalogueEntry, progress: Progress | None) -> Path:
    reasons = []
    expected = entry.sha256 or _recorded().get(entry.file)
    known = f"sha256:{expected}" if expected else None
    folder = cache_dir()
    fetch = Download(folder / f"{entry.file}.part", known is not None, progress)
    pooch.get_logger().setLevel("WARNING")
    for url in entry.urls:
        try:
            path = Path(pooch.retrieve(url, known, entry.file, folder, downloader=fetch))
            _record(entry.file, _sha256(path))
            return path
        except TransferError as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(
                f"{folder} cannot be written, {(error.strerror or str(error)).lower()}; "
                "GVCI_CACHE_DIR names another folder"
            )
        except ValueError:
            reasons.append(
                f"the file there is not the one that was {_origin(entry)}: its SHA-256 is "
                f"{fetch.sha256} instead of {expected}"
            )
    message = (
        f"{entry.title} could not be downloaded ({'; '.join(reasons)}). Fetch {entry.urls[0]} by "
        f"hand, put it as {entry.file} into a folder and set GVCI_DATA_DIR to that folder."
    )
    raise CatalogueError(message)


def _origin(entry: CatalogueEntry) -> str:
    return "published" if entry.sha256 else "downloaded first"


def _recorded() -> dict[str, str]:
    """Checksums of the first downloads."""
    try:
        known = json.loads((cache_dir() / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _record(file: str, sha256: str) -> None:
    known = {**_recorded(), file: sha256}
    with replacing(cache_dir() / CHECKSUMS, CatalogueError) as part:
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")


def _unchanged(entry: CatalogueEntry, path: Path) -> Path:
    expected, found = entry.sha256 or _recorded().get(entry.file), _sha256(path)
    if expected is not None and found != expected:
        message = (
            f"{path} is not the file that was {_origin(entry)}: its SHA-256 is {found} instead of "
            f"{expected}. Delete it, and it is fetched again."
        )
        raise CatalogueError(message)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
