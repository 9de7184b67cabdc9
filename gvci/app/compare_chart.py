"""The scores as dots with intervals: a facet per score, the rows in the table's order.

A hollow circle is a trained model, a diamond an uploaded file, a square a simple baseline, the
blue line and band the noise ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gvci.app import vector
from gvci.app.boards import CEILING, Board
from gvci.app.charts import base_layout
from gvci.app.compare_view import Standing, decimals, standing, title
from gvci.app.text import UNDEFINED, interval, number, plain, tagged
from gvci.app.theme import LIGHT, Palette, faint

MOST_FACETS, MOST_TICKS = 4, 12
ROW = 30
OFF = 6.0  # rows this many times farther from the best than the middle one are beyond the axis


@dataclass(frozen=True)
class Facet:
    """One score of every row, from the top; None where it is undefined.

    Attributes:
        low, high: ends of the axis.
    """

    score: str
    rows: list[Standing | None]
    ceiling: Standing | None
    low: float
    high: float


def facets(board: Board, labels: Sequence[str], scores: Sequence[str]) -> list[Facet]:
    """What is drawn: the first scores of the table, without the ceiling's own row."""
    names = [label for label in labels if label != CEILING]
    found = []
    for score in scores[:MOST_FACETS]:
        rows = [standing(board, label, score) for label in names]
        ceiling = standing(board, CEILING, score) if CEILING in board.roles else None
        found.append(Facet(score, rows, ceiling, *_limits(rows, ceiling)))
    return found


def _limits(rows: Sequence[Standing | None], ceiling: Standing | None) -> tuple[float, float]:
    """Ends of an axis on which the good rows can be told apart."""
    known = [row for row in rows if row is not None]
    if not known:
        return 0.0, 1.0
    means = np.array([row.mean for row in known])
    middle, reach = (
        float(np.median(means)),
        float(np.quantile(np.abs(means - np.median(means)), 0.75)),
    )
    inside = [row for row in known if abs(row.mean - middle) <= OFF * max(reach, 1e-9)]
    inside = [*(inside or known), *([ceiling] if ceiling is not None else [])]
    values = [v for row in inside for v in (row.mean, row.low, row.high) if np.isfinite(v)]
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 0.05
    return low - margin, high + margin


def figure(
    board: Board, labels: Sequence[str], scores: Sequence[str], colours: Palette
) -> go.Figure:
    """All facets side by side."""
    shown = facets(board, labels, scores)
    names = [label for label in labels if label != CEILING]
    n = len(names)
    y = np.arange(n)[::-1].astype(np.float64)
    drawn = make_subplots(rows=1, cols=max(len(shown), 1), horizontal_spacing=0.025)
    drawn.update_layout(
        **base_layout(colours, ROW * n + 74, margin={"l": 8, "r": 14, "t": 30, "b": 28})
    )
    for column, facet in enumerate(shown, 1):
        where: dict[str, Any] = {"row": 1, "col": column}
        _ceiling(drawn, facet, colours, n, where)
        for label, row, at in zip(names, facet.rows, y, strict=True):
            if row is not None:
                _row(drawn, board, label, row, at, facet, colours, where)
                continue
            drawn.add_annotation(
                x=facet.low, y=at, text=UNDEFINED, showarrow=False, xanchor="left", xshift=4,
                font={"size": 11, "color": colours.muted}, **where,
            )  # fmt: skip
        drawn.update_xaxes(
            range=[facet.low, facet.high], showgrid=False, zeroline=False, nticks=5,
            linecolor=colours.line, fixedrange=True, tickfont={"size": 11}, **where,
        )  # fmt: skip
        ticks = {"tickvals": y, "ticktext": [_name(board, name, colours) for name in names]}
        drawn.update_yaxes(
            range=[-0.6, n - 0.4], gridcolor=colours.line, zeroline=False, fixedrange=True,
            automargin=column == 1, showticklabels=column == 1, **ticks,
            tickfont={"size": 12.5, "color": colours.ink}, **where,
        )  # fmt: skip
        axis = "" if column == 1 else str(column)
        drawn.add_annotation(
            text=title(facet.score), x=0.5, y=1, xref=f"x{axis} domain", yref=f"y{axis} domain",
            yanchor="bottom", yshift=6, showarrow=False, font={"size": 13, "color": colours.ink},
        )  # fmt: skip
    return drawn


def _name(board: Board, label: str, colours: Palette) -> str:
    if label == board.own or board.roles[label] == "theirs":
        return f"<span style='color:{colours.predicted_text}'>{tagged(label, 'b')}</span>"
    return tagged(label)


def _ceiling(
    drawn: go.Figure, facet: Facet, colours: Palette, n: int, where: Mapping[str, Any]
) -> None:
    found = facet.ceiling
    if found is None:
        return
    if np.isfinite(found.low):
        drawn.add_shape(
            type="rect", x0=found.low, x1=found.high, y0=-0.6, y1=n - 0.4, line={"width": 0},
            fillcolor=faint(colours.measured, 0.16), layer="below", **where,
        )  # fmt: skip
    line = {"color": colours.measured, "width": 2}
    drawn.add_shape(
        type="line", x0=found.mean, x1=found.mean, y0=-0.6, y1=n - 0.4, line=line, **where
    )


def _row(
    drawn: go.Figure, board: Board, label: str, row: Standing, y: float, facet: Facet,
    colours: Palette, where: Mapping[str, Any],
) -> None:  # fmt: skip
    baseline = board.roles[label] == "baseline"
    colour = colours.control if baseline else colours.predicted
    digits = decimals(board, facet.score)
    if not facet.low <= row.mean <= facet.high:
        left = row.mean < facet.low
        text = f"◀ {number(row.mean, digits)}" if left else f"{number(row.mean, digits)} ▶"
        drawn.add_annotation(
            x=facet.low if left else facet.high, y=y, text=text, showarrow=False,
            xanchor="left" if left else "right",
            font={"size": 11, "color": colours.muted if baseline else colours.predicted_text},
            **where,
        )  # fmt: skip
        return
    drawn.add_scatter(
        x=[row.low, row.high], y=[y, y], mode="lines", line={"color": colour, "width": 2.2},
        hoverinfo="skip", **where,
    )  # fmt: skip
    if len(row.points) <= MOST_TICKS:
        ticks = {"symbol": "line-ns-open", "size": 9, "color": colour, "line": {"width": 1}}
        drawn.add_scatter(
            x=row.points, y=np.full(len(row.points), y), mode="markers", marker=ticks, opacity=0.55,
            hoverinfo="skip", **where,
        )  # fmt: skip
    symbol = {"baseline": "square", "theirs": "diamond"}.get(board.roles[label], "circle")
    fill = colour if baseline else colours.background
    own = label == board.own or board.roles[label] == "theirs"
    marker = {
        "symbol": symbol, "size": 13 if own else 10, "color": fill,
        "line": {"width": 0 if baseline else 2.6 if own else 1.8, "color": colour},
    }  # fmt: skip
    drawn.add_scatter(
        x=[row.mean], y=[y], mode="markers", marker=marker, hoverinfo="text", **where,
        hovertext=f"{tagged(label)}: {number(row.mean, digits)} ({interval(row.low, row.high)})",
    )  # fmt: skip


def alt(board: Board, labels: Sequence[str], scores: Sequence[str]) -> str:
    """The figure in words."""
    parts = []
    for score in scores[:MOST_FACETS]:
        digits = decimals(board, score)
        found = [(label, standing(board, label, score)) for label in labels]
        said = [f"{label} {number(one.mean, digits)}" for label, one in found if one is not None]
        parts.append(f"{title(score)}: {', '.join(said)}")
    return "Scores with 95 % intervals over pairs. " + ". ".join(parts) + "."


def paper_figure(
    board: Board, labels: Sequence[str], scores: Sequence[str], about: Mapping[str, object],
    kind: vector.Kind,
) -> bytes:  # fmt: skip
    """The same for a paper."""
    shown = facets(board, labels, scores)
    names = [label for label in labels if label != CEILING]
    y = np.arange(len(names))[::-1]
    drawn = vector.canvas(2.1 * len(shown) + 1.8, 0.24 * len(names) + 1.0)
    axes = drawn.subplots(1, len(shown), sharey=True, squeeze=False).ravel()
    for axis, facet in zip(axes, shown, strict=True):
        if facet.ceiling is not None:
            if np.isfinite(facet.ceiling.low):
                axis.axvspan(
                    facet.ceiling.low, facet.ceiling.high, color=LIGHT.measured, alpha=0.16
                )
            axis.axvline(facet.ceiling.mean, color=LIGHT.measured, linewidth=1.2)
        for label, row, at in zip(names, facet.rows, y, strict=True):
            if row is None:
                continue
            role = board.roles[label]
            colour = LIGHT.control if role == "baseline" else LIGHT.predicted
            if not facet.low <= row.mean <= facet.high:
                left = row.mean < facet.low
                text = f"◀ {number(row.mean)}" if left else f"{number(row.mean)} ▶"
                edge = facet.low if left else facet.high
                axis.text(edge, at, text, fontsize=6, va="center", ha="left" if left else "right")
                continue
            axis.hlines(at, row.low, row.high, color=colour, linewidth=1.3)
            axis.plot(
                row.mean, at, {"baseline": "s", "theirs": "D"}.get(role, "o"), color=colour,
                markersize=5, markerfacecolor=colour if role == "baseline" else "white",
            )  # fmt: skip
        axis.set_xlim(facet.low, facet.high)
        axis.set_title(title(facet.score), fontsize=8)
        vector.bare(axis, 6.5)
    if len(axes):
        for tick in axes[0].set_yticks(y, [plain(name, 40) for name in names]):
            own = plain(tick.label1.get_text(), 40) == board.own
            tick.label1.set(parse_math=False, fontweight="bold" if own else "normal")
    drawn.suptitle(plain(board.title), fontsize=9, x=0.01, ha="left", parse_math=False)
    return vector.written(drawn, about, kind)
