"""Tests and distances of all genes at once against scipy, one gene at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import mannwhitneyu, wasserstein_distance

from gvci.metrics.sorted_cells import SortedCells, rank_sum, wasserstein_by_gene

COARSE = st.integers(-8, 8).map(lambda n: n / 4)


def scipys(treated: np.ndarray, control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U and p of scipy, gene by gene."""
    treated, control = treated.astype(np.float64), control.astype(np.float64)
    tests = [
        mannwhitneyu(x, y, method="asymptotic") for x, y in zip(treated.T, control.T, strict=True)
    ]
    return np.array([t.statistic for t in tests]), np.array([t.pvalue for t in tests])


@pytest.mark.parametrize("sizes", [(30, 30), (7, 41), (60, 5), (2, 2)])
def test_rank_sum_is_scipys_with_many_zeros(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    treated, control = (
        np.maximum(rng.normal(shift, 1, (n, 40)), 0).astype(np.float32)
        for n, shift in zip(sizes, (0.4, 0.0), strict=True)
    )
    control[:, :10] = np.round(control[:, :10])
    treated[:, :10] = np.round(treated[:, :10])
    u, p = rank_sum(SortedCells.of(treated), SortedCells.of(control))
    expected_u, expected_p = scipys(treated, control)
    np.testing.assert_allclose(u, expected_u)
    np.testing.assert_allclose(p, expected_p, rtol=1e-9)


def test_the_smallest_p_values_keep_their_digits() -> None:
    treated = np.arange(400, dtype=np.float32)[:, None] + 1000
    control = np.arange(500, dtype=np.float32)[:, None]
    _, p = rank_sum(SortedCells.of(treated), SortedCells.of(control))
    expected = scipys(treated, control)[1][0]
    assert 0 < expected < 1e-100
    assert p[0] == pytest.approx(expected, rel=1e-6)


def test_a_gene_that_is_the_same_everywhere_is_not_different() -> None:
    cells = np.array([[2.0, -0.0], [2.0, 0.0], [2.0, 0.0]])
    u, p = rank_sum(SortedCells.of(cells), SortedCells.of(cells[:2]))
    assert u.tolist() == [3, 3]  # half of 3 × 2
    assert p.tolist() == [1, 1]


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(2, 9), st.just(3)), elements=COARSE),
    hnp.arrays(np.float32, st.tuples(st.integers(2, 9), st.just(3)), elements=COARSE),
)
def test_rank_sum_and_wasserstein_on_coarse_values_of_either_sign(
    one: np.ndarray, other: np.ndarray
) -> None:
    x, y = SortedCells.of(one), SortedCells.of(other)
    u, p = rank_sum(x, y)
    varied = np.ptp(np.concatenate([one, other]), axis=0) > 0
    if varied.any():
        expected_u, expected_p = scipys(one[:, varied], other[:, varied])
        np.testing.assert_allclose(u[varied], expected_u)
        np.testing.assert_allclose(p[varied], expected_p, rtol=1e-9)
    back, same_p = rank_sum(y, x)
    np.testing.assert_allclose(u + back, len(one) * len(other))
    np.testing.assert_allclose(p, same_p)
    expected = [wasserstein_distance(a, b) for a, b in zip(one.T, other.T, strict=True)]
    np.testing.assert_allclose(wasserstein_by_gene(x, y), expected, atol=1e-6)
    np.testing.assert_allclose(wasserstein_by_gene(y, x), expected, atol=1e-6)


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    cells = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    shift = np.array([0.0, 0.5, -1.0, 3.0], dtype=np.float32)
    apart = wasserstein_by_gene(SortedCells.of(cells), SortedCells.of(cells + shift))
    np.testing.assert_allclose(apart, np.abs(shift), atol=1e-6)
