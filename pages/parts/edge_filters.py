"""The filters of the views of edges, and the way back where nothing passes them."""

import streamlit as st

from gvci.app import edges, regulators

LEAST = {"k": 25, "status": ["kept", "added"], "gene": ""}


def filters(network, chosen, places):
    """Edges per regulator, statuses and smallest weight: of graph, heat map and free layout."""
    k = places[0].slider(
        "Strongest edges per regulator", 1, 100, LEAST["k"], key="k", bind="query-params"
    )
    statuses, minimum = list(edges.STATUSES), 0.0
    if network.refined:
        statuses = places[1].pills(
            "Edge status", edges.STATUSES, selection_mode="multi", default=LEAST["status"],
            key="status", bind="query-params",
            help="Against the prior. Removed edges are counted apart from the others.",
        )  # fmt: skip
        low, high, first_shown = regulators.limits(network)
        minimum = places[2].slider(
            "Smallest weight", low, high, first_shown, 0.01, key="above", bind="query-params",
            help=regulators.limits_words(network),
        )  # fmt: skip
    return edges.Choice(tuple(chosen), k, tuple(statuses), minimum)


def nothing(words, network):
    """Say that a view is empty, and offer the way back."""
    st.info(words)
    default = network.default_regulators()
    st.button("Reset the filters", on_click=_reset, args=(default,), icon=":material/undo:")


def _reset(default):
    """All filters as they were at the start."""
    st.session_state.update(LEAST, tfs=default)
    st.session_state.pop("above", None)
