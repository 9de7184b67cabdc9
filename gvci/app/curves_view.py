"""Figure 6a: R² on held-out pairs as training goes on, on the refined, prior and random GRN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gvci.app import export, vector
from gvci.app.charts import base_layout
from gvci.app.network_files import Download
from gvci.app.report import Report, Section, page
from gvci.app.text import SIMULATED, count, literal, number, plain, tagged
from gvci.app.theme import LIGHT, Palette, faint
from gvci.benchmark.compare import Table
from gvci.benchmark.epochs import curve, late
from gvci.errors import DataError
from gvci.verdict import TIE

NETWORKS = {"refined": "refined GRN", "original": "prior GRN", "random": "random GRN"}
SCORES = {"R², top 50": "r2_de", "R², all genes": "r2_all"}
DASHES = {"refined": "solid", "original": "dash", "random": "dot"}
NO_CURVES = (
    "**No training curves here yet.** They come from a benchmark of the kind fig6a, and appear "
    "here by themselves:"
)
HOW = (
    "What is compared is the last quarter of the epochs. Held-out pairs are looked at after every "
    "epoch and choose nothing; all networks train equally long."
)
COMMAND = (
    "python -m gvci benchmark benchmarks/specs/fig6a-kang.toml --out runs/benchmark/fig6a-kang"
)


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The scored rows, `label` being the network.

    Raises:
        DataError: none was scored.
    """
    known = table[table["failure"].isna()]
    network = known["model"].astype(str).str.rsplit(", ", n=1).str[-1]
    frame = known.assign(label=network)
    frame = frame[frame["label"].isin(list(NETWORKS))]
    if frame.empty:
        message = "No network of this benchmark was scored. Run it again: see its table.md."
        raise DataError(message)
    return frame


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over pairs, then mean and sd over seeds, of every network at every epoch."""
    return curve(labelled(table))


def sentences(table: pd.DataFrame, score: str) -> list[str]:
    """Who is ahead in the last quarter of the epochs, plain text; the first is the claim."""
    frame = labelled(table)
    found = Table(late(frame, int(frame["epoch"].max())))
    said = []
    for one, other in (("refined", "original"), ("refined", "random"), ("original", "random")):
        if one not in found.labels or other not in found.labels:
            continue
        gain = found.gain(one, other, score)
        if gain is None:
            continue
        side = "tied" if abs(gain.difference) <= TIE else gain.side
        verb = {"ahead": "is ahead of", "behind": "is behind", "tied": "ties with"}[side]
        words = f"The {NETWORKS[one]} {verb} the {NETWORKS[other]}"
        words += f": {number(gain.difference, 3, signed=True)}"
        if gain.low is not None:
            words += f" ({number(gain.low, 3, True)} to {number(gain.high, 3, True)})"
        said.append(f"{words} over {count(gain.pairs, 'pair')}, {count(gain.seeds, 'seed')}.")
    return said


def heading(table: pd.DataFrame, claim: str) -> str:
    """The first sentence, with a badge where the cells are simulated; Markdown."""
    return f"**{literal(claim)}**{SIMULATED if table.attrs.get('simulated') else ''}"


def figure(table: pd.DataFrame, score: str, colours: Palette) -> go.Figure:
    """A line per network with the sd over seeds as a band; names stand at the lines' ends."""
    drawn = go.Figure(layout=base_layout(colours, 400, margin={"l": 52, "r": 96, "t": 8, "b": 46}))
    ends: list[tuple[float, str]] = []
    for network, part in _parts(table):
        mean, sd = (part[f"{score}_{what}"].to_numpy(dtype=np.float64) for what in ("mean", "std"))
        x, own = part["epoch"].to_numpy(dtype=np.float64), network == "refined"
        colour = colours.predicted if own else colours.control
        if np.isfinite(sd).all():
            drawn.add_scatter(
                x=np.concatenate([x, x[::-1]]), y=np.concatenate([mean + sd, (mean - sd)[::-1]]),
                fill="toself", fillcolor=faint(colour, 0.15), line={"width": 0},
                mode="lines", hoverinfo="skip",
            )  # fmt: skip
        line = {"color": colour, "width": 2.8 if own else 1.8, "dash": DASHES[network]}
        drawn.add_scatter(x=x, y=mean, mode="lines", line=line, name=NETWORKS[network])
        ends.append((float(mean[-1]), network))
    low, high = _span(table, score)
    placed: list[float] = []
    for value, network in sorted(ends):
        y = max(value, placed[-1] + 0.055 * (high - low)) if placed else value
        placed.append(y)
        colour = colours.predicted_text if network == "refined" else colours.muted
        text = tagged(NETWORKS[network], "b" if network == "refined" else None)
        drawn.add_annotation(
            x=1, y=y, xref="paper", text=text, showarrow=False, xanchor="left", xshift=6,
            font={"size": 12, "color": colour},
        )  # fmt: skip
    drawn.update_xaxes(
        title_text="epoch", showgrid=False, zeroline=False, linecolor=colours.line, fixedrange=True
    )
    name = next(title for title, one in SCORES.items() if one == score)
    drawn.update_yaxes(
        title_text=f"{name}, held-out pairs", gridcolor=colours.line, zeroline=False,
        range=[low, high], fixedrange=True,
    )  # fmt: skip
    return drawn


def _parts(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    found = points(table)
    return [
        (name, found[found["label"] == name].sort_values("epoch"))
        for name in ("random", "original", "refined")
        if (found["label"] == name).any()
    ]


def _span(table: pd.DataFrame, score: str) -> tuple[float, float]:
    """Ends of the axis: what is reached after the first epochs, not where it starts."""
    found = points(table)
    mean, sd = found[f"{score}_mean"], found[f"{score}_std"].fillna(0)
    later = found["epoch"] > min(2, found["epoch"].max() - 1)
    low, high = float((mean - sd)[later].min()), float((mean + sd).max())
    margin = 0.06 * (high - low) or 0.05
    return low - margin, high + margin


def rows(table: pd.DataFrame) -> pd.DataFrame:
    """Networks × epochs as the page shows them: R² top 50 and all, mean ± sd over seeds."""
    found = points(table)
    epochs = sorted(int(epoch) for epoch in found["epoch"].unique())
    some = sorted({epochs[int(i)] for i in np.linspace(0, len(epochs) - 1, 5)})
    lines: list[dict[str, Any]] = []
    for title, score in SCORES.items():
        for network, part in reversed(_parts(table)):
            line: dict[str, Any] = {"Network": NETWORKS[network], "Score": title}
            for epoch in some:
                at = part[part["epoch"] == epoch]
                mean, sd = float(at[f"{score}_mean"].sum()), float(at[f"{score}_std"].mean())
                spread = f" ± {number(sd, 3)}" if np.isfinite(sd) else ""
                line[f"epoch {epoch}"] = number(mean, 3) + spread
            lines.append(line)
    return pd.DataFrame(lines)


def alt(table: pd.DataFrame, score: str) -> str:
    """The figure in words."""
    said = [
        f"{NETWORKS[network]} {number(float(part[f'{score}_mean'].iloc[-1]), 3)}"
        for network, part in reversed(_parts(table))
    ]
    return f"R² on held-out pairs by epoch; at the last: {', '.join(said)}."


def downloads(table: pd.DataFrame, score: str) -> list[Download]:
    """The curves as CSV, the figure as SVG and PNG, all of it as a report."""
    about = {"made by": "gvci", "table": table.attrs["title"]}
    about |= {"command": table.attrs.get("command", ""), "created": table.attrs.get("created", "")}
    about |= {"said": " ".join(sentences(table, score)), "about": table.attrs.get("about", "")}
    about["cells are"] = "simulated" if table.attrs.get("simulated") else "measured"

    def name(kind: str) -> str:
        return export.file_name("curves", table.attrs["title"], kind=kind)

    def whole() -> str:
        drawn = paper_figure(table, score, about, "svg")
        title = next(words for words, one in SCORES.items() if one == score)
        told = f"{title}, on held-out pairs. Line: mean over pairs and seeds; band: sd over seeds."
        section = Section("As training goes on", [told, HOW], drawn, alt(table, score), rows(table))
        notes = [str(about["about"]).replace("`", "")] if about["about"] else []
        heading = f"Training curves: {table.attrs['title']}"
        return page(Report(heading, sentences(table, score), [section], about, notes))

    return [
        Download(
            "Curves (CSV)", name("csv"), "text/csv", lambda: export.csv(points(table), about)
        ),
        Download(
            "Figure (SVG)", name("svg"), "image/svg+xml",
            lambda: paper_figure(table, score, about, "svg"),
        ),
        Download(
            "Figure (PNG)", name("png"), "image/png",
            lambda: paper_figure(table, score, about, "png"),
        ),
        Download("Report (.html)", name("html"), "text/html", whole),
    ]  # fmt: skip


def paper_figure(
    table: pd.DataFrame, score: str, about: Mapping[str, object], kind: vector.Kind
) -> bytes:
    """The same for a paper."""
    drawn = vector.canvas(5.6, 4.0)
    axis = drawn.subplots()
    styles = {"refined": "-", "original": "--", "random": ":"}
    for network, part in _parts(table):
        mean, sd = part[f"{score}_mean"], part[f"{score}_std"]
        x = part["epoch"].astype(float)
        colour = LIGHT.predicted if network == "refined" else LIGHT.muted
        axis.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.13, linewidth=0)
        axis.plot(x, mean, styles[network], color=colour, label=NETWORKS[network])
    axis.set_ylim(*_span(table, score))
    axis.set_xlabel("epoch", fontsize=8)
    name = next(title for title, one in SCORES.items() if one == score)
    axis.set_ylabel(f"{name}, held-out pairs", fontsize=8)
    axis.legend(fontsize=7, frameon=False)
    vector.bare(axis, 7)
    axis.set_title(plain(table.attrs["title"]), fontsize=9, loc="left", parse_math=False)
    return vector.written(drawn, about, kind)
