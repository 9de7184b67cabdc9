"""Kriged effects: against the textbook form, on truths with known structure, and blind."""

from __future__ import annotations

import numpy as np
import pytest

from gvci.kriging import (
    DEFAULT,
    LEVEL_VARIANCE,
    Constants,
    Kriging,
    choose_constants,
    kriged_effects,
    within_pair_variance,
)
from gvci.pseudobulk import Pseudobulks, squared_errors

GENES = 40


def bulks_of(means: dict[tuple[str, str], np.ndarray], count: int = 50) -> Pseudobulks:
    pairs = tuple(sorted(means))
    levels = {group: group for group, _ in pairs}
    stacked = np.stack([means[pair] for pair in pairs])
    counts = np.full(len(pairs), count)
    return Pseudobulks("control", "type", levels, pairs, stacked, counts, np.ones(len(pairs), bool))


def world(rng, groups=5, labels=6, own=0.0, noise=0.0):
    """Control profiles plus shared effects plus effects of a group's own factor."""
    profiles = rng.uniform(1, 3, (groups, GENES))
    effects = rng.normal(0, 0.5, (labels, GENES))
    factors = rng.normal(0, own, (groups, GENES))
    means = {}
    for g in range(groups):
        means[f"g{g}", "control"] = profiles[g] + rng.normal(0, noise, GENES)
        for p in range(labels):
            change = effects[p] + factors[g] * np.sign(p - labels / 2 + 0.5)
            means[f"g{g}", f"p{p}"] = (profiles[g] + change).clip(0) + rng.normal(0, noise, GENES)
    return {pair: mean.clip(0) for pair, mean in means.items()}


def test_prediction_equals_the_textbook_form():
    rng = np.random.default_rng(0)
    bulks = bulks_of(world(rng, 3, 2)).without("g1", "p0")
    constants = Constants(0.7, 0.6, 0.9, 0.4, 1.0)
    kriging = Kriging(bulks, noise=0.3)
    rows = [pair for pair in bulks.row]
    controls = {g: bulks.control_mean(g) for g in ("g0", "g1", "g2")}
    deltas = {
        p: np.mean([bulks.delta(g, q) for g, q in rows if q == p], axis=0) for p in ("p0", "p1")
    }
    squares = [
        ((controls[a] - controls[b]) ** 2).sum() for a in controls for b in controls if a != b
    ]

    def covariance(one, other):
        (g, p), (h, q) = one, other
        total = LEVEL_VARIANCE * (g == h)
        if "control" in (p, q):
            return total
        size = np.sqrt((deltas[p] ** 2).mean() * (deltas[q] ** 2).mean())
        cosine = deltas[p] @ deltas[q] / np.linalg.norm(deltas[p]) / np.linalg.norm(deltas[q])
        alike = 0.6 * cosine + 0.4 * (p == q)
        distance = ((controls[g] - controls[h]) ** 2).sum() / np.median(squares)
        return total + size * alike * (0.7 + 0.6 * np.exp(-distance / 0.9))

    matrix = (
        np.array([[covariance(a, b) for b in rows] for a in rows]) + np.eye(len(rows)) * 0.3 / 50
    )
    asked = ("g1", "p0")
    weights = np.linalg.inv(matrix) @ np.array([covariance(asked, b) for b in rows])
    means = np.stack([bulks.mean(*pair) for pair in rows])
    expected = means.mean(axis=0) + weights @ (means - means.mean(axis=0))
    np.testing.assert_allclose(kriging.predict([asked], constants)[0], expected.clip(0), atol=1e-6)


def test_shared_effects_are_carried_to_the_group_that_lacks_them():
    rng = np.random.default_rng(1)
    means = world(rng)
    bulks = bulks_of(means).without("g2", "p3")
    said = Kriging(bulks, 0.01).predict([("g2", "p3")], DEFAULT)[0]
    nothing = means["g2", "control"]
    truth = means["g2", "p3"]
    assert ((said - truth) ** 2).mean() < 0.05 * ((nothing - truth) ** 2).mean()


def test_a_groups_other_responses_tell_of_the_missing_one():
    """Where effects have a part of the group's own, kriging beats the mean over other groups."""
    rng = np.random.default_rng(2)
    means = world(rng, groups=4, labels=8, own=0.4)
    bulks = bulks_of(means)
    constants = choose_constants(bulks, 0.01)
    errors, plain = [], []
    for p in range(8):
        hidden = bulks.without("g0", f"p{p}")
        truth = bulks.mean("g0", f"p{p}")
        said = Kriging(hidden, 0.01).predict([("g0", f"p{p}")], constants)[0]
        errors.append(((said - truth) ** 2).mean())
        others = np.mean([bulks.delta(f"g{g}", f"p{p}") for g in (1, 2, 3)], axis=0)
        plain.append(((bulks.control_mean("g0") + others - truth) ** 2).mean())
    assert constants.own > 0
    assert np.mean(errors) < 0.8 * np.mean(plain)


@pytest.mark.parametrize("epsilon", [1.0, 0.3])
def test_hidden_pairs_are_not_seen(epsilon):
    rng = np.random.default_rng(3)
    means = world(rng)
    other = {**means, ("g1", "p1"): means["g1", "p1"] + 5}
    constants = DEFAULT._replace(epsilon=epsilon)
    said = [
        Kriging(bulks_of(m).without("g1", "p1"), 0.1).predict([("g1", "p1")], constants)
        for m in (means, other)
    ]
    np.testing.assert_array_equal(*said)
    assert (said[0] >= 0).all()


def test_table_is_relative_to_the_measured_controls_and_zero_where_nothing_is_known():
    rng = np.random.default_rng(4)
    bulks = bulks_of(world(rng))
    table = kriged_effects(bulks, 0.1, DEFAULT, ["g0", "g1"], ["p1", "never measured"])
    assert table.shape == (2, 2, GENES)
    assert not table[:, 1].any()
    said = Kriging(bulks, 0.1).predict([("g1", "p1")], DEFAULT)[0]
    np.testing.assert_allclose(table[1, 0] + bulks.control_mean("g1"), said, atol=1e-6)


def test_many_pairs_are_kriged_perturbation_by_perturbation(monkeypatch):
    """Where perturbations have nothing in common, the short way equals the whole system."""
    rng = np.random.default_rng(8)
    means = world(rng, groups=4, labels=5)
    bulks = bulks_of(means).without("g1", "p2")
    constants = DEFAULT._replace(alone=1.0)
    asked = [("g1", "p2"), ("g0", "p3"), ("g1", "p3")]
    whole = Kriging(bulks, 0.05).predict(asked, constants)
    monkeypatch.setattr("gvci.kriging.MOST_ROWS", 3)
    short = Kriging(bulks, 0.05).predict(asked, constants)
    truth = np.stack([means[pair] for pair in asked])
    assert ((short - whole) ** 2).mean() < 0.05 * ((whole - truth) ** 2).mean() + 1e-3


def test_within_pair_variance_equals_the_loop():
    import scipy.sparse as sp

    rng = np.random.default_rng(5)
    cells = rng.poisson(1.0, (30, 7)).astype(np.float32)
    pair = np.array(["a", "b", "c"])[rng.integers(3, size=30)]
    expected = np.concatenate([cells[pair == p] - cells[pair == p].mean(0) for p in "abc"])
    member = np.unique(pair, return_inverse=True)[1]
    ours = within_pair_variance(sp.csr_matrix(cells), np.arange(len(cells)), member)
    assert ours == pytest.approx((expected**2).mean(), rel=1e-5)


def test_errors_of_all_and_of_the_most_changed_genes():
    rng = np.random.default_rng(7)
    said, truth, control = rng.normal(size=(3, 2, 90))
    both = squared_errors(said, truth, control)
    for k in range(2):
        order = sorted(range(90), key=lambda i: -abs(truth[k, i] - control[k, i]))[:50]
        assert both[k, 0] == pytest.approx(((said[k] - truth[k]) ** 2).mean())
        assert both[k, 1] == pytest.approx(
            np.mean([(said[k, i] - truth[k, i]) ** 2 for i in order])
        )


def test_one_group_has_nothing_to_choose_by():
    rng = np.random.default_rng(6)
    assert choose_constants(bulks_of(world(rng, groups=1)), 0.1) == DEFAULT
