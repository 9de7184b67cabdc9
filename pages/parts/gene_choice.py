"""The genes that a page draws: ticked in a table, typed, or named by the link (`?genes=`)."""

import streamlit as st

from gvci.app import answer_view, session
from gvci.app.text import literal
from pages.parts.tables import tick


def head_with_box(title, run, answer, widths):
    """A heading with a box for one more gene."""
    head, box = st.columns(widths, vertical_alignment="center")
    head.subheader(title, anchor=False)
    _add_a_gene(run, answer, box)


def _add_a_gene(run, answer, place):
    """A box for symbols, aliases and Ensembl ids; near ones as buttons."""
    place.text_input(
        "Add a gene", key="add", on_change=_added, args=(answer,), max_chars=60,
        placeholder="Add a gene: symbol, alias", label_visibility="collapsed",
    )  # fmt: skip
    if st.session_state.get("add"):
        why, near = answer_view.not_found(st.session_state["add"], run, answer)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(literal(why), width="content")
            for gene in near:
                st.button(
                    literal(gene), key=f"near {gene}", on_click=_added, args=(answer, gene),
                    type="tertiary",
                )  # fmt: skip


def linked_genes(answer, default):
    """Genes of the link, else the default, which follows the scenario."""
    wrong = session.link.linked_list(
        "genes", default, lambda query: answer_view.find_gene(query, answer)
    )
    for query in wrong:
        st.warning(f"The gene '{literal(query, 60)}' of the link is not in this dataset.")
    session.link.follow("genes", default)


def tickable(key, table, genes, height, alt, **columns):
    """A table whose ticked rows are the chosen genes."""
    chosen = st.session_state["genes"]
    tick(key, [at for at, gene in enumerate(genes) if gene in chosen])
    st.dataframe(
        table, hide_index=True, height=height, key=key, on_select=lambda: _ticked(key, genes),
        selection_mode="multi-row", alt=alt, column_config=columns,
    )  # fmt: skip


def _ticked(key, genes):
    """Genes were ticked in a table."""
    at = st.session_state[key]["selection"]["rows"]
    genes = [genes[i] for i in at if i < len(genes)]
    kept = [gene for gene in st.session_state["genes"] if gene in genes]
    new = [gene for gene in genes if gene not in kept]
    st.session_state["genes"] = [*kept, *new][-answer_view.MOST :]


def _added(answer, gene=None):
    """A gene was typed, or taken from those that are near: put it first."""
    found = answer_view.find_gene(gene or st.session_state["add"], answer)
    if found is not None:
        others = [gene for gene in st.session_state["genes"] if gene != found]
        st.session_state.update(genes=[found, *others][: answer_view.MOST], add="")
