"""Figures for papers: SVG with real text, and PNG, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gvci.app.charts import KINDS, Panel, grid_shape
from gvci.app.density import density
from gvci.app.layout import Layout
from gvci.app.network_view import edge_colour, nodes, represses
from gvci.app.text import delta, plain
from gvci.app.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["svg", "png"]
LONG_NAME = 12  # letters; a longer one has a line of its own


def distributions(
    panels: Sequence[Panel], style: str, title: str, provenance: Mapping[str, object], kind: Kind
) -> bytes:
    """The violins or ECDFs of the Counterfactual page."""
    rows, columns = grid_shape(len(panels))
    figure = canvas(2.7 * columns, 2.6 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        (violin if style == "violin" else _ecdf)(axis, panel)
        predicted, measured = panel.heading
        name = plain(panel.gene, 40)
        words = [f"predicted {delta(predicted)}"] if predicted is not None else []
        words += [f"measured {delta(measured)}"] if measured is not None else []
        heading = ("  " if len(name) <= LONG_NAME else "\n").join([name, "  ".join(words)])
        axis.set_title(heading, fontsize=8, loc="left", parse_math=False)
        bare(axis, 7)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    label = panels[0].unit if style == "violin" else "share of cells"
    axes[0].set_ylabel(label, fontsize=8)
    figure.suptitle(plain(title), fontsize=10, x=0.01, ha="left", parse_math=False)
    return written(figure, provenance, kind)


def network(
    edges: pd.DataFrame, layout: Layout, title: str, provenance: Mapping[str, object], kind: Kind
) -> bytes:
    """The network as it stands on the page."""
    figure = canvas(layout.width / 78, layout.height / 78 + 0.4)
    axis = figure.subplots()
    hubs = set(edges["source"])
    columns = ["source", "target", "weight", "status"]
    rows = edges[columns].to_numpy(dtype=object).tolist()
    for (source, target, weight, status), bar in zip(rows, represses(edges), strict=True):
        arrow = {
            "arrowstyle": "|-|,widthA=0,widthB=3" if bar else "-|>",
            "connectionstyle": "arc3,rad=0.08",
            "color": edge_colour(status, LIGHT), "alpha": 0.7,
            "linewidth": 0.6 + 2 * min(abs(weight), 1.0), "shrinkB": 4, "shrinkA": 6,
            "linestyle": "--" if status == "removed" else "-",
        }  # fmt: skip
        ends = layout.positions[target], layout.positions[source]
        axis.annotate("", xy=ends[0], xytext=ends[1], arrowprops=arrow)
    for name in nodes(edges):
        x, y = layout.positions[name]
        hub = name in hubs
        axis.plot(
            x, y, marker="D" if hub else "o", markersize=9 if hub else 4, color=LIGHT.ink,
            markerfacecolor=LIGHT.ink if hub else LIGHT.background, linestyle="none",
        )  # fmt: skip
        side = layout.sides[name]
        shift = {"left": (-6, 0), "right": (6, 0), "top": (0, 6), "bottom": (0, -12)}[side]
        across = {"left": "right", "right": "left"}.get(side, "center")
        axis.annotate(
            plain(name, 30), (x, y), shift, textcoords="offset points", ha=across, va="center",
            fontsize=9 if hub else 7, fontstyle="italic", parse_math=False,
        )  # fmt: skip
    axis.set_xlim(-60, layout.width + 60)
    axis.set_ylim(layout.height + 20, -20)
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(plain(title), fontsize=10, loc="left", parse_math=False)
    return written(figure, provenance, kind)


def curves(
    table: pd.DataFrame,
    rivals: Sequence[str],
    names: Mapping[str, str],
    title: str,
    provenance: Mapping[str, object],
    kind: Kind,
) -> bytes:
    """Precision–recall curves: refined with its band, the named rivals, chance."""
    figure = canvas(5.6, 4.4)
    axis = figure.subplots()
    styles = dict(zip(rivals, ("-", ":", "--", "-."), strict=False))
    for rival, part in table.groupby("rival", sort=False):
        x, y = part["recall"], part["precision"]
        if rival == "refined":
            axis.fill_between(
                x, part["low"], part["high"],
                step="post", color=LIGHT.predicted, alpha=0.16, linewidth=0,
            )  # fmt: skip
            axis.step(x, y, where="post", color=LIGHT.predicted, label=names["refined"])
        elif rival in styles:
            axis.step(
                x, y, styles[str(rival)], where="post", color=LIGHT.muted, linewidth=1.1,
                label=names[str(rival)],
            )  # fmt: skip
    rate = table.attrs.get("base_rate")
    if rate is not None:
        axis.axhline(rate, color=LIGHT.control, linewidth=0.8, label=f"chance {rate:.2f}")
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("recall", fontsize=8)
    axis.set_ylabel("precision", fontsize=8)
    axis.legend(fontsize=7, frameon=False)
    bare(axis, 7)
    axis.set_title(plain(title), fontsize=9, loc="left", parse_math=False)
    return written(figure, provenance, kind)


def heat_maps(
    panels: Mapping[str, np.ndarray],
    marks: np.ndarray,
    targets: Sequence[str],
    regulators: Sequence[str],
    scale: tuple[float, float],
    title: str,
    provenance: Mapping[str, object],
    kind: Kind,
) -> bytes:
    """Matrices (targets, regulators) side by side on one scale; marks in the last one."""
    across = 0.34 * len(regulators) + 0.5
    figure = canvas(len(panels) * max(across, 1.6) + 2, 0.17 * len(targets) + 2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (heading, values) in zip(axes, panels.items(), strict=True):
        drawn = axis.pcolormesh(
            values, cmap="cividis", vmin=scale[0], vmax=scale[1], edgecolors="white", linewidth=0.4
        )
        axis.set_title(plain(heading, 40), fontsize=8, loc="left", parse_math=False)
        axis.set_xticks(np.arange(len(regulators)) + 0.5)
        names = [plain(name, 30) for name in regulators]
        axis.set_xticklabels(names, rotation=90, fontsize=7, fontstyle="italic", parse_math=False)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[0].invert_yaxis()
    axes[0].set_yticks(np.arange(len(targets)) + 0.5)
    names = [plain(name, 30) for name in targets]
    axes[0].set_yticklabels(names, fontsize=6, fontstyle="italic", parse_math=False)
    middle = sum(scale) / 2
    for (row, column), mark in np.ndenumerate(marks):
        if mark:
            value = list(panels.values())[-1][row, column]
            colour = "black" if value > middle else "white"
            axes[-1].text(
                column + 0.5, row + 0.5, mark, ha="center", va="center", fontsize=7, color=colour
            )
    bar = figure.colorbar(drawn, ax=list(axes), shrink=0.5, aspect=30)
    bar.set_label("weight", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    assert bar.solids is not None
    bar.solids.set_rasterized(False)  # matplotlib would put a bitmap into the SVG
    figure.suptitle(plain(title), fontsize=9, x=0.01, ha="left", parse_math=False)
    return written(figure, provenance, kind)


def violin(axis: Any, panel: Panel, start: float = 0.0) -> None:
    """A gene's kinds side by side from `start` on, one apart."""
    shown = [kind for kind in KINDS if kind in panel.values]
    for at, kind in enumerate(shown):
        x, values = start + at, panel.values[kind].points()
        colour = getattr(LIGHT, kind)
        if len(values) < 3:
            axis.plot([x] * len(values), values, "o", color=colour)
            continue
        grid, height = density(values)
        half = 0.42 * height
        face = "none" if kind == "predicted" else colour
        alpha = {"control": 0.55, "measured": 0.85}.get(kind, 1.0)
        area = axis.fill_betweenx(grid, x - half, x + half, facecolor=face, alpha=alpha)
        if kind == "predicted":
            area.set(edgecolor=colour, hatch="////", linewidth=1)
        mean = float(panel.values[kind].mean)
        axis.plot(x, mean, "o", markersize=5, color=LIGHT.ink, markerfacecolor="white")
    axis.set_xticks([start + at for at in range(len(shown))], shown)


def _ecdf(axis: Any, panel: Panel) -> None:
    for kind in KINDS:
        if kind in panel.values:
            shares, x = panel.values[kind].curve()
            style = "default" if panel.values[kind].summary else "steps-post"
            dash = "--" if kind == "predicted" else "-"
            look = {"color": getattr(LIGHT, kind), "linestyle": dash, "drawstyle": style}
            axis.plot(x, shares, label=kind, **look)
    axis.set_xlabel(panel.unit, fontsize=7)
    axis.legend(fontsize=6, frameon=False, loc="lower right")


def bare(axis: Any, size: float) -> None:
    """No line on top and on the right; tick labels of so many points."""
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=size)


def canvas(width: float, height: float) -> Figure:
    """An empty figure, inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def written(figure: Figure, provenance: Mapping[str, object], kind: Kind) -> bytes:
    """The bytes, with provenance in the file's own metadata."""
    import matplotlib as mpl

    facts = "; ".join(f"{k}: {plain(v)}" for k, v in provenance.items())
    metadata = {"Title": "gvci", "Description": facts}
    if kind == "svg":
        metadata["Date"] = str(provenance.get("created", ""))
    buffer = io.BytesIO()
    with (
        mpl.rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": "gvci", "font.family": "sans-serif"}
        ),
        warnings.catch_warnings(),
    ):
        # A sign that the font lacks is text in SVG and a box in PNG.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format=kind, dpi=200, metadata=metadata)
    return buffer.getvalue()
