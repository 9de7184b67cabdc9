"""Jobs: what works, waits or has ended; progress, curves, stop, resume, and the result."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import jobs_view as view  # noqa: E402
from gvci.app.text import literal  # noqa: E402

STILL = {"displayModeBar": False}


def badge(job):
    """Its state in words."""
    look = view.look(job)
    st.badge(look.words, icon=look.icon, color=look.colour)


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
            query = {"run": entry.id}
            st.page_link(
                session.to("network"), label="Open the network", icon=":material/hub:",
                query_params=query,
            )  # fmt: skip
            if entry.kind == "run":
                st.page_link(
                    session.to("counterfactual"), label="Open the model",
                    icon=":material/experiment:", query_params=query,
                )  # fmt: skip
        made = view.file(job)
        if made is not None:
            st.download_button(
                made[1], made[0].read_bytes, f"predicted-{job.id[:8]}.h5ad", "application/x-hdf5",
                type="primary", icon=":material/download:", on_click="ignore", key="predicted",
            )  # fmt: skip
        for label, query in view.next_steps(job):
            st.page_link(
                session.to("train"), label=label, icon=":material/tune:", query_params=query
            )
        if not view.works(job):
            with st.popover("Delete", icon=":material/delete:", type="tertiary"):
                st.markdown("The job goes, with everything that it made.")
                if st.button("Delete for good", key="delete"):
                    view.delete(job.id)
                    del st.query_params["job"]
                    st.rerun()


def curves(job):
    """Validation while it trains; the same numbers as a table."""
    rows = view.metrics(job)
    figure = view.curves(rows, session.colours())
    if figure is None:
        return
    st.subheader("Validation", anchor=False)
    st.plotly_chart(figure, theme=None, config=STILL, alt=view.alt(rows), key="curves")
    st.caption(view.curves_caption(rows))
    with st.expander("The same as a table"):
        st.dataframe(view.table(rows), hide_index=True, alt="One row per validation.")


def one(job):
    """A job of the link; what it shows follows its directory."""
    before = job.state

    @st.fragment(run_every=2 if view.works(job) else None)
    def live():
        with session.faults():
            now = view.again(job.id)
            if now.state != before:
                st.rerun()
            with st.container(horizontal=True, vertical_alignment="center"):
                badge(now)
                st.markdown(literal(view.sentence(now), 1500), width="stretch")
            progress(now)
            actions(now)
            curves(now)
            said = view.log(now)
            if said:
                st.subheader("Log", anchor=False)
                st.code(said, language=None, wrap_lines=True)

    st.page_link(session.to("jobs"), label="All jobs", icon=":material/arrow_back:")
    st.subheader(literal(job.title, 200), anchor=False)
    st.caption(literal(view.about(job)))
    live()
    with st.expander("Settings"):
        st.dataframe(view.settings(job), hide_index=True, alt="What was asked for.")


def every():
    """All jobs that this visitor may see."""

    @st.fragment(
        run_every=3 if any(map(view.works, view.shown(session.visitor.workspace()))) else None
    )
    def live():
        with session.faults():
            found = view.shown(session.visitor.workspace())
            for job in found:
                with st.container(border=True, horizontal=True, vertical_alignment="center"):
                    with st.container(width=150):
                        badge(job)
                    with st.container(width="stretch", gap="small"):
                        st.markdown(f"**{literal(job.title, 120)}**")
                        st.caption(literal(view.about(job)))
                        if view.works(job):
                            progress(job)
                        else:
                            st.markdown(literal(view.sentence(job), 300))
                    st.page_link(
                        session.to("jobs"), label="Open", icon=":material/arrow_forward:",
                        query_params=view.link(job),
                    )  # fmt: skip
            if not found:
                st.markdown("No job yet. A job goes on when this page, or the server, is closed.")

    live()
    st.page_link(session.to("train"), label="Start one", icon=":material/play_arrow:")
    broken = view.unreadable()
    if broken:
        st.caption(literal(view.unreadable_words(broken)))


with session.page("Jobs", needs_run=False):
    chosen = session.visitor.job_in_url()
    if chosen is None:
        every()
    else:
        one(chosen)
