"""Scores against sklearn, numpy and literal loops, and what they say when undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from gvci.metrics import (
    TrueCells,
    auprc,
    auroc,
    average,
    cell_correlation,
    e_distance,
    mean_scores,
    mse,
    pearson_delta,
    r2_mean,
    split_half,
    spread_ratio,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_r2_is_sklearns_with_truth_first(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 40))
    assert r2_mean(truth, prediction) == pytest.approx(r2_score(truth, prediction))
    assert r2_mean(truth, prediction) != pytest.approx(r2_score(prediction, truth), abs=1e-3)


def test_r2_on_genes_selects_and_does_not_keep_zeros(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 40)) + 5
    genes = np.array([3, 17, 8, 30])
    selected = r2_mean(truth, prediction, genes)
    assert selected == pytest.approx(r2_score(truth[genes], prediction[genes]))
    mask = np.isin(np.arange(40), genes)
    inflated = r2_score(truth * mask, prediction * mask)
    assert inflated > 0.5 > selected


def test_a_boolean_mask_is_refused(rng: np.random.Generator) -> None:
    truth, prediction = rng.normal(size=(2, 5))
    with pytest.raises(TypeError, match="positions, not a mask"):
        r2_mean(truth, prediction, np.ones(5, dtype=bool))


def test_r2_undefined_is_none() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert r2_mean(np.ones(3), truth) is None
    assert r2_mean(truth, truth, [1]) is None
    assert r2_mean(truth, truth, []) is None
    assert r2_mean(truth, np.array([1.0, np.nan, 3.0])) is None
    assert r2_mean(truth, np.array([1.0, np.inf, 3.0])) is None


def test_unequal_profiles_are_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="equal in length"):
        mse(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="equal in length"):
        mse(np.ones((2, 3)), np.ones((2, 3)))


def test_pearson_delta_is_numpys_correlation_of_changes(rng: np.random.Generator) -> None:
    truth, prediction, control = rng.normal(size=(3, 30))
    expected = np.corrcoef(truth - control, prediction - control)[0, 1]
    assert pearson_delta(truth, prediction, control) == pytest.approx(expected)
    genes = [1, 5, 9, 22]
    expected = np.corrcoef((truth - control)[genes], (prediction - control)[genes])[0, 1]
    assert pearson_delta(truth, prediction, control, genes) == pytest.approx(expected)


def test_pearson_delta_of_no_change_is_undefined_even_after_float32(
    rng: np.random.Generator,
) -> None:
    truth, control = rng.uniform(0, 5, size=(2, 30))
    assert pearson_delta(truth, control, control) is None
    assert pearson_delta(truth, control.astype(np.float32), control) is None
    assert pearson_delta(truth, control + 0.25, control) is None
    assert pearson_delta(control, truth, control) is None
    assert pearson_delta(truth, np.full(30, np.nan), control) is None


def test_mse() -> None:
    assert mse(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == 2.5
    assert mse(np.array([1.0, 2.0]), np.array([2.0, 4.0]), [1]) == 4
    assert mse(np.array([]), np.array([])) is None


def literal_cell_correlation(truth: np.ndarray, made: np.ndarray) -> float:
    """The definition, cell by cell."""
    found = []
    for cell, copy in zip(truth, made, strict=True):
        true = cell - truth.mean(axis=0)
        own = copy - made.mean(axis=0)
        found.append(0.0 if np.ptp(own) == 0 else np.corrcoef(true, own)[0, 1])
    return float(np.mean(found))


def test_cell_correlation_is_the_literal_loop(rng: np.random.Generator) -> None:
    truth = rng.normal(size=(25, 12))
    made = 0.5 * truth + rng.normal(size=(25, 12)) + 7
    assert cell_correlation(truth, made) == pytest.approx(literal_cell_correlation(truth, made))
    made[:5] = made[5:].mean(axis=0)
    made[:5] = made.mean(axis=0)
    literal = literal_cell_correlation(truth, made)
    assert cell_correlation(truth, made) == pytest.approx(literal, abs=1e-9)


def test_cell_correlation_of_a_perfect_and_of_a_collapsed_model(rng: np.random.Generator) -> None:
    truth = rng.uniform(0, 4, size=(30, 15)).astype(np.float32)
    assert cell_correlation(truth, truth) == pytest.approx(1)
    assert cell_correlation(truth, -truth) == pytest.approx(-1)
    collapsed = np.tile(truth.mean(axis=0), (30, 1))
    assert cell_correlation(truth, collapsed) == 0
    assert cell_correlation(truth, collapsed + 3) == 0
    # Rounding in float32 is not variation.
    rounded = collapsed + rng.choice([-2e-7, 0, 2e-7], size=collapsed.shape).astype(np.float32)
    assert cell_correlation(truth, rounded) == 0
    # Nor is library size: the same shift of all genes tells no gene apart.
    assert cell_correlation(truth, collapsed + rng.normal(size=(30, 1))) == 0


def test_cell_correlation_is_near_zero_for_unrelated_cells(rng: np.random.Generator) -> None:
    truth, made = rng.normal(size=(2, 400, 50))
    assert abs(cell_correlation(truth, made) or 1) < 0.03


def test_cell_correlation_undefined(rng: np.random.Generator) -> None:
    one = rng.normal(size=(1, 9))
    assert cell_correlation(one, one) is None
    flat = np.tile(one, (4, 1))
    assert cell_correlation(flat, rng.normal(size=(4, 9))) is None
    narrow = rng.normal(size=(4, 1))
    assert cell_correlation(narrow, narrow) is None
    broken = rng.normal(size=(4, 9))
    broken[2, 3] = np.nan
    assert cell_correlation(rng.normal(size=(4, 9)), broken) is None
    with pytest.raises(ValueError, match="differ in shape"):
        cell_correlation(np.ones((2, 3)), np.ones((3, 3)))


def test_a_cell_equal_to_the_mean_does_not_count() -> None:
    truth = np.array([[1.0, 5.0, 2.0], [3.0, 1.0, 2.0], [2.0, 3.0, 2.0]])
    assert cell_correlation(truth, truth) == pytest.approx(1)


def test_split_half_is_near_one_without_noise_and_falls_with_it(rng: np.random.Generator) -> None:
    mean, control = rng.uniform(0, 4, size=(2, 60))
    scores = [
        split_half(mean + rng.normal(0, noise, (80, 60)), control, np.arange(10))["r2_all"]
        for noise in (0.01, 1.0, 4.0)
    ]
    assert scores[0] == pytest.approx(1, abs=1e-4)
    assert scores[0] > scores[1] > scores[2]


def test_split_half_is_seeded_and_the_same_for_sparse(rng: np.random.Generator) -> None:
    cells = rng.poisson(1.0, size=(41, 20)).astype(np.float32)
    control = rng.uniform(0, 2, 20)
    first = split_half(cells, control, [1, 2, 3], seed=5)
    assert first == split_half(cells, control, [1, 2, 3], seed=5)
    assert first != split_half(cells, control, [1, 2, 3], seed=6)
    assert split_half(sp.csr_matrix(cells), control, [1, 2, 3], seed=5) == pytest.approx(first)


def test_split_half_of_one_cell_is_undefined() -> None:
    scores = split_half(np.ones((1, 4)), np.zeros(4))
    assert set(scores.values()) == {None}
    assert {"r2_all", "mse", "e_distance", "spread_ratio"} < set(scores)


def test_split_half_squared_error_is_four_times_the_floor(rng: np.random.Generator) -> None:
    # Two means of n/2 cells differ by 4 σ²/n; a perfect model by σ²/n.
    cells = rng.normal(0, 1, size=(100, 4000))
    error = split_half(cells, np.zeros(4000), repeats=4)["mse"]
    assert error == pytest.approx(4 / 100, rel=0.1)


def test_mean_scores_names_and_values(rng: np.random.Generator) -> None:
    truth, prediction, control = rng.normal(size=(3, 30))
    scores = mean_scores(truth, prediction, control, [0, 1, 2])
    assert scores["r2_de"] == r2_mean(truth, prediction, [0, 1, 2])
    assert scores["pearson_delta_de"] == pearson_delta(truth, prediction, control, [0, 1, 2])
    assert scores["mse"] == mse(truth, prediction)


def test_ranking_scores_are_sklearns(rng: np.random.Generator) -> None:
    truth = rng.random(200) < 0.2
    scores = np.round(rng.random(200) + truth * 0.3, 1)  # with ties
    assert auprc(truth, scores) == pytest.approx(average_precision_score(truth, scores))
    assert auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))
    constant = np.zeros(200)
    assert auprc(truth, constant) == pytest.approx(truth.mean())
    assert auroc(truth, constant) == 0.5


def test_ranking_scores_undefined() -> None:
    some = np.array([0.1, 0.7, 0.2])
    assert auprc(np.zeros(3), some) is None
    assert auroc(np.zeros(3), some) is None
    assert auprc(np.ones(3), some) == 1
    assert auroc(np.ones(3), some) is None
    assert auprc(np.array([]), np.array([])) is None
    assert auroc(np.array([0, 1, 0]), np.array([0.1, np.nan, 0.3])) is None
    assert auprc(np.array([0, 1, 0]), np.array([0.1, np.nan, 0.3])) is None


def test_average_is_over_the_defined() -> None:
    assert average([1.0, None, 3.0]) == 2
    assert average([None, None]) is None
    assert average([]) is None


def literal_e_distance(x: np.ndarray, y: np.ndarray) -> float:
    """2E|x − y| − E|x − x′| − E|y − y′|, cell by cell."""

    def mean(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
        return float(np.mean([np.sqrt(np.sum((a - b) ** 2)) for a, b in pairs]))

    n, m = range(len(x)), range(len(y))
    across = mean([(x[i], y[j]) for i in n for j in m])
    own = mean([(x[i], x[j]) for i in n for j in n if i != j])
    other = mean([(y[i], y[j]) for i in m for j in m if i != j])
    return 2 * across - own - other


def test_e_distance_is_the_double_loop(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 15, 8))
    y += 0.5
    assert e_distance(x, y) == pytest.approx(literal_e_distance(x, y), abs=1e-5)
    for other in (y, x[:9]):
        found = TrueCells(x).scores(other)["e_distance"]
        assert found == pytest.approx(literal_e_distance(x, other), abs=1e-4)


def test_e_distance_of_one_distribution_is_zero_on_average(rng: np.random.Generator) -> None:
    found = [e_distance(*rng.normal(size=(2, 30, 5)), seed=i) for i in range(200)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert min(found) < 0 < max(found)


def test_e_distance_of_two_gaussians_in_one_gene(rng: np.random.Generator) -> None:
    # E|N(d, 2)| = 2/√π · exp(−d²/4) + d · erf(d/2); E|x − x′| = 2/√π.
    d = 1.5
    across = 2 / math.sqrt(math.pi) * math.exp(-(d**2) / 4) + d * math.erf(d / 2)
    expected = 2 * across - 4 / math.sqrt(math.pi)
    found = [
        e_distance(rng.normal(size=(200, 1)), rng.normal(size=(200, 1)) + d) for _ in range(60)
    ]
    assert np.mean(found) == pytest.approx(expected, rel=0.03)


def test_e_distance_takes_as_many_cells_on_either_side_by_seed(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(700, 3)), rng.normal(size=(20, 3))
    assert e_distance(x, y, seed=1) == e_distance(x, y, seed=1) != e_distance(x, y, seed=2)
    chosen = np.random.default_rng(1)
    same = x[chosen.permutation(700)[:20]], y[chosen.permutation(20)]
    assert e_distance(x, y, seed=1) == pytest.approx(literal_e_distance(*same), abs=1e-4)


def test_e_distance_and_spread_undefined() -> None:
    cells = np.arange(6.0).reshape(3, 2)
    for score in (e_distance, spread_ratio):
        assert score(cells[:1], cells) is None
        assert score(cells, cells[:1]) is None
        assert score(cells, np.full((3, 2), np.nan)) is None
        assert score(np.full((3, 2), np.inf), cells) is None
    assert spread_ratio(np.ones((3, 2)), cells) is None


def test_spread_ratio_by_loops(rng: np.random.Generator) -> None:
    truth, made = rng.normal(size=(12, 4)), 0.5 * rng.normal(size=(9, 4))

    def variance(cells: np.ndarray) -> float:
        per_gene = [sum((v - g.mean()) ** 2 for v in g) / (len(g) - 1) for g in cells.T]
        return float(np.mean(per_gene))

    expected = math.sqrt(variance(made) / variance(truth))
    assert spread_ratio(truth, made) == pytest.approx(expected)
    assert spread_ratio(truth, np.tile(truth[0], (5, 1))) == pytest.approx(0, abs=1e-12)
    assert spread_ratio(truth, 2 * truth + 3) == pytest.approx(2)


def test_halves_of_one_distribution_are_as_far_apart_as_nothing(rng: np.random.Generator) -> None:
    scores = split_half(sp.csr_matrix(rng.gamma(2, size=(300, 20))), np.zeros(20), repeats=40)
    assert abs(scores["e_distance"]) < 0.02
    assert scores["spread_ratio"] == pytest.approx(1, abs=0.03)
