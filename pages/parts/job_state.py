"""A job's state, how far it is, and what can be done with it."""

import streamlit as st

from gvci.app import jobs_view as view
from gvci.app.text import literal
from pages.parts import links


def badge(job):
    """Its state in words."""
    found = view.badge(job)
    st.badge(found.words, icon=found.icon, color=found.colour)


def progress(job):
    """Step of steps and the time left."""
    found = view.bar(job)
    if found is not None:
        st.progress(found[0], text=literal(found[1]))


def actions(job):
    """Stop, resume, open the result, take the settings again, delete."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.works(job) and st.button("Stop", icon=":material/stop:", key="stop"):
            with st.spinner("Stopping: what is kept is being closed …"):
                view.stop(job.id)
            st.rerun()
        if view.can_resume(job) and st.button(
            "Resume", type="primary", icon=":material/play_arrow:", key="resume"
        ):
            view.resume(job.id)
            st.rerun()
        entry = view.result(job)
        if entry is not None:
            links.results(st, entry, "Open the network", "Open the model")
        made = view.file(job)
        if made is not None:
            st.download_button(
                made[1], made[0].read_bytes, f"predicted-{job.id[:8]}.h5ad", "application/x-hdf5",
                type="primary", icon=":material/download:", on_click="ignore", key="predicted",
            )  # fmt: skip
        for label, query in view.next_steps(job):
            links.go(st, "train", label, query)
        if not view.works(job):
            with st.popover("Delete", icon=":material/delete:", type="tertiary"):
                st.markdown("The job goes, with everything that it made.")
                if st.button("Delete for good", key="delete"):
                    view.delete(job.id)
                    del st.query_params["job"]
                    st.rerun()
