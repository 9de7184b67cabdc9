"""The resampled scores against pairs repeated one by one."""

from __future__ import annotations

import numpy as np
import pytest

from gvci import metrics
from gvci.edges.ranking import SCORES, Ranking, interval, resampled

TARGETS = 9


@pytest.fixture(params=[0, 1, 2])
def pairs(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, scores with many ties and targets of 60 pairs."""
    rng = np.random.default_rng(request.param)
    scores = rng.integers(0, (3, 12, 1000)[request.param], 60) / 4
    return rng.random(60) < 0.25, scores, rng.integers(0, TARGETS, 60)


def test_each_resample_scores_the_drawn_pairs(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    truth, scores, targets = pairs
    draws = resampled(TARGETS, 20, seed=3)
    fast = Ranking(truth, scores, targets, TARGETS).scores(draws)
    for b in range(20):
        drawn = np.repeat(np.arange(60), draws[targets, b].astype(int))
        for score in SCORES:
            slow = getattr(metrics, score)(truth[drawn], scores[drawn])
            assert fast[score][b] == pytest.approx(slow, abs=1e-12), score


def test_precision_is_that_of_the_shortest_list_with_the_recall(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    truth, scores, targets = pairs
    recalls = np.array([0.0, 0.2, 0.5, 0.83, 1.0])
    draws = resampled(TARGETS, 12, seed=1)
    fast = Ranking(truth, scores, targets, TARGETS).precision(draws, recalls)
    for b in range(12):
        drawn = np.repeat(np.arange(60), draws[targets, b].astype(int))
        t, s = truth[drawn], scores[drawn]
        for i, recall in enumerate(recalls):
            cuts = [c for c in np.unique(s)[::-1] if t[s >= c].sum() >= max(recall * t.sum(), 1)]
            assert fast[i, b] == pytest.approx(t[s >= cuts[0]].mean())


def test_all_resamples_at_once_or_in_parts(
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking = Ranking(*pairs, TARGETS)
    draws = resampled(TARGETS, 30)
    whole = ranking.scores(draws)
    monkeypatch.setattr("gvci.edges.ranking.MOST_NUMBERS", 40)
    for score in SCORES:
        assert (ranking.scores(draws)[score] == whole[score]).all()


def test_without_true_or_false_pairs_scores_are_undefined() -> None:
    targets, draws = np.arange(4), resampled(4, 5)
    none = Ranking(np.zeros(4, bool), np.arange(4.0), targets, 4).scores(draws)
    assert all(np.isnan(values).all() for values in none.values())
    every = Ranking(np.ones(4, bool), np.arange(4.0), targets, 4).scores(draws)
    assert np.isnan(every["auroc"]).all()
    assert (every["auprc"] == 1).all()
    empty = Ranking(np.zeros(0, bool), np.zeros(0), np.zeros(0, int), 4).scores(draws)
    assert np.isnan(empty["auprc"]).all()
    assert interval(none["auprc"]) is None


def test_draws_are_of_targets_with_replacement() -> None:
    draws = resampled(50, 300, seed=2)
    assert draws.shape == (50, 300)
    assert (draws.sum(axis=0) == 50).all()
    assert draws.mean() == 1
    assert draws.var() == pytest.approx(0.98, abs=0.05)
    assert (draws == resampled(50, 300, seed=2)).all()


def test_an_interval_leaves_undefined_values_out_until_they_are_most() -> None:
    values = np.r_[np.arange(101.0), np.full(99, np.nan)]
    assert interval(values) == [2.5, 97.5]
    assert interval(np.r_[values, [np.nan] * 3]) is None
    assert interval(np.zeros(0)) is None
