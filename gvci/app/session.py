"""What pages share and what needs Streamlit; nothing else below gvci/ imports it.

The frame of every page, its link, what is computed once, and faults as sentences.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.pages_manager import PagesManager

from gvci.app import provenance, runs, tour
from gvci.app.link import Link, who_can_open
from gvci.app.opening import version_of, whole_run
from gvci.app.store import Store
from gvci.app.text import literal
from gvci.app.theme import Palette, palette
from gvci.app.visitor import Visitor
from gvci.errors import CatalogueError, GvciError
from gvci.jobs.control import clean
from gvci.registry import Entry, find_entry
from gvci.run import Run
from gvci.workspaces import sweep

SHARED_BYTES = 500_000_000
T = TypeVar("T")
log = logging.getLogger("gvci.app")
# Streamlit's two mappings are the viewer's own, whoever asks.
link = Link(st.query_params, st.session_state, st.warning)
visitor = Visitor(link)


# --- frame -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """The page's frame: the run it is about, and places for its export button and its strip.

    Attributes:
        run: None where it cannot be opened and the page can do without.
        strip: the line below the title that says what the page is about.
    """

    run: Any
    entry: Entry
    actions: DeltaGenerator
    strip: DeltaGenerator


def guard() -> None:
    """On top of every script: a cold deep link reaches a page without dashboard.py; start over.

    Streamlit takes a folder `pages/` for its older kind of navigation until st.navigation has
    been called once in the server's life.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def know(pages: dict[str, Any]) -> None:
    """These are the pages, by name."""
    st.session_state["_pages"] = pages


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
            [1, 2.2] if title else [2.4, 1], vertical_alignment="bottom"
        )
        row = right.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"
        )
        with body:  # what is wrong in the link is said on top
            entry = _chosen_entry(row)
        copy = row.popover("Copy link", icon=":material/link:", type="tertiary").empty()
        _show_link(copy, entry)  # of a page that ends early; the last word is written below
        actions = row.container(horizontal=True, width="content")
        if title:
            left.title(title, anchor=False)
        run: Run | None = None
        with body, faults(stop=needs_run):
            run = open_run(entry)
        strip = (head or left).empty()
        strip.caption(provenance.strip(run) if run else f"{literal(entry.title)} cannot be opened.")
        if run is not None:
            with body:
                _tour_bar(title, entry, run)
        if needs_model and run is not None and run.kind == "grn":
            message = (
                f"{run.name} is a refined network without a model, so there is nothing to predict "
                f"with. Train one on it: python -m gvci train DATA --grn {entry.id} --out RUN."
            )
            raise CatalogueError(message)
        try:
            with body:
                yield Frame(run, entry, actions, strip)
        finally:
            _show_link(copy, entry)


def _show_link(place: DeltaGenerator, entry: Entry) -> None:
    address = link.address(st.context.url, entry.id)
    with place.container():
        st.code(address, language=None, wrap_lines=True)
        st.caption(who_can_open(address))


def _chosen_entry(place: DeltaGenerator) -> Entry:
    """The run that the page is about, with a list to choose from where there are several."""
    by_id = runs.openable(link)
    current = runs.chosen(link, by_id)
    if len(by_id) > 1:
        if st.session_state.get("run_choice") != current:
            st.session_state["run_choice"] = current
        place.selectbox(
            "Run", list(by_id), format_func=lambda i: by_id[i].title if i in by_id else str(i),
            key="run_choice", label_visibility="collapsed", width=230,
            on_change=lambda: link.put("run", st.session_state["run_choice"]),
        )  # fmt: skip
    return by_id[current]


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


# --- the three-minute demo -------------------------------------------------------------


def start_tour(entry_id: str) -> None:
    """The first stop of the three-minute demo, on this run."""
    entry = find_entry(entry_id)
    _go(0, tour.steps(open_run(entry)), entry, None)


def _tour_bar(title: str | None, entry: Entry, run: Run) -> None:
    """Where the visitor is on the walk, with ways on, back and out; nothing for everybody else."""
    current = tour.current(link)
    if current is None or run.kind == "grn":
        return
    page = next((n for n, p in st.session_state["_pages"].items() if p.title == title), None)
    planned = tour.steps(run)
    current = min(current, len(planned) - 1)
    here = tour.at(planned, current, str(page))
    with st.container(border=True):
        words, *buttons = st.columns([7, 1, 1, 1], vertical_alignment="center")
        if here is None:
            words.markdown("The three-minute demo goes on elsewhere.")
            if buttons[1].button("Go on", key="tour_next", icon=":material/route:"):
                _go(current, planned, entry, page)
            buttons[2].button("Leave", key="tour_leave", on_click=tour.leave, args=(link,))
            return
        tour.keep(link, here)
        step, last = planned[here], here == len(planned) - 1
        words.markdown(
            f":gray-badge[:material/route: {here + 1} of {len(planned)}] "
            f"**{literal(step.title)}.** {step.words}"
        )
        if here > 0 and buttons[0].button("Back", key="tour_back", width="stretch"):
            _go(here - 1, planned, entry, page)
        if not last and buttons[1].button("Next", key="tour_next", type="primary", width="stretch"):
            _go(here + 1, planned, entry, page)
        buttons[2].button(
            "Finish" if last else "Leave", key="tour_leave", on_click=tour.leave, args=(link,),
            width="stretch",
        )  # fmt: skip


def _go(at: int, planned: list[tour.Step], entry: Entry, page: str | None) -> None:
    """To a stop; on the same page only the step changes: the visitor's own choices stay."""
    step = planned[at]
    if step.page == page:
        tour.keep(link, at)
        st.rerun()
    st.session_state[tour.STEP] = at
    st.switch_page(to(step.page), query_params=tour.query(step, at, entry.id))


# --- what is computed once -------------------------------------------------------------


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
