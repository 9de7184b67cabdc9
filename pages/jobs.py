"""Jobs: what works, waits or has ended; progress, curves, stop, resume, and the result."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import jobs_view as view  # noqa: E402
from gvci.app import train_view  # noqa: E402
from gvci.app.text import literal  # noqa: E402
from pages.parts.exhibits import chart  # noqa: E402
from pages.parts.job_state import actions, badge, progress  # noqa: E402


def curves(job):
    """Validation while it trains; the same numbers as a table."""
    rows = view.metrics(job)
    figure = view.curves(rows, session.colours())
    if figure is None:
        return
    st.subheader("Validation", anchor=False)
    chart(figure, "curves", view.alt(rows))
    st.caption(view.curves_caption(rows))
    with st.expander("The same as a table"):
        st.dataframe(view.table(rows), hide_index=True, alt="One row per validation.")


def one(frame, job):
    """A job of the link; what it shows follows its directory."""
    before, about = job.state, view.strip(job)
    if about:
        frame.strip.caption(about)

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
    at_work = any(map(view.works, view.shown(session.visitor.workspace())))

    @st.fragment(run_every=3 if at_work else None)
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
                        query_params=train_view.link(job),
                    )  # fmt: skip
            if not found:
                st.markdown("No job yet. A job goes on when this page, or the server, is closed.")

    live()
    st.page_link(session.to("train"), label="Start one", icon=":material/play_arrow:")
    broken = view.unreadable()
    if broken:
        st.caption(literal(view.unreadable_words(broken)))


with session.page("Jobs", needs_run=False) as frame:
    chosen = session.visitor.job_in_url()
    if chosen is None:
        every()
    else:
        one(frame, chosen)
