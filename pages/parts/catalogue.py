"""Datasets, networks and gene sets that gvci knows by name, and their download."""

import streamlit as st

from gvci.app import catalogue_view, session
from gvci.app.text import literal


def catalogue():
    """What there is, and what can be fetched."""
    st.subheader("Catalogue", anchor=False)
    where = catalogue_view.folder()
    st.caption(
        f"Files in {literal(where)} are found first."
        if where
        else "Set GVCI_DATA_DIR to a folder of files; they are found there before any download."
    )
    st.dataframe(
        catalogue_view.table(), hide_index=True, placeholder="",
        alt="Datasets, networks and gene sets that gvci knows by name.",
        column_config={"Source": st.column_config.TextColumn(width="medium")},
    )  # fmt: skip
    named = st.selectbox(
        "Download", catalogue_view.downloadable(), None, placeholder="Choose what is not here yet"
    )
    if named:
        _download(named)


def _download(named):
    """Its licence, and the button."""
    licence, asks = catalogue_view.licence(named)
    st.caption(f"Licence: {literal(licence)}.")
    accepted = asks and st.checkbox("I have read the licence and accept it.", key=f"accept {named}")
    if st.button("Download", icon=":material/download:", disabled=asks and not accepted):
        bar = st.progress(0.0, "Connecting")
        with session.faults(stop=False):
            st.success(literal(catalogue_view.download(named, bool(accepted), bar.progress)))
        bar.empty()
