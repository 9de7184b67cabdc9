"""Scenarios side by side: what is kept for the comparison, in the visit and in `?vs=`."""

import streamlit as st

from gvci.app import answer_view, comparison, comparison_chart, comparison_files, session
from gvci.app.text import literal
from pages.parts.answers import NO_GENES, predicted
from pages.parts.choices import view
from pages.parts.exhibits import chart
from pages.parts.gene_choice import head_with_box, linked_genes, tickable

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
    shown = None
    if kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            shown = view(st, "View", "layout", VIEWS, "The view")
            st.caption(comparison.kept_words(len(kept)), width="stretch")
    session.link.publish("vs", kept, [])
    return shown == VIEWS[1]


def side_by_side(run, colours):
    """The kept scenarios beside each other; returns the files."""
    words = st.session_state["vs"]
    found = comparison.sides([predicted(run, comparison.scenario_of(run, word)) for word in words])
    _kept_card(found, words)
    first = found[0].answer
    default = comparison.first_genes(found, answer_view.FIRST)
    linked_genes(first, default)
    genes = st.session_state["genes"]
    title = "Control, predicted and measured cells by scenario"
    head_with_box(title, run, first, [3, 1])
    st.caption(comparison.KEY_LINE)
    if genes:
        figure = session.shared(
            "side by side", run, (words, genes, colours.name),
            lambda: comparison_chart.side_by_side(found, genes, colours),
        )  # fmt: skip
        chart(figure, "compared", comparison.alt_text(found, genes))
    else:
        st.info(NO_GENES)
    st.subheader("Genes by scenario", anchor=False)
    st.caption(literal(comparison.table_caption(found), 1500))
    listed = comparison.listed(found, genes)
    alt = "Predicted change with its interval, and measured change, of each gene and scenario."
    tickable("compared_table", comparison.shown(found, listed), listed, 420, alt)
    session.link.publish("genes", genes, default)
    return comparison_files.downloads(run, found, genes)


def _kept_card(found, words):
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
