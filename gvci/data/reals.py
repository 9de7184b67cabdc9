"""Real-valued obs columns: read as numbers, their scale, and their quantile bins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

BINS = 4


def numbers(values: pd.Series) -> np.ndarray:
    """A column as float64; NaN where it holds no number, infinities as they are."""
    if is_numeric_dtype(values.dtype) or is_bool_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    # Files keep text as categories, and a date must not pass for a number.
    text = values.astype(object).where(values.notna(), "").astype(str)
    return np.asarray(pd.to_numeric(text, errors="coerce"), dtype=np.float64)


def usable(values: np.ndarray) -> np.ndarray:
    """True where a number is finite and within float32, in which X is kept."""
    return np.asarray(np.abs(values) <= np.finfo(np.float32).max)


def mean_and_sd(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; sd 1 where nothing varies, so that X is then 0.

    Args:
        values: (cells,) finite float64.
    """
    if not len(values):
        return 0.0, 1.0
    if values.min() == values.max():
        return float(values[0]), 1.0
    return float(values.mean()), float(values.std()) or 1.0


def quantile_edges(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Upper ends of all quantile bins but the last, increasing; each is one of the values.

    No bin is empty of these values: equal values share a bin, so there are fewer bins than
    asked for where many are equal. So few different values as there are bins get one each.

    Args:
        values: (cells,) finite float64, e.g. of the training cells.
    """
    different = np.unique(values)
    if len(different) <= bins:
        return different[:-1]
    # An end at the largest value would leave nothing for the last bin.
    ends = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.unique(np.minimum(ends, different[-2]))


def binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value, from 0: (−∞, edge 0], (edge 0, edge 1], … (last edge, ∞)."""
    return np.searchsorted(edges, values, side="left")
