"""Pages under Streamlit's own test driver: no browser, no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.faults.door_files import CANARY

DEMO = Path(__file__).parents[2] / "pretrained" / "demo"
SCRIPT = "from gvci.app import session\nsession.navigate(first={page!r})\n"

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Path]:
    """No runs but the shipped demo; returns the folder that notes of others go to.

    At the end no canary of a file that leads elsewhere is in that folder, nor in the log.
    """
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GVCI_DATA_DIR", raising=False)
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "demo").symlink_to(DEMO)
    monkeypatch.setattr("gvci.registry.SHIPPED", shipped)
    yield tmp_path / "home" / "runs"
    st.cache_resource.clear()
    assert not swept(tmp_path / "home", caplog.text)


@pytest.fixture
def open_page() -> OpenPage:
    """Open a page by name, with URL parameters."""

    def opened(page: str, **query: str | list[str]) -> AppTest:
        test = AppTest.from_string(SCRIPT.format(page=page), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()

    return opened


def swept(folder: Path, log: str, canary: str = CANARY) -> list[str]:
    """Where below a folder, or in the log, a canary is."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    found = [str(file) for file in files if canary.encode() in file.read_bytes()]
    return found + (["log"] if canary in log else [])


def said(test: AppTest) -> str:
    """All text of a page as a reader sees it: Markdown's escapes and joiners taken out."""
    parts: list[str] = []
    for kind in ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info"):
        parts += [str(element.value) for element in test.get(kind)]
    parts += [str(element.value) for element in test.success]
    parts += [str(element.label) for element in test.button]
    return "\n".join(parts).replace("\\", "").replace("\u2060", "")


def sound(test: AppTest) -> str:
    """The text, after making sure that nothing unforeseen happened."""
    assert not test.exception, test.exception
    text = said(test)
    assert "Error id" not in text
    assert "Traceback" not in text
    return text
