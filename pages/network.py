"""Network: the refined edges of a few regulators, as a graph, a card and a table in step."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import edges as graph  # noqa: E402
from gvci.app import (  # noqa: E402
    layout,
    network_files,
    network_view,
    recovered,
    recovery_view,
    regulators,
    support,
)
from gvci.app.text import italic, literal, number  # noqa: E402

VIEWS = ("Graph", "Precision and recall")
STILL = {"displayModeBar": False}
COLUMNS = {
    "Regulator": st.column_config.TextColumn(width=68),
    "Target": st.column_config.TextColumn(width=78),
    "Weight": st.column_config.NumberColumn(format="%.3f", width=54),
    "Over bg": st.column_config.NumberColumn(format="%.3f", width=66),
    "Sign": st.column_config.TextColumn(width=38, help="+ activates, − represses, ? not known"),
    "Evidence": st.column_config.NumberColumn(
        format="%.1f", width=64, help="Log likelihood ratio of edge against no edge."
    ),
    "Stability": st.column_config.TextColumn(
        width=64, help="Random halves of the cells in which the evidence is positive."
    ),
    "Status": st.column_config.TextColumn(width=62),
}
LEAST = {"k": 25, "status": ["kept", "added"], "gene": ""}


def open_a_network(run):
    """The edge list that was uploaded now, else the one of the link, if any."""
    with st.popover("Open a network", icon=":material/folder_open:", type="tertiary"):
        st.caption(
            "An edge list with the columns source (or tf) and target, or a matrix, as csv, tsv or "
            "parquet; GraphML; SCENIC's reg.csv; or a gmt. Its names are matched with this run's. "
            "Other runs: the list at the top."
        )
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


def show(names):
    """Put regulators on the page, first."""
    others = [name for name in st.session_state["_drawn_tfs"] if name not in names]
    st.session_state.update(tfs=[*names, *others], gene="")
    session.publish("tfs", st.session_state["tfs"], ())


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


def tell(network, place):
    """Level, support, floors and notes, and behind a button how the weights came about."""
    said = support.statement(network)
    if said is not None:
        with place:
            if said.verdict:
                st.badge(said.verdict, icon=said.icon, color=said.colour)
            st.markdown(said.headline, width="content")
            with st.popover("How these weights came about", type="tertiary", width="content"):
                st.markdown("\n\n".join(said.details))
        st.caption(said.support)
        for remark in said.remarks:
            st.caption(f":material/info: {remark}")
        return
    for note in network.notes:
        st.caption(f":material/info: {literal(note)}")


def score(frame, network, chosen, default, uploaded, places):
    """The precision–recall view."""
    run, mine = frame.run, "Refined" if network.refined else "This list"
    genes = [str(gene) for gene in network.genes]

    def truth_of(name):
        return session.shared("truth", run, name, lambda: recovered.load(name, run.data.genes))

    found = recovered.targets(recovered.candidates(run), truth_of, chosen)
    if not found:
        st.info(recovered.NO_TRUTH)
        return
    by_title = {target.title: target for target in found}
    session.unknown_in_url("truth", list(by_title), "The set of known targets")
    title = places[0].selectbox("Known targets", list(by_title), key="truth", bind="query-params")
    pairs = places[1].segmented_control(
        "Pairs", list(recovered.PAIRS), default="All pairs", required=True, key="pairs",
        bind="query-params", help="All pairs of these regulators with another gene, or some.",
    )  # fmt: skip
    small = len(genes) <= recovered.MOST_GENES_FOR_FORESTS
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
    view = recovered.PAIRS[pairs or "All pairs"]
    scores, curves = result.scores[view], result.curves[view]
    if scores is None or curves.empty:
        st.info("**Nothing to score.** None of the known edges is among these pairs.")
        return
    st.markdown(recovered.verdict(scores, mine))
    left, right = st.columns([1.15, 1])
    with left.container(border=True):
        st.plotly_chart(
            recovery_view.figure(curves, session.colours(), mine), theme=None, config=STILL,
            key="recovery_chart", alt=recovery_view.alt_text(result, view, mine),
        )  # fmt: skip
    with right:
        st.dataframe(
            recovery_view.rows(scores, mine), hide_index=True,
            alt="Area under the precision–recall curve of each ranking, best first.",
            column_config={
                "Ranking": st.column_config.TextColumn(width=190),
                "AUPRC": st.column_config.NumberColumn(format="%.2f", width=58),
                "95 %": st.column_config.TextColumn(width=88),
            },
        )  # fmt: skip
        left_out = [name for name in chosen if name not in target.regulators]
        said = [
            f"{scores['n_true']:,} known edges of {', '.join(map(italic, target.regulators))} "
            f"among {scores['n_pairs']:,} pairs.",
            "A tie-break puts prior edges first, each side ranked by the other score. "
            "Intervals and the band: 95 % bootstrap over target genes, differences paired; they "
            "do not tell how new cells would change the scores.",
        ]
        if left_out:
            said.append(f"Not in this set: {', '.join(map(italic, left_out))}.")
        if not small:
            said.append("GENIE3 takes long here: `python -m gvci edges … --genie3`.")
        st.caption(" ".join([*said, *map(literal, result.notes)]))
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in recovery_view.downloads(run, result, view, mine):
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )


def explore(frame, network, chosen, default, uploaded, places):
    """The graph, the card and the table in step."""
    second, third, fourth = places
    k = second.slider("Strongest edges per regulator", 1, 100, 25, key="k", bind="query-params")
    statuses, minimum = list(graph.STATUSES), 0.0
    if network.refined:
        help_text = "Against the prior. Removed edges are counted apart from the others."
        statuses = third.pills(
            "Edge status", graph.STATUSES, selection_mode="multi", default=LEAST["status"],
            key="status", bind="query-params", help=help_text,
        )  # fmt: skip
        low, high, first_shown = regulators.limits(network)
        starts = "above the prior floor" if first_shown > low else "at α"
        minimum = fourth.slider(
            "Smallest weight", low, high, first_shown, 0.01, key="above", bind="query-params",
            help=f"It starts {starts}, and reaches down to α; the background is "
            f"{number(network.background)}.",
        )  # fmt: skip
    choice = graph.Choice(tuple(chosen), k, tuple(statuses), minimum)
    shown = graph.choose(network, choice)
    table = shown.edges
    if table.empty:
        st.info("**Nothing to draw.** No edge of these regulators passes the filters.")
        st.button("Reset the filters", on_click=reset, args=(default,), icon=":material/undo:")
        return
    plan = layout.lay_out(table, chosen)
    names = set(network.genes)
    session.linked_list("edge", [], lambda name: name if name in names else None)
    at = graph.row_of(table, st.session_state["edge"])
    edge = table.loc[at]
    session.publish("edge", [edge["source"], edge["target"]] if at else [], [])
    filters = network_view.key(network.name, choice)

    st.markdown(regulators.summary(network, shown))
    left, right = st.columns([1.35, 1])
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
                with st.container(horizontal=True, width="content", gap="small"):
                    if network.knows("sign"):
                        words, icon = regulators.sign_of(edge)
                        st.badge(words, icon=icon, color="gray")
                    st.badge(card.status, icon=card.icon, color=card.colour)
            for place, (label, value) in zip(st.columns(3), card.numbers, strict=False):
                place.metric(label, value)
            if card.words:
                st.caption(card.words)
            lines = [
                f"{italic(gene)}: " + " · ".join(f"[{name}]({url})" for name, url in links.items())
                for gene, links in card.links.items()
            ]
            st.caption("  \n".join(lines))
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
            column_config=COLUMNS,
            alt="The edges of the graph; the ticked row is the edge on the card.",
        )  # fmt: skip
    with frame.actions.popover("Export", icon=":material/download:"):
        for file in network_files.downloads(frame.run, network, table, plan, choice):
            st.download_button(
                file.label, file.make, file.name, file.mime, on_click="ignore", width="stretch"
            )
    if network.refined and not network.knows("sign"):
        st.caption("A weight has no sign: it does not tell activation from repression.")


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
    view = line.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    tell(network, line)
    # A function and no st.stop: the frame's own parts come after it.
    draw = score if view == VIEWS[1] else explore
    draw(frame, network, chosen, default, uploaded, (second, third, fourth))
