"""What must hold for any ranking of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.edges.ranking import SCORES, Ranking, interval, resampled
from gvci.metrics import auprc, auroc, early_precision

TARGETS = 5
PAIRS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, TARGETS - 1)), max_size=40
)


def arrays(pairs: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, scores, targets = (np.array(c) for c in zip(*pairs, strict=True)) if pairs else [[]] * 3
    return np.array(truth, bool), np.array(scores, float), np.array(targets, int)


@given(PAIRS)
def test_unit_weights_give_the_plain_scores(pairs: list[tuple[bool, int, int]]) -> None:
    truth, scores, targets = arrays(pairs)
    found = Ranking(truth, scores, targets, TARGETS).scores(np.ones((TARGETS, 1)))
    for name, plain in zip(SCORES, (auprc, auroc, early_precision), strict=True):
        slow = plain(truth, scores)
        value = found[name][0]
        assert np.isnan(value) if slow is None else value == pytest.approx(slow, abs=1e-9)


@given(PAIRS)
def test_only_the_order_of_scores_counts(
    pairs: list[tuple[bool, int, int]],
) -> None:
    truth, scores, targets = arrays(pairs)
    draws = resampled(TARGETS, 8)
    one = Ranking(truth, scores, targets, TARGETS).scores(draws)
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    other = Ranking(truth[order], np.exp(scores[order] / 2) - 7, targets[order], TARGETS).scores(
        draws
    )
    for name in SCORES:
        np.testing.assert_allclose(one[name], other[name], atol=1e-12)


@given(PAIRS)
def test_scores_and_intervals_are_undefined_or_in_bounds(
    pairs: list[tuple[bool, int, int]],
) -> None:
    ranking = Ranking(*arrays(pairs), TARGETS)
    for values in ranking.scores(resampled(TARGETS, 20)).values():
        defined = values[~np.isnan(values)]
        assert ((defined >= -1e-9) & (defined <= 1 + 1e-9)).all()
        ends = interval(values)
        assert ends is None or ends[0] <= ends[1]


@given(PAIRS)
def test_early_precision_is_bounded_and_best_for_the_truth(
    pairs: list[tuple[bool, int, int]],
) -> None:
    truth, scores, _ = arrays(pairs)
    value = early_precision(truth, scores)
    assert (value is None) == (not truth.any())
    if value is not None:
        assert 0 <= value <= 1
        assert early_precision(truth, truth.astype(float)) == 1
        assert early_precision(truth, np.zeros(len(truth))) == pytest.approx(truth.mean())
