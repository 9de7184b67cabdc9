"""The adjacency of a few regulators before and after refinement (paper Fig. 4), as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gvci.app import export, vector
from gvci.app.charts import base_layout
from gvci.app.edges import Choice, Network, Shown
from gvci.app.exhibit import Column, Exhibit
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.text import MINUS, count, tagged
from gvci.app.theme import Palette
from gvci.run import Run

MOST_TARGETS, MOST_REGULATORS = 40, 12
ROW = 16
MARKS = {"added": "+", "removed": MINUS}
COLUMNS = {
    "Regulator": Column(78),
    "Target": Column(84),
    "Original": Column(66, "%d", "1 where the prior has the edge."),
    "Refined": Column(66, "%.3f"),
    "Weight": Column(66, "%.3f"),
    "Status": Column(74),
}


@dataclass(frozen=True)
class HeatMap:
    """Matrices over the same genes, each `[target, regulator]`; NaN where there is no pair.

    Attributes:
        panels: heading → weights (targets, regulators): original and refined, or what is listed.
        marks: (targets, regulators), "+" added, "−" removed, "" neither; of the last panel.
        pairs: the cells as rows: source, target, original, refined, status (or weight, status).
        left_out: regulators and targets of the shown edges for which there was no room.
    """

    targets: list[str]
    regulators: list[str]
    panels: dict[str, np.ndarray]
    marks: np.ndarray
    pairs: pd.DataFrame
    left_out: tuple[int, int] = (0, 0)


def matrices(network: Network, shown: Shown) -> HeatMap:
    """Every pair of the regulators and the targets of the shown edges, whatever its status.

    The 40 targets of the strongest edges and the first 12 regulators have room.
    """
    edges = shown.edges
    sources = list(dict.fromkeys(map(str, edges["source"])))
    regulators = sources[:MOST_REGULATORS]
    mine = edges[edges["source"].isin(regulators)]
    by_rank = mine.groupby("source", sort=False).cumcount().sort_values(kind="stable").index
    strongest = list(dict.fromkeys(map(str, mine.loc[by_rank, "target"])))
    known = set(strongest[:MOST_TARGETS])
    targets = [name for name in dict.fromkeys(map(str, mine["target"])) if name in known]

    table = network.judged
    inside = table[table["source"].isin(regulators) & table["target"].isin(known)]

    def filled(column: str) -> np.ndarray:
        wide = inside.pivot_table(column, "target", "source", aggfunc="first", observed=True)
        wide = wide.reindex(index=targets, columns=regulators)
        return wide.to_numpy(dtype=float, na_value=np.nan)

    order = {name: at for at, name in enumerate(regulators)}
    places = {name: at for at, name in enumerate(targets)}
    rows = inside.assign(
        at=inside["source"].map(order), place=inside["target"].map(places)
    ).sort_values(["place", "at"], ignore_index=True)
    marks = np.full((len(targets), len(regulators)), "", dtype=object)
    left_out = (len(sources) - len(regulators), len(strongest) - len(targets))
    if not network.refined:
        pairs = rows[["source", "target", "weight", "status"]]
        panels = {"Listed": filled("weight")}
        return HeatMap(targets, regulators, panels, marks, pairs, left_out)
    for status, mark in MARKS.items():
        which = rows[rows["status"] == status]
        marks[which["place"], which["at"]] = mark
    pairs = rows[["source", "target", "prior", "weight", "status"]].rename(
        columns={"prior": "original", "weight": "refined"}
    )
    panels = {"Original": filled("prior"), "Refined": filled("weight")}
    return HeatMap(targets, regulators, panels, marks, pairs, left_out)


def exhibit(run: Run, network: Network, shown: Shown, choice: Choice, colours: Palette) -> Exhibit:
    """The view: both adjacencies on one scale, beside a table of the same cells."""
    drawn = matrices(network, shown)
    return Exhibit(
        claim(drawn),
        figure(drawn, colours),
        alt_text(drawn),
        rows(drawn),
        "The cells of the heat map, by target: each pair with its weights and its status.",
        COLUMNS,
        words(network, drawn),
        downloads(run, network, drawn, choice),
    )


def figure(drawn: HeatMap, colours: Palette) -> go.Figure:
    """Panels side by side in cividis on one scale; a sign where an edge was added or removed."""
    titles = list(drawn.panels)
    height = ROW * max(len(drawn.targets), 6) + 150
    grid = make_subplots(rows=1, cols=len(titles), shared_yaxes=True, horizontal_spacing=0.04)
    left = 14 + 7 * max(len(name[:16]) for name in drawn.targets)
    margin = {"l": left, "r": 6, "t": 30, "b": 60 + 6 * max(map(len, _short(drawn.regulators)))}
    grid.update_layout(**base_layout(colours, height, margin=margin))
    low, high = scale(drawn)
    names = [tagged(name, "i") for name in _short(drawn.targets)]
    across = list(range(len(drawn.regulators)))
    bar = {
        "orientation": "h", "thickness": 8, "len": 0.55, "x": 0.5, "y": 0, "yref": "container",
        "yanchor": "bottom", "outlinewidth": 0, "title": {"text": "weight", "side": "right"},
        "nticks": 3, "tickfont": {"size": 11},
    }  # fmt: skip
    for at, (title, values) in enumerate(drawn.panels.items()):
        last = at == len(titles) - 1
        grid.add_heatmap(
            z=values, x=across, y=list(range(len(names))), zmin=low, zmax=high, xgap=1, ygap=1,
            colorscale="Cividis", showscale=last, colorbar=bar if last else None,
            text=drawn.marks if last else None, texttemplate="<b>%{text}</b>" if last else None,
            customdata=_hover(drawn), hovertemplate="%{customdata}: %{z:.3f}<extra></extra>",
            row=1, col=at + 1,
        )  # fmt: skip
        grid.update_xaxes(
            tickvals=across, ticktext=[tagged(name, "i") for name in _short(drawn.regulators)],
            tickangle=-90 if len(across) > 3 else 0, showgrid=False, zeroline=False, ticks="",
            fixedrange=True, tickfont={"color": colours.ink}, row=1, col=at + 1,
        )  # fmt: skip
        grid.add_annotation(
            text=f"<b>{tagged(title)}</b>", x=0, y=1, xref=f"x{at + 1 if at else ''} domain",
            yref="paper", xanchor="left", yanchor="bottom", yshift=6, showarrow=False,
            font={"size": 13, "color": colours.ink},
        )  # fmt: skip
    grid.update_yaxes(
        tickvals=list(range(len(names))), autorange="reversed", showgrid=False, zeroline=False,
        ticks="", fixedrange=True, tickfont={"size": 11, "color": colours.ink},
        ticklabelstandoff=4,
    )  # fmt: skip
    grid.update_yaxes(ticktext=names, row=1, col=1)
    return grid


def _short(names: Sequence[str]) -> list[str]:
    """Names as the axis has room for them."""
    return [name if len(name) <= 16 else f"{name[:15]}…" for name in names]


def _hover(drawn: HeatMap) -> np.ndarray:
    pairs = [[f"{tagged(r)} → {tagged(t)}" for r in drawn.regulators] for t in drawn.targets]
    return np.array(pairs, dtype=object)


def scale(drawn: HeatMap) -> tuple[float, float]:
    """Both ends of the colours: 0 to 1 for probabilities, wider where listed weights are."""
    every = np.concatenate([values.ravel() for values in drawn.panels.values()])
    return min(0.0, float(np.nanmin(every))), max(1.0, float(np.nanmax(every)))


def claim(drawn: HeatMap) -> str:
    """How many cells there are, and what refinement did to them; Markdown."""
    size = (
        f"**{count(len(drawn.regulators), 'regulator')} × {count(len(drawn.targets), 'target')}, "
        f"{count(len(drawn.pairs), 'pair')}**"
    )
    counts = drawn.pairs["status"].value_counts()
    if "Original" not in drawn.panels:
        return f"{size}: as listed."
    told = [f"**{int(counts.get('kept', 0))} kept** from the prior"]
    told.insert(0, f":orange[**{int(counts.get('added', 0))} added**] by refinement")
    told.append(f"{int(counts.get('removed', 0))} removed")
    return f"{size}: {', '.join(told)}, {int(counts.get('absent', 0))} in neither."


def words(network: Network, drawn: HeatMap) -> str:
    """What was left out, and how to read the cells."""
    told = [
        "Rows are the targets of the edges that pass the filters; every pair of them with the "
        "regulators is drawn, whatever its status."
    ]
    if network.refined:
        told.append(
            "Original: 1 where the prior has the edge, else 0. Refined: the weight, same colours. "
            f"“+” was added, “{MINUS}” removed."
        )
    sources, targets = drawn.left_out
    if targets:
        told.append(f"{count(targets, 'target')} of weaker edges had no room.")
    if sources:
        told.append(f"{count(sources, 'regulator')} had no room: choose at most {MOST_REGULATORS}.")
    if np.isnan(next(iter(drawn.panels.values()))).any():
        told.append("An empty cell is no pair: a gene with itself, or one that is not listed.")
    return " ".join(told)


def alt_text(drawn: HeatMap) -> str:
    """The figure in words."""
    counts = drawn.pairs["status"].value_counts()
    parts = ", ".join(f"{int(n)} {'in neither' if s == 'absent' else s}" for s, n in counts.items())
    return (
        f"Heat maps of adjacency, {' beside '.join(drawn.panels).lower()}: "
        f"{count(len(drawn.targets), 'target')} by regulators "
        f"{', '.join(drawn.regulators)} ({parts}). The table has the same cells."
    )


def rows(drawn: HeatMap) -> pd.DataFrame:
    """The cells as the page lists them."""
    names = {"source": "Regulator", "absent": "in neither"}
    table = drawn.pairs.rename(columns=lambda name: names.get(name, name.capitalize()))
    return table.assign(Status=table["Status"].replace("absent", "in neither"))


def downloads(run: Run, network: Network, drawn: HeatMap, choice: Choice) -> list[Download]:
    """The cells as CSV, the figure as SVG and PNG."""
    about = facts(
        run,
        network=network.name,
        regulators=" ".join(drawn.regulators),
        targets=len(drawn.targets),
        edges_per_regulator=choice.k,
        statuses=" ".join(choice.statuses),
        smallest_weight=choice.minimum,
    )

    def name(kind: str) -> str:
        return export.file_name("heat-map", *drawn.regulators[:4], run.fingerprint, kind=kind)

    def picture(kind: vector.Kind) -> bytes:
        title = f"{', '.join(drawn.regulators[:6])}: {network.name}"
        return vector.heat_maps(
            drawn.panels, drawn.marks, drawn.targets, drawn.regulators, scale(drawn), title, about,
            kind,
        )  # fmt: skip

    return [
        Download("CSV", name("csv"), "text/csv", lambda: export.csv(drawn.pairs, about)),
        Download("SVG", name("svg"), "image/svg+xml", lambda: picture("svg")),
        Download("PNG", name("png"), "image/png", lambda: picture("png")),
    ]
