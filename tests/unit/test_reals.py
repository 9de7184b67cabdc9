"""Columns of numbers: what is one, their scale, and bins with known edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvci.data.reals import binned, mean_and_sd, numbers, quantile_edges, usable

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1, 2]), [1, 2]),
        (pd.Series([True, False]), [1, 0]),
        (pd.Series([1, None], dtype="Int64"), [1, NAN]),
        (pd.Series([np.float32(0.1)]), [np.float32(0.1)]),
        (pd.Series(pd.Categorical(["1.5", "-2", None])), [1.5, -2, NAN]),
        (pd.Series(["1e3", "old", "", "inf", None]), [1000, NAN, NAN, INF, NAN]),
        (pd.Series(pd.to_datetime(["2020-01-01"])), [NAN]),
    ],
)
def test_numbers(column: pd.Series, expected: list[float]) -> None:
    read = numbers(column)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, expected)


def test_usable_numbers_fit_into_float32() -> None:
    values = np.array([0, -3.4e38, 3.5e38, INF, -INF, NAN])
    np.testing.assert_array_equal(usable(values), [True, True, False, False, False, False])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 3.0], (2, 1)),
        ([0.0, 0.0, 3.0, 3.0], (1.5, 1.5)),
        ([1e30, 1e30, 1e30], (1e30, 1)),
        ([1e-200, 2e-200], (1.5e-200, 1)),  # the variance underflows
        ([], (0, 1)),
    ],
)
def test_mean_and_sd(values: list[float], expected: tuple[float, float]) -> None:
    assert mean_and_sd(np.array(values)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        (list(range(1, 9)), [2, 4, 6]),  # two in each
        ([5.0], []),
        ([], []),
        ([7.0] * 9, []),
        ([0.0] * 9 + [1.0], [0]),
        ([0.0] + [1.0] * 9, [0]),
        ([0.0] * 90 + [6.0] * 5 + [24.0] * 3 + [48.0] * 2, [0, 6, 24]),  # one bin per time
        ([0.0] * 80 + list(range(1, 21)), [0]),  # no quantile lies among the few
        (list(range(20)) + [100.0] * 80, [19]),  # the largest value is a bin
    ],
)
def test_edges(values: list[float], edges: list[float]) -> None:
    np.testing.assert_array_equal(quantile_edges(np.array(values, dtype=float)), edges)


def test_bins_close_on_the_right_and_are_open_at_both_ends() -> None:
    edges = np.array([2.0, 4.0])
    got = binned(np.array([-INF, 2, np.nextafter(2, 3), 4, 4.1, INF]), edges)
    np.testing.assert_array_equal(got, [0, 0, 1, 1, 2, 2])


def test_without_ties_the_bins_are_equal() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    sizes = np.bincount(binned(values, quantile_edges(values, 5)))
    np.testing.assert_array_equal(sizes, [200] * 5)


def test_the_literal_form() -> None:
    """Bin of x = how many of the quantiles, each a value of its own, lie below it."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 30, 200).astype(float)
    ordered = sorted(values)
    ends = sorted({ordered[50 - 1], ordered[100 - 1], ordered[150 - 1]})
    literal: list[Any] = [sum(end < value for end in ends) for value in values]
    np.testing.assert_array_equal(binned(values, quantile_edges(values)), literal)
