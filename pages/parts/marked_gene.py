"""The marked gene of the Effects page: found, clicked or ticked; its card and its row."""

import streamlit as st

from gvci.app import effects_view, session
from gvci.app.text import italic, literal
from pages.parts.links import go
from pages.parts.tables import tick

TABLE = "effects_table"


def marked(found):
    """The gene of the link, else the first one."""
    default = found.table["gene"].head(1).tolist()
    wrong = session.link.linked_list("marked", default, lambda q: effects_view.find(q, found))
    for query in wrong:
        st.warning(literal(effects_view.not_found(query, found)))
    session.link.follow("marked", default)
    gene = (st.session_state["marked"] or default)[0]
    session.link.publish("marked", [gene], default)
    return gene


def find_box(found, place):
    """Symbols and aliases."""
    place.text_input(
        "Find a gene", key="find", on_change=_typed, args=(found,), max_chars=60,
        placeholder="Find a gene: symbol, alias", label_visibility="collapsed",
    )  # fmt: skip
    if st.session_state.get("find"):
        st.caption(literal(effects_view.not_found(st.session_state["find"], found)))


def picked(key, genes):
    """A point was clicked or a row was ticked."""
    selected = st.session_state[key]["selection"]
    at = selected["rows"] if "rows" in selected else selected.get("point_indices", [])
    _mark([genes[i] for i in at if i < len(genes)])


def card(frame, found, gene, fdr):
    """All about it, and the pages that tell more."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(italic(gene), anchor=False, width="content")
            for page, choices in effects_view.ways(frame.run, found.asked, gene).items():
                go(st, page, page.capitalize(), {"run": frame.entry.id, **choices})
        numbers = effects_view.card(found, gene)
        for place, (label, value) in zip(st.columns(3), numbers, strict=True):
            place.metric(label, value)
        st.caption(" ".join(map(literal, effects_view.card_lines(found, gene, fdr))))


def ranked(found, gene):
    """The table in step with the volcano."""
    rows = effects_view.listed(found, gene)
    genes = rows["gene"].tolist()
    shown = effects_view.shown(found, rows, session.colours())
    st.caption(effects_view.caption(found))
    tick(TABLE, [genes.index(gene)])
    config = {"Gene": st.column_config.TextColumn(width=68)}
    if found.identifiable:
        config[shown.columns[1]] = st.column_config.ImageColumn(shown.columns[1], width=92)
    st.dataframe(
        shown, hide_index=True, height=290, key=TABLE, selection_mode="single-row",
        on_select=lambda: picked(TABLE, genes), column_config=config,
        alt="Genes with robust effect, interval, plain difference and adjusted p.",
    )  # fmt: skip


def _mark(genes):
    """Mark a gene; a chart under a new key forgets what was clicked in it."""
    if genes:
        drawn = st.session_state.get("_effects_drawn", 0) + 1
        st.session_state.update(marked=genes[:1], _effects_drawn=drawn, find="")


def _typed(found):
    """A gene was typed."""
    gene = effects_view.find(st.session_state["find"], found)
    _mark([gene] if gene else [])
