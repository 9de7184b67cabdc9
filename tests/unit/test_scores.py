"""Scores of perturbations and of distributions against slow literal forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu, wasserstein_distance
from sklearn.metrics import mean_absolute_error

from gvci.baselines import BASELINES
from gvci.benchmark import words
from gvci.evaluation.score_table import BLOCKS
from gvci.evaluation.scoring import SCORES
from gvci.metrics import (
    centroid_accuracy,
    coverage,
    des,
    mae,
    mean_scores,
    mmd,
    pds,
    pearson_delta,
    rank,
    wasserstein,
)
from gvci.verdict import TITLES


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def test_mae_is_sklearns(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 30))
    assert mae(truth, prediction) == pytest.approx(mean_absolute_error(truth, prediction))
    assert mae(truth, prediction, [4]) == pytest.approx(abs(truth[4] - prediction[4]))
    assert mae(truth[:0], prediction[:0]) is None
    assert mae(truth, np.full(30, np.nan)) is None


# --- among other perturbations ---------------------------------------------------------


def test_centroid_accuracy_and_pds_by_loops(rng: np.random.Generator) -> None:
    for _ in range(20):
        truth, prediction = rng.normal(size=(2, 6))
        others = rng.normal(size=(9, 6))
        farther = sum(np.linalg.norm(o - prediction) > np.linalg.norm(truth - prediction)
                      for o in others)  # fmt: skip
        assert centroid_accuracy(truth, prediction, others) == pytest.approx(farther / 9)
        genes = [0, 1, 3, 4, 5]  # without gene 2
        own = np.abs(truth - prediction)[genes].sum()
        nearer = sum(np.abs(o - prediction)[genes].sum() < own for o in others)
        assert pds(truth, prediction, others, [2]) == pytest.approx(1 - nearer / 10)


def test_pds_of_the_perturbed_gene_alone_is_no_discrimination() -> None:
    # Only the target tells this perturbation apart; without it all effects are equal.
    control, others = np.ones(5), np.ones((3, 5))
    truth = control - np.eye(5)[1]
    assert pds(truth, truth, others) == 1
    assert pds(truth, truth, others, [1]) == pytest.approx(1 - 1.5 / 4)


def test_rank_by_a_loop_and_by_chance(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 6))
    others = rng.normal(size=(4, 6))
    nearer = sum(np.linalg.norm(o - truth) < np.linalg.norm(prediction - truth) for o in others)
    assert rank(truth, prediction, others) == nearer / 5
    assert rank(truth, truth, others) == 0
    assert rank(truth, prediction, np.tile(prediction, (4, 1))) == pytest.approx(2 / 5)
    by_chance = [rank(t, p, rng.normal(size=(9, 6))) for t, p in rng.normal(size=(600, 2, 6))]
    assert np.mean(by_chance) == pytest.approx(0.45, abs=0.04)


def test_without_other_perturbations_they_are_undefined(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 6))
    none = np.zeros((0, 6))
    for score in (centroid_accuracy, pds, rank):
        assert score(truth, prediction, none) is None
        assert score(truth, np.full(6, np.inf), rng.normal(size=(3, 6))) is None
    for others in (None, none):
        scores = mean_scores(truth, prediction, np.zeros(6), [0, 1], others)
        assert {scores[n] for n in ("systema_delta", "centroid_accuracy", "pds")} == {None}


def test_systema_takes_off_what_all_perturbations_do(rng: np.random.Generator) -> None:
    control, shared = rng.uniform(1, 4, size=(2, 40))
    own = 0.2 * rng.normal(size=(5, 40))
    truth, others = control + shared + own[0], control + shared + own[1:]
    scores = mean_scores(truth, control + shared, control, np.arange(40), others)
    assert scores["pearson_delta"] > 0.9
    assert abs(scores["systema_delta"]) < 0.5
    expected = np.corrcoef(truth - others.mean(axis=0), control + shared - others.mean(axis=0))
    assert scores["systema_delta"] == pytest.approx(expected[0, 1])
    # The mean of the others says nothing of this one.
    assert mean_scores(truth, others.mean(axis=0), control, None, others)["systema_delta"] is None


def test_the_top_twenty_are_the_first_of_the_changed_genes(rng: np.random.Generator) -> None:
    truth, prediction, control = rng.normal(size=(3, 60))
    genes = rng.permutation(60)[:50]
    scores = mean_scores(truth, prediction, control, genes)
    assert scores["pearson_delta_top20"] == pearson_delta(truth, prediction, control, genes[:20])
    assert scores["pearson_delta_de"] == pearson_delta(truth, prediction, control, genes)


# --- cells -----------------------------------------------------------------------------


def literal_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """E k(x, x′) + E k(y, y′) − 2E k(x, y), pair by pair; σ the median distance of true cells."""
    true = [np.linalg.norm(x[i] - x[j]) for i in range(len(x)) for j in range(i)]
    width = 2 * np.median(true) ** 2

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-np.sum((a - b) ** 2) / width))

    own = [kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
    other = [kernel(y[i], y[j]) for i in range(len(y)) for j in range(len(y)) if i != j]
    across = [kernel(a, b) for a in x for b in y]
    return float(np.mean(own) + np.mean(other) - 2 * np.mean(across))


def test_mmd_is_the_double_loop(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 15, 8))
    y += 0.7
    assert mmd(x, y) == pytest.approx(literal_mmd(x, y), abs=1e-5)


def test_mmd_of_one_distribution_is_zero_on_average(rng: np.random.Generator) -> None:
    found = [mmd(*rng.normal(size=(2, 30, 5)), seed=i) for i in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0 < max(found)
    apart = [mmd(a, b + 1) for a, b in rng.normal(size=(20, 2, 30, 5))]
    assert min(apart) > max(found)


def test_wasserstein_is_scipys_mean_over_genes(rng: np.random.Generator) -> None:
    x, y = rng.gamma(2, size=(40, 7)), rng.gamma(3, size=(23, 7))
    expected = np.mean([wasserstein_distance(a, b) for a, b in zip(x.T, y.T, strict=True)])
    assert wasserstein(x, y) == pytest.approx(expected, rel=1e-5)


def test_mmd_and_wasserstein_undefined() -> None:
    cells = np.arange(6.0).reshape(3, 2)
    assert mmd(cells[:1], cells) is None
    assert mmd(np.ones((3, 2)), cells) is None
    assert wasserstein(cells[:0], cells) is None
    for score in (mmd, wasserstein):
        assert score(cells, np.full((3, 2), np.nan)) is None


def literal_genes(cells: np.ndarray, control: np.ndarray) -> list[int]:
    """Wilcoxon, Benjamini and Hochberg below 0.05, by |log2 fold change|, gene by gene."""
    p = [mannwhitneyu(a, b, method="asymptotic").pvalue
         for a, b in zip(cells.T, control.T, strict=True)]  # fmt: skip
    change = [abs(np.log2(np.expm1(np.mean(a)) / np.expm1(np.mean(b))))
              for a, b in zip(cells.T, control.T, strict=True)]  # fmt: skip
    found = [gene for gene, q in enumerate(false_discovery_control(p)) if q < 0.05]
    return sorted(found, key=lambda gene: -change[gene])


def test_des_gene_by_gene(rng: np.random.Generator) -> None:
    effect = np.where(np.arange(60) < 25, rng.normal(0, 2, 60), 0)
    control = rng.gamma(3, size=(50, 60))
    for share in (0.6, 1.0, 1.5):
        true, made = (
            np.maximum(rng.gamma(3, size=(40, 60)) + e, 0) for e in (effect, share * effect)
        )
        first, second = literal_genes(true, control), literal_genes(made, control)
        expected = len(set(first) & set(second[: len(first)])) / len(first)
        assert 0 < expected < 1
        assert des(true, made, control) == pytest.approx(expected)


def test_des_of_perfect_cells_of_control_cells_and_undefined(rng: np.random.Generator) -> None:
    control, true = rng.gamma(3, size=(60, 30)), rng.gamma(3, size=(40, 30))
    true[:, :8] += 3
    assert des(true, true, control) == 1
    assert des(true, control[:40], control) == 0
    assert des(control[:30], true, control[30:]) is None
    assert des(true[:1], true, control) is None
    assert des(true, np.full((5, 30), np.nan), control) is None


def test_a_gene_that_controls_do_not_express_is_ranked_first(rng: np.random.Generator) -> None:
    control, true = rng.gamma(3, size=(60, 5)), rng.gamma(3, size=(40, 5))
    control[:, 3] = 0
    true[:, 0] += 9
    only_zero = control[:40].copy()
    only_zero[:, 3] = true[:, 3]
    # Two genes truly differ; the prediction has the one that control cells do not express.
    assert des(true, only_zero, control) == 0.5


def test_coverage_counts_the_ends() -> None:
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    assert coverage(truth, truth - 1, truth) == 1
    assert coverage(truth, np.full(4, 0.5), np.full(4, 2.0)) == 0.5
    assert coverage(truth, truth, np.full(4, np.nan)) is None
    assert coverage(truth[:0], truth[:0], truth[:0]) is None


# --- lists that a new score must be in -----------------------------------------------------


def test_every_score_has_its_place_in_text_in_titles_and_in_the_method() -> None:
    assert set(SCORES) == {score for block in BLOCKS for score in block}
    assert set(SCORES) == set(words.SCORES)
    method = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
    listed = method[method.index("### Scores") :]
    named = [score for score in SCORES if not score.startswith("pearson_delta_")]
    assert not [score for score in named if f"`{score}`" not in listed]


def test_every_baseline_has_a_name_for_people() -> None:
    assert set(BASELINES) <= set(TITLES)
