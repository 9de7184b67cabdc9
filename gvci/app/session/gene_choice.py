"""The genes that a page draws: ticked in a table, typed, or named by the link (`?genes=`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gvci.answer import Answer
from gvci.app import answer_view
from gvci.app.session.url import follow, linked_list, tick
from gvci.app.text import literal
from gvci.run import Run


def _ticked(key: str, genes: Sequence[str]) -> None:
    """Genes were ticked in a table."""
    at = st.session_state[key]["selection"]["rows"]
    genes = [genes[i] for i in at if i < len(genes)]
    kept = [gene for gene in st.session_state["genes"] if gene in genes]
    new = [gene for gene in genes if gene not in kept]
    st.session_state["genes"] = [*kept, *new][-answer_view.MOST :]


def _added(answer: Answer, gene: str | None = None) -> None:
    """A gene was typed, or taken from those that are near: put it first."""
    found = answer_view.find_gene(gene or st.session_state["add"], answer)
    if found is not None:
        others = [gene for gene in st.session_state["genes"] if gene != found]
        st.session_state["genes"] = [found, *others][: answer_view.MOST]
        st.session_state["add"] = ""


def add_a_gene(run: Run, answer: Answer, place: DeltaGenerator) -> None:
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


def linked_genes(answer: Answer, default: Sequence[str]) -> None:
    """Genes of the link, else the default, which follows the scenario."""
    for query in linked_list("genes", default, lambda q: answer_view.find_gene(q, answer)):
        st.warning(f"The gene '{literal(query, 60)}' of the link is not in this dataset.")
    follow("genes", default)


def tickable(
    key: str, table: pd.DataFrame, genes: Sequence[str], height: int, alt: str, **columns: Any
) -> None:
    """A table whose ticked rows are the chosen genes."""
    chosen = st.session_state["genes"]
    tick(key, [at for at, gene in enumerate(genes) if gene in chosen])
    st.dataframe(
        table, hide_index=True, height=height, key=key, on_select=lambda: _ticked(key, genes),
        selection_mode="multi-row", alt=alt, column_config=columns,
    )  # fmt: skip
