"""Plotly figures of distributions: violins, ECDFs and the ridge of Home.

Grey filled is control, vermillion outlined and hatched is predicted, blue filled is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gvci.app.density import density
from gvci.app.text import delta, number, tagged
from gvci.app.theme import FONT, Palette
from gvci.counterfactual.sample import Sample

KINDS = ("control", "predicted", "measured")
ZERO_HEAVY = 0.25


@dataclass(frozen=True)
class Panel:
    """One gene's small multiple.

    Attributes:
        gene: its name.
        values: kind (control, predicted, measured) → its expression.
        unit: of the expression, in words.
        changes: predicted and measured change of the mean where a table beside says them too;
            else they follow from the values, which summaries round.
    """

    gene: str
    values: Mapping[str, Sample]
    unit: str
    changes: tuple[float, float | None] | None = None

    @property
    def heading(self) -> tuple[float | None, float | None]:
        """Predicted and measured change of the mean against control."""
        if self.changes is not None:
            return self.changes
        base = float(self.values["control"].mean) if "control" in self.values else np.nan
        changes = [
            float(self.values[kind].mean) - base if kind in self.values else None
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
    traces: list[dict[str, Any]] = []
    axes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for at, panel in enumerate(panels):
        shown = [kind for kind in KINDS if kind in panel.values]
        zero_heavy = any(panel.values[kind].detected < 1 - ZERO_HEAVY for kind in shown)
        ticks = []
        for x, kind in enumerate(shown):
            sample = panel.values[kind]
            traces += [
                _on(at, outline(sample, x, kind, colours)),
                _on(at, mean_ring(sample, x, kind, colours)),
            ]
            share = f"<br>{100 * sample.detected:.0f} % > 0" if zero_heavy else ""
            ticks.append(kind + share)
        bottom, top = ends([panel])
        across = {
            "tickvals": list(range(len(shown))),
            "ticktext": ticks,
            "range": [-0.6, len(shown) - 0.4],
            "tickfont": {"size": 10},
        }
        axes.append((across, {"range": [bottom * 1.05, max(top, 0.5) * 1.06]}))
    axes[0][1]["title"] = {"text": panels[0].unit, "standoff": 6}
    return _small_multiples(panels, traces, axes, colours)


def ecdfs(panels: Sequence[Panel], colours: Palette) -> go.Figure:
    """Share of cells at or below each value; predicted is dashed."""
    traces: list[dict[str, Any]] = []
    axes: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for at, panel in enumerate(panels):
        for kind in KINDS:
            if kind not in panel.values:
                continue
            shares, x = panel.values[kind].curve()
            shape = "linear" if panel.values[kind].summary else "hv"
            line = {"color": getattr(colours, kind), "width": 2, "shape": shape}
            if kind == "predicted":
                line["dash"] = "dash"
            name = f"{tagged(panel.gene)}, {kind}"
            traces.append(
                _on(at, {"x": x, "y": shares, "mode": "lines", "line": line, "name": name})
            )
        axes.append(({"nticks": 5}, {"range": [0, 1.02], "tickformat": ".0%"}))
    rows, columns = grid_shape(len(panels))
    axes[0][1]["title"] = {"text": "share of cells", "standoff": 6}
    axes[(rows - 1) * columns][0]["title"] = {"text": panels[0].unit, "standoff": 2}
    return _small_multiples(panels, traces, axes, colours)


def _on(at: int, trace: dict[str, Any]) -> dict[str, Any]:
    """The trace on the axes of panel `at`."""
    return {"type": "scatter", "xaxis": f"x{_number(at)}", "yaxis": f"y{_number(at)}", **trace}


def _number(at: int) -> str:
    """What plotly appends to the axes of panel `at`: nothing to the first."""
    return str(at + 1) if at else ""


def _small_multiples(
    panels: Sequence[Panel],
    traces: list[dict[str, Any]],
    axes: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    colours: Palette,
) -> go.Figure:
    """Panels in a grid; `axes` adds to the x and the y axis of each.

    The figure is made in one go: plotly's `make_subplots` and `update_…` take ten times as long.
    """
    rows, columns = grid_shape(len(panels))
    width = (1 - 0.19 * (columns - 1) / columns) / columns
    height = (1 - 0.36 * (rows - 1) / rows) / rows
    layout = base_layout(colours, 250 * rows + 20, margin={"l": 44, "r": 6, "t": 34, "b": 40})
    layout["annotations"] = [_heading(at, panel, colours) for at, panel in enumerate(panels)]
    for at, (across, up) in enumerate(axes):
        row, column = divmod(at, columns)
        left, bottom = column * (width + 0.19 / columns), (rows - 1 - row) * (height + 0.36 / rows)
        n = _number(at)
        layout[f"xaxis{n}"] = {
            "anchor": f"y{n}", "domain": [left, min(left + width, 1.0)], "showgrid": False,
            "zeroline": False, "linecolor": colours.line, "tickangle": 0, "fixedrange": True,
            **across,
        }  # fmt: skip
        layout[f"yaxis{n}"] = {
            "anchor": f"x{n}", "domain": [bottom, min(bottom + height, 1.0)], "nticks": 5,
            "gridcolor": colours.line, "zeroline": False, "fixedrange": True, **up,
        }  # fmt: skip
    return go.Figure(data=traces, layout=layout)


def _heading(at: int, panel: Panel, colours: Palette) -> dict[str, Any]:
    """The gene over its panel, with predicted and measured change."""
    predicted, measured = panel.heading
    text = tagged(panel.gene, "i")
    small = "<span style='font-size:11px;color:{}'>{}</span>"
    if predicted is not None:
        text += "  " + small.format(colours.predicted_text, delta(predicted))
    if measured is not None:
        text += small.format(colours.muted, " vs ")
        text += small.format(colours.measured_text, delta(measured))
    n = _number(at)
    return {
        "text": text, "x": 0, "y": 1, "xref": f"x{n} domain", "yref": f"y{n} domain",
        "xanchor": "left", "yanchor": "bottom", "yshift": 8, "showarrow": False,
        "font": {"size": 14, "color": colours.ink},
    }  # fmt: skip


def ends(panels: Sequence[Panel]) -> tuple[float, float]:
    """Smallest value, at most 0, and largest value of any kind."""
    values = [sample.values for panel in panels for sample in panel.values.values()]
    return min(0.0, *(float(v.min()) for v in values)), max(float(v.max()) for v in values)


def outline(sample: Sample, x: float, kind: str, colours: Palette) -> dict[str, Any]:
    """A violin as a closed polygon, because go.Violin has no hatching; few cells stay dots."""
    values = sample.points()
    if len(values) < 3:
        symbol = "circle-open" if kind == "predicted" else "circle"
        dots = {"color": getattr(colours, kind), "size": 9, "symbol": symbol}
        places = {"x": [x] * len(values), "y": values}
        return {**places, "mode": "markers", "marker": dots, "hoverinfo": "skip"}
    grid, height = density(values)
    half = 0.42 * height
    return {
        "x": np.concatenate([x - half, (x + half)[::-1]]),
        "y": np.concatenate([grid, grid[::-1]]),
        "mode": "lines",
        "fill": "toself",
        "hoverinfo": "skip",
        **_fill(kind, colours),
    }


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


def mean_ring(sample: Sample, x: float, kind: str, colours: Palette) -> dict[str, Any]:
    """The mean as a ring in ink."""
    ring = {"size": 8, "color": colours.background, "line": {"width": 1.8, "color": colours.ink}}
    mean = float(sample.mean)
    text = f"{kind}: mean {number(mean)}, {sample.n:,} cells"
    places = {"x": [x], "y": [mean], "hovertext": text, "hoverinfo": "text"}
    return {**places, "mode": "markers", "marker": ring}


def ridge(panel: Panel, colours: Palette) -> go.Figure:
    """Control, predicted and measured of one gene, one above the other."""
    shown = [kind for kind in KINDS if kind in panel.values]
    traces, notes = [], []
    _, high = ends([panel])
    for at, kind in enumerate(reversed(shown)):
        sample = panel.values[kind]
        grid, curve = density(sample.points(), tail=2.5)
        traces.append(
            {
                "type": "scatter",
                "x": np.concatenate([grid, [grid[-1], grid[0]]]),
                "y": np.concatenate([at + 0.86 * curve, [at, at]]),
                "mode": "lines",
                "fill": "toself",
                "hoverinfo": "skip",
                **_fill(kind, colours),
            }
        )
        text_colour = getattr(colours, f"{kind}_text", colours.muted)
        label = f"{sample.n:,} cells, mean {number(float(sample.mean))}"
        for text, shift, font in (
            (kind, 22, {"size": 14, "color": text_colour}),
            (label, 4, {"size": 12, "color": colours.muted}),
        ):
            note = {"text": text, "x": 0, "y": at, "xref": "paper", "yref": "y", "font": font}
            place = {"xanchor": "right", "xshift": -10, "yanchor": "bottom", "yshift": shift}
            notes.append({**note, **place, "showarrow": False})
    layout = base_layout(colours, 300, margin={"l": 150, "r": 8, "t": 8, "b": 44})
    layout["annotations"] = notes
    layout["yaxis"] = {"visible": False, "range": [-0.04, len(shown)], "fixedrange": True}
    layout["xaxis"] = {
        "range": [0, high * 1.02], "showgrid": False, "zeroline": False,
        "linecolor": colours.line, "ticks": "", "fixedrange": True,
        "title": {"text": f"{tagged(panel.gene, 'i')}, {panel.unit}", "standoff": 8},
    }  # fmt: skip
    return go.Figure(data=traces, layout=layout)
