"""The graph of edges, the card of one of them, and the table of all, in step."""

import streamlit as st

from gvci.app import (
    edge_card,
    edges,
    evidence,
    layout,
    network_files,
    network_view,
    recovered,
    regulators,
    session,
)
from pages.parts.exhibits import columns, export
from pages.parts.recovery import truths
from pages.parts.tables import tick


def draw_graph(frame, network, shown, choice):
    """The edges as they stand beside their card."""
    table, names = shown.edges, set(network.genes)
    plan = layout.lay_out(table, choice.regulators)
    session.link.linked_list("edge", [], lambda name: name if name in names else None)
    at = edges.row_of(table, st.session_state["edge"])
    edge = table.loc[at]
    pair = (edge["source"], edge["target"])
    session.link.publish("edge", list(pair) if at else [], [])
    of_filters = network_view.key(network.name, choice)
    st.markdown(regulators.summary(shown))
    left, right = st.columns([1.35, 1])
    with left.container(border=True):
        key = f"graph-{of_filters}"
        st.html(network_view.highlight(key, table, at, session.colours()))
        st.echarts_chart(
            network_view.option(network, table, plan, session.colours()),
            height=plan.shown_height, theme=None, renderer="svg", key=key,
            on_select=lambda: _picked_in_graph(key, table),
            alt=network_view.alt_text(table),
        )  # fmt: skip
    with right:
        with st.container(border=True):
            _list(table, at, f"list-{of_filters}")
            _card(frame, network, edge)
        _table(network, table, at, f"rows-{of_filters}")
    if network.refined and not network.knows("sign"):
        st.caption("A weight has no sign: it does not tell activation from repression.")
    export(frame, network_files.downloads(frame.run, network, table, plan, choice))


def _list(table, at, key):
    """The edges above the card, which a keyboard reaches."""
    st.session_state[key] = at
    st.selectbox(
        "Edge on the card", list(table.index), key=key,
        format_func=lambda i: edge_card.label(table.loc[i]) if i in table.index else str(i),
        on_change=lambda: _picked(table, st.session_state[key]), label_visibility="collapsed",
    )  # fmt: skip


def _table(network, table, at, key):
    """The edges of the graph; the ticked one is on the card."""
    tick(key, [at])
    st.dataframe(
        regulators.rows(network, table), hide_index=True,
        height=min(340, 38 + 35 * len(table)), key=key,
        on_select=lambda: _picked_in_table(key, table), selection_mode="single-row-required",
        column_config=columns(regulators.EDGE_COLUMNS),
        alt="The edges of the graph; the ticked row is the edge on the card.",
    )  # fmt: skip


def _card(frame, network, edge):
    """The chosen edge: numbers, evidence, links, and what the model can be asked."""
    run, ends = frame.run, (str(edge["source"]), str(edge["target"]))
    records = evidence.records(recovered.candidates(run), truths(run), *ends)
    card = edge_card.card(network, edge, records)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown(f"**{card.title}**", width="content")
        with st.container(horizontal=True, width="content", gap="small"):
            for words, icon, colour in card.badges:
                st.badge(words, icon=icon, color=colour)
    for place, (label, value) in zip(st.columns([1.3, 1, 1.2]), card.numbers, strict=False):
        place.metric(label, value)
    if card.words:
        st.caption(card.words)
    st.markdown(card.evidence)
    st.caption(card.links)
    icon = ":material/experiment:"
    for ask in edge_card.asks(run, *ends):
        if st.button(ask.words, type="primary", icon=icon, width="stretch", key=f"ask {ask.words}"):
            query = {**ask.query, "run": frame.entry.id}
            st.switch_page(session.to("counterfactual"), query_params=query)


def _picked_in_graph(key, table):
    """A click on an edge, or on a gene: its strongest edge."""
    selected = st.session_state[key]["selection"]["selected"]
    edge = network_view.clicked(table, selected, st.session_state.get("_clicked"))
    st.session_state.update(_clicked=edge, edge=list(edge or ()))


def _picked_in_table(key, table):
    """A row was ticked."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(table):
        _picked(table, rows[0])


def _picked(table, row):
    """This edge goes on the card."""
    st.session_state["edge"] = [str(v) for v in table.loc[row, ["source", "target"]]]
