"""About: the method in plain words, terms, limits, how to cite, licences, versions."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import about, method_figure  # noqa: E402
from gvci.app.text import literal  # noqa: E402

with session.page("About", needs_run=False) as frame:
    st.markdown(
        "**graphVCI asks what a cell would have expressed under a perturbation it never received, "
        "and which gene relations carry that answer.** It does so in four steps."
    )
    st.image(method_figure.figure(session.colours()), width="stretch", alt=method_figure.ALT)
    for number, (place, (title, words)) in enumerate(
        zip(st.columns(4), about.STEPS, strict=True), 1
    ):
        with place.container(border=True, height="stretch"):
            st.markdown(f"**{number} · {title}**")
            st.caption(words)

    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What it does not do", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in about.LIMITS))
        st.subheader("How to cite", anchor=False)
        st.markdown(literal(about.CITATION, 600))
        st.caption(about.CITE_TOO)
    with right:
        st.subheader("Words", anchor=False)
        st.markdown(
            "\n\n".join(f"**{literal(term)}**: {literal(words)}" for term, words in about.GLOSSARY)
        )

    st.subheader("Licences of data and networks", anchor=False)
    st.caption(
        "gvci itself is MIT. What it knows by name has licences of its own. Shipped are a "
        "simulated demo, and models, networks and summaries of real cells with the licence beside "
        "each; no real cell is."
    )
    st.dataframe(
        about.licences(), hide_index=True, alt="Licence and citation of every named thing.",
        column_config={"Licence": st.column_config.TextColumn(width="medium")},
    )  # fmt: skip
    first, second = st.columns(2, gap="large")
    with first:
        st.subheader("Versions", anchor=False)
        st.dataframe(about.versions(), hide_index=True, alt="Versions of the libraries.")
    if frame.run is not None:
        with second:
            st.subheader("The open run, by content", anchor=False)
            st.dataframe(about.checksums(frame.run), hide_index=True, alt="Checksums of the run.")
