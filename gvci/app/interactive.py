"""The network as one HTML page, drawn by pyvis, that loads nothing from outside."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import pandas as pd

from gvci.app.layout import Layout
from gvci.app.network_view import edge_colour, nodes, represses
from gvci.app.text import number, plain
from gvci.app.theme import LIGHT, Palette

# Any tag that would load something, with its closing tag if it has one.
_OUTSIDE = re.compile(
    r"<(script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*[\"'](?:https?:)?//[^>]*>(?:\s*</\1>)?",
    re.I,
)


# Nothing may be loaded, whatever a name holds.
_POLICY = (
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">"
)


def page(
    edges: pd.DataFrame,
    layout: Layout,
    provenance: Mapping[str, object],
    colours: Palette = LIGHT,
    spread: float = 1.7,
) -> str:
    """A self-contained page: fixed positions, no physics, names escaped, provenance below.

    `spread` is the length of a pixel of the layout: the more, the smaller are names beside it.

    The two stylesheet and script tags that pyvis always adds from a network of servers are
    taken out; nothing in the page depends on them.
    """
    from pyvis.network import Network as Drawing

    drawing = Drawing(
        height="86vh",
        width="100%",
        directed=True,
        cdn_resources="in_line",
        bgcolor=colours.background,
    )
    hubs = set(edges["source"])
    for name in nodes(edges):
        x, y = layout.positions[name]
        hub = name in hubs
        drawing.add_node(
            name, label=_italic(plain(name, 40)), title=html.escape(plain(name)),
            x=x * spread, y=y * spread, shape="diamond" if hub else "dot", size=16 if hub else 6,
            physics=False, borderWidth=1.5,
            color={
                "background": colours.ink if hub else colours.background,
                "border": colours.ink if hub else colours.control,
            },
            font={"color": colours.ink, "size": 14 if hub else 13, "multi": "html",
                  "strokeWidth": 3, "strokeColor": colours.background},
        )  # fmt: skip
    columns = ["source", "target", "weight", "status"]
    rows = edges[columns].to_numpy(dtype=object).tolist()
    further = [name for name in ("sign", "evidence", "stability", "seeds") if name in edges]
    known = [dict(zip(further, row, strict=True)) for row in edges[further].to_numpy().tolist()]
    for (source, target, weight, status), bar, more in zip(
        rows, represses(edges), known, strict=True
    ):
        title = f"{source} → {target}: weight {number(weight)}, {status}"
        title += "".join(f", {name} {number(value, signed=True)}" for name, value in more.items())
        drawing.add_edge(
            source, target, title=html.escape(plain(title)),
            color=edge_colour(status, colours), dashes=status == "removed",
            width=0.8 + 1.6 * min(abs(weight), 1.0),
            arrows={"to": {"enabled": True, "type": "bar" if bar else "arrow", "scaleFactor": 0.5}},
        )  # fmt: skip
    drawing.toggle_physics(False)
    drawing.options.edges.smooth.enabled = False
    text = _OUTSIDE.sub("", drawing.generate_html(notebook=False))
    facts = " · ".join(
        f"{html.escape(str(k))}: {html.escape(plain(v))}" for k, v in provenance.items()
    )
    note = (
        f"<p style='font:13px sans-serif;color:{colours.muted}'>"
        "Grey: kept from the prior. Orange: added by refinement. Dashed: removed. "
        f"Arrow: activates. Bar: represses. {facts}</p>"
    )
    style = (
        f"<style>body {{ background: {colours.background}; margin: 8px }} "
        "#mynetwork, .card { border: 0 !important }</style>"
    )
    text = text.replace("<head>", f"<head>{_POLICY}", 1).replace("</head>", f"{style}</head>", 1)
    return text.replace("</body>", f"{note}</body>", 1)


def _italic(name: str) -> str:
    """A label in the only two entities and the one tag that vis knows."""
    return "<i>" + name.replace("&", "&amp;").replace("<", "&lt;") + "</i>"
