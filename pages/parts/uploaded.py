"""The visitor's own uploads: given now, shown by the link, opened again, deleted."""

import streamlit as st

from gvci.app import session, uploads
from gvci.app.text import count, literal


def brought():
    """What was uploaded now, else what the link shows; None where there is nothing or it is bad."""
    visitor, refused = session.visitor, st.session_state.pop("_forgotten", None)
    if refused:
        st.error(literal(refused), icon=":material/error:")
    st.caption(uploads.offer(st.get_option("server.maxUploadSize")))
    files = st.file_uploader(
        "Your cells", uploads.TYPES, accept_multiple_files=True, key="cells_file"
    )
    with session.faults(stop=False):
        if files:
            files = [files[i] for i in uploads.meant([file.name for file in files])]
            key, space = " ".join(file.file_id for file in files), visitor.own_workspace()
            given = session.kept("brought", key, lambda: uploads.keep(
                space, [(file.name, file.getvalue()) for file in files]
            ))  # fmt: skip
            if st.session_state.get("_shown") != key:
                st.session_state["_shown"] = key
                visitor.show_upload(given)
        return visitor.upload_in_url("cells")
    return None


def kept_before(space):
    """Everything of this workspace: open it again, or delete it."""
    found = uploads.kept(space) if space else []
    if not found:
        return
    show = session.visitor.show_upload
    with st.expander(f"Kept in this workspace: {count(len(found), 'upload')}"):
        for one in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(literal(uploads.about(one), 300), width="stretch")
                if one.kind == "cells":
                    st.button("Open", key=f"open {one.id}", on_click=show, args=(one,))
                st.button("Delete", key=f"delete {one.id}", on_click=_forget, args=(space, one))
        st.caption("Whoever has the link of this page can open these. Nobody else can.")
        st.button(
            "Delete all, with jobs and results", icon=":material/delete:", key="delete_all",
            on_click=_forget, args=(space,),
        )  # fmt: skip


def _forget(space, one=None):
    """Delete an upload, or the workspace with all that it holds."""
    try:
        uploads.forget(space, one)
        session.visitor.show_upload(None)
    except uploads.JobError as error:
        st.session_state["_forgotten"] = str(error)
