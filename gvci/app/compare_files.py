"""The files of the Compare page, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gvci.app import compare_chart, export
from gvci.app.boards import Board
from gvci.app.compare_view import (
    RULE,
    caption,
    claim,
    known,
    long_table,
    rows,
    sentences,
    title,
)
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.app.report import Report, Section, page
from gvci.benchmark.compare import PAIR
from gvci.run import Run

MARKS = (
    "Vermillion ring: a trained model; vermillion diamond: an uploaded file; grey square: a simple "
    "baseline; blue line and band: the noise ceiling. Lines and bands are 95 % bootstrap intervals "
    "over pairs."
)


def downloads(
    run: Run | None, board: Board, labels: Sequence[str], scores: Sequence[str], score: str
) -> list[Download]:
    """The table and every pair as CSV, the figure as SVG and PNG, all of it as a report.

    Args:
        run: whose scores they are; None for a benchmark's, which has its own provenance.
    """
    head: Mapping[str, object] = facts(run) if run is not None else {"made by": "gvci"}
    about = {
        **head,
        **board.about,
        "cells are": "simulated" if board.simulated else "measured",
        "verdict": claim(board, score),
        "rule": RULE,
        "judged on": title(score),
    }
    stem = (board.title, run.fingerprint if run is not None else "")

    def name(what: str, kind: str) -> str:
        return export.file_name(what, *stem, kind=kind)

    def pairs() -> str:
        columns = [*PAIR, "seed", "n_cells", "label", "lambda", *known(board)]
        frame = board.table.frame
        return export.csv(frame[[c for c in columns if c in frame]], about)

    def whole() -> str:
        said = [note.replace("`", "") for note in board.notes]
        words = [*sentences(board, score), caption(board, scores), *said]
        parts = [Section("Scores", words, table=rows(board, list(labels), list(scores)))]
        if scores:
            drawn = compare_chart.paper_figure(board, labels, scores, about, "svg")
            alt = compare_chart.alt(board, labels, scores)
            parts.append(Section("The same scores, drawn", [MARKS], drawn, alt))
        against = long_table(board, [score])
        against = against[against["ours_minus_it"].notna()].drop(columns=["score", "sd"])
        if len(against):
            told = [f"On {title(score)}, pair by pair. {RULE}"]
            parts.append(Section(f"{board.own} against every other row", told, table=against))
        return page(Report(f"Scores: {board.title}", [claim(board, score)], parts, about))

    return [
        Download(
            "Table (CSV)", name("scores", "csv"), "text/csv",
            lambda: export.csv(long_table(board, list(scores)), about),
        ),
        Download("Every pair (CSV)", name("pairs", "csv"), "text/csv", pairs),
        Download(
            "Figure (SVG)", name("scores", "svg"), "image/svg+xml",
            lambda: compare_chart.paper_figure(board, labels, scores, about, "svg"),
        ),
        Download(
            "Figure (PNG)", name("scores", "png"), "image/png",
            lambda: compare_chart.paper_figure(board, labels, scores, about, "png"),
        ),
        Download("Report (.html)", name("report", "html"), "text/html", whole),
    ]  # fmt: skip
