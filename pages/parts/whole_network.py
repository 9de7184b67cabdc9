"""The whole network as tables; a ticked hub is a regulator of the other views."""

import streamlit as st

from gvci.app import whole
from pages.parts.choices import view
from pages.parts.exhibits import columns, export
from pages.parts.network_head import show
from pages.parts.tables import tick


def draw_whole(frame, network, chosen, places):
    """Its hubs, or its edges by status."""
    left, right = st.columns([1.7, 1], vertical_alignment="center")
    left.markdown(whole.summary(network))
    right = right.container(horizontal=True, horizontal_alignment="right")
    part = view(right, "Table", "part", whole.parts(network), "The table")
    table, key, more = whole.table(network, part), f"whole-{part}", {}
    if part == whole.HUBS:
        tick(key, whole.ticked(table, chosen))
        more = {"selection_mode": "multi-row", "on_select": lambda: _picked(key, table, chosen)}
    st.dataframe(
        table, hide_index=True, height=480, key=key, alt=whole.alt_text(network, part),
        column_config=columns(whole.COLUMNS), **more,
    )  # fmt: skip
    st.caption(whole.words(network, part))
    export(frame, whole.downloads(frame.run, network))


def _picked(key, table, chosen):
    """Rows were ticked or unticked."""
    show(whole.joined(table, st.session_state[key]["selection"]["rows"], chosen))
