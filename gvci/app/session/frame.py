"""The frame of every page: navigation, the run it is about, "Copy link", faults as sentences."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from gvci.app import libraries, provenance
from gvci.app.session import walk
from gvci.app.session.caches import open_run, tidy
from gvci.app.session.signin import admitted
from gvci.app.session.url import lately
from gvci.app.text import literal
from gvci.app.theme import Palette, palette
from gvci.errors import CatalogueError, GvciError
from gvci.registry import Entry, entries, find_entry
from gvci.run import Run
from gvci.workspaces import own_entries

ROOT = Path(__file__).parents[3]
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
    "about": "About",
}
log = logging.getLogger("gvci.app")


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
    """On top of every page: a cold deep link reaches it without dashboard.py; start over.

    Streamlit takes a folder `pages/` for its older kind of navigation until st.navigation has
    been called once in the server's life.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def navigate(first: str = "home") -> None:
    """Page settings, logo and navigation, then the page itself; `first` is the one at "/"."""
    PagesManager.uses_pages_directory = False
    tidy()
    libraries.freeze()
    icon = str(ROOT / "assets" / "icon.svg")
    st.set_page_config("graphVCI", icon, layout="wide", initial_sidebar_state="collapsed")
    st.html(ROOT / "assets" / "contrast.css")
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
    welcome = admitted()
    here = st.navigation(list(pages.values()), position="top" if welcome else "hidden")
    if welcome:
        here.run()


def start_tour(entry_id: str) -> None:
    """The first stop of the three-minute demo, on this run."""
    entry = find_entry(entry_id)
    walk.begin(entry, open_run(entry))


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
        if run is not None:
            with body:
                walk.bar(next((n for n in PAGES if PAGES[n] == title), "home"), entry, run)
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
    known = [*entries(), *own_entries(st.session_state.get("_workspace"))]
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
    wrong = lately("run", wrong)
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


# --- links -----------------------------------------------------------------------------


def address(entry: Entry) -> str:
    """This page with every choice, as a link."""
    pairs = [(k, v) for k in st.query_params for v in st.query_params.get_all(k) if k != "run"]
    base = st.context.url or "http://localhost:8501/"
    return f"{base.split('?')[0]}?{urlencode([('run', entry.id), *pairs])}"


def _link(entry: Entry) -> None:
    url = address(entry)
    st.code(url, language=None, wrap_lines=True)
    words = "Whoever opens it sees this page with the same choices."
    if urlsplit(url).hostname in LOOPBACK:
        words = (
            "This address works on this computer only, so it helps nobody else: send the exported "
            "files, or serve a room with `make run HOST=0.0.0.0`."
        )
    st.caption(words)
