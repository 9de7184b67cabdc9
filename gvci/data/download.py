"""One file over HTTP: resumed where it was cut, watched for servers that hang or answer nonsense.

pooch calls this as its downloader, compares the checksum and puts the file in its place. What
has arrived stays in FILE.part until all is there; FILE.part.json says of which version of the
server's file it is a part, so that two versions are never joined.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from gvci.atomic import replacing
from gvci.progress import Progress

ATTEMPTS = 5
CONNECT_SECONDS, SILENT_SECONDS = 15.0, 30.0
WINDOW_SECONDS, SLOWEST = 60.0, 1_000  # bytes a second, averaged over the window
BLOCK = 1 << 15  # at most so much is lost when a connection is cut
# Some hosts refuse what has no name; packed answers cannot be resumed.
HEADERS = {"User-Agent": "gvci (python-requests)", "Accept-Encoding": "identity"}


class TransferError(OSError):
    """A download that failed; its text is the reason, without a full stop."""


class CutError(TransferError):
    """The connection ended before the file did: worth another attempt."""


class Download:
    """A pooch downloader for one file.

    Attributes:
        sha256: of what arrived last, "" before.
    """

    def __init__(self, part: Path, resumable: bool, progress: Progress | None = None) -> None:
        """Prepare to download.

        Args:
            part: where bytes are kept until all are there.
            resumable: a checksum is known, so that a part of a file whose version the server
                does not tell may be continued as well.
            progress: called for each block.
        """
        self.part, self.resumable, self.progress = part, resumable, progress
        self.sha256 = ""

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        """Fetch `url` and move it to `output_file`.

        Raises:
            TransferError: why it could not be fetched; what has arrived is kept.
            OSError: the disk refuses.
        """
        for attempt in range(ATTEMPTS):
            before = self._size()
            try:
                self._attempt(url)
                break
            except CutError:
                # A server that cuts again without a byte more will not do better.
                if attempt == ATTEMPTS - 1 or self._size() <= before:
                    raise
        with self.part.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.part.replace(str(output_file))
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def _size(self) -> int:
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def _attempt(self, url: str) -> None:
        host = urlsplit(url).hostname or url
        with self.part.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = "another process is downloading it now"
                raise TransferError(message) from None
            start, version = file.tell(), self._version(url)
            if start and version is None:
                file.truncate(0)
                start = 0
            headers = {**HEADERS, **({"Range": f"bytes={start}-"} if start else {})}
            if start and version:
                headers["If-Range"] = version
            try:
                self._receive(url, headers, file, start)
            except requests.RequestException as error:
                raise _fault(error, host, self._size()) from None

    def _receive(self, url: str, headers: dict[str, str], file: Any, start: int) -> None:
        patience = (CONNECT_SECONDS, SILENT_SECONDS)
        with requests.get(url, headers=headers, stream=True, timeout=patience) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable and start:
                # What was kept is longer than the file is now.
                file.truncate(0)
                return self._receive(url, HEADERS, file, 0)
            answer.raise_for_status()
            if "text/html" in answer.headers.get("Content-Type", ""):
                message = f"{urlsplit(answer.url).hostname} answers with a web page, not the file"
                raise TransferError(message)
            begun = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
            if start and not (answer.status_code == requests.codes.partial_content and begun):
                file.truncate(0)
                start = 0
            self._keep_version(url, answer)
            length = answer.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else 0
            self._require_space(total - start)
            arrived = self._copy(answer, file, start, total)
        if total and arrived != total:
            message = f"the connection was cut after {arrived:,} of {total:,} bytes"
            raise CutError(message)

    def _copy(self, answer: requests.Response, file: Any, start: int, total: int) -> int:
        arrived = counted = start
        since = time.monotonic()
        try:
            for block in answer.iter_content(BLOCK):
                file.write(block)
                arrived += len(block)
                if self.progress is not None:
                    self.progress(arrived, total, "")
                waited = time.monotonic() - since
                if waited > WINDOW_SECONDS:
                    if arrived - counted < SLOWEST * waited:
                        message = f"it comes at less than {SLOWEST:,} bytes a second"
                        raise TransferError(message)
                    counted, since = arrived, time.monotonic()
        finally:
            file.flush()
            os.fsync(file.fileno())
        return arrived

    def _version(self, url: str) -> str | None:
        """What the server calls the version of which the part is; "" for unknown but checked."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            if note["url"] == url:
                return str(note["version"]) or ("" if self.resumable else None)
        return None

    def _keep_version(self, url: str, answer: requests.Response) -> None:
        tag = answer.headers.get("ETag", "")
        # A weak tag says "much the same", which is not enough to join two halves.
        version = answer.headers.get("Last-Modified", "") if tag.startswith("W/") else tag
        note = {"url": url, "version": version or answer.headers.get("Last-Modified", "")}
        with replacing(self._note) as part:
            part.write_text(json.dumps(note), encoding="utf-8")

    def _require_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if needed > free:
            message = f"it needs {needed:,} bytes, and {self.part.parent} has {free:,} left"
            raise TransferError(message)


def _fault(error: requests.RequestException, host: str, kept: int) -> TransferError:
    """The reason in words."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return TransferError(f"{host} answers {error.response.status_code} {error.response.reason}")
    inner = error.args[0] if error.args else None
    silent = isinstance(inner, urllib3.exceptions.ReadTimeoutError)
    if silent or isinstance(error, requests.ReadTimeout):
        return TransferError(f"{host} was silent for {SILENT_SECONDS:g} s")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return CutError(f"the connection to {host} was cut after {kept:,} bytes")
    if isinstance(error, requests.TooManyRedirects):
        return TransferError(f"{host} redirects in a circle")
    if isinstance(error, requests.ConnectionError):
        return TransferError(f"there is no connection to {host}: is there internet?")
    return TransferError(f"{host}: {type(error).__name__}")
