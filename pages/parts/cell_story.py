"""One cell: measured now, predicted then."""

from dataclasses import replace

import streamlit as st

from gvci.app import one_cell, one_cell_chart, one_cell_files, session
from gvci.app.text import literal
from pages.parts.answers import predicted
from pages.parts.exhibits import chart
from pages.parts.gene_choice import head_with_box, linked_genes


def story_of_a_cell(run, asked, answer, colours):
    """The genes that change most in it, as table and chart; returns the files."""
    group = predicted(run, replace(asked, cells="control cells", cell=None))
    told = session.shared("story", run, asked, lambda: one_cell.story(run, answer, group))
    linked_genes(answer, [])
    st.info(literal(one_cell.honest(told), 800), icon=":material/info:")
    left, right = st.columns([1, 1.22], gap="medium")
    with left:
        head_with_box("Genes that change most", run, answer, [1.3, 1])
        labels = " · ".join(f"{name} **{literal(word)}**" for name, word in one_cell.labels(told))
        st.markdown(f"Cell `{told.cell}` · {labels}")
        st.caption(literal(one_cell.typical(told), 600))
        part = one_cell.rows(told, st.session_state["genes"])
        st.dataframe(
            one_cell.shown(part), hide_index=True, height="content",
            alt="The genes that change most in this cell, as drawn.",
        )  # fmt: skip
    with right:
        st.subheader("Measured now, predicted then", anchor=False)
        st.caption(one_cell.key_line(part))
        chart(
            one_cell_chart.dumbbells(told, part, colours), "cell_chart",
            one_cell.alt_text(told, part),
        )  # fmt: skip
    session.link.publish("genes", st.session_state["genes"], [])
    return one_cell_files.downloads(run, answer, told, part)
