"""The one Chromium of a test run: a second driver beside the first cannot start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium; without one the tests skip, or fail where it is required."""
    found = os.environ.get("GVCI_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        message = "no Chromium found: install it (apt-get install chromium) or set GVCI_CHROMIUM"
        if os.environ.get("GVCI_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
