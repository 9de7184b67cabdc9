"""Ways from a page to others: where a result opens, and a job that starts."""

import streamlit as st

from gvci.app import session, train_view

ICONS = {
    "network": ":material/hub:",
    "counterfactual": ":material/experiment:",
    "train": ":material/tune:",
}


def go(place, page, label, query):
    """A link to a page with choices."""
    place.page_link(session.to(page), label=label, icon=ICONS[page], query_params=query)


def results(place, entry, network="Network", model="Counterfactual"):
    """The pages that show a run, or a network without a model."""
    go(place, "network", network, {"run": entry.id})
    if entry.kind == "run":
        go(place, "counterfactual", model, {"run": entry.id})


def start(asked, label, key, **look):
    """The button; a started job is shown on its own page."""
    if st.button(label, icon=":material/play_arrow:", key=key, **look):
        job = train_view.start(asked, session.visitor.visit())
        st.switch_page(session.to("jobs"), query_params=train_view.link(job))
