"""Network: the refined edges of a few regulators, as graph, heat map, curves and tables."""

from functools import partial

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import edges, free_view, heat_map, regulators  # noqa: E402
from pages.parts import choices  # noqa: E402
from pages.parts.edge_filters import filters, nothing  # noqa: E402
from pages.parts.edge_graph import draw_graph  # noqa: E402
from pages.parts.exhibits import present  # noqa: E402
from pages.parts.network_head import (  # noqa: E402
    chosen_regulators,
    find_a_gene,
    open_a_network,
    tell,
)
from pages.parts.recovery import draw_recovery  # noqa: E402
from pages.parts.whole_network import draw_whole  # noqa: E402


def draw_edges(frame, network, chosen, places, *, draw, most=edges.MOST_DRAWN):
    """The edges that pass the filters, drawn by `draw`."""
    choice = filters(network, chosen, places)
    shown = edges.choose(network, choice, most)
    if shown.edges.empty:
        words = "**Nothing to draw.** No edge of these regulators passes the filters."
        nothing(" ".join([words, str(network.trimmed.get("sentence", ""))]), network)
    else:
        draw(frame, network, shown, choice)


def draw_exhibit(frame, network, shown, choice, *, of):
    """A figure beside the table of what it draws."""
    present(frame, of.exhibit(frame.run, network, shown, choice, session.colours()))


VIEWS = {
    "Graph": partial(draw_edges, draw=draw_graph),
    "Heat map": partial(draw_edges, draw=partial(draw_exhibit, of=heat_map)),
    "Free layout": partial(
        draw_edges, draw=partial(draw_exhibit, of=free_view), most=free_view.MOST_DRAWN
    ),
    "Precision and recall": draw_recovery,
    "Whole network": draw_whole,
}

with session.page("Network") as frame:
    first, *places, last = st.columns([1.6, 1.05, 1.3, 1.0, 0.95])
    gene_place = st.container()
    last.text_input(
        "Find a gene", key="gene", bind="query-params", placeholder="symbol, alias, ENSG…",
        max_chars=60,
    )  # fmt: skip
    with frame.actions:
        uploaded = open_a_network(frame.run)
    network = regulators.opened(frame.run, uploaded)
    chosen, missing = chosen_regulators(network, first)
    with gene_place:
        find_a_gene(frame.run, network, chosen, missing)
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    view = choices.view(line, "View", "view", list(VIEWS), "The view")
    tell(network, line)
    # A function and no st.stop: the frame's own parts come after it.
    VIEWS[view](frame, network, chosen, places)
