"""Scenarios side by side: what is kept for the comparison, in the visit and in `?vs=`."""

import streamlit as st

from gvci.app import comparison, session
from gvci.app.text import literal

VIEWS = ("one scenario", "side by side")


def compare_bar(run, asked, place):
    """What is kept, a button at `place` that keeps the present one, and the switch between the
    two views; whether the scenarios are to be shown side by side.
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
    session.link.publish("vs", kept, [])
    return view == VIEWS[1]


def kept_card(found, words):
    """A line per scenario: what it is, its badge, its claim, and a button that takes it out."""
    with st.container(border=True, gap="small"):
        for side, word in zip(found, words, strict=True):
            name, badge, claim, button = st.columns([2.5, 1.6, 5, 0.9], vertical_alignment="center")
            name.markdown(f"**{literal(side.title)}**")
            badge.badge(side.badge.words, icon=side.badge.icon, color=side.badge.colour)
            claim.caption(literal(comparison.caption(side), 400))
            button.button(
                "Remove", key=f"drop {side.letter}", type="tertiary", on_click=_drop, args=(word,),
                help=f"Takes scenario {side.letter} out.",
            )  # fmt: skip


def _kept(run):
    """What is kept for the comparison, from the link or from earlier in the visit."""
    wrong = session.link.linked_list(
        "vs", [], lambda text: comparison.canonical(run, text), stays=True
    )
    for query in wrong:
        st.warning(f"The scenario '{literal(query, 80)}' of the link has no answer in this run.")
    # Another run may have been opened since they were kept.
    known = [word for word in st.session_state["vs"] if comparison.canonical(run, word)]
    st.session_state["vs"] = known[: comparison.MOST_KEPT]
    return st.session_state["vs"]


def _keep(scene):
    """The scenario was added to the comparison."""
    st.session_state["vs"] = [*st.session_state["vs"], comparison.word(scene)]


def _drop(word):
    """A scenario was taken out of the comparison."""
    st.session_state["vs"] = [kept for kept in st.session_state["vs"] if kept != word]
