"""Scenarios kept for the comparison: in the visit and in the link (`?vs=`)."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gvci.app import comparison
from gvci.app.comparison import Side
from gvci.app.session.url import linked_list, publish
from gvci.app.text import literal
from gvci.run import Run
from gvci.scenario import Scenario

VIEWS = ("one scenario", "side by side")


def _keep(scene: Scenario) -> None:
    """The scenario was added to the comparison."""
    st.session_state["vs"] = [*st.session_state["vs"], comparison.word(scene)]


def drop(word: str) -> None:
    """A scenario was taken out of the comparison."""
    st.session_state["vs"] = [kept for kept in st.session_state["vs"] if kept != word]


def _kept(run: Run) -> list[str]:
    """What is kept for the comparison, from the link or from earlier."""
    for query in linked_list("vs", [], lambda text: comparison.canonical(run, text)):
        st.warning(f"The scenario '{literal(query, 80)}' of the link has no answer in this run.")
    st.session_state["vs"] = st.session_state["vs"][: comparison.MOST_KEPT]
    kept: list[str] = st.session_state["vs"]
    return kept


def compare_bar(run: Run, asked: Scenario, place: DeltaGenerator) -> bool:
    """What is kept, a button that keeps the present one, and the switch between the two views.

    Args:
        place: of the button.

    Returns:
        Whether the scenarios are to be shown side by side.
    """
    kept = _kept(run)
    why = comparison.cannot_keep(asked, kept)
    place.button(
        "Add to comparison", icon=":material/add:", key="keep", on_click=_keep, args=(asked,),
        disabled=bool(why), help=why or "Keeps this scenario, in the link too.", type="tertiary",
    )  # fmt: skip
    view = None
    if kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            view = st.segmented_control(
                "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params",
                label_visibility="collapsed",
            )  # fmt: skip
            st.caption(comparison.kept_words(len(kept)), width="stretch")
    publish("vs", kept, [])
    return view == VIEWS[1]


def kept_card(found: Sequence[Side], words: Sequence[str]) -> None:
    """A line per scenario: what it is, its badge, its claim, and a button that takes it out."""
    with st.container(border=True, gap="small"):
        for side, word in zip(found, words, strict=True):
            name, badge, claim, button = st.columns([2.5, 1.6, 5, 0.9], vertical_alignment="center")
            name.markdown(f"**{literal(side.title)}**")
            badge.badge(side.badge.words, icon=side.badge.icon, color=side.badge.colour)
            claim.caption(literal(comparison.caption(side), 400))
            button.button(
                "Remove", key=f"drop {side.letter}", type="tertiary", on_click=drop, args=(word,),
                help=f"Takes scenario {side.letter} out.",
            )  # fmt: skip
