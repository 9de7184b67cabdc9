"""The files of a comparison of scenarios, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from gvci.app import export, vector
from gvci.app.answer_view import interval_words
from gvci.app.comparison import Side, alt_text, caption, long_table, shown, words
from gvci.app.comparison_chart import drawing
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.report import Report, Section, page
from gvci.run import Run

TITLE = "Scenarios side by side"
MARKS = (
    "Grey, filled: control; vermillion, hatched: predicted; blue, filled: measured. "
    "Rings are means."
)


def downloads(run: Run, found: Sequence[Side], genes: Sequence[str]) -> list[Download]:
    """All genes of all scenarios as CSV, the violins as SVG and PNG, all of it as a report."""
    named = {f"scenario_{side.letter}": words(side.answer.scenario) for side in found}
    about = facts(run, **named, unit=found[0].answer.unit)
    stem = ("comparison", *(side.answer.scenario.perturbation for side in found), run.fingerprint)

    def name(kind: str) -> str:
        return export.file_name(*stem, kind=kind)

    def figure(kind: vector.Kind) -> bytes:
        return drawing(found, genes, about, kind)

    def whole() -> str:
        said = [f"{side.title}: {side.badge.words.lower()}. {caption(side)}" for side in found]
        intervals = [f"{side.letter}: {interval_words(side.answer)}" for side in found]
        table = Section(
            "Genes by scenario",
            [f"Changes of mean {found[0].answer.unit}.", *intervals],
            table=shown(found, list(genes)),
        )
        drawn = Section("Distributions", [MARKS], figure("svg"), alt_text(found, genes))
        return page(Report(TITLE, said, [drawn, table] if genes else [table], about))

    files = [Download("CSV of genes × scenarios", name("csv"), "text/csv",
                      lambda: export.csv(long_table(found), about))]  # fmt: skip
    if genes:
        files += [
            Download("SVG", name("svg"), "image/svg+xml", lambda: figure("svg")),
            Download("PNG", name("png"), "image/png", lambda: figure("png")),
        ]
    return [*files, Download("Report (.html)", name("html"), "text/html", whole)]
