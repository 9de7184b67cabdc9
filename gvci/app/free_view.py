"""The free layout: a force layout of at most 300 edges, drawn by pyvis in a frame of its own."""

from __future__ import annotations

import base64

from gvci.app import interactive, layout, network_files
from gvci.app.edges import Choice, Network, Shown
from gvci.app.exhibit import Exhibit
from gvci.app.network_view import alt_text
from gvci.app.regulators import EDGE_COLUMNS, rows, summary
from gvci.app.theme import Palette
from gvci.run import Run

MOST_DRAWN = 300


def exhibit(run: Run, network: Network, shown: Shown, choice: Choice, colours: Palette) -> Exhibit:
    """The view: genes that share regulators stand together, beside a table of the same edges."""
    plan = layout.free(shown.edges)
    drawing = interactive.page(shown.edges, plan, {}, colours, spread=0.85)
    return Exhibit(
        summary(shown),
        frame(drawing),
        f"Free layout. {alt_text(shown.edges)}",
        rows(network, shown.edges),
        "The edges of the drawing.",
        EDGE_COLUMNS,
        f"At most {MOST_DRAWN} edges. Places are computed once (Kamada–Kawai) and stay: drag a "
        "gene to move it, scroll to zoom.",
        network_files.downloads(run, network, shown.edges, plan, choice),
    )


def frame(page: str) -> str:
    """The page as a data: address: it belongs to no site, so it can reach nothing of this one."""
    return "data:text/html;charset=utf-8;base64," + base64.b64encode(page.encode()).decode()
