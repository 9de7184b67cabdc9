"""The files of the Effects page, each made when it is asked for."""

from __future__ import annotations

from functools import partial

import pandas as pd

from gvci.app import export, vector
from gvci.app.effects_chart import Forest, forest_alt, of_genes, volcano_alt
from gvci.app.effects_paper import About, forest, volcano
from gvci.app.effects_view import (
    HOW,
    badge,
    cells,
    claim,
    group_rows,
    listed,
    notes,
    shown,
)
from gvci.app.estimates import Estimate
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.report import Report, Section, page
from gvci.app.text import count
from gvci.app.theme import LIGHT
from gvci.run import Run

MOST_ROWS = 50
FOREST = (
    "Vermillion ring with its line: robust effect and 95 % interval. Blue disc: plain difference. "
    "Vermillion diamond: plug-in, the model alone, which has no interval."
)
VOLCANO = (
    "Rings pass the false discovery rate, and their lines are 95 % intervals; grey points do not "
    "pass. Left of 0 the perturbation lowers a gene, right of it it raises it."
)


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
            make = partial(volcano, found, fdr, marked, title, about, kind)
            files.append(Download(f"Volcano ({kind.upper()})", name, mime, make))
        name = export.file_name("forest", *stem, kind=kind)
        make = partial(forest, of_genes(found, marked), found.unit, title, about, kind)
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
            make = partial(forest, rows, found.unit, words, gene_about, kind)
            files.append(Download(f"Forest of groups ({kind.upper()})", name, mime, make))
    name = export.file_name("report", asked.perturbation, asked.group, run.fingerprint, kind="html")
    whole = partial(_report, found, fdr, marked, groups, rows, title, about)
    return [*files, Download("Report (.html)", name, "text/html", whole)]


def _report(
    found: Estimate, fdr: float, marked: str, groups: pd.DataFrame | None, rows: Forest | None,
    title: str, about: About,
) -> str:  # fmt: skip
    """Volcano, forest, table and the marked gene in every group, as far as each exists."""
    genes, bands = of_genes(found, marked), found.asked.bands
    parts = []
    if found.identifiable and found.table["p"].notna().any():
        drawn = volcano(found, fdr, marked, title, about, "svg")
        parts.append(Section("Volcano", [VOLCANO], drawn, volcano_alt(found, fdr)))
    drawn = forest(genes, found.unit, title, about, "svg")
    alt = forest_alt(genes, "genes in the table's order")
    table = _genes(found, marked)
    words = [FOREST, f"Below: {len(table):,} of {count(len(found.table), 'gene')}."]
    parts.append(Section("The first genes", words, drawn, alt, table))
    if groups is not None and rows is not None:
        heading = f"{marked} under {found.asked.perturbation}"
        drawn = forest(rows, found.unit, heading, about, "svg")
        alt = forest_alt(rows, f"{marked} in every group")
        table = group_rows(groups, marked, bands)
        parts.append(Section(f"{marked} in every group", [FOREST], drawn, alt, table))
    parts.append(Section("What the words mean", [line.replace("*", "") for line in HOW]))
    claims = [f"{badge(found).words}. {claim(found, fdr)}", cells(found)]
    return page(Report(f"Effects of {title}", claims, parts, about, notes(found)))


def _genes(found: Estimate, marked: str) -> pd.DataFrame:
    """The ranked table as the page shows it, its first rows and the marked gene, as text."""
    rows = listed(found, marked)
    rows = rows[(rows.index < MOST_ROWS) | (rows["gene"] == marked)]
    table = shown(found, rows, LIGHT)
    return table.drop(columns=table.columns[1]) if found.identifiable else table
