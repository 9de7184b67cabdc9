"""Network: the refined edges of a few regulators, as a graph, a card and a table in step."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import edges as graph  # noqa: E402
from gvci.app import layout, network_files, network_view, regulators  # noqa: E402
from gvci.app.text import italic, literal, number  # noqa: E402

LEAST = {"k": 25, "status": ["kept", "added"], "gene": ""}


def open_a_network(run):
    """The uploaded edge list, if any; it lives in this session only."""
    with st.popover("Open a network", icon=":material/folder_open:", type="tertiary"):
        st.caption(
            "An edge list with the columns source (or tf) and target, as csv, tsv or parquet, or "
            "a gmt. It is compared by gene name with this run. Other runs: the list at the top."
        )
        file = st.file_uploader("Edge list", key="edge_list", max_upload_size=100)
        if file is None:
            return None
        with session.faults(stop=False):
            grn = network_files.read_upload(file.name, file.getvalue())
            st.success(literal(network_files.report(grn, run)))
            return grn
    return None


def find_a_gene(run, network, not_found):
    """Explain the gene that was typed, and offer to show it."""
    asked = st.session_state.get("gene", "").strip()
    for query in [*not_found, *([asked] if asked else [])]:
        found = regulators.look_up(query, network, run)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/search: {literal(found.message)}", width="content")
            for label, names in found.offers:
                st.button(literal(label), key=f"{query}{label}", on_click=show, args=(names,))


def show(names):
    """Put regulators on the page, first."""
    others = [name for name in st.session_state["tfs"] if name not in names]
    st.session_state["tfs"] = [*names, *others]
    st.session_state["gene"] = ""


def reset(default):
    """All filters as they were at the start."""
    st.session_state.update(LEAST, tfs=default)
    st.session_state.pop("above", None)


def picked_in_graph(key, table):
    """A click on an edge, or on a gene: its strongest edge."""
    selected = st.session_state[key]["selection"]["selected"]
    edge = network_view.clicked(table, selected, st.session_state.get("_clicked"))
    st.session_state.update(_clicked=edge, _ticked=None, edge=list(edge or ()))


def picked_in_table(key, table):
    """A row was ticked."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(table):
        edge = [str(v) for v in table.loc[rows[0], ["source", "target"]]]
        # A graph under a new key forgets what was clicked in it.
        drawn = st.session_state.get("_drawn", 0) + 1
        st.session_state.update(edge=edge, _ticked=tuple(edge), _clicked=None, _drawn=drawn)


with session.page("Network") as frame:
    first, second, third, fourth, fifth = st.columns([1.6, 1.05, 1.3, 1.0, 0.95])
    gene_place = st.container()
    fifth.text_input(
        "Find a gene", key="gene", bind="query-params", placeholder="symbol, alias, ENSG…",
        max_chars=60,
    )  # fmt: skip
    with frame.actions:
        uploaded = open_a_network(frame.run)
    network = regulators.opened(frame.run, uploaded)
    known, default = network.regulators, network.default_regulators()
    missing = session.linked_list("tfs", default, lambda query: regulators.symbol(query, known))
    session.keep_known("tfs", known, default)
    chosen = first.multiselect("Regulators", known, key="tfs", placeholder="Choose regulators")
    session.publish("tfs", chosen, default)
    k = second.slider("Strongest edges per regulator", 1, 100, 25, key="k", bind="query-params")
    statuses, minimum = list(graph.STATUSES), 0.0
    if network.refined:
        help_text = "Against the prior. Removed edges are counted apart from the others."
        statuses = third.pills(
            "Edge status", graph.STATUSES, selection_mode="multi", default=LEAST["status"],
            key="status", bind="query-params", help=help_text,
        )  # fmt: skip
        low, high = regulators.limits(network)
        minimum = fourth.slider(
            "Smallest weight", low, high, low, 0.01, key="above", bind="query-params",
            help=f"It starts at α; the background is {number(network.background)}.",
        )  # fmt: skip
    with gene_place:
        find_a_gene(frame.run, network, missing)

    choice = graph.Choice(tuple(chosen), k, tuple(statuses), minimum)
    shown = graph.choose(network, choice)
    table = shown.edges
    if table.empty:
        st.info("**Nothing to draw.** No edge of these regulators passes the filters.")
        st.button("Reset the filters", on_click=reset, args=(default,), icon=":material/undo:")
        st.stop()
    plan = layout.lay_out(table, chosen)
    names = set(network.genes)
    session.linked_list("edge", [], lambda name: name if name in names else None)
    at = graph.row_of(table, st.session_state["edge"])
    edge = table.loc[at]
    session.publish("edge", [edge["source"], edge["target"]] if at else [], [])
    filters = network_view.key(network.name, choice)

    st.markdown(regulators.summary(network, shown))
    left, right = st.columns([1.5, 1])
    with left.container(border=True):
        key = f"graph-{filters}-{st.session_state.get('_drawn', 0)}"
        pair = (edge["source"], edge["target"])
        mark = pair if st.session_state.get("_ticked") == pair else None
        st.echarts_chart(
            network_view.option(network, table, plan, session.colours(), mark),
            height=plan.shown_height(), theme=None, renderer="svg", key=key,
            on_select=lambda: picked_in_graph(key, table),
            alt=network_view.alt_text(network, table),
        )  # fmt: skip
    with right:
        with st.container(border=True):
            card = regulators.card(network, edge)
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.markdown(f"**{italic(pair[0])} → {italic(pair[1])}**", width="content")
                st.badge(card.status, icon=card.icon, color=card.colour)
            for place, (label, value) in zip(st.columns(3), card.numbers, strict=False):
                place.metric(label, value)
            for gene, links in card.links.items():
                line = " · ".join(f"[{name}]({url})" for name, url in links.items())
                st.caption(f"{italic(gene)}: {line}")
            for label, words in regulators.perturbations_of(frame.run, pair[0]):
                icon = ":material/experiment:"
                if st.button(words, type="primary", icon=icon, width="stretch", key=f"do {label}"):
                    query = {"perturbation": label, "run": frame.entry.id}
                    st.switch_page(session.to("counterfactual"), query_params=query)
        rows_key = f"rows-{filters}"
        session.tick(rows_key, [at])
        st.dataframe(
            regulators.rows(network, table), hide_index=True, height=340, key=rows_key,
            on_select=lambda: picked_in_table(rows_key, table),
            selection_mode="single-row-required",
            column_config={name: st.column_config.NumberColumn(format="%.3f", width=72)
                           for name in ("Weight", "Over bg")},
            alt="The edges of the graph; the ticked row is the edge on the card.",
        )  # fmt: skip
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in network_files.downloads(frame.run, network, table, plan, choice):
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )
    if network.refined:
        st.caption(
            "Weight: sigmoid of the learned logit. Pairs that carry no information settle on the "
            f"background, {number(network.background)}; an edge is adopted above "
            f"α = {number(network.alpha)}. A weight has no sign: it does not tell activation from "
            "repression."
        )
    for note in network.notes:
        st.caption(literal(note))
