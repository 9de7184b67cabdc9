"""Network: the refined edges of a few regulators, as graph, heat map, curves and tables."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import (  # noqa: E402
    edge_card,
    evidence,
    free_view,
    heat_map,
    layout,
    network_files,
    network_view,
    recovered,
    recovery_view,
    regulators,
    support,
    whole,
)
from gvci.app import edges as graph  # noqa: E402
from gvci.app.text import literal, number  # noqa: E402

LEAST = {"k": 25, "status": ["kept", "added"], "gene": ""}


# --- pieces ----------------------------------------------------------------------------


def open_a_network(run):
    """The edge list that was uploaded now, else the one of the link, if any."""
    with st.popover("Open a network", icon=":material/folder_open:", type="tertiary"):
        st.caption(network_files.HOW_TO_OPEN)
        ways = network_files.ORIENTATIONS
        way = st.selectbox("The file is", list(ways), key="edge_list_way")
        file = st.file_uploader("Edge list", key="edge_list", max_upload_size=100)
        with session.faults(stop=False):
            if file is not None and st.session_state.get("_edge_list") != (file.file_id, way):
                space, content = session.own_workspace(), file.getvalue()
                session.show_upload(network_files.keep(space, file.name, content, ways[way]))
                st.session_state["_edge_list"] = (file.file_id, way)
            kept = session.upload_in_url("network")
            if kept is None:
                return None
            grn, words = network_files.matched(session.kept("network", kept.id, kept.network), run)
            st.success(literal(f"{kept.labels[0]}: {words}"))
            st.button("Close it", on_click=session.show_upload, args=(None,))
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


def show(names, others=None):
    """Put regulators on the page, first."""
    others = st.session_state["_drawn_tfs"] if others is None else others
    tfs = [*names, *(name for name in others if name not in names)]
    st.session_state.update(tfs=tfs, gene="")
    session.publish("tfs", tfs, ())


def reset(default):
    """All filters as they were at the start."""
    st.session_state.update(LEAST, tfs=default)
    st.session_state.pop("above", None)


def nothing(words, default):
    """Say that a view is empty, and offer the way back."""
    st.info(words)
    st.button("Reset the filters", on_click=reset, args=(default,), icon=":material/undo:")


def tell(network, place):
    """Support, level and floors, and behind a button how the weights came about."""
    said = support.statement(network)
    notes = network.notes if said is None else said.remarks
    if said is not None:
        with place:
            if said.verdict:
                st.badge(said.verdict, icon=said.icon, color=said.colour)
            with st.popover("How these weights came about", type="tertiary", width="content"):
                st.markdown("\n\n".join(said.details))
        st.caption(said.line)
    for note in notes:
        st.caption(f":material/info: {note if said else literal(note)}")


def truth_of(name):
    """A set of known targets among the run's genes, read once for all viewers."""
    genes = frame.run.data.genes
    return session.shared("truth", frame.run, name, lambda: recovered.load(name, genes))


def filters(network, chosen, places):
    """Edges per regulator, statuses and smallest weight: of graph, heat map and free layout."""
    k = places[0].slider("Strongest edges per regulator", 1, 100, 25, key="k", bind="query-params")
    statuses, minimum = list(graph.STATUSES), 0.0
    if network.refined:
        help_text = "Against the prior. Removed edges are counted apart from the others."
        statuses = places[1].pills(
            "Edge status", graph.STATUSES, selection_mode="multi", default=LEAST["status"],
            key="status", bind="query-params", help=help_text,
        )  # fmt: skip
        low, high, first_shown = regulators.limits(network)
        starts = "above the prior floor" if first_shown > low else "at α"
        minimum = places[2].slider(
            "Smallest weight", low, high, first_shown, 0.01, key="above", bind="query-params",
            help=f"It starts {starts}, and reaches down to α; the background is "
            f"{number(network.background)}.",
        )  # fmt: skip
    return graph.Choice(tuple(chosen), k, tuple(statuses), minimum)


# --- views -----------------------------------------------------------------------------


def picked_in_graph(key, table):
    """A click on an edge, or on a gene: its strongest edge."""
    selected = st.session_state[key]["selection"]["selected"]
    edge = network_view.clicked(table, selected, st.session_state.get("_clicked"))
    st.session_state.update(_clicked=edge, edge=list(edge or ()))


def picked_in_table(key, table):
    """A row was ticked."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(table):
        picked(table, rows[0])


def picked_in_list(key, table):
    """An edge was chosen in the list above the card, which a keyboard reaches."""
    picked(table, st.session_state[key])


def picked(table, row):
    """This edge goes on the card."""
    st.session_state["edge"] = [str(v) for v in table.loc[row, ["source", "target"]]]


def show_card(network, edge):
    """The chosen edge: numbers, evidence, links, and what would knock its regulator out."""
    names = recovered.candidates(frame.run)
    ends = str(edge["source"]), str(edge["target"])
    card = edge_card.card(network, edge, evidence.records(names, truth_of, *ends))
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
    for label, words in edge_card.perturbations_of(frame.run, ends[0]):
        icon = ":material/experiment:"
        if st.button(words, type="primary", icon=icon, width="stretch", key=f"do {label}"):
            query = {"perturbation": label, "run": frame.entry.id}
            st.switch_page(session.to("counterfactual"), query_params=query)


def draw_graph(network, shown, choice):
    """The graph, the card and the table in step."""
    table, names = shown.edges, set(network.genes)
    plan = layout.lay_out(table, choice.regulators)
    session.linked_list("edge", [], lambda name: name if name in names else None)
    at = graph.row_of(table, st.session_state["edge"])
    edge = table.loc[at]
    pair = (edge["source"], edge["target"])
    session.publish("edge", list(pair) if at else [], [])
    of_filters = network_view.key(network.name, choice)
    st.markdown(regulators.summary(network, shown))
    left, right = st.columns([1.35, 1])
    with left.container(border=True):
        key = f"graph-{of_filters}"
        st.html(network_view.highlight(key, table, at, session.colours()))
        st.echarts_chart(
            network_view.option(network, table, plan, session.colours()),
            height=plan.shown_height(), theme=None, renderer="svg", key=key,
            on_select=lambda: picked_in_graph(key, table),
            alt=network_view.alt_text(network, table),
        )  # fmt: skip
    with right:
        with st.container(border=True):
            listed = f"list-{of_filters}"
            st.session_state[listed] = at
            st.selectbox(
                "Edge on the card", list(table.index), key=listed,
                format_func=lambda i: edge_card.label(table.loc[i]) if i in table.index else str(i),
                on_change=picked_in_list, args=(listed, table), label_visibility="collapsed",
            )  # fmt: skip
            show_card(network, edge)
        rows_key = f"rows-{of_filters}"
        session.tick(rows_key, [at])
        st.dataframe(
            regulators.rows(network, table), hide_index=True, height=340, key=rows_key,
            on_select=lambda: picked_in_table(rows_key, table),
            selection_mode="single-row-required",
            column_config=session.columns(regulators.EDGE_COLUMNS),
            alt="The edges of the graph; the ticked row is the edge on the card.",
        )  # fmt: skip
    if network.refined and not network.knows("sign"):
        st.caption("A weight has no sign: it does not tell activation from repression.")
    session.export(frame, network_files.downloads(frame.run, network, table, plan, choice))


def draw_edges(network, chosen, default, uploaded, places):
    """Graph, heat map or free layout of the edges that pass the filters."""
    choice = filters(network, chosen, places)
    free = view == "Free layout"
    shown = graph.choose(network, choice, free_view.MOST_DRAWN if free else graph.MOST_DRAWN)
    if shown.edges.empty:
        nothing("**Nothing to draw.** No edge of these regulators passes the filters.", default)
    elif view == "Graph":
        draw_graph(network, shown, choice)
    else:
        make = free_view.exhibit if free else heat_map.exhibit
        session.present(frame, make(frame.run, network, shown, choice, session.colours()))


def draw_recovery(network, chosen, default, uploaded, places):
    """Precision and recall against known targets."""
    run, mine = frame.run, "Refined" if network.refined else "This list"
    found = recovered.targets(recovered.candidates(run), truth_of, chosen)
    if not found:
        nothing(recovered.NO_TRUTH if chosen else "**Choose a regulator** to score.", default)
        return
    by_title = {target.title: target for target in found}
    session.unknown_in_url("truth", list(by_title), "The set of known targets")
    title = places[0].selectbox("Known targets", list(by_title), key="truth", bind="query-params")
    pairs = places[1].segmented_control(
        "Pairs", list(recovered.PAIRS), default="All pairs", required=True, key="pairs",
        bind="query-params", help="All pairs of these regulators with another gene, or some.",
    )  # fmt: skip
    small = len(network.genes) <= recovered.MOST_GENES_FOR_FORESTS
    forests = small and places[2].toggle(
        "GENIE3 too", key="genie3", bind="query-params",
        help="A rival made of random forests: it takes a minute or two, once.",
    )  # fmt: skip
    target = by_title[title]

    def compute():
        return recovered.recovery(run, network, target, truth_of(target.name), forests=forests)

    with st.spinner("Ranking the pairs …"):
        if uploaded is None:
            result = session.shared("recovery", run, (target, forests), compute)
        else:
            key = f"{uploaded.fingerprint()}{run.fingerprint}{target}{forests}"
            result = session.kept("recovery", key, compute)
    kind = recovered.PAIRS[pairs or "All pairs"]
    drawn = recovery_view.exhibit(run, result, kind, chosen, session.colours(), mine)
    session.present(frame, drawn) if drawn else st.info(recovery_view.NOTHING)


def draw_whole(network, chosen, default, uploaded, places):
    """The whole network as tables; a ticked hub is a regulator of the other views."""
    names = whole.parts(network)
    session.unknown_in_url("table", names, "The table")
    left, right = st.columns([1.7, 1], vertical_alignment="center")
    left.markdown(whole.summary(network))
    with right.container(horizontal=True, horizontal_alignment="right"):
        part = st.segmented_control(
            "Table", names, default=names[0], required=True, key="table", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    table, key, more = whole.table(network, part), f"whole-{part}", {}
    if part == whole.HUBS:
        session.tick(key, whole.ticked(table, chosen))
        more = {"selection_mode": "multi-row", "on_select": lambda: picked_hubs(key, table, chosen)}
    st.dataframe(
        table, hide_index=True, height=480, key=key, alt=whole.alt_text(network, part),
        column_config=session.columns(whole.COLUMNS), **more,
    )  # fmt: skip
    st.caption(whole.words(network, part))
    session.export(frame, whole.downloads(frame.run, network))


def picked_hubs(key, table, chosen):
    """Rows were ticked or unticked."""
    show(whole.joined(table, st.session_state[key]["selection"]["rows"], chosen), [])


VIEWS = {
    "Graph": draw_edges,
    "Heat map": draw_edges,
    "Free layout": draw_edges,
    "Precision and recall": draw_recovery,
    "Whole network": draw_whole,
}

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
    st.session_state["_drawn_tfs"] = chosen
    with gene_place:
        find_a_gene(frame.run, network, missing)
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    session.unknown_in_url("view", list(VIEWS), "The view")
    view = line.segmented_control(
        "View", list(VIEWS), default="Graph", required=True, key="view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    tell(network, line)
    # A function and no st.stop: the frame's own parts come after it.
    VIEWS[view](network, chosen, default, uploaded, (second, third, fourth))
