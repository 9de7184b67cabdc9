"""The files of the Compare page, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gvci.app import compare_chart, export
from gvci.app.boards import Board
from gvci.app.compare_view import RULE, claim, known, long_table, title
from gvci.app.network_files import Download
from gvci.app.provenance import facts
from gvci.benchmark.compare import PAIR
from gvci.run import Run


def downloads(
    run: Run | None, board: Board, labels: Sequence[str], scores: Sequence[str], score: str
) -> list[Download]:
    """The table and every pair as CSV, the figure as SVG and PNG.

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
    ]  # fmt: skip
