"""Scores as text: a line per model, a block per kind of score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gvci.metrics import Score

BLOCKS = (
    ("r2_all", "r2_de", "r2_all_native", "r2_de_native", "mse", "mae"),
    ("pearson_delta", "pearson_delta_top20", "pearson_delta_de", "systema_delta"),
    ("centroid_accuracy", "pds", "rank", "des"),
    ("e_distance", "mmd", "wasserstein", "cell_correlation", "spread_ratio"),
    ("coverage", "cell_truth", "response_truth"),
)
UNDEFINED = "–"


def score_lines(models: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    """Lines of the table; a score that nobody has is left out."""
    margin = max(map(len, models))
    for block in BLOCKS:
        shown = [s for s in block if any(row.get(s) is not None for row in models.values())]
        if not shown:
            continue
        yield "  ".join([" " * margin, *shown])
        for name, row in models.items():
            values = (_said(row.get(score)).rjust(len(score)) for score in shown)
            yield "  ".join([name.rjust(margin), *values])


def _said(score: Score) -> str:
    return UNDEFINED if score is None else f"{score:.3f}"
