"""Data: read and check your own cells, the catalogue, and every run that can be opened."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import home, uploads  # noqa: E402
from gvci.app import mapping as fields  # noqa: E402
from gvci.app.text import literal  # noqa: E402
from pages.parts import links  # noqa: E402
from pages.parts.catalogue import catalogue  # noqa: E402
from pages.parts.columns import checked, genes, mapping  # noqa: E402
from pages.parts.uploaded import brought, kept_before  # noqa: E402


def your_data(frame):
    """Upload, map, check, and prepare."""
    st.subheader("Your data", anchor=False)
    session.visitor.workspace()
    upload = brought()
    kept_before(session.visitor.workspace())
    if upload is None:
        return
    frame.strip.caption(uploads.strip(upload))
    with session.faults(stop=False):
        adata = session.kept("cells", upload.id, upload.cells)
        st.markdown(f"**{literal(uploads.label(upload.labels), 100)}**: {upload.words}.")
        for note in upload.notes:
            st.caption(literal(note, 600))
        adata, gene_names, sum_genes = genes(adata)
        columns = mapping(adata)
        if columns is not None and checked(adata, columns, sum_genes):
            split(upload, adata, columns, gene_names, sum_genes)


def split(upload, adata, columns, gene_names, sum_genes):
    """Cells per group, and which are held out."""
    left, right = st.columns([1, 1.1], gap="medium")
    with left:
        st.subheader("Cells per perturbation and group", anchor=False)
        table = fields.preview(adata.obs, columns)
        st.dataframe(table, hide_index=True, alt="Cells per group.")
    with right, session.faults(stop=False):
        st.subheader("Split", anchor=False)
        choice = st.selectbox(
            "Treated cells to hold out", fields.holdout_choices(adata.obs, columns)
        )
        st.markdown(literal(fields.held_out(adata, columns, choice), 1500))
        prepare(upload, columns, choice, gene_names, sum_genes)


def prepare(upload, columns, choice, gene_names, sum_genes):
    """The last choices, the button, and the same as commands."""
    first, second = st.columns([1, 2])
    most = first.number_input(
        "Variable genes to keep", 2, None, fields.USUAL_GENES, step=100, key="n_genes"
    )
    name = second.text_input(
        "Name", key="name", max_chars=120, placeholder=uploads.label(upload.labels)
    )
    chosen = (columns, choice, gene_names, sum_genes, most)
    asked = fields.preparation(upload, *chosen, name, session.visitor.own_workspace())
    links.start(asked, "Prepare", "prepare", type="primary")
    with st.expander("The same on the command line"):
        st.code(fields.commands(upload.labels, *chosen), language="bash", wrap_lines=True)


def open_now():
    """Every run that can be opened."""
    st.subheader("Open now", anchor=False)
    for entry in home.recent():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{literal(entry.title)}**  \n{home.about(entry)}", width="stretch")
            links.results(st, entry)
    st.caption("Runs and networks that the command line makes appear here by themselves.")


with session.page("Data", needs_run=False) as frame:
    your_data(frame)
    open_now()
    catalogue()
