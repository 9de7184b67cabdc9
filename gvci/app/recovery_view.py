"""Precision and recall as a figure, a table and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gvci.app import export, vector
from gvci.app.charts import base_layout
from gvci.app.exhibit import Column, Exhibit
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.recovered import MOST_GENES_FOR_FORESTS, NAMES, Recovery, score_table, verdict
from gvci.app.text import italic, literal, number, tagged
from gvci.app.theme import Palette, faint
from gvci.run import Run

DASHES = {
    "prior": "solid",
    "correlation_within": "dot",
    "prior_correlation_within": "dash",
    "genie3": "dashdot",
}
SHORT = {
    "prior": "prior",
    "correlation_within": "|Pearson| within",
    "prior_correlation_within": "tie-break",
    "genie3": "GENIE3",
}
HEIGHT = 380
COLUMNS = {"Ranking": Column(190), "AUPRC": Column(58, "%.2f"), "95 %": Column(88)}
NOTHING = "**Nothing to score.** None of the known edges is among these pairs."
READING = (
    "A tie-break puts prior edges first, each side ranked by the other score. Intervals and the "
    "band: 95 % bootstrap over target genes, differences paired; they do not tell how new cells "
    "would change the scores."
)


def exhibit(
    run: Run, found: Recovery, view: str, chosen: Sequence[str], colours: Palette, mine: str
) -> Exhibit | None:
    """The view; None where there is nothing to score.

    Args:
        view: all, prior or novel pairs. chosen: regulators on the page, in the set or not.
        mine: what the network's own ranking is called.
    """
    scores, curves = found.scores[view], found.curves[view]
    if scores is None or curves.empty:
        return None
    return Exhibit(
        verdict(scores, mine),
        figure(curves, colours, mine),
        alt_text(found, view, mine),
        rows(scores, mine),
        "Area under the precision–recall curve of each ranking, best first.",
        COLUMNS,
        words(run, found, scores, chosen),
        downloads(run, found, view, mine),
    )


def words(run: Run, found: Recovery, scores: dict[str, Any], chosen: Sequence[str]) -> str:
    """What was scored, how to read it, and what was left out; Markdown."""
    known = found.target.regulators
    said = [
        f"{scores['n_true']:,} known edges of {', '.join(map(italic, known))} among "
        f"{scores['n_pairs']:,} pairs.",
        READING,
    ]
    left_out = [name for name in chosen if name not in known]
    if left_out:
        said.append(f"Not in this set: {', '.join(map(italic, left_out))}.")
    if len(run.data.genes) > MOST_GENES_FOR_FORESTS:
        said.append("GENIE3 takes long here: `python -m gvci edges … --genie3`.")
    return " ".join([*said, *map(literal, found.notes)])


def figure(curves: pd.DataFrame, colours: Palette, mine: str = "Refined") -> go.Figure:
    """Refined with its band in vermillion, rivals in grey by dash, chance as a dotted line."""
    drawn = go.Figure(
        layout=base_layout(colours, HEIGHT, margin={"l": 52, "r": 12, "t": 10, "b": 46})
    )
    drawn.update_xaxes(
        title_text="recall: share of the known edges found", range=[0, 1.005], showgrid=False,
        zeroline=False, linecolor=colours.line, tickformat=".0%", fixedrange=True,
    )  # fmt: skip
    drawn.update_yaxes(
        title_text="precision: share of the found that are known", range=[0, 1.03],
        gridcolor=colours.line, zeroline=False, tickformat=".0%", fixedrange=True,
    )  # fmt: skip
    shown = {str(name): part for name, part in curves.groupby("rival", sort=False)}
    for name, dash in DASHES.items():
        if name in shown:
            part = shown[name]
            line = {"color": colours.muted, "width": 1.8, "dash": dash, "shape": "hv"}
            if name == "prior":
                line |= {"color": colours.control, "width": 1.2}
            drawn.add_scatter(
                x=part["recall"], y=part["precision"], mode="lines", line=line, name=NAMES[name]
            )
    if "prior" in shown:
        recall, precision = prior_point(shown["prior"])
        square = {"symbol": "square", "size": 10, "color": colours.control}
        drawn.add_scatter(x=[recall], y=[precision], mode="markers", marker=square, name="Prior")
    if "refined" in shown:
        part = shown["refined"]
        drawn.add_scatter(
            x=np.concatenate([part["recall"], part["recall"][::-1]]),
            y=np.concatenate([part["high"], part["low"][::-1]]),
            fill="toself", fillcolor=faint(colours.predicted, 0.16), line={"width": 0},
            mode="lines", hoverinfo="skip",
        )  # fmt: skip
        line = {"color": colours.predicted, "width": 2.6, "shape": "hv"}
        drawn.add_scatter(x=part["recall"], y=part["precision"], mode="lines", line=line, name=mine)
    rate = curves.attrs.get("base_rate")
    if rate is not None:
        drawn.add_hline(y=rate, line={"color": colours.muted, "width": 1, "dash": "dot"})
        _label(drawn, 0.01, rate, f"chance {number(rate)}", colours.muted, 9, "left")
    for name, (recall, precision, above) in label_places(shown).items():
        own = name == "refined"
        text = mine.lower() if own else SHORT[name]
        colour = colours.predicted_text if own else colours.muted
        _label(drawn, recall, precision, text, colour, 10 if above else -10, "center", bold=own)
    return drawn


def _label(
    drawn: go.Figure, x: float, y: float, text: str, colour: str, shift: int, anchor: Any,
    bold: bool = False,
) -> None:  # fmt: skip
    drawn.add_annotation(
        x=x, y=y, text=tagged(text, "b" if bold else None), showarrow=False, yshift=shift,
        xanchor=anchor, font={"size": 12, "color": colour},
    )  # fmt: skip


def prior_point(part: pd.DataFrame) -> tuple[float, float]:
    """Where the whole prior stands: the last recall before its precision falls."""
    first = float(part["precision"].iloc[0])
    flat = part[part["precision"] >= first - 1e-9]
    return float(flat["recall"].iloc[-1]), first


def label_places(shown: dict[str, pd.DataFrame]) -> dict[str, tuple[float, float, bool]]:
    """Where each curve is labelled: farthest from all other curves; recall, precision, above?"""
    names = [name for name in ("refined", *DASHES) if name in shown]
    if not names:
        return {}
    grid = shown[names[0]]["recall"].to_numpy()
    lines = np.array([shown[name]["precision"].to_numpy() for name in names])
    inside = np.flatnonzero((grid >= 0.12) & (grid <= 0.88))
    taken: list[tuple[float, float]] = []
    places = {}
    for row, name in enumerate(names):
        # Half the label's width, in points of the grid: a letter takes some 1.3 % of the axis.
        half = int(0.0065 * len(SHORT.get(name, name)) * len(grid)) + 1
        best, chosen = -1.0, (int(inside[0]), True)
        for at in map(int, inside):
            around = slice(max(at - half, 0), at + half + 1)
            others = np.delete(lines[:, around], row, axis=0)
            for above in (True, False):
                y = lines[row, at] + (0.05 if above else -0.05)
                if not 0.03 < y < 1.0:
                    continue
                gap = float(np.abs(lines[row, around] - y).min())
                if len(others):
                    # Where curves run together nobody can tell whose label it is.
                    apart = np.abs(np.delete(lines[:, at], row) - lines[row, at]).min()
                    gap = min(gap, float(np.abs(others - y).min()), float(apart))
                for x, other in taken:
                    if abs(x - grid[at]) < 0.36:
                        gap = min(gap, abs(other - y))
                # An upper label is read as the curve's own; the other side must be clearer.
                gap -= 0.0 if above else 0.004
                if gap > best:
                    best, chosen = gap, (at, above)
        at, above = chosen
        taken.append((float(grid[at]), float(lines[row, at] + (0.05 if above else -0.05))))
        places[name] = (float(grid[at]), float(lines[row, at]), above)
    return places


def alt_text(found: Recovery, view: str, mine: str = "Refined") -> str:
    """The figure in words."""
    scores = found.scores[view]
    if scores is None:
        return "Precision and recall: nothing to draw."
    parts = [
        f"{mine if name == 'refined' else NAMES[name]} {number(scores[name]['auprc'])}"
        for name in NAMES
        if scores.get(name)
    ]
    return (
        f"Precision against recall for {scores['n_true']} known edges of "
        f"{', '.join(found.target.regulators)} among {scores['n_pairs']:,} pairs. Areas under the "
        f"curves: {'; '.join(parts)}; chance {number(scores['base_rate'])}."
    )


def rows(scores: dict[str, Any], mine: str = "Refined") -> pd.DataFrame:
    """The table on the page: numbers with their intervals as people write them."""
    table = score_table(scores, mine)

    def ends(low: float, high: float, signed: bool) -> str:
        if pd.isna(low):
            return ""
        return f"{number(low, signed=signed)} to {number(high, signed=signed)}"

    def pair(row: pd.Series[Any]) -> str:
        if pd.isna(row["difference"]):
            return "–"
        between = ends(row["difference_low"], row["difference_high"], True)
        return f"{number(row['difference'], signed=True)}" + (f" ({between})" if between else "")

    return pd.DataFrame(
        {
            "Ranking": table["ranking"],
            "AUPRC": table["auprc"],
            "95 %": [
                ends(low, high, False)
                for low, high in zip(table["auprc_low"], table["auprc_high"], strict=True)
            ],
            f"{mine} − rival": [pair(row) for _, row in table.iterrows()],
        }
    )


def downloads(run: Run, found: Recovery, view: str, mine: str = "Refined") -> list[Download]:
    """Scores and curves as CSV, the figure as SVG and PNG."""
    scores, curves = found.scores[view], found.curves[view]
    assert scores is not None
    about = facts(
        run,
        known_targets=found.target.name,
        regulators=" ".join(found.target.regulators),
        pairs=view,
        chance=scores["base_rate"],
    )

    def name(what: str, kind: str) -> str:
        return export.file_name(what, *found.target.regulators[:4], run.fingerprint, kind=kind)

    title = f"{', '.join(found.target.regulators[:6])}: {found.target.title}"
    return [
        Download(
            "Scores (CSV)", name("recovery", "csv"), "text/csv",
            lambda: export.csv(score_table(scores, mine), about),
        ),
        Download(
            "Curves (CSV)", name("curves", "csv"), "text/csv", lambda: export.csv(curves, about)
        ),
        Download(
            "SVG", name("curves", "svg"), "image/svg+xml",
            lambda: vector.curves(curves, list(DASHES), NAMES, title, about, "svg"),
        ),
        Download(
            "PNG", name("curves", "png"), "image/png",
            lambda: vector.curves(curves, list(DASHES), NAMES, title, about, "png"),
        ),
    ]  # fmt: skip
