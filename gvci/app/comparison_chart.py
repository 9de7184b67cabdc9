"""Violins of a few genes, a row for each scenario: on the page (plotly) and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from gvci.app import vector
from gvci.app.charts import KINDS, base_layout, ends, mean_ring, outline
from gvci.app.comparison import Side
from gvci.app.text import plain, tagged
from gvci.app.theme import Palette

ROW, HEAD, FOOT = 176, 34, 26  # pixels of a scenario's row, of its heading, below its axis
STEP = len(KINDS) + 1.0


def side_by_side(found: Sequence[Side], genes: Sequence[str], colours: Palette) -> go.Figure:
    """A row per scenario, all on one scale: per gene control, predicted, measured.

    The bar through a predicted mean is the 95 % interval of its change.
    """
    height = len(found) * (ROW + HEAD + FOOT)
    traces: list[dict[str, Any]] = []
    layout = base_layout(colours, height, margin={"l": 44, "r": 6, "t": 0, "b": 0})
    notes: list[dict[str, Any]] = []
    panels = [side.panels(genes) for side in found]
    low, high = ends([panel for row in panels for panel in row])
    for at, (side, row) in enumerate(zip(found, panels, strict=True)):
        n = str(at + 1) if at else ""
        top = 1 - at / len(found) - HEAD / height
        on = {"type": "scatter", "xaxis": f"x{n}", "yaxis": f"y{n}"}
        for column, panel in enumerate(row):
            shown = [kind for kind in KINDS if kind in panel.values]
            for x, kind in enumerate(shown):
                place = column * STEP + x
                traces.append({**on, **outline(panel.values[kind], place, kind, colours)})
                ring = mean_ring(panel.values[kind], place, kind, colours)
                if kind == "predicted":
                    ring["error_y"] = _bar(side, panel.gene, colours)
                traces.append({**on, **ring})
        layout[f"xaxis{n}"] = {
            "anchor": f"y{n}", "domain": [0, 1], "range": [-0.8, len(genes) * STEP - 1.2],
            "tickvals": [column * STEP + 1 for column in range(len(genes))],
            "ticktext": [tagged(gene, "i") for gene in genes], "tickangle": 0, "showgrid": False,
            "zeroline": False, "linecolor": colours.line, "fixedrange": True,
            "tickfont": {"size": 12, "color": colours.ink},
        }  # fmt: skip
        layout[f"yaxis{n}"] = {
            "anchor": f"x{n}", "domain": [max(0.0, top - ROW / height), top], "nticks": 4,
            "range": [low * 1.05, max(high, 0.5) * 1.06], "gridcolor": colours.line,
            "zeroline": False, "fixedrange": True,
            "title": {"text": side.answer.unit, "standoff": 6, "font": {"size": 11}},
        }  # fmt: skip
        notes.append(_heading(side, n, colours))
    layout["annotations"] = notes
    return go.Figure(data=traces, layout=layout)


def _bar(side: Side, gene: str, colours: Palette) -> dict[str, Any]:
    """The interval of a predicted mean, as plotly's error bar; none where there is none."""
    rows = side.answer.table
    row = rows[rows["gene"] == gene].iloc[0]
    if not row["high"] >= row["low"]:
        return {"visible": False}
    return {
        "type": "data", "symmetric": False, "array": [max(0.0, row["high"] - row["predicted"])],
        "arrayminus": [max(0.0, row["predicted"] - row["low"])], "width": 3, "thickness": 1.6,
        "color": colours.ink,
    }  # fmt: skip


def _heading(side: Side, n: str, colours: Palette) -> dict[str, Any]:
    support = f"<span style='font-size:12px;color:{colours.muted}'>{side.badge.words}</span>"
    text = f"<b>{side.letter}</b>  {tagged(side.title[1:].strip())}  {support}"
    return {
        "text": text, "x": 0, "y": 1, "xref": f"x{n} domain", "yref": f"y{n} domain",
        "xanchor": "left", "yanchor": "bottom", "yshift": 4, "showarrow": False,
        "font": {"size": 14, "color": colours.ink},
    }  # fmt: skip


def drawing(
    found: Sequence[Side], genes: Sequence[str], about: Mapping[str, object], kind: vector.Kind
) -> bytes:
    """The same as a file."""
    figure = vector.canvas(1.6 + 1.3 * len(genes), 2.1 * len(found) + 0.3)
    axes = figure.subplots(len(found), 1, squeeze=False, sharey=True).ravel()
    for axis, side in zip(axes, found, strict=True):
        for column, panel in enumerate(side.panels(genes)):
            vector.violin(axis, panel, column * STEP)
        axis.set_xticks([column * STEP + 1 for column in range(len(genes))])
        axis.set_xticklabels([plain(gene, 40) for gene in genes], style="italic", parse_math=False)
        axis.set_ylabel(side.answer.unit, fontsize=8)
        axis.set_title(
            f"{plain(side.title)}  ({side.badge.words.lower()})", fontsize=9, loc="left",
            parse_math=False,
        )  # fmt: skip
        vector.bare(axis, 8)
    return vector.written(figure, about, kind)
