"""The files of one cell's story, each made when it is asked for."""

from __future__ import annotations

import pandas as pd

from gvci.app import export, vector
from gvci.app.network_files import Download
from gvci.app.one_cell import Story, alt_text, honest, typical
from gvci.app.one_cell_chart import drawing
from gvci.app.provenance import facts
from gvci.app.report import Report, Section, page
from gvci.counterfactual.answer import Answer
from gvci.run import Run

MARKS = (
    "Grey disc: measured now. Vermillion ring: predicted then. Pale bar: the middle 90 % of the "
    "group's predicted cells. Blue disc: mean of the group's measured cells under it."
)


def downloads(run: Run, answer: Answer, told: Story, part: pd.DataFrame) -> list[Download]:
    """All genes of the cell as CSV, the dumbbells as SVG and PNG, all of it as a report."""
    scenario = answer.scenario
    about = facts(
        run, cell=told.cell, perturbation=scenario.perturbation, group=scenario.group,
        dose=scenario.dose, mode=scenario.mode, support=answer.support, unit=told.unit,
        single_cells=honest(told), distance=typical(told),
    )  # fmt: skip
    stem = ("cell", told.cell, scenario.perturbation, run.fingerprint)
    title = f"Cell {told.cell} under {scenario.perturbation}"

    def figure(kind: vector.Kind) -> bytes:
        return drawing(told, part, about, kind)

    def whole() -> str:
        labels = ", ".join(f"{name} {label}" for name, label in told.labels.items())
        drawn = Section("The genes that change most", [MARKS], figure("svg"), alt_text(told, part))
        table = Section("All genes", table=told.table)
        claims = [f"{labels}.", typical(told)]
        return page(Report(title, claims, [drawn, table], about, [honest(told)]))

    return [
        Download("CSV of genes", export.file_name(*stem, kind="csv"), "text/csv",
                 lambda: export.csv(told.table, about)),
        Download("SVG", export.file_name(*stem, kind="svg"), "image/svg+xml",
                 lambda: figure("svg")),
        Download("PNG", export.file_name(*stem, kind="png"), "image/png", lambda: figure("png")),
        Download("Report (.html)", export.file_name(*stem, kind="html"), "text/html", whole),
    ]  # fmt: skip
