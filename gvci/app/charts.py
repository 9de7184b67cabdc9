"""Plotly figures of distributions: violins, ECDFs and the ridge of Home.

Grey filled is control, vermillion outlined and hatched is predicted, blue filled is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gvci.app.density import density, steps
from gvci.app.text import delta, number, tagged
from gvci.app.theme import FONT, Palette

KINDS = ("control", "predicted", "measured")
ZERO_HEAVY = 0.25


@dataclass(frozen=True)
class Panel:
    """One gene's small multiple.

    Attributes:
        gene: its name.
        values: kind (control, predicted, measured) → expression (cells,).
        unit: of the expression, in words.
    """

    gene: str
    values: Mapping[str, np.ndarray]
    unit: str

    @property
    def heading(self) -> tuple[float | None, float | None]:
        """Predicted and measured change of the mean against control."""
        base = float(self.values["control"].mean()) if "control" in self.values else np.nan
        changes = [
            float(self.values[kind].mean()) - base if kind in self.values else None
            for kind in ("predicted", "measured")
        ]
        return changes[0], changes[1]


def base_layout(colours: Palette, height: int, **more: Any) -> dict[str, Any]:
    """What all figures share: transparent paper, our font, no legend, no motion."""
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colours.muted},
        "showlegend": False,
        "hoverlabel": {"font": {"family": FONT}},
        "dragmode": False,
        **more,
    }


def grid_shape(panels: int) -> tuple[int, int]:
    """Rows and columns for that many small multiples."""
    columns = min(panels, 3 if panels <= 6 else 4)
    return -(-panels // columns), columns


def violins(panels: Sequence[Panel], colours: Palette) -> go.Figure:
    """A violin per kind and gene; means as rings; the share of cells above 0 if many are 0."""
    figure = _small_multiples(panels, colours)
    for at, panel in enumerate(panels):
        row, column = divmod(at, grid_shape(len(panels))[1])
        where = {"row": row + 1, "col": column + 1}
        shown = [kind for kind in KINDS if kind in panel.values]
        zero_heavy = any((panel.values[kind] <= 0).mean() > ZERO_HEAVY for kind in shown)
        ticks = []
        for x, kind in enumerate(shown):
            values = panel.values[kind]
            figure.add_traces([_outline(values, x, kind, colours)], rows=row + 1, cols=column + 1)
            figure.add_trace(_mean_ring(values, x, kind, colours), **where)
            share = f"<br>{100 * (values > 0).mean():.0f} % > 0" if zero_heavy else ""
            ticks.append(kind + share)
        figure.update_xaxes(
            tickvals=list(range(len(shown))),
            ticktext=ticks,
            range=[-0.6, len(shown) - 0.4],
            tickfont={"size": 10},
            **where,
        )
        top = max(float(values.max()) for values in panel.values.values())
        bottom = min(0.0, *(float(values.min()) for values in panel.values.values()))
        figure.update_yaxes(range=[bottom * 1.05, max(top, 0.5) * 1.06], **where)
    return figure


def ecdfs(panels: Sequence[Panel], colours: Palette) -> go.Figure:
    """Share of cells at or below each value; predicted is dashed."""
    figure = _small_multiples(panels, colours)
    for at, panel in enumerate(panels):
        row, column = divmod(at, grid_shape(len(panels))[1])
        where = {"row": row + 1, "col": column + 1}
        for kind in KINDS:
            if kind not in panel.values:
                continue
            x, y = steps(panel.values[kind])
            line = {"color": getattr(colours, kind), "width": 2, "shape": "hv"}
            if kind == "predicted":
                line["dash"] = "dash"
            name = tagged(panel.gene)
            figure.add_trace(
                go.Scatter(x=x, y=y, mode="lines", line=line, name=f"{name}, {kind}"), **where
            )
        figure.update_yaxes(range=[0, 1.02], tickformat=".0%", **where)
        figure.update_xaxes(showticklabels=True, nticks=5, **where)
    figure.update_yaxes(title_text="share of cells", row=1, col=1)
    last = grid_shape(len(panels))[0]
    figure.update_xaxes(title_text=panels[0].unit, title_standoff=2, row=last, col=1)
    return figure


def _small_multiples(panels: Sequence[Panel], colours: Palette) -> go.Figure:
    rows, columns = grid_shape(len(panels))
    height = 250 * rows + 20
    figure = make_subplots(
        rows=rows, cols=columns, vertical_spacing=0.36 / rows, horizontal_spacing=0.19 / columns
    )
    figure.update_layout(**base_layout(colours, height, margin={"l": 44, "r": 6, "t": 34, "b": 40}))
    figure.update_xaxes(
        showgrid=False, zeroline=False, linecolor=colours.line, tickangle=0, fixedrange=True
    )
    figure.update_yaxes(gridcolor=colours.line, zeroline=False, nticks=5, fixedrange=True)
    figure.update_yaxes(title_text=panels[0].unit, title_standoff=6, row=1, col=1)
    for at, panel in enumerate(panels):
        predicted, measured = panel.heading
        text = tagged(panel.gene, "i")
        small = "<span style='font-size:11px;color:{}'>{}</span>"
        if predicted is not None:
            text += "  " + small.format(colours.predicted_text, delta(predicted))
        if measured is not None:
            text += small.format(colours.muted, " vs ")
            text += small.format(colours.measured_text, delta(measured))
        figure.add_annotation(
            text=text,
            x=0,
            y=1,
            xref=f"x{at + 1 if at else ''} domain",
            yref=f"y{at + 1 if at else ''} domain",
            xanchor="left",
            yanchor="bottom",
            yshift=8,
            showarrow=False,
            font={"size": 14, "color": colours.ink},
        )
    return figure


def _outline(values: np.ndarray, x: int, kind: str, colours: Palette) -> go.Scatter:
    """A violin as a closed polygon, because go.Violin has no hatching; few cells stay dots."""
    colour = getattr(colours, kind)
    if len(values) < 3:
        dots = {
            "color": colour,
            "size": 9,
            "symbol": "circle-open" if kind == "predicted" else "circle",
        }
        return go.Scatter(
            x=[x] * len(values), y=values, mode="markers", marker=dots, hoverinfo="skip"
        )
    grid, height = density(values)
    half = 0.42 * height
    polygon: dict[str, Any] = {
        "x": np.concatenate([x - half, (x + half)[::-1]]),
        "y": np.concatenate([grid, grid[::-1]]),
        "mode": "lines",
        "fill": "toself",
        "hoverinfo": "skip",
    }
    return go.Scatter(**polygon, **_fill(kind, colours))


def _fill(kind: str, colours: Palette) -> dict[str, Any]:
    """How a kind's area is drawn."""
    if kind == "control":
        return {"line": {"width": 0}, "fillcolor": colours.control_fill}
    if kind == "measured":
        return {"line": {"width": 0}, "fillcolor": colours.measured, "opacity": 0.85}
    pattern = {"shape": "/", "fgcolor": colours.predicted, "bgcolor": "rgba(0,0,0,0)", "size": 7}
    return {
        "line": {"width": 1.8, "color": colours.predicted},
        "fillpattern": {**pattern, "solidity": 0.22, "fillmode": "overlay", "fgopacity": 0.6},
        "fillcolor": "rgba(0,0,0,0)",
    }


def _mean_ring(values: np.ndarray, x: int, kind: str, colours: Palette) -> go.Scatter:
    ring = {"size": 8, "color": colours.background, "line": {"width": 1.8, "color": colours.ink}}
    mean = float(values.mean())
    text = f"{kind}: mean {number(mean)}, {len(values):,} cells"
    return go.Scatter(
        x=[x], y=[mean], mode="markers", marker=ring, hovertext=text, hoverinfo="text"
    )


def ridge(panel: Panel, colours: Palette, height: int = 300) -> go.Figure:
    """Control, predicted and measured of one gene, one above the other."""
    shown = [kind for kind in KINDS if kind in panel.values]
    figure = go.Figure(
        layout=base_layout(colours, height, margin={"l": 150, "r": 8, "t": 8, "b": 44})
    )
    high = max(float(values.max()) for values in panel.values.values())
    for at, kind in enumerate(reversed(shown)):
        grid, curve = density(panel.values[kind], tail=2.5)
        x = np.concatenate([grid, [grid[-1], grid[0]]])
        y = np.concatenate([at + 0.86 * curve, [at, at]])
        style = _fill(kind, colours)
        figure.add_trace(
            go.Scatter(x=x, y=y, mode="lines", fill="toself", hoverinfo="skip", **style)
        )
        text_colour = getattr(colours, f"{kind}_text", colours.muted)
        values = panel.values[kind]
        label = f"{len(values):,} cells, mean {number(float(values.mean()))}"
        for text, shift, font in (
            (kind, 22, {"size": 14, "color": text_colour}),
            (label, 4, {"size": 12, "color": colours.muted}),
        ):
            figure.add_annotation(
                text=text, x=0, y=at, xref="paper", yref="y", xanchor="right", xshift=-10,
                yanchor="bottom", yshift=shift, showarrow=False, font=font,
            )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-0.04, len(shown)], fixedrange=True)
    figure.update_xaxes(
        range=[0, high * 1.02], showgrid=False, zeroline=False, linecolor=colours.line, ticks="",
        title_text=f"{tagged(panel.gene, 'i')}, {panel.unit}", title_standoff=8, fixedrange=True,
    )  # fmt: skip
    return figure
