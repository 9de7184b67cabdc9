"""A server on this machine that behaves, or misbehaves, as a test asks it to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Page:
    """What is served at a path.

    Attributes:
        content: the file.
        tag: its ETag; "" for none. modified: its Last-Modified.
        ranges: whether a part may be asked for.
        cuts: after how many bytes the connection ends, one per request, then never.
        to: where it redirects to. status: the answer where it is not the file.
        kind: its Content-Type. pause: seconds of silence before the content.
        trickle: seconds between blocks of 100 bytes. told: the length is said.
    """

    content: bytes = b""
    tag: str = '"v1"'
    modified: str = ""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    to: str = ""
    status: int = 200
    kind: str = "application/octet-stream"
    pause: float = 0.0
    trickle: float = 0.0
    told: bool = True


class Site:
    """Serves pages on loopback; `asked` lists (path, Range, If-Range) of each request."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._serve(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Up to the first slash of a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.split("?")[0].lstrip("/")
        asked, condition = (request.headers.get(h, "") for h in ("Range", "If-Range"))
        self.asked.append((path, asked, condition))
        page = self.pages.get(path, Page(status=404))
        if page.to:
            request.send_response(302)
            request.send_header("Location", page.to)
            request.end_headers()
            return
        if page.status != 200:
            request.send_error(page.status)
            return
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked and page.ranges else 0
        if condition and condition not in (page.tag, page.modified):
            start = 0
        if start > len(page.content):
            request.send_error(416)
            return
        body = page.content[start:]
        request.send_response(206 if start else 200)
        headers = {"Content-Type": page.kind, "ETag": page.tag, "Last-Modified": page.modified}
        if page.told:
            headers["Content-Length"] = str(len(body))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(page.content) - 1}/{len(page.content)}"
        for name, value in headers.items():
            if value:
                request.send_header(name, value)
        request.end_headers()
        time.sleep(page.pause)
        cut = page.cuts.pop(0) if page.cuts else len(body)
        step = 100 if page.trickle else max(1, len(body))
        try:
            for at in range(0, min(cut, len(body)), step):
                request.wfile.write(body[at : min(at + step, cut)])
                time.sleep(page.trickle)
        except OSError:
            pass  # the client has gone, as some tests make it do
