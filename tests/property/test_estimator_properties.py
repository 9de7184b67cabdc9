"""Invariances of eq. 14 that hold for any outcomes and any model."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gvci.estimator import robust_mean

SEEDS = st.integers(0, 2**32 - 1)


def problem(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    """Random outcomes, treated cells (two at least) and model means."""
    rng = np.random.default_rng(seed)
    cells, genes = int(rng.integers(3, 30)), int(rng.integers(1, 5))
    treated = rng.random(cells) < 0.5
    treated[:2] = True
    scale = 10.0 ** rng.integers(-2, 3)
    outcomes, mu = scale * rng.normal(size=(2, cells, genes))
    return outcomes, treated, mu, rng


@given(SEEDS)
def test_untreated_outcomes_and_the_order_of_cells_do_not_matter(seed: int) -> None:
    outcomes, treated, mu, rng = problem(seed)
    estimate, error, _ = robust_mean(outcomes, treated, mu)
    changed = np.where(treated[:, None], outcomes, np.nan)
    order = rng.permutation(len(treated))
    again, again_error, _ = robust_mean(changed[order], treated[order], mu[order])
    np.testing.assert_allclose(again, estimate, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(again_error, error, rtol=1e-9, atol=1e-9)


@given(SEEDS, st.floats(-100, 100), st.floats(0.01, 100))
def test_it_moves_and_scales_with_the_outcomes(seed: int, shift: float, scale: float) -> None:
    outcomes, treated, mu, _ = problem(seed)
    estimate, error, _ = robust_mean(outcomes, treated, mu)
    moved, moved_error, _ = robust_mean(scale * outcomes + shift, treated, scale * mu)
    np.testing.assert_allclose(moved, scale * estimate + shift, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(moved_error, scale * error, rtol=1e-7, atol=1e-7)


@given(SEEDS)
def test_all_cells_treated_gives_their_mean(seed: int) -> None:
    outcomes, _, mu, _ = problem(seed)
    estimate, error, influence = robust_mean(outcomes, np.ones(len(outcomes), dtype=bool), mu)
    np.testing.assert_allclose(estimate, outcomes.mean(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(influence.mean(axis=0), 0, atol=1e-6)
    assert (error >= 0).all()
