"""The gene table of the Counterfactual page, with a small picture of each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gvci.app.row_picture import RowPicture
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
    """A row's change: bar = interval, square = baseline, disc = measured, ring = predicted."""
    predicted, start, end, measured, baseline = row
    picture = RowPicture(low, high, 130, colours)
    picture.interval(start, end, 14)
    picture.baseline(baseline, 14)
    picture.measured(measured, 14, 4)
    picture.predicted(predicted, 14)
    return picture.address
