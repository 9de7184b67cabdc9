"""Densities against torch.distributions and scipy, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence as torch_kl

from gvci.likelihoods import Counts, Normal, Observed, kl_divergence, outcome
from gvci.model.distribution import match_log_density, match_means, match_to_mean


def test_kl_equals_torch_distributions():
    torch.manual_seed(1)
    parts = [torch.randn(4, 3).double(), torch.rand(4, 3).double() + 0.1]
    others = [torch.randn(4, 3).double(), torch.rand(4, 3).double() + 0.1]
    ours = kl_divergence(Normal(*parts), Normal(*others))
    torch.testing.assert_close(ours, torch_kl(TorchNormal(*parts), TorchNormal(*others)))


def test_normal_density_and_its_gradients_equal_torch_distributions():
    mean, scale, value = torch.randn(3, 4), torch.rand(3, 4) + 0.1, torch.randn(3, 4)
    inputs = [a.double().requires_grad_() for a in (mean, scale, value)]
    ours = Normal(*inputs[:2]).log_density(Observed(inputs[2]))
    theirs = TorchNormal(*inputs[:2]).log_prob(inputs[2])
    torch.testing.assert_close(ours, theirs)
    direction = torch.randn_like(ours)
    both = (torch.autograd.grad((found * direction).sum(), inputs) for found in (ours, theirs))
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other)


def counted(rate, dispersion, dropout=None, depth=2500.0):
    raw = [np.log(rate), np.log(dispersion)] + ([] if dropout is None else [dropout])
    shape = np.broadcast_shapes(*(np.shape(a) for a in raw))
    stacked = torch.from_numpy(np.stack([np.broadcast_to(a, shape) for a in raw]))
    return outcome("nb" if dropout is None else "zinb", stacked, torch.tensor([[depth]]), 0.1)


@given(
    rate=st.floats(0.01, 3000), dispersion=st.floats(0.01, 500), count=st.integers(0, 400),
    depth=st.floats(200, 50_000),
)  # fmt: skip
def test_negative_binomial_equals_scipy(rate, dispersion, count, depth):
    made = counted(np.array([[rate]]), np.array([[dispersion]]), depth=depth)
    m = rate * depth / 1e4
    expected = stats.nbinom.logpmf(count, dispersion, dispersion / (dispersion + m))
    observed = Observed(torch.zeros(1, 1), torch.tensor([[float(count)]]).double())
    assert float(made.log_density(observed)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(logit=st.floats(-6, 6), count=st.integers(0, 50))
def test_zero_inflation_equals_its_definition(logit, count):
    rate, dispersion = np.array([[8.0]]), np.array([[1.5]])
    made = counted(rate, dispersion, np.array([[logit]]))
    share = 1 / (1 + np.exp(-logit))
    plain = stats.nbinom.pmf(count, 1.5, 1.5 / (1.5 + 2.0))
    expected = np.log((1 - share) * plain + share * (count == 0))
    observed = Observed(torch.zeros(1, 1), torch.tensor([[float(count)]]).double())
    assert float(made.log_density(observed)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dropout", [None, 0.4])
def test_counts_are_drawn_from_their_density_and_their_mean_is_near(dropout):
    logit = None if dropout is None else np.full((4000, 1), np.log(dropout / (1 - dropout)))
    made = counted(np.full((4000, 1), 30.0), np.full((4000, 1), 3.0), logit)
    drawn = made.draw(torch.Generator().manual_seed(0))
    counts = (torch.expm1(drawn) * 2500 / 1e4).numpy().ravel()
    assert np.allclose(counts, counts.round(), atol=1e-3)
    kept = 1.0 if dropout is None else 1 - dropout
    assert counts.mean() == pytest.approx(7.5 * kept, rel=0.05)
    assert (counts == 0).mean() == pytest.approx(kept * (3 / 10.5) ** 3 + 1 - kept, abs=0.03)
    # The first-order mean of log1p leaves out the spread above zero.
    assert float(made.mean.mean()) == pytest.approx(float(drawn.mean()), rel=0.1)
    again = made.draw(torch.Generator().manual_seed(0))
    assert drawn.equal(again)


def test_counts_have_gradients_far_from_the_data():
    raw = torch.tensor([[[-40.0, 40.0]], [[30.0, -30.0]], [[50.0, -50.0]]], requires_grad=True)
    made = Counts.of(raw, torch.tensor([[1000.0]]))
    density = made.log_density(Observed(torch.zeros(1, 2), torch.tensor([[3.0, 0.0]])))
    density.sum().backward()
    assert torch.isfinite(raw.grad).all()


def test_match_terms_equal_the_sum_over_cells():
    torch.manual_seed(2)
    value, cells, std = torch.randn(3, 7).double(), torch.randn(3, 5, 7).double(), 0.8
    each = TorchNormal(cells, std).log_prob(value[:, None, :]).sum(dim=2)
    mean_log = match_log_density(value, cells, std, "mean_log")
    torch.testing.assert_close(mean_log, each.mean(dim=1) / 7)
    spread = cells.var(dim=1, unbiased=False).mean(dim=1)
    torch.testing.assert_close(match_to_mean(value, cells.mean(dim=1), spread, std), mean_log)
    log_mean = match_log_density(value, cells, std, "log_mean")
    torch.testing.assert_close(log_mean, torch.log(torch.exp(each).mean(dim=1)) / 7)


def test_match_of_means_equals_a_loop_over_strata():
    torch.manual_seed(4)
    value, mean = torch.randn(6, 7).double(), torch.randn(6, 7).double()
    spread, stratum = torch.rand(6).double(), torch.tensor([0, 2, 0, 1, 2, 2])
    ours = match_means(value, mean, spread, 0.9, stratum)
    for k in range(6):
        same = stratum == stratum[k]
        target = mean[same].mean(dim=0)
        density = TorchNormal(target, 0.9).log_prob(value[same].mean(dim=0)).mean()
        torch.testing.assert_close(ours[k], density - spread[k] / (2 * 0.9**2))
