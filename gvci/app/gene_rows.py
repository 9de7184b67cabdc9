"""The gene table of the Counterfactual page, with a small picture of each row."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
import pandas as pd

from gvci.app.text import delta, interval, number
from gvci.app.theme import Palette
from gvci.counterfactual.answer import Answer

LISTED = 200


def listed(answer: Answer, chosen: Sequence[str]) -> pd.DataFrame:
    """The rows of the gene table: the strongest predicted changes, and every chosen gene."""
    table = answer.table
    return table[(table.index < LISTED) | table["gene"].isin(chosen)].reset_index(drop=True)


def shown(rows: pd.DataFrame, colours: Palette, measured: bool) -> pd.DataFrame:
    """The gene table as it is shown: a picture of each row beside its numbers, as text."""
    columns = ["predicted", "low", "high", "baseline"] + (["measured"] if measured else [])
    values = rows[columns].to_numpy(dtype=np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0, low + 0.1)
    table = pd.DataFrame({"Gene": rows["gene"].astype(str)})
    marks = rows[["predicted", "low", "high", "measured", "baseline"]].to_numpy(dtype=np.float64)
    table[axis_title(low, high)] = [_picture(row, low, high, colours) for row in marks]
    table["Pred. Δ"] = [delta(v) for v in rows["predicted"]]
    table["95 % interval"] = [
        interval(a, b) for a, b in zip(rows["low"], rows["high"], strict=True)
    ]
    if measured:
        table["Meas. Δ"] = [delta(v) for v in rows["measured"]]
    table["Base. Δ"] = [delta(v) for v in rows["baseline"]]
    return table


def axis_title(low: float, high: float) -> str:
    """Header of the picture column: the ends of its axis."""
    return f"{number(low, 1)} → {number(high, 1)}"


def _picture(row: np.ndarray, low: float, high: float, colours: Palette) -> str:
    """A row's change as an SVG address: bar = interval, ring = predicted, disc = measured."""
    predicted, start, end, measured, baseline = row

    def x(value: float) -> float:
        return 6 + 118 * (value - low) / (high - low)

    parts = [f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="2" y2="26" stroke="{colours.control}"/>']
    if np.isfinite(start) and np.isfinite(end):
        parts.append(
            f'<line x1="{x(start):.1f}" x2="{x(end):.1f}" y1="14" y2="14" '
            f'stroke="{colours.predicted}" stroke-width="2.4" stroke-opacity=".65"/>'
        )
    if np.isfinite(baseline):
        parts.append(
            f'<rect x="{x(baseline) - 3:.1f}" y="11" width="6" height="6" '
            f'fill="{colours.control}"/>'
        )
    if np.isfinite(measured):
        parts.append(f'<circle cx="{x(measured):.1f}" cy="14" r="4" fill="{colours.measured}"/>')
    if np.isfinite(predicted):
        parts.append(
            f'<circle cx="{x(predicted):.1f}" cy="14" r="3.8" fill="{colours.background}" '
            f'stroke="{colours.predicted}" stroke-width="2.2"/>'
        )
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="130" height="28" viewBox="0 0 130 28">'
    return "data:image/svg+xml;utf8," + quote(f"{head}{''.join(parts)}</svg>")
