"""Dumbbells of one cell: measured now, predicted then; on the page (plotly) and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from gvci.app import vector
from gvci.app.charts import base_layout
from gvci.app.one_cell import Story
from gvci.app.text import number, plain, tagged
from gvci.app.theme import LIGHT, Palette

ROW = 31  # pixels of a gene


def dumbbells(told: Story, part: pd.DataFrame, colours: Palette) -> go.Figure:
    """A gene a row: the pale bar is the middle 90 % of the group's predicted cells."""
    height = ROW * len(part) + 66
    layout = base_layout(colours, height, margin={"l": 96, "r": 10, "t": 6, "b": 44})
    y = list(range(len(part)))[::-1]
    on = {"type": "scatter", "hoverinfo": "text"}
    hover = [
        f"{tagged(gene, 'i')}: now {number(a)}, then {number(b)}"
        for gene, a, b in zip(part["gene"], part["now"], part["then"], strict=True)
    ]
    traces: list[dict[str, Any]] = [
        _bars(part["low"], part["high"], y, {"color": colours.predicted, "width": 11}, 0.18),
        _bars(part["now"], part["then"], y, {"color": colours.predicted, "width": 2}, 0.9),
    ]
    if part["measured"].notna().any():
        disc = {"size": 9, "color": colours.measured}
        traces.append({**on, "x": part["measured"], "y": y, "mode": "markers", "marker": disc})
    now = {"size": 11, "color": colours.control}
    ring = {
        "size": 11, "color": colours.background, "line": {"width": 2.2, "color": colours.predicted},
    }  # fmt: skip
    for column, marker in (("now", now), ("then", ring)):
        places = {"x": part[column], "y": y, "mode": "markers", "marker": marker}
        traces.append({**on, **places, "hovertext": hover})
    layout["yaxis"] = {
        "tickvals": y, "ticktext": [tagged(gene, "i") for gene in part["gene"]],
        "range": [-0.7, len(part) - 0.3], "gridcolor": colours.line, "zeroline": False,
        "fixedrange": True, "tickfont": {"size": 13, "color": colours.ink},
    }  # fmt: skip
    layout["xaxis"] = {
        "showgrid": False, "zeroline": False, "linecolor": colours.line, "fixedrange": True,
        "rangemode": "tozero", "title": {"text": told.unit, "standoff": 8},
    }  # fmt: skip
    return go.Figure(data=traces, layout=layout)


def _bars(
    start: pd.Series, end: pd.Series, y: list[int], line: dict[str, Any], opacity: float
) -> dict[str, Any]:
    """A horizontal bar per gene in one trace."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for a, b, at in zip(start, end, y, strict=True):
        xs += [float(a), float(b), None]
        ys += [at, at, None]
    places = {"type": "scatter", "x": xs, "y": ys, "mode": "lines", "hoverinfo": "skip"}
    return {**places, "line": line, "opacity": opacity}


def drawing(
    told: Story, part: pd.DataFrame, about: Mapping[str, object], kind: vector.Kind
) -> bytes:
    """The same as a file."""
    figure = vector.canvas(6.4, 0.32 * len(part) + 1.1)
    axis = figure.subplots()
    y = list(range(len(part)))[::-1]
    axis.hlines(y, part["low"], part["high"], color=LIGHT.predicted, alpha=0.18, linewidth=8)
    axis.hlines(y, part["now"], part["then"], color=LIGHT.predicted, linewidth=1.4)
    axis.plot(part["measured"], y, "o", color=LIGHT.measured, markersize=6)
    axis.plot(part["now"], y, "o", color=LIGHT.control, markersize=7)
    axis.plot(part["then"], y, "o", color=LIGHT.predicted, markerfacecolor="white", markersize=7)
    axis.set_yticks(y)
    axis.set_yticklabels(
        [plain(gene, 40) for gene in part["gene"]], style="italic", parse_math=False
    )
    axis.set_xlabel(told.unit, fontsize=8)
    vector.bare(axis, 8)
    axis.set_title(
        f"Cell {plain(told.cell)}: measured now, predicted then", fontsize=9, loc="left",
        parse_math=False,
    )  # fmt: skip
    return vector.written(figure, about, kind)
