"""The files of the Effects page, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gvci.app import export, vector
from gvci.app.effects_chart import Forest, height_of, of_genes, threshold
from gvci.app.effects_view import cells, ends, percent, significant
from gvci.app.estimates import Estimate
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.text import plain
from gvci.app.theme import LIGHT
from gvci.run import Run

NAMED = 12
About = Mapping[str, object]


def downloads(
    run: Run, found: Estimate, fdr: float, marked: str, groups: pd.DataFrame | None,
    rows: Forest | None,
) -> list[Download]:  # fmt: skip
    """Every gene as CSV, the plots as SVG and PNG, and the marked gene in every group."""
    asked = found.asked
    about = facts(
        run,
        perturbation=asked.perturbation,
        group=asked.group,
        estimate="robust effect (eq. 14) less the control's; 95 % intervals (eq. 23)",
        model_sees=asked.latent,
        adjusted_for=", ".join(found.before) or "nothing",
        simultaneous_bands=asked.bands,
        status="estimated" if found.identifiable else "not identifiable, plug-in only",
        cells=cells(found),
        false_discovery_rate=fdr,
        unit=found.unit,
    )
    stem = (asked.perturbation, asked.group, run.fingerprint)
    title = f"{asked.perturbation} in {asked.group}"
    files = [
        Download(
            "CSV of genes", export.file_name("effects", *stem, kind="csv"), "text/csv",
            lambda: export.csv(found.table, about),
        )
    ]  # fmt: skip
    kinds: tuple[tuple[vector.Kind, str], ...] = (("svg", "image/svg+xml"), ("png", "image/png"))
    for kind, mime in kinds:
        if found.identifiable and found.table["p"].notna().any():
            name = export.file_name("volcano", *stem, kind=kind)
            make = _later(volcano, found, fdr, title, about, kind)
            files.append(Download(f"Volcano ({kind.upper()})", name, mime, make))
        name = export.file_name("forest", *stem, kind=kind)
        make = _later(forest, of_genes(found, marked), found.unit, title, about, kind)
        files.append(Download(f"Forest of genes ({kind.upper()})", name, mime, make))
    if groups is not None and rows is not None:
        own, gene_about = groups[groups["gene"] == marked], {**about, "group": "every group"}
        stem = (marked, asked.perturbation, run.fingerprint)
        files.append(
            Download(
                "CSV of groups", export.file_name("groups", *stem, kind="csv"), "text/csv",
                lambda: export.csv(own, gene_about),
            )
        )  # fmt: skip
        for kind, mime in kinds:
            name = export.file_name("groups", *stem, kind=kind)
            words = f"{marked} under {asked.perturbation}"
            make = _later(forest, rows, found.unit, words, gene_about, kind)
            files.append(Download(f"Forest of groups ({kind.upper()})", name, mime, make))
    return files


def _later(draw: Any, *arguments: Any) -> Any:
    return lambda: draw(*arguments)


def volcano(found: Estimate, fdr: float, title: str, about: About, kind: vector.Kind) -> bytes:
    """The volcano as it stands on the page."""
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
    for i in [int(i) for i in np.argsort(-y, kind="stable")[:NAMED] if passed[i]]:
        axis.annotate(
            plain(table["gene"].iloc[i], 30), (x[i], y[i]), (0, 5), textcoords="offset points",
            ha="center", fontsize=7, fontstyle="italic", parse_math=False,
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
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=7)
    figure.suptitle(plain(title), fontsize=9, x=0.01, ha="left", parse_math=False)
    return vector.written(figure, about, kind)
