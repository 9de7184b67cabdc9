"""Quantile bins and standardising, for any numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gvci.data.encoding import CovariateCode
from gvci.data.reals import binned, mean_and_sd, quantile_edges, usable

ANY = st.floats(allow_nan=False, allow_infinity=False, width=32)
# Few different values make ties.
TIED = st.integers(-3, 3).map(float)


def columns(smallest: int = 0) -> st.SearchStrategy[np.ndarray]:
    """(cells,) float64, with and without ties."""
    return st.one_of(
        *(hnp.arrays(np.float64, st.integers(smallest, 40), elements=e) for e in (ANY, TIED))
    )


@given(values=columns(1), bins=st.integers(1, 9))
def test_no_training_bin_is_empty(values: np.ndarray, bins: int) -> None:
    edges = quantile_edges(values, bins)
    assert np.isin(edges, values).all()
    assert (np.diff(edges) > 0).all()
    assert len(edges) < bins
    sizes = np.bincount(binned(values, edges), minlength=len(edges) + 1)
    assert len(sizes) == len(edges) + 1
    assert (sizes > 0).all()


@given(values=columns(1), others=columns(), bins=st.integers(1, 9))
def test_bins_are_monotone_and_depend_on_the_value_alone(
    values: np.ndarray, others: np.ndarray, bins: int
) -> None:
    edges = quantile_edges(values, bins)
    both = np.concatenate([values, others])
    found = binned(both, edges)
    order = np.argsort(both, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    np.testing.assert_array_equal(found, [binned(np.array([v]), edges)[0] for v in both])


@given(values=columns(), bins=st.integers(1, 9), seed=st.integers(0, 99))
def test_edges_do_not_depend_on_the_order(values: np.ndarray, bins: int, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(values)
    np.testing.assert_array_equal(quantile_edges(values, bins), quantile_edges(shuffled, bins))


@given(values=columns(1))
def test_standardised_values_are_finite_and_survive_json(values: np.ndarray) -> None:
    code = CovariateCode({}, {"age": mean_and_sd(values)})
    x = code.encode({"age": values})
    assert x.shape == (len(values), 1)
    assert usable(x).all()
    assert abs(x.mean(dtype=np.float64)) < 1e-3
    np.testing.assert_array_equal(
        CovariateCode.from_json(code.to_json()).encode({"age": values}), x
    )
