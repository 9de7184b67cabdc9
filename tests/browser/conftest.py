"""A real Chromium on a real server: each test gets a fresh context that may not leave localhost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=20_000)
IDLE = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    if (app?.getAttribute('data-test-script-state') !== 'notRunning') {
        window.idleSince = null;
        return false;
    }
    window.idleSince ??= performance.now();
    return performance.now() - window.idleSince > 600;
}"""
LOCAL = {"localhost", "127.0.0.1", ""}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A real browser on a busy machine may lose a race: what fails twice is a fault."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, port: int | None = None, more: Sequence[str] = ()) -> Iterator[str]:
    """The dashboard on a free port, with an empty list of own runs; its address."""
    port = port or free_port()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GVCI_HOME": str(home)}
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(port),
        *more,
    ]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for most tests."""
    with serving(tmp_path_factory.mktemp("home")) as address:
        yield address


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the server did not answer within a minute")


class Visit:
    """A browser context with one page, the requests that would leave, and the dialogs seen."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address, self.outside, self.dialogs = address, [], []
        self.page: Page = context.new_page()
        context.on("request", self._note)
        self.page.on("dialog", self._dismiss)

    def _note(self, request: object) -> None:
        url = request.url  # type: ignore[attr-defined]
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(
            url
        ).hostname not in (LOCAL):
            self.outside.append(url)

    def _dismiss(self, dialog: object) -> None:
        self.dialogs.append(dialog.message)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    def open(self, path: str = "", run: str | None = "demo") -> Page:
        """Go there and wait until the script has run; to the demo, where the path names no run."""
        if run and "run=" not in path:
            path += f"{'&' if '?' in path else '?'}run={run}"
        self.page.goto(f"{self.address}/{path}")
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until the page's frame is there and nothing has run for a while.

        A click changes the address at once and the script some moments later: a page that is
        idle only now may not have begun to answer.
        """
        frame = self.page.get_by_role("button", name="Copy link")
        expect(frame).to_be_visible(timeout=30_000)
        self.page.evaluate("() => { window.idleSince = null; }")
        self.page.wait_for_function(IDLE, timeout=30_000)

    def text(self) -> str:
        """All that the page says."""
        return self.page.locator("[data-testid=stMain]").inner_text()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def visit(context: BrowserContext, server: str) -> Visit:
    """A fresh visitor."""
    return Visit(context, server)
