"""Mean against mean, one dot a gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gvci.app.charts import base_layout
from gvci.app.text import number, tagged
from gvci.app.theme import Palette

LABELLED = 5


def mean_scatter(
    x: np.ndarray,
    y: np.ndarray,
    genes: Sequence[str],
    colours: Palette,
    *,
    x_title: str,
    y_title: str,
    unit: str,
    baseline: bool = False,
    top: float | None = None,
) -> go.Figure:
    """Means over cells of two sets of cells, with the five largest residuals named.

    Args:
        x, y: (genes,) means.
        genes: names, in the same order.
        unit: of the means, in words.
        baseline: grey squares (a baseline) in place of vermillion rings (the model).
        top: end of both axes, so that two scatters can share it.
    """
    end = float(max(x.max(), y.max())) * 1.08 if top is None else top
    line = {"width": 1.4, "color": colours.control if baseline else colours.predicted}
    marker = {
        "size": 6,
        "symbol": "square" if baseline else "circle",
        "color": colours.control_fill if baseline else "rgba(0,0,0,0)",
        "line": line if not baseline else {"width": 0},
    }
    hover = [
        f"{tagged(gene, 'i')}: {number(float(a))} and {number(float(b))}"
        for gene, a, b in zip(genes, x, y, strict=True)
    ]
    diagonal = {"color": colours.muted, "width": 1, "dash": "dot"}
    ends = {"x": [0, end], "y": [0, end], "mode": "lines", "line": diagonal, "hoverinfo": "skip"}
    dots = {"x": x, "y": y, "mode": "markers", "marker": marker, "hovertext": hover}
    notes: list[dict[str, Any]] = []
    taken: list[tuple[float, float]] = []
    for at in np.argsort(-np.abs(y - x))[:LABELLED]:
        left = x[at] > 0.72 * end
        lift = 0.0
        while any(
            abs(y[at] + lift - b) < 0.05 * end and abs(x[at] - a) < 0.3 * end for a, b in taken
        ):
            lift += 0.05 * end if y[at] >= x[at] else -0.05 * end
        taken.append((float(x[at]), float(y[at] + lift)))
        # A name that had to move away from its dot is tied to it by a line.
        line_to_dot = {
            "showarrow": True, "arrowhead": 0, "arrowwidth": 0.8, "arrowcolor": colours.muted,
            "axref": "x", "ayref": "y", "ax": x[at] + (-0.02 if left else 0.02) * end,
            "ay": y[at] + lift, "startstandoff": 2, "standoff": 4,
        } if lift else {"showarrow": False, "xshift": -7 if left else 7}  # fmt: skip
        notes.append(
            {
                "x": x[at],
                "y": y[at],
                "text": tagged(genes[at], "i"),
                "xanchor": "right" if left else "left",
                "font": {"size": 12, "color": colours.ink},
                **line_to_dot,
            }
        )

    def axis(title: str, **more: Any) -> dict[str, Any]:
        return {
            "range": [-0.02 * end, end], "title": {"text": f"{title}, {unit}", "standoff": 6},
            "nticks": 6, "zeroline": False, "linecolor": colours.line, "fixedrange": True, **more,
        }  # fmt: skip

    # In one go: plotly's add_… and update_… take several times as long.
    return go.Figure(
        data=[{"type": "scatter", **ends}, {"type": "scatter", **dots, "hoverinfo": "text"}],
        layout=base_layout(
            colours,
            330,
            margin={"l": 50, "r": 8, "t": 8, "b": 46},
            annotations=notes,
            xaxis=axis(x_title, showgrid=False),
            yaxis=axis(y_title, gridcolor=colours.line),
        ),
    )
