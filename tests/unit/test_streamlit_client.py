"""The viewer without a browser sees what a person would: pages, choices, and faults."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import websockets.exceptions
from websockets.asyncio.client import connect

from benchmarks import dashboard
from benchmarks.streamlit_client import Viewer

SCRIPT = """
import streamlit as st

def first():
    st.title("First")
    n = st.slider("N", 0, 10, 3, key="n")
    st.selectbox("M", [f"n is {n}"], key="m")

def second():
    st.error("this is broken")
    st.warning("this is not")
    raise ValueError("on purpose")

st.navigation([st.Page(first, default=True), st.Page(second)]).run()
"""


def in_a_loop_of_its_own(visit: Coroutine[Any, Any, None]) -> None:
    """A browser test before this one may have left a loop in this thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, visit).result()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "app.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(dashboard, "ROOT", tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with dashboard.serving(port, {"STREAMLIT_SERVER_HEADLESS": "true"}) as server:
        yield server.address


def test_pages_choices_and_faults(address: str) -> None:
    async def visit() -> None:
        viewer = await Viewer.connected(address)
        first = await viewer.open()
        assert not first.faults
        assert first.elements >= 3
        moved = await viewer.choose("n", double_array_value=[7])
        assert not moved.faults
        assert list(viewer.widget("m").options) == ["n is 7"]
        second = await viewer.switch("second")
        assert second.warnings == ["this is not"]
        assert "this is broken" in second.faults
        assert len(second.faults) == 2
        assert not (await viewer.switch("")).faults
        await viewer.close()

    in_a_loop_of_its_own(visit())


def test_another_origin_is_refused(address: str) -> None:
    async def visit() -> None:
        stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
        with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
            await connect(stream, origin="http://elsewhere.example")

    in_a_loop_of_its_own(visit())
