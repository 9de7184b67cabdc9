"""The plots of the Effects page for papers: volcano and forest as SVG and PNG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gvci.app import vector
from gvci.app.effects_chart import Forest, height_of, named, threshold
from gvci.app.effects_view import ends, percent, significant
from gvci.app.estimates import Estimate
from gvci.app.text import plain
from gvci.app.theme import LIGHT

About = Mapping[str, object]


def volcano(
    found: Estimate, fdr: float, marked: str, title: str, about: About, kind: vector.Kind
) -> bytes:
    """The volcano as it stands on the page; the marked gene is among the named ones."""
    table = found.table[found.table["p"].notna()]
    passed = significant(found, fdr)[found.table["p"].notna().to_numpy()]
    x, p = (table[name].to_numpy(dtype=np.float64) for name in ("effect", "p"))
    y, (low, high) = height_of(p), ends(table, found.asked.bands)
    figure = vector.canvas(5.6, 4.4)
    axis = figure.subplots()
    axis.axvline(0, color=LIGHT.line, linewidth=0.8)
    axis.plot(x[~passed], y[~passed], ".", color=LIGHT.control, markersize=4)
    axis.hlines(
        y[passed], low[passed], high[passed], color=LIGHT.predicted, linewidth=0.7, alpha=0.6
    )
    axis.plot(
        x[passed], y[passed], "o", markersize=5, color=LIGHT.predicted, markerfacecolor="white"
    )
    level = threshold(found, fdr)
    if np.isfinite(level):
        axis.axhline(-np.log10(level), color=LIGHT.muted, linewidth=0.8, linestyle=":")
        axis.set_title(f"dotted: false discovery rate {percent(fdr)}", fontsize=7, loc="right")
    genes = table["gene"].tolist()
    place = genes.index(marked) if marked in genes else None
    for i, anchor in named(x, y, genes, passed, place):
        axis.annotate(
            plain(genes[i], 30), (x[i], y[i]), (0, 5), textcoords="offset points",
            ha=anchor, fontsize=7, fontstyle="italic", parse_math=False,
        )  # fmt: skip
    axis.set_xlabel(f"robust effect with its 95 % interval, mean {found.unit}", fontsize=8)
    axis.set_ylabel("−log₁₀ p", fontsize=8)
    return _finished(figure, axis, title, about, kind)


def forest(rows: Forest, unit: str, title: str, about: About, kind: vector.Kind) -> bytes:
    """A forest as it stands on the page."""
    n = len(rows.names)
    y = np.arange(n)[::-1]
    figure = vector.canvas(5.6, 0.24 * n + 1.1)
    axis = figure.subplots()
    axis.axvline(0, color=LIGHT.control, linewidth=0.8)
    axis.hlines(y, rows.low, rows.high, color=LIGHT.predicted, linewidth=1.6, alpha=0.7)
    hollow: dict[str, Any] = {
        "color": LIGHT.predicted,
        "markerfacecolor": "white",
        "linestyle": "none",
    }
    axis.plot(rows.plug_in, y - 0.26, "D", markersize=3.4, label="plug-in", **hollow)
    axis.plot(
        rows.plain, y + 0.26, "o", markersize=3.6, color=LIGHT.measured, label="plain difference"
    )
    axis.plot(rows.robust, y, "o", markersize=5.5, label="robust effect, 95 % interval", **hollow)
    for note, x, at in zip(rows.notes, rows.plug_in, y, strict=True):
        if note and np.isfinite(x):
            axis.annotate(
                note, (x, at - 0.26), (6, -2), textcoords="offset points", fontsize=7,
                color=LIGHT.muted,
            )  # fmt: skip
    style = "italic" if rows.italic else "normal"
    labels = axis.set_yticks(y, [plain(name, 40) for name in rows.names])
    for tick in labels:
        tick.label1.set(fontstyle=style, parse_math=False)
    axis.set_ylim(-0.8, n - 0.2)
    axis.set_xlabel(f"change of mean {unit}", fontsize=8)
    axis.legend(fontsize=6, frameon=False, loc="best")
    return _finished(figure, axis, title, about, kind)


def _finished(figure: Any, axis: Any, title: str, about: About, kind: vector.Kind) -> bytes:
    vector.bare(axis, 7)
    figure.suptitle(plain(title), fontsize=9, x=0.01, ha="left", parse_math=False)
    return vector.written(figure, about, kind)
