"""Volcano and forest plots of robust effects; an interval is drawn wherever there is one.

A hollow ring is a robust effect, a disc a plain difference, a hollow diamond the model's plug-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gvci.app.charts import base_layout
from gvci.app.effects_view import ends, p_words, percent, significant
from gvci.app.estimates import Estimate
from gvci.app.text import delta, interval, tagged
from gvci.app.theme import Palette

LEAST_P = 1e-300
LABELLED, WITH_INTERVAL, IN_FOREST = 8, 40, 15
PLAIN_LIFT, PLUG_LIFT = 0.26, -0.26


@dataclass(frozen=True)
class Forest:
    """Rows of a forest plot, from the top; each array (rows,), NaN where there is none.

    Attributes:
        names: genes, or groups with their cells.
        notes: what stands in the place of a robust effect that does not exist.
    """

    names: list[str]
    robust: np.ndarray
    low: np.ndarray
    high: np.ndarray
    plain: np.ndarray
    plug_in: np.ndarray
    notes: list[str]
    italic: bool
    marked: int | None


def threshold(found: Estimate, fdr: float) -> float:
    """The largest p that passes; where none does, the first step that it would have to pass."""
    p = np.sort(found.table["p"].dropna().to_numpy(dtype=np.float64))
    steps = fdr * np.arange(1, len(p) + 1) / max(len(p), 1)
    passed = np.flatnonzero(p <= steps)
    return float(steps[passed[-1] if len(passed) else 0]) if len(p) else float("nan")


def height_of(p: np.ndarray) -> np.ndarray:
    """−log₁₀ p, cut where a float ends."""
    return np.asarray(-np.log10(np.clip(p, LEAST_P, 1.0)))


def volcano(found: Estimate, fdr: float, marked: str, colours: Palette) -> go.Figure:
    """Robust effect against −log₁₀ p; its first trace has a point per row of the table with a p."""
    table = found.table[found.table["p"].notna()]
    passed = significant(found, fdr)[found.table["p"].notna().to_numpy()]
    x = table["effect"].to_numpy(dtype=np.float64)
    y = height_of(table["p"].to_numpy(dtype=np.float64))
    low, high = ends(table, found.asked.bands)
    drawn = go.Figure(layout=base_layout(colours, 430, margin={"l": 50, "r": 8, "t": 8, "b": 44}))
    marker = {
        "size": np.where(passed, 9, 5),
        "symbol": np.where(passed, "circle-open", "circle"),
        "color": np.where(passed, colours.predicted, colours.control),
        "opacity": np.where(passed, 1.0, 0.6),
        "line": {"width": np.where(passed, 2.0, 0.0)},
    }
    still = {"marker": {"opacity": 1.0}}
    hover = [
        f"{tagged(g, 'i')}: {delta(e)} ({interval(a, b)}), adj. p {p_words(q)}"
        for g, e, a, b, q in zip(table["gene"], x, low, high, table["p_adjusted"], strict=True)
    ]
    drawn.add_scatter(
        x=x, y=y, mode="markers", marker=marker, hovertext=hover, hoverinfo="text",
        selected=still, unselected={"marker": {"opacity": 0.75}},
    )  # fmt: skip
    at = {gene: i for i, gene in enumerate(table["gene"])}
    whiskers = [
        i for i in np.flatnonzero(passed)[:WITH_INTERVAL] if table["gene"].iloc[i] != marked
    ]
    _whiskers(drawn, [(low[i], high[i], y[i]) for i in whiskers], colours.predicted, 1.2, 0.5)
    if marked in at:
        i = at[marked]
        _whiskers(drawn, [(low[i], high[i], y[i])], colours.ink, 2.0, 1.0)
        ring = {"size": 15, "symbol": "circle-open", "color": colours.ink, "line": {"width": 2}}
        drawn.add_scatter(x=[x[i]], y=[y[i]], mode="markers", marker=ring, hoverinfo="skip")
    for i, anchor in named(x, y, table["gene"].tolist(), passed, at.get(marked)):
        own = i == at.get(marked)
        text = tagged(table["gene"].iloc[i], "i")
        drawn.add_annotation(
            x=x[i], y=y[i], text=f"<b>{text}</b>" if own else text, showarrow=False, yshift=11,
            xanchor=anchor, font={"size": 12, "color": colours.ink},
        )  # fmt: skip
    level = threshold(found, fdr)
    if np.isfinite(level):
        line = {"color": colours.muted, "width": 1, "dash": "dot"}
        drawn.add_hline(y=-np.log10(level), line=line)
        drawn.add_annotation(
            x=0, y=-np.log10(level), xref="paper", text=f"false discovery rate {percent(fdr)}",
            showarrow=False, xanchor="left", yshift=9, font={"size": 11, "color": colours.muted},
        )  # fmt: skip
    drawn.add_vline(x=0, line={"color": colours.line, "width": 1.2})
    drawn.update_xaxes(
        title_text=f"robust effect: change of mean {found.unit}", title_standoff=6,
        showgrid=False, zeroline=False, linecolor=colours.line, fixedrange=True,
        range=_range(x, low, high),
    )  # fmt: skip
    drawn.update_yaxes(
        title_text="−log₁₀ p", title_standoff=6, gridcolor=colours.line, zeroline=False,
        rangemode="tozero", fixedrange=True,
    )  # fmt: skip
    return drawn


def _whiskers(
    drawn: go.Figure, lines: Sequence[tuple[float, float, float]], colour: str, width: float,
    opacity: float,
) -> None:  # fmt: skip
    """Horizontal lines as one trace."""
    known = [line for line in lines if np.isfinite(line[0])]
    drawn.add_scatter(
        x=[v for a, b, _ in known for v in (a, b, None)],
        y=[v for _, _, y in known for v in (y, y, None)],
        mode="lines", line={"color": colour, "width": width}, opacity=opacity, hoverinfo="skip",
    )  # fmt: skip


def named(
    x: np.ndarray, y: np.ndarray, genes: Sequence[str], passed: np.ndarray, marked: int | None
) -> list[tuple[int, Any]]:
    """Which points are named, without two names on one place, and where the name is anchored."""
    wanted = [] if marked is None else [marked]
    wanted += [int(i) for i in np.argsort(-y, kind="stable")[:LABELLED] if passed[i]]
    wide, tall = np.ptp(x) or 1.0, max(float(y.max(initial=0)), 1.0)
    chosen: list[tuple[int, Any]] = []
    for i in dict.fromkeys(wanted):
        half = 0.011 * len(genes[i]) + 0.03
        apart = all(
            abs(x[i] - x[j]) / wide > half + 0.011 * len(genes[j])
            or abs(y[i] - y[j]) / tall > 0.055
            for j, _ in chosen
        )
        if apart:
            side = (x[i] - x.min()) / wide
            chosen.append((i, "left" if side < 0.1 else "right" if side > 0.9 else "center"))
    return chosen


def of_genes(found: Estimate, marked: str) -> Forest:
    """The first genes in rank, and the marked one."""
    table = found.table
    rows = table[(table.index < IN_FOREST) | (table["gene"] == marked)]
    names = rows["gene"].astype(str).tolist()
    place = names.index(marked) if marked in names else None
    return _forest(rows, names, found.asked.bands, True, place)


def of_groups(table: pd.DataFrame, gene: str, bands: bool, group: str) -> Forest:
    """One gene in every group."""
    rows = table[table["gene"] == gene]
    names = rows["group"].astype(str).tolist()
    place = names.index(group) if group in names else None
    return _forest(rows, names, bands, False, place)


def _forest(
    rows: pd.DataFrame, names: list[str], bands: bool, italic: bool, marked: int | None
) -> Forest:
    robust, plain, plug_in = (
        rows[name].to_numpy(dtype=np.float64)
        for name in ("effect", "plain_difference", "plug_in_difference")
    )
    notes = ["" if status == "estimated" else "not identifiable" for status in rows["status"]]
    return Forest(names, robust, *ends(rows, bands), plain, plug_in, notes, italic, marked)


def forest(rows: Forest, unit: str, colours: Palette) -> go.Figure:
    """A line per gene or group: robust effect with its interval, plain difference, plug-in."""
    n = len(rows.names)
    y = np.arange(n)[::-1].astype(np.float64)
    drawn = go.Figure(
        layout=base_layout(colours, 24 * n + 70, margin={"l": 8, "r": 12, "t": 4, "b": 44})
    )
    drawn.add_vline(x=0, line={"color": colours.control, "width": 1})
    diamond = {
        "symbol": "diamond-open", "size": 8, "color": colours.predicted, "line": {"width": 1.4}
    }  # fmt: skip
    disc = {"symbol": "circle", "size": 7, "color": colours.measured}
    ring = {
        "size": 10, "color": colours.background, "line": {"width": 2.2, "color": colours.predicted}
    }  # fmt: skip
    below = np.where(np.isfinite(rows.robust), PLUG_LIFT, 0.0)
    for values, lift, marker, what in (
        (rows.plug_in, below, diamond, "plug-in"),
        (rows.plain, PLAIN_LIFT, disc, "plain difference"),
    ):
        hover = [f"{tagged(g)}: {what} {delta(v)}" for g, v in zip(rows.names, values, strict=True)]
        drawn.add_scatter(
            x=values, y=y + lift, mode="markers", marker=marker, hovertext=hover, hoverinfo="text"
        )
    lines = list(zip(rows.low, rows.high, y, strict=True))
    _whiskers(drawn, lines, colours.predicted, 2.4, 0.7)
    hover = [
        f"{tagged(g)}: robust {delta(v)} ({interval(a, b)})"
        for g, v, a, b in zip(rows.names, rows.robust, rows.low, rows.high, strict=True)
    ]
    drawn.add_scatter(
        x=rows.robust, y=y, mode="markers", marker=ring, hovertext=hover, hoverinfo="text"
    )
    for place, (note, plug) in enumerate(zip(rows.notes, rows.plug_in, strict=True)):
        if note and np.isfinite(plug):
            drawn.add_annotation(
                x=plug, y=y[place], text=note, showarrow=False, xshift=9,
                xanchor="left", font={"size": 11, "color": colours.muted},
            )  # fmt: skip
    names = [tagged(name, "i" if rows.italic else None) for name in rows.names]
    if rows.marked is not None:
        names[rows.marked] = f"<b>{names[rows.marked]}</b>"
    drawn.update_yaxes(
        tickvals=y, ticktext=names, range=[-0.8, n - 0.2], gridcolor=colours.line, zeroline=False,
        automargin=True, fixedrange=True, tickfont={"color": colours.ink, "size": 12},
    )  # fmt: skip
    drawn.update_xaxes(
        title_text=f"change of mean {unit}", title_standoff=6, showgrid=False, zeroline=False,
        linecolor=colours.line, fixedrange=True,
        range=_range(rows.robust, rows.low, rows.high, rows.plain, rows.plug_in),
    )  # fmt: skip
    return drawn


def _range(*values: np.ndarray) -> list[float]:
    """From the least to the largest, 0 among them, with a margin for marks and words."""
    finite = np.concatenate([np.zeros(1), *(v[np.isfinite(v)] for v in values)])
    low, high = float(finite.min()), float(finite.max())
    margin = 0.05 * (high - low) or 0.1
    return [low - margin, high + margin]


def volcano_alt(found: Estimate, fdr: float) -> str:
    """The volcano in words."""
    passed = found.table[significant(found, fdr)].head(LABELLED)
    first = "; ".join(
        f"{g} {delta(e)}" for g, e in zip(passed["gene"], passed["effect"], strict=True)
    )
    return (
        f"Robust effect of {found.asked.perturbation} in {found.asked.group} against −log10 p of "
        f"{len(found.table):,} genes; {int(significant(found, fdr).sum()):,} pass a false "
        f"discovery rate of {percent(fdr)}{': ' + first if first else ''}."
    )


def forest_alt(rows: Forest, what: str) -> str:
    """A forest in words."""
    parts = [
        f"{name} {note}" if note else f"{name} {delta(value)} ({interval(low, high)})"
        for name, value, low, high, note in zip(
            rows.names, rows.robust, rows.low, rows.high, rows.notes, strict=True
        )
    ]
    return f"Robust effects with 95 % intervals, {what}: " + "; ".join(parts) + "."
