"""What pages share and what needs Streamlit: the frame, runs, links, caches and faults.

The only file below gvci/ that imports streamlit. Choices live in the URL: most through
`bind="query-params"` on a widget, lists of genes through `linked_list`.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from gvci.app import provenance
from gvci.app.text import literal
from gvci.app.theme import Palette, palette
from gvci.errors import CatalogueError, GvciError, JobError
from gvci.jobs.folder import is_id, new_id
from gvci.jobs.state import Job, read_job
from gvci.registry import Entry, entries, find_entry
from gvci.run import Run

ROOT = Path(__file__).parents[2]
NOTE_SECONDS = 8
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PAGES = {
    "home": "Home",
    "network": "Network",
    "counterfactual": "Counterfactual",
    "effects": "Effects",
    "compare": "Compare",
    "data": "Data",
    "train": "Train",
    "jobs": "Jobs",
}
log = logging.getLogger("gvci.app")
T = TypeVar("T")


# --- frame -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """The page's frame: the run it is about, and the place for its export button.

    Attributes:
        run: None where it cannot be opened and the page can do without.
    """

    run: Any
    entry: Entry
    actions: DeltaGenerator


def guard() -> None:
    """On top of every page: a cold deep link reaches the page without app.py; start over with it.

    Streamlit takes a folder `pages/` for its older kind of navigation until st.navigation has
    been called once in the server's life.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def navigate(first: str = "home") -> None:
    """Page settings, logo and navigation, then the page itself; `first` is the one at "/"."""
    PagesManager.uses_pages_directory = False
    icon = str(ROOT / "assets" / "icon.svg")
    st.set_page_config("graphVCI", icon, layout="wide", initial_sidebar_state="collapsed")
    logo = "logo-dark.svg" if colours().name == "dark" else "logo.svg"
    st.logo((ROOT / "assets" / logo).read_text(encoding="utf-8"), size="large")
    pages = {
        name: st.Page(
            ROOT / "pages" / f"{name}.py",
            title=title,
            default=name == first,
            url_path="" if name == first else name,
        )
        for name, title in PAGES.items()
    }
    st.session_state["_pages"] = pages
    st.navigation(list(pages.values()), position="top").run()


def to(name: str) -> Any:
    """The page called `name`, for st.page_link and st.switch_page."""
    return st.session_state["_pages"][name]


def colours() -> Palette:
    """Chart colours of the theme in the viewer's browser."""
    return palette(st.context.theme.type)


@contextmanager
def page(
    title: str | None, *, needs_run: bool = True, needs_model: bool = False
) -> Iterator[Frame]:
    """Title, choice of the run, "Copy link", a place for exports, and the provenance strip.

    Without a title these stand at the foot of the page. A run that cannot be opened ends the
    page with a sentence, or leaves the sentence on top of a page that does not need it.

    Faults inside are shown as one sentence; unexpected ones as an id that is in the log.
    """
    with faults():
        head, body = (st.container(), st.container()) if title else (None, st.container())
        left, right = (head or st).columns(
            [1, 1.6] if title else [2.4, 1], vertical_alignment="bottom"
        )
        row = right.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"
        )
        entry = _chosen_entry(row)
        link = row.popover("Copy link", icon=":material/link:", type="tertiary")
        actions = row.container(horizontal=True, width="content")
        if title:
            left.title(title, anchor=False)
        run: Run | None = None
        with body, faults(stop=needs_run):
            run = open_run(entry)
        words = provenance.strip(run) if run else f"{literal(entry.title)} cannot be opened."
        (head or left).caption(words)
        if needs_model and run is not None and run.kind == "grn":
            message = (
                f"{run.name} is a refined network without a model, so there is nothing to predict "
                f"with. Train one on it: python -m gvci train DATA --grn {entry.id} --out RUN."
            )
            raise CatalogueError(message)
        try:
            with body:
                yield Frame(run, entry, actions)
        finally:
            with link:
                _link(entry)


@contextmanager
def faults(*, stop: bool = True) -> Iterator[None]:
    """Show a GvciError as its sentence, anything else as an id; the page stops there.

    With `stop=False` only what is inside the `with` ends.
    """
    try:
        yield
    except GvciError as error:
        st.error(literal(str(error), 2000), icon=":material/error:")
        if stop:
            st.stop()
    except Exception:
        fault = secrets.token_hex(4)
        log.exception("unexpected fault %s", fault)
        st.error(
            f"This did not work, and the reason was not foreseen. Error id `{fault}`: the details "
            "are under it in the server's log. Reload the page, or go on with another choice.",
            icon=":material/error:",
        )
        if stop:
            st.stop()


# --- runs ------------------------------------------------------------------------------


def _chosen_entry(place: DeltaGenerator) -> Entry:
    """The run of `?run=`, else the one chosen before in this session, else the shipped demo."""
    known = entries()
    if not known:
        message = (
            "There is no run to open: the shipped demo is missing. Restore the folder "
            "pretrained/demo, or make a run: python -m gvci train DATA --grn GRN --out RUN."
        )
        raise CatalogueError(message)
    by_id = {entry.id: entry for entry in known}
    asked, wrong = st.query_params.get("run"), None
    # One that is not listed opens for whoever has its id from a link, and stays for the visit.
    for known_id in {asked, st.session_state.get("_run")} - {None, *by_id}:
        with suppress(CatalogueError):
            by_id[str(known_id)] = find_entry(str(known_id))
    if asked is not None and asked not in by_id:
        try:
            find_entry(asked)
        except CatalogueError as error:
            wrong = f"{literal(str(error))} Showing {literal(known[0].title)} instead."
        asked = None
    wrong = _lately("run", wrong)
    if wrong:
        st.warning(wrong)
    current = asked or st.session_state.get("_run")
    current = current if current in by_id else known[0].id
    if len(by_id) > 1:
        if st.session_state.get("run_choice") != current:
            st.session_state["run_choice"] = current
        place.selectbox(
            "Run",
            list(by_id),
            format_func=lambda i: by_id[i].title if i in by_id else str(i),
            key="run_choice",
            on_change=_choose_run,
            label_visibility="collapsed",
            width=230,
        )
    st.session_state["_run"] = current
    if current != known[0].id:
        st.query_params["run"] = current
    elif "run" in st.query_params:
        del st.query_params["run"]
    return by_id[current]


def _choose_run() -> None:
    st.query_params["run"] = st.session_state["run_choice"]


def open_run(entry: Entry) -> Run:
    """The run, opened once per version on disk and shared by all viewers; read-only.

    Raises:
        GvciError: a part of it is missing or damaged.
    """
    files = sorted(f for f in (*entry.path.glob("*"), *entry.path.glob("grn/*")) if f.is_file())
    version = tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files)
    return _opened(str(entry.path), version)


@st.cache_resource(max_entries=6, show_spinner="Opening the run …")
def _opened(path: str, version: tuple[tuple[str, int, int], ...]) -> Run:
    run = Run.open(Path(path))
    # Every part is read now, so that damage shows here and not in the middle of a page.
    _ = run.card, run.data.expression, run.grn, run.scores
    return run


def shared(what: str, run: Run, arguments: object, compute: Callable[[], T]) -> T:
    """A result that depends on nothing but the run and the arguments; kept for all viewers."""
    result: T = _shared(what, str(run.path), run.fingerprint, repr(arguments), compute)
    return result


@st.cache_resource(max_entries=48, show_spinner=False)
def _shared(
    what: str, path: str, fingerprint: str, arguments: str, _compute: Callable[[], object]
) -> Any:
    return _compute()


def kept(name: str, key: str, make: Callable[[], T]) -> T:
    """A viewer's own object, in this session only, until another key comes for the same name."""
    held = st.session_state.get(f"_kept_{name}")
    if held is None or held[0] != key:
        held = (key, make())
        st.session_state[f"_kept_{name}"] = held
    value: T = held[1]
    return value


# --- links -----------------------------------------------------------------------------


def linked_list(
    name: str, default: Sequence[str], resolve: Callable[[str], str | None]
) -> list[str]:
    """A list that lives in `?name=`, comma-joined or repeated, under the widget key `name`.

    Call before the widget; then `publish(name, value)` after it. Values that `resolve` cannot
    place are returned, so that the page can say why.
    """
    raw = tuple(st.query_params.get_all(name)) if name in st.query_params else None
    if name in st.session_state and raw == st.session_state.get(f"_url_{name}"):
        return _lately(name, None) or []
    st.session_state[f"_url_{name}"] = raw
    if raw is None:
        st.session_state[name] = list(default)
        return _lately(name, None) or []
    words = [
        word
        for value in raw
        for word in ([value] if resolve(value) is not None else value.split(","))
    ]
    resolved = {word.strip(): resolve(word.strip()) for word in words if word.strip()}
    good = list(dict.fromkeys(symbol for symbol in resolved.values() if symbol is not None))
    st.session_state[name] = good if good or not resolved else list(default)
    return _lately(name, [word for word, symbol in resolved.items() if symbol is None]) or []


def publish(name: str, value: Sequence[str], default: Sequence[str]) -> None:
    """Write a linked list to the URL; the default leaves no trace there."""
    if list(value) == list(default):
        st.session_state[f"_url_{name}"] = None
        if name in st.query_params:
            del st.query_params[name]
        return
    # One parameter is safer than several of a name, unless a value has a comma of its own.
    own_commas = any("," in word for word in value)
    written = tuple(value) if own_commas else (",".join(value),)
    if tuple(st.query_params.get_all(name)) != written:
        st.query_params[name] = list(written) if len(written) > 1 else written[0]
    st.session_state[f"_url_{name}"] = written


def keep_known(name: str, options: Sequence[str], default: Sequence[str]) -> None:
    """Before a widget with other options than last time: drop what is no longer among them."""
    mine = [value for value in st.session_state[name] if value in set(options)]
    if mine != st.session_state[name]:
        st.session_state[name] = mine or list(default)


def follow(name: str, default: Sequence[str]) -> None:
    """A linked list whose default moves: an untouched list moves along."""
    if st.session_state[name] == st.session_state.get(f"_default_{name}"):
        st.session_state[name] = list(default)
    st.session_state[f"_default_{name}"] = list(default)


def tick(key: str, rows: Sequence[int]) -> None:
    """Before a selectable table: these rows are the ticked ones."""
    now = st.session_state.get(key)
    if now is None or list(now["selection"]["rows"]) != list(rows):
        st.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}


def unknown_in_url(name: str, options: Sequence[str], label: str) -> None:
    """Say it when a bound parameter of the URL is not among the options and so is ignored."""
    asked = st.query_params.get(name)
    asked = _lately(name, asked if asked is not None and asked not in options else None)
    if asked:
        shown = ", ".join(literal(option) for option in list(options)[:8])
        st.warning(f"{label} '{literal(asked, 80)}' of the link is not known here. Known: {shown}.")


def _lately(name: str, found: T | None) -> T | None:
    """What was found wrong in the URL, now or seconds ago.

    The URL is put right at once, and the browser may start the page once more by itself: the
    note must outlive that.
    """
    now = time.monotonic()
    if found:
        st.session_state[f"_wrong_{name}"] = (found, now)
        return found
    kept, at = st.session_state.get(f"_wrong_{name}", (None, now))
    return kept if now - at < NOTE_SECONDS else None


def job_in_url() -> Job | None:
    """The job of `?job=`; a link to none leaves a note."""
    asked, wrong = st.query_params.get("job"), None
    if asked is not None:
        try:
            return read_job(asked)
        except JobError as error:
            wrong = str(error)
            del st.query_params["job"]
    wrong = _lately("job", wrong)
    if wrong:
        st.warning(f"{literal(wrong)} Showing all jobs.")
    return None


def workspace() -> str | None:
    """The key of `?workspace=`: whose own jobs and cells are shown beside everyone's."""
    asked = st.query_params.get("workspace")
    return asked if is_id(asked) else None


def visit() -> str:
    """A key of this visit that nobody else knows."""
    key: str = st.session_state.setdefault("_visit", new_id())
    return key


def address(entry: Entry) -> str:
    """This page with every choice, as a link."""
    pairs = [(k, v) for k in st.query_params for v in st.query_params.get_all(k) if k != "run"]
    base = st.context.url or "http://localhost:8501/"
    return f"{base.split('?')[0]}?{urlencode([('run', entry.id), *pairs])}"


def _link(entry: Entry) -> None:
    url = address(entry)
    st.code(url, language=None, wrap_lines=True)
    if urlsplit(url).hostname in LOOPBACK:
        st.caption(
            "This address works on this computer only, so it helps nobody else: send the exported "
            "files, or serve a room with `make run HOST=0.0.0.0`."
        )
    else:
        st.caption("Whoever opens it sees this page with the same choices.")
