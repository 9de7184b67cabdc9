"""What must hold for any input: bounds, invariances, and no NaN."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gvci.metrics import (
    auprc,
    auroc,
    cell_correlation,
    centroid_accuracy,
    des,
    e_distance,
    mae,
    mmd,
    mse,
    pds,
    pearson_delta,
    r2_mean,
    rank,
    split_half,
    spread_ratio,
    wasserstein,
)

LEVELS = st.floats(0, 9, width=32)
# Quarters: deviations are either nothing or far above rounding.
QUARTERS = st.integers(0, 36).map(lambda n: n / 4)
ANYTHING = st.floats(width=32)


def profiles(
    count: int, values: st.SearchStrategy[float] = LEVELS
) -> st.SearchStrategy[np.ndarray]:
    """(count, genes) arrays."""
    return st.integers(0, 12).flatmap(lambda n: hnp.arrays(np.float32, (count, n), elements=values))


def cells(values: st.SearchStrategy[float] = LEVELS) -> st.SearchStrategy[np.ndarray]:
    """(2, cells, genes) arrays: truth and reconstruction."""
    shape = st.tuples(st.just(2), st.integers(0, 6), st.integers(0, 6))
    return shape.flatmap(lambda s: hnp.arrays(np.float32, s, elements=values))


def defined(score: float | None, least: float, most: float) -> bool:
    """None, or a number within bounds."""
    return score is None or (math.isfinite(score) and least <= score <= most)


@given(profiles(3, ANYTHING))
def test_scores_are_none_or_in_bounds_whatever_comes(three: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        truth, prediction, control = three
        assert defined(r2_mean(truth, prediction), -math.inf, 1)
        assert defined(pearson_delta(truth, prediction, control), -1, 1)
        assert defined(mse(truth, prediction), 0, math.inf)


@given(cells(ANYTHING))
def test_cell_correlation_is_none_or_in_bounds_whatever_comes(two: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        assert defined(cell_correlation(two[0], two[1]), -1, 1)


@given(cells(ANYTHING))
def test_e_distance_and_spread_are_none_or_in_bounds_whatever_comes(two: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        assert defined(e_distance(two[0], two[1]), -math.inf, math.inf)
        assert defined(spread_ratio(two[0], two[1]), 0, math.inf)


@given(cells(ANYTHING))
def test_scores_of_distributions_are_none_or_in_bounds_whatever_comes(two: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        assert defined(mmd(two[0], two[1]), -3, 3)
        assert defined(wasserstein(two[0], two[1]), 0, math.inf)
        assert defined(des(two[0], two[1], two[0] + 1), 0, 1)


@given(profiles(6, ANYTHING))
def test_scores_among_other_perturbations_are_none_or_in_bounds(six: np.ndarray) -> None:
    truth, prediction, others = six[0], six[1], six[2:]
    with np.errstate(all="ignore"):
        assert defined(mae(truth, prediction), 0, math.inf)
        assert defined(centroid_accuracy(truth, prediction, others), 0, 1)
        assert defined(pds(truth, prediction, others), 0.2 - 1e-9, 1)
        assert defined(rank(truth, prediction, others), 0, 4 / 5)


@given(profiles(6))
def test_the_truth_itself_is_told_apart_from_all_others(six: np.ndarray) -> None:
    truth, others = six[0].astype(np.float64), six[2:].astype(np.float64)
    apart = bool((others != truth).any(axis=1).all())
    if apart:
        assert centroid_accuracy(truth, truth, others) == pds(truth, truth, others) == 1
        assert rank(truth, truth, others) == 0


@given(cells(QUARTERS))
def test_wasserstein_is_a_distance_and_ignores_the_order_of_cells(two: np.ndarray) -> None:
    score = wasserstein(two[0], two[1])
    assume(score is not None)
    assert wasserstein(two[0], two[0]) == 0
    assert math.isclose(wasserstein(two[1], two[0]) or 0, score or 0, abs_tol=1e-5)
    assert math.isclose(wasserstein(two[0][::-1], two[1]) or 0, score or 0, abs_tol=1e-5)
    # Means cannot be farther apart than distributions.
    assert (mae(two[0].mean(axis=0), two[1].mean(axis=0)) or 0) <= (score or 0) + 1e-5


@given(cells(QUARTERS), st.randoms(use_true_random=False))
def test_e_distance_is_symmetric_and_ignores_a_common_shift_and_the_order_of_genes(
    two: np.ndarray, random: object
) -> None:
    score = e_distance(two[0], two[1])
    assume(score is not None)
    x, y = two
    for one, other in ((y, x), (x + 2, y + 2), (x[:, ::-1], y[:, ::-1])):
        assert math.isclose(e_distance(one, other) or 0, score or 0, abs_tol=2e-2)


@given(cells(QUARTERS))
def test_cell_correlation_ignores_group_means_and_shrinkage_and_the_order_of_cells(
    two: np.ndarray,
) -> None:
    truth, made = two.astype(np.float64)
    score = cell_correlation(truth, made)
    assume(score is not None)
    same = [
        (truth, other) for other in (made + 3.0, 0.5 * made, 2 * made + np.arange(made.shape[1]))
    ]
    for pair in (*same, (truth[::-1], made[::-1]), (truth[:, ::-1], made[:, ::-1])):
        assert math.isclose(cell_correlation(*pair) or 0, score or 0, abs_tol=1e-6)


@given(profiles(2))
def test_r2_of_the_truth_is_one_and_of_its_mean_zero(two: np.ndarray) -> None:
    truth = two[0].astype(np.float64)
    assume(len(truth) > 1 and truth.std() > 1e-3)
    assert r2_mean(truth, truth) == 1
    assert abs(r2_mean(truth, np.full(len(truth), truth.mean())) or 0) < 1e-9


@given(profiles(2), st.randoms(use_true_random=False))
def test_r2_does_not_depend_on_the_order_of_genes(two: np.ndarray, random: object) -> None:
    order = np.random.default_rng(0).permutation(two.shape[1])
    one, other = r2_mean(two[0], two[1]), r2_mean(two[0], two[1], order)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 5, width=16)), max_size=30))
def test_rankings_only_depend_on_the_order(pairs: list[tuple[bool, float]]) -> None:
    truth = np.array([known for known, _ in pairs], dtype=bool)
    scores = np.array([score for _, score in pairs], dtype=np.float64)
    for metric in (auprc, auroc):
        score = metric(truth, scores)
        assert defined(score, 0, 1)
        assert metric(truth, 2 * scores + 1) == score
    forward, backward = auroc(truth, scores), auroc(truth, -scores)
    if forward is not None and backward is not None:
        assert math.isclose(forward + backward, 1, abs_tol=1e-9)


@settings(max_examples=40)
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 7), st.just(5)), elements=LEVELS))
def test_split_half_is_defined_from_two_cells_on(values: np.ndarray) -> None:
    scores = split_half(values, np.zeros(5), [0, 1, 2], repeats=2)
    assert (scores["mse"] is None) == (len(values) < 2)
    assert all(defined(score, -math.inf, math.inf) for score in scores.values())
