"""The files of the Counterfactual page, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gvci.app import export, vector
from gvci.app.answer_view import (
    OF_SUMMARIES,
    alt_text,
    badge,
    claim,
    interval_words,
    notes,
    panels,
    score_caption,
    score_rows,
)
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.report import Report, Section, page
from gvci.app.text import count
from gvci.counterfactual.answer import Answer
from gvci.run import Run


def downloads(run: Run, answer: Answer, chosen: Sequence[str], style: str) -> list[Download]:
    """The gene table and the cells as CSV, the distributions as SVG and PNG."""
    scenario = answer.scenario
    about = facts(
        run,
        perturbation=scenario.perturbation,
        group=scenario.group,
        cells_transported=scenario.cells,
        mode=scenario.mode,
        dose=scenario.dose,
        support=answer.support,
        interval=interval_words(answer),
        unit=answer.unit,
        network_share=answer.share,
        baseline_of_the_rest=answer.rest,
        mean=answer.mean_words,
        verdict=answer.verdict,
    )
    stem = (scenario.perturbation, scenario.group, run.fingerprint)
    title = f"{scenario.perturbation} in {scenario.group}: {badge(answer).words.lower()}"
    figures = panels(answer, chosen)

    def quantiles() -> str:
        kinds = {"control": answer.control, "predicted": answer.predicted}
        kinds |= {} if answer.measured is None else {"measured": answer.measured}
        return export.csv(export.quantiles_table(kinds, answer.genes), about)

    def cells() -> str:
        blocks = [answer.control.values, answer.predicted.values]
        names = [f"control {i + 1}" for i in range(answer.control.n)]
        if scenario.cells != "all cells":
            names = list(answer.source_names)
        names += answer.source_names
        kinds = ["control"] * answer.control.n + ["predicted"] * answer.predicted.n
        if answer.measured is not None:
            blocks.append(answer.measured.values)
            names += answer.measured_names
            kinds += ["measured"] * answer.measured.n
        return export.csv(
            export.cells_table(np.concatenate(blocks), answer.genes, names, kinds), about
        )

    def name(what: str, kind: str) -> str:
        return export.file_name(what, *stem, kind=kind)

    def genes() -> str:
        return export.csv(answer.table, about)

    def figure(kind: vector.Kind) -> bytes:
        return vector.distributions(figures, style, title, about, kind)

    def whole() -> str:
        parts = [Section(
            "Genes by predicted change",
            [f"Changes of mean {answer.unit}.", interval_words(answer)],
            table=answer.table.head(50),
        )]  # fmt: skip
        if figures:
            drawn = Section(
                "Distributions", [_marks(answer)], figure("svg"), alt_text(figures, style)
            )
            parts.insert(0, drawn)
        if answer.scores:
            scores = score_rows(answer, run.name)
            parts.append(Section("Scores", [score_caption(answer)], table=scores))
        claims = [f"{badge(answer).words}. {claim(answer)}", answer.mean_words]
        return page(Report(title, claims, parts, about, notes(answer)))

    points = Download("CSV of cells", name("cells", "csv"), "text/csv", cells)
    if answer.control.summary:
        points = Download("CSV of quantiles", name("quantiles", "csv"), "text/csv", quantiles)
    return [
        Download("CSV of genes", name("genes", "csv"), "text/csv", genes),
        points,
        Download("SVG", name(style, "svg"), "image/svg+xml", lambda: figure("svg")),
        Download("PNG", name(style, "png"), "image/png", lambda: figure("png")),
        Download("Report (.html)", name("report", "html"), "text/html", whole),
    ]


def _marks(answer: Answer) -> str:
    """What each kind of cells looks like, as plain text."""
    words = [
        f"Grey, filled: control, {count(answer.control.n, 'cell')}",
        f"vermillion, hatched or dashed: predicted, {count(answer.predicted.n, 'cell')}",
    ]
    if answer.measured is not None:
        words.append(f"blue, filled: measured, {count(answer.measured.n, 'cell')}")
    return "; ".join([*words, *([OF_SUMMARIES] if answer.control.summary else [])]) + "."
