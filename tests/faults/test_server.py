"""FAULTS F09, F42: what the server itself refuses: too much, strangers, a missing token."""

from __future__ import annotations

import base64
import http.client
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.app.conftest import OpenPage, open_page, own_runs, sound
from tests.browser.conftest import Visit, context, serving

__all__ = ["context", "open_page", "own_runs"]  # fixtures

SOCKET = "/_stcore/stream"
UPLOAD = "/_stcore/upload_file/some-session/some-file"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard as it is started, but for an upload limit of 1 MB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
        with serving(tmp_path_factory.mktemp("home")) as found:
            yield found


def asked(
    address: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """Status and content of one request, with these headers and what HTTP needs."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    with closing(connection):
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        with connection.getresponse() as answer:
            return answer.status, b"" if answer.status == 101 else answer.read()


def shaken(address: str, host: str | None = None, origin: str | None = None) -> int:
    """The status that a WebSocket's handshake gets: 101 is welcome."""
    headers = {
        "Host": host or urlsplit(address).netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    if origin is not None:
        headers["Origin"] = origin
    return asked(address, "GET", SOCKET, headers)[0]


def test_f42_the_dashboards_own_page_is_welcome(address: str) -> None:
    assert shaken(address, origin=address) == 101
    assert shaken(address) == 101  # a program, which sends no Origin
    port = urlsplit(address).port
    assert shaken(address, f"localhost:{port}", f"http://localhost:{port}") == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.net",
             "user@127.0.0.1", "127.0.0.1/../x", "10.0.0.7"]
)  # fmt: skip
def test_f42_a_foreign_host_is_refused(address: str, host: str) -> None:
    """A name that was made to point here (DNS rebinding) is of the same origin as itself."""
    assert shaken(address, host, f"http://{host}") == 403
    assert shaken(address, host) == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://evil.example:8501", "null", "file://",
               "http://127.0.0.1.evil.example", "javascript:alert(1)"]
)  # fmt: skip
def test_f42_a_foreign_origin_is_refused(address: str, origin: str) -> None:
    assert shaken(address, origin=origin) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Xsrftoken": "made up"},
        {"X-Xsrftoken": "made up", "Cookie": "_streamlit_xsrf=made up"},
        {"X-Xsrftoken": "2|1|2|3", "Cookie": "_streamlit_xsrf=2|4|5|6"},
        {"Cookie": "_streamlit_xsrf=2|4|5|6", "Origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_f42_an_upload_without_its_token_is_refused(
    address: str, headers: dict[str, str], method: str
) -> None:
    headers = {"Host": urlsplit(address).netloc, **headers}
    status, content = asked(address, method, UPLOAD, headers, b"cells")
    assert status == 403
    assert b"XSRF" in content


def test_f42_random_requests_do_no_harm(address: str) -> None:
    rng = np.random.default_rng(42)
    own = {"Host": urlsplit(address).netloc}
    paths = ["/_stcore/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/app/static/../../x",
             "/media/../../etc/passwd", "/component/x/../../y", "/" + "a" * 6000,
             *(f"/{rng.bytes(12).hex()}" for _ in range(10))]  # fmt: skip
    for path in paths:
        for method in ("GET", "POST", "PATCH"):
            status, content = asked(address, method, path, own)
            assert status < 500, (method, path)
            assert b"root:" not in content
            assert b"Traceback" not in content
    for _ in range(5):
        headers = {**own, "Upgrade": "websocket", "Connection": "Upgrade"}
        assert asked(address, "GET", SOCKET, headers)[0] >= 400  # without a key
    assert asked(address, "GET", "/_stcore/health", own)[0] == 200


# --- F09 -------------------------------------------------------------------------------


def test_f09_the_page_states_the_limit_before(open_page: OpenPage) -> None:
    assert "Up to 500 MB" in sound(open_page("data"))


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_f09_a_file_over_the_limit_is_refused_by_the_widget(
    address: str, chromium: Browser, tmp_path: Path
) -> None:
    """The limit is lowered to 1 MB; the page says so before, and the next file is read."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 720})
    visit = Visit(opened, address)
    try:
        page = visit.open("data")
        expect(page.get_by_text("Up to 1 MB")).to_be_visible()
        large, small = tmp_path / "large.h5ad", tmp_path / "small.h5ad"
        large.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2 << 20))
        small.write_text("no cells")
        upload = page.locator("input[type=file]")
        upload.set_input_files(large)
        expect(page.get_by_text("File must be 1.0MB or smaller")).to_be_visible()
        visit.settled()
        assert "large.h5ad is" not in visit.text()
        assert "Error id" not in visit.text()
        upload.set_input_files(small)
        expect(page.get_by_text("small.h5ad is not an .h5ad file")).to_be_visible()
    finally:
        opened.close()
