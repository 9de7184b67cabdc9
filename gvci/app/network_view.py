"""The network as an ECharts option, and what a click on it means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gvci.app.edges import Network
from gvci.app.layout import Layout
from gvci.app.text import plain
from gvci.app.theme import FONT, Palette

Edge = tuple[str, str]


def edge_colour(status: str, colours: Palette) -> str:
    """Grey from the prior, vermillion added by refinement, faint where removed."""
    return {"added": colours.predicted, "removed": colours.muted}.get(status, colours.control)


def option(
    network: Network, edges: pd.DataFrame, layout: Layout, colours: Palette
) -> dict[str, Any]:
    """An ECharts graph: diamonds regulate, discs are regulated; removed edges are dashed.

    An arrow activates (or has no sign), a bar represses.

    The edge on the card is no part of it, for a changed option throws the viewer's zoom away:
    `highlight` marks it in what is drawn.

    Nodes and links are in the order of `nodes(edges)` and of `edges`, which `clicked` relies on.
    """
    hubs = set(edges["source"])
    data = [
        _node(name, name in hubs, layout, colours, _node_name(at))
        for at, name in enumerate(nodes(edges))
    ]
    columns = ["source", "target", "weight", "status"]
    rows = zip(edges[columns].itertuples(index=False), represses(edges), strict=True)
    links = [
        _link(source, target, float(weight), status, network, colours, _link_name(at, status), bar)
        for at, ((source, target, weight, status), bar) in enumerate(rows)
    ]
    series = {
        "type": "graph",
        "layout": "none",
        "preserveAspect": "contain",
        "roam": True,
        "roamTrigger": "global",
        "scaleLimit": {"min": 0.6, "max": 6},
        "selectedMode": "single",
        "data": data,
        "links": links,
        "edgeSymbol": ["none", "arrow"],
        "edgeSymbolSize": [0, 7],
        "labelLayout": {"hideOverlap": True},
        "left": 78,
        "right": 78,
        "top": 18,
        "bottom": 26,
        "cursor": "pointer",
    }
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT},
        "tooltip": {"show": False},
        "series": [series],
    }


def nodes(edges: pd.DataFrame) -> list[str]:
    """Regulators, then targets, each once."""
    return [str(n) for n in pd.unique(pd.concat([edges["source"], edges["target"]]))]


def _node(name: str, hub: bool, layout: Layout, colours: Palette, opacity: float) -> dict[str, Any]:
    x, y = layout.positions[name]
    fill = colours.ink if hub else colours.background
    border = colours.ink if hub else colours.control
    label = {
        "show": True,
        "position": layout.sides[name],
        "distance": 6,
        "formatter": plain(name, 16),
        "fontStyle": "italic",
        "fontSize": 13 if hub else 11,
        "fontWeight": "bold" if hub else "normal",
        "color": colours.ink,
    }
    return {
        "id": name,
        "name": name,
        "x": x,
        "y": y,
        "symbol": "diamond" if hub else "circle",
        "symbolSize": 26 if hub else 9,
        "itemStyle": {
            "color": fill,
            "borderColor": border,
            "borderWidth": 1.5,
            "opacity": opacity,
        },
        # What ECharts holds for chosen looks like the rest; `highlight` marks it.
        "select": {"itemStyle": {"borderColor": border}},
        "label": label,
    }


def _link(
    source: str,
    target: str,
    weight: float,
    status: str,
    network: Network,
    colours: Palette,
    opacity: float,
    bar: bool,
) -> dict[str, Any]:
    height = abs(weight) - (network.background or 0.0)
    width = 1.2 + 3.2 * min(max(height, 0.0), 1.0)
    style = {
        "color": edge_colour(status, colours),
        "width": width,
        "opacity": opacity,
        "type": "dashed" if status == "removed" else "solid",
        "curveness": 0.08,
    }
    link: dict[str, Any] = {"source": source, "target": target, "lineStyle": style}
    if bar:
        link |= {"symbol": ["none", "rect"], "symbolSize": [0, [17, 4]]}
    return link


# SVG elements that ECharts draws have no names. Their opacity serves as one: no two nodes and no
# two edges share it, and nobody sees the difference.
STEP = 1e-6


def _node_name(at: int) -> float:
    return round(1 - (at + 1) * STEP, 6)


def _link_name(at: int, status: str) -> float:
    return round((0.45 if status == "removed" else 0.62) + (at + 1) * STEP, 6)


def highlight(key: str, edges: pd.DataFrame, at: int, colours: Palette) -> str:
    """A style that marks an edge, its ends and their labels in the chart of that key.

    Args:
        at: the edge's place in `edges`.
    """
    inside, named = f".st-key-{key} svg", nodes(edges)
    status, hubs = str(edges["status"].iloc[at]), set(edges["source"].astype(str))
    link = _link_name(at, status)
    rules = [
        f'{inside} path[fill=none][stroke-opacity="{link}"] '
        "{ stroke-width: 5px; stroke-opacity: 1; }",
        f'{inside} path[fill-opacity="{link}"] {{ fill-opacity: 1; }}',
    ]
    for name in map(str, edges[["source", "target"]].iloc[at]):
        node = _node_name(named.index(name))
        rules.append(f'{inside} text[fill-opacity="{node}"] {{ font-weight: bold !important; }}')
        if name not in hubs:
            colour = colours.measured
            rules.append(
                f'{inside} path[fill-opacity="{node}"] {{ fill: {colour}; stroke: {colour}; }}'
            )
    return f"<style>{' '.join(rules)}</style>"


def represses(edges: pd.DataFrame) -> list[bool]:
    """Which edges end in a bar: of negative sign, or without signs of negative weight."""
    return [bool(value < 0) for value in edges["sign" if "sign" in edges else "weight"]]


def clicked(
    edges: pd.DataFrame, selection: Sequence[Mapping[str, Any]], previous: Edge | None
) -> Edge | None:
    """The edge that a selection in the chart means; of a node, its strongest edge."""
    for group in selection:
        indices = [int(i) for i in group.get("data_indices", ())]
        if not indices:
            continue
        if group.get("data_type") == "edge" and indices[0] < len(edges):
            row = edges.iloc[indices[0]]
            return str(row["source"]), str(row["target"])
        names = nodes(edges)
        if group.get("data_type") == "node" and indices[0] < len(names):
            name = names[indices[0]]
            touching = edges[(edges["source"] == name) | (edges["target"] == name)]
            if len(touching):
                row = touching.iloc[touching["weight"].abs().argmax()]
                return str(row["source"]), str(row["target"])
    return previous


def key(*filters: object) -> str:
    """A short name of the filters: a chart under another key forgets its selection and zoom."""
    return hashlib.sha256(json.dumps(filters, default=str).encode()).hexdigest()[:12]


def alt_text(edges: pd.DataFrame) -> str:
    """The graph in one sentence, for a screen reader; the table beside it has the rows."""
    counts = edges["status"].value_counts()
    parts = ", ".join(f"{int(n)} {status}" for status, n in counts.items())
    hubs = ", ".join(dict.fromkeys(edges["source"].astype(str)))
    bars = sum(represses(edges))
    signs = f" {bars} end in a bar and repress." if bars else ""
    return (
        f"Network of {len(edges)} edges from {hubs} ({parts}).{signs} "
        "The table lists the same edges."
    )
