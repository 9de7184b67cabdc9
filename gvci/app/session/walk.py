"""The bar of the three-minute demo, above the page; its step is in the URL."""

from __future__ import annotations

import streamlit as st

from gvci.app import tour
from gvci.app.text import literal
from gvci.registry import Entry
from gvci.run import Run

PARAMETER = "tour"


def begin(entry: Entry, run: Run) -> None:
    """Go to the first stop."""
    _go(0, _planned(run), entry, "home")


def bar(page: str, entry: Entry, run: Run) -> None:
    """Where the visitor is on the walk, with ways on, back and out; nothing for everybody else."""
    current = _current()
    if current is None or run.kind == "grn":
        return
    planned = _planned(run)
    current = min(current, len(planned) - 1)
    here = tour.at(planned, current, page)
    with st.container(border=True):
        words, *buttons = st.columns([7, 1, 1, 1], vertical_alignment="center")
        if here is None:
            words.markdown("The three-minute demo goes on elsewhere.")
            if buttons[1].button("Go on", key="tour_next", icon=":material/route:"):
                _go(current, planned, entry, page)
            buttons[2].button("Leave", key="tour_leave", on_click=_leave)
            return
        _keep(here)
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
            "Finish" if last else "Leave", key="tour_leave", on_click=_leave, width="stretch"
        )


def _planned(run: Run) -> list[tour.Step]:
    return [step for step in tour.steps(run) if step.page in st.session_state["_pages"]]


def _current() -> int | None:
    """The step of the URL, else of this visit."""
    word = st.query_params.get(PARAMETER)
    if word is not None and word.isdecimal() and 1 <= int(word) <= 99:
        return int(word) - 1
    kept: int | None = st.session_state.get("_tour")
    return kept


def _keep(step: int) -> None:
    st.session_state["_tour"] = step
    if st.query_params.get(PARAMETER) != str(step + 1):
        st.query_params[PARAMETER] = str(step + 1)


def _leave() -> None:
    st.session_state["_tour"] = None
    if PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def _go(step: int, planned: list[tour.Step], entry: Entry, page: str) -> None:
    """On the same page only the step changes: the visitor's own choices stay."""
    chosen = planned[step]
    if chosen.page == page:
        _keep(step)
        st.rerun()
    st.session_state["_tour"] = step
    query = {"run": entry.id, **chosen.query, PARAMETER: str(step + 1)}
    st.switch_page(st.session_state["_pages"][chosen.page], query_params=query)
