"""What is computed once: for all viewers by content, for one viewer by key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import streamlit as st

from gvci.app.opening import version_of, whole_run
from gvci.app.store import Store
from gvci.errors import GvciError
from gvci.jobs.control import clean
from gvci.registry import Entry
from gvci.run import Run
from gvci.workspaces import sweep

SHARED_BYTES = 500_000_000
T = TypeVar("T")


def open_run(entry: Entry) -> Run:
    """The run, opened once per version on disk and shared by all viewers; read-only.

    Raises:
        GvciError: a part of it is missing or damaged.
    """
    opened = _prepared if Run.open(entry.path).cells_to_prepare else _opened
    return opened(str(entry.path), version_of(entry.path))


@st.cache_resource(max_entries=6, show_spinner="Opening the run …")
def _opened(path: str, version: tuple[tuple[str, int, int], ...]) -> Run:
    return whole_run(Path(path))


@st.cache_resource(max_entries=6, show_spinner="Preparing the cells of this run, once …")
def _prepared(path: str, version: tuple[tuple[str, int, int], ...]) -> Run:
    return whole_run(Path(path))


def shared(what: str, run: Run, arguments: object, compute: Callable[[], T]) -> T:
    """A result that depends on nothing but the run and the arguments; kept for all viewers."""
    key = (what, str(run.path), run.fingerprint, run.cells_here, repr(arguments))
    result: T = _store().get(key, compute)
    return result


@st.cache_resource(show_spinner=False)
def _store() -> Store:
    return Store(SHARED_BYTES)


def kept(name: str, key: str, make: Callable[[], T]) -> T:
    """A viewer's own object, in this session only, until another key comes for the same name."""
    held = st.session_state.get(f"_kept_{name}")
    if held is None or held[0] != key:
        held = (key, make())
        st.session_state[f"_kept_{name}"] = held
    value: T = held[1]
    return value


@st.cache_resource(ttl=3600, show_spinner=False)
def tidy() -> None:
    """Once an hour: delete what nobody has come back to."""
    with suppress(GvciError, OSError):
        sweep()
        clean()
