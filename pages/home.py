"""Home: what this is, one real prediction, the demo's numbers, and where to begin."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import charts, home, model_view  # noqa: E402
from gvci.app.text import count, literal, number  # noqa: E402


def about_run(run, picture):
    """One real prediction, and the cards of dataset, model and network."""
    example = session.shared("home", run, "", lambda: home.example(run))
    if example is not None:
        with picture:
            st.caption(f"**{literal(example.title)}**: {literal(example.what)}")
            colours = session.colours()
            figure = session.shared(
                "ridge", run, colours.name, lambda: charts.ridge(example.panel, colours)
            )
            config = {"displayModeBar": False}
            st.plotly_chart(figure, theme=None, config=config, alt=example.alt, key="ridge")

    cards = st.columns(3)
    with cards[0].container(border=True, height="stretch"):
        st.caption("DATASET")
        st.subheader(literal(run.data.title), anchor=False)
        for place, (label, value) in zip(st.columns(3), home.dataset_numbers(run), strict=True):
            place.metric(label, value)
        st.markdown(home.dataset_note(run))
    with cards[1].container(border=True, height="stretch"):
        st.caption("MODEL")
        st.subheader("Held-out score beside its rivals", anchor=False)
        scores = home.held_out(run)
        if scores is None:
            st.markdown("No held-out pair has been scored for this run.")
        else:
            for place, (label, value) in zip(st.columns(3), scores.numbers, strict=True):
                place.metric(label, number(value))
            st.caption(f"{literal(scores.sentence)} {model_view.line(run)}")
        if run.kind == "run":
            if scores is None:
                st.caption(model_view.line(run))
            for warning in model_view.warnings(run):
                st.warning(warning, icon=":material/warning:")
            with st.popover("Model card", type="tertiary", width="content"):
                st.markdown(model_view.facts(run))
    with cards[2].container(border=True, height="stretch"):
        st.caption("NETWORK")
        network = home.network_counts(run)
        if network is None:
            st.subheader("No network", anchor=False)
            st.markdown("This model was trained without one.")
        else:
            st.subheader("Prior edges, refined", anchor=False)
            for place, (label, value) in zip(st.columns(3), network.numbers, strict=True):
                place.metric(label, f"{value:,}")
            st.markdown(home.strongest(run))
            st.caption(literal(network.sentence))


with session.page(None, needs_run=False) as frame:
    run = frame.run
    words, picture = st.columns([1, 0.95], gap="large", vertical_alignment="center")
    with words:
        st.title("Ask what these cells would do under a perturbation they never saw.", anchor=False)
        st.markdown(
            "graphVCI predicts single cells under another perturbation, with a gene regulatory "
            "network refined from the same data, and puts every prediction beside the measurement "
            "and the simplest rival."
        )
        with st.container(horizontal=True):
            if st.button("Start the 3-minute demo", type="primary", icon=":material/play_arrow:"):
                session.start_tour(home.demo())
            if st.button("Load your own data", icon=":material/upload:"):
                st.switch_page(session.to("data"))
        st.caption("Works offline. The demo needs no download.")
    if run is not None:
        about_run(run, picture)

    st.subheader("Recent results", anchor=False)
    recent = home.recent()
    for entry in recent:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(f"**{literal(entry.title)}**", width="content")
        row.caption(home.about(entry), width="content")
        query = {"run": entry.id}
        row.page_link(
            session.to("network"), label="Network", icon=":material/hub:", query_params=query
        )
        if entry.kind == "run":
            row.page_link(
                session.to("counterfactual"),
                label="Counterfactual",
                icon=":material/experiment:",
                query_params=query,
            )
    shown = count(len(recent), "result")
    st.caption(f"{shown}. Runs made on the command line appear here by themselves.")
