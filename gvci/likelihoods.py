"""Outcome distributions p(Y | Z, T), written out where that saves memory or time.

Each takes raw parameters (its own number, cells, n) and gives `mean`, on the scale log1p CP10k,
`log_density` of what was observed, and `draw`, cells on the same scale.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from gvci.devices import WHOLE, Share

PER_CELL = 1e4
SMALLEST_RATE, LARGEST_LOG_RATE = 1e-6, 10.0


class Observed(NamedTuple):
    """What the likelihoods compare with."""

    expression: Tensor  # Y (cells, n), log1p CP10k
    counts: Tensor | None = None  # (cells, n), raw; nb and zinb need it
    depth: Tensor | None = None  # (cells, 1), counts per cell over all genes


class Outcome(Protocol):
    """A distribution of expression, per cell and gene."""

    @property
    def mean(self) -> Tensor:
        """(cells, n), log1p CP10k."""

    def log_density(self, observed: Observed) -> Tensor:
        """(cells, n), element-wise."""

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """Cells, (cells, n), log1p CP10k."""


class Normal(NamedTuple):
    """Independent normals: `mean` and `scale` of one shape."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, raw: Tensor, smallest_scale: float) -> Normal:
        """From (2, …) raw parameters: the scale is softplus + a floor.

        The paper's floor is 1e-3. On sparse counts a gene that is silent in a group then gets
        a density so narrow that one count in a new cell outweighs all else.
        """
        mean, scale = raw.unbind()
        return cls(mean, softplus(scale) + smallest_scale)

    def draw(self, generator: torch.Generator | None = None, share: Share = WHOLE) -> Tensor:
        """A reparameterised sample, of a batch's share the one that the whole batch would have."""
        return self.mean + self.scale * share.noise(self.mean, generator)

    def log_density(self, observed: Observed) -> Tensor:
        """log N(Y; mean, scale), element-wise."""
        density: Tensor = _LogNormal.apply(observed.expression, self.mean, self.scale)  # type: ignore[no-untyped-call]
        return density


class _LogNormal(torch.autograd.Function):
    """log N(y; mean, scale), whose gradients share what autograd works out several times."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        precision = scale.reciprocal()
        deviation = (y - mean).mul_(precision)
        ctx.save_for_backward(deviation, precision)
        return (deviation**2).mul_(-0.5).sub_(scale.log()).sub_(0.5 * math.log(2 * math.pi))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        deviation, precision = ctx.saved_tensors
        steepness = gradients[0] * precision
        for_mean = steepness * deviation
        for_y = -for_mean if ctx.needs_input_grad[0] else None
        return for_y, for_mean, (for_mean * deviation).sub_(steepness)


class Counts(NamedTuple):
    """Negative binomial counts, zero-inflated where `dropout` is there (Eraslan 2019).

    With rate ρ per 10,000 counts and a cell's depth d the mean count is m = ρ d / 10⁴, the
    variance m + m²/θ, and a count is replaced by 0 with probability π.
    """

    log_rate: Tensor  # log ρ (cells, n)
    log_dispersion: Tensor  # log θ (cells, n)
    dropout: Tensor | None  # logit π (cells, n)
    depth: Tensor  # (cells, 1)

    @classmethod
    def of(cls, raw: Tensor, depth: Tensor) -> Counts:
        """From (2 or 3, cells, n) raw parameters."""
        rate = raw[0].clamp(math.log(SMALLEST_RATE), LARGEST_LOG_RATE)
        return cls(rate, raw[1].clamp(-8, 8), raw[2] if len(raw) > 2 else None, depth)

    @property
    def expected(self) -> Tensor:
        """m, the mean count before zero inflation."""
        return torch.exp(self.log_rate) * self.depth / PER_CELL

    @property
    def mean(self) -> Tensor:
        """E[log1p CP10k] of a cell of this depth, to first order.

        A count is 0 with probability p₀; above it, log1p is taken at the conditional mean.
        log1p of the mean rate itself would be far too high where most counts are 0.
        """
        m, theta = self.expected, torch.exp(self.log_dispersion)
        log_zero = -theta * torch.log1p(m / theta)
        present = -torch.expm1(log_zero).clamp_max(-1e-6)
        kept = present if self.dropout is None else present * torch.sigmoid(-self.dropout)
        return kept * torch.log1p(m / present * PER_CELL / self.depth)

    def log_density(self, observed: Observed) -> Tensor:
        """log P(counts), element-wise."""
        assert observed.counts is not None
        y, m, theta = observed.counts, self.expected, torch.exp(self.log_dispersion)
        log_total = torch.log(theta + m)
        density = (
            torch.lgamma(y + theta) - torch.lgamma(theta) - torch.lgamma(y + 1)
            + theta * (self.log_dispersion - log_total) + y * (torch.log(m) - log_total)
        )  # fmt: skip
        if self.dropout is None:
            return density
        zero = torch.logaddexp(logsigmoid(self.dropout), logsigmoid(-self.dropout) + density)
        return torch.where(y == 0, zero, logsigmoid(-self.dropout) + density)

    @torch.no_grad()
    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """A gamma-Poisson sample as log1p CP10k; it carries no gradient."""
        theta = torch.exp(self.log_dispersion)
        # torch.distributions takes no generator: a seed from it stands in.
        seed = torch.randint(2**62, (1,), generator=generator).item()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            rate = torch.distributions.Gamma(theta, theta / self.expected).sample()
            counts = torch.poisson(rate)
            if self.dropout is not None:
                counts = counts * (torch.rand_like(counts) >= torch.sigmoid(self.dropout))
        return torch.log1p(counts / self.depth * PER_CELL)


PARAMETERS = {"normal": 2, "nb": 2, "zinb": 3}


def outcome(likelihood: str, raw: Tensor, depth: Tensor | None, smallest_scale: float) -> Outcome:
    """The settings' distribution from a head's raw parameters (parameters, cells, n)."""
    if likelihood == "normal":
        return Normal.of(raw, smallest_scale)
    assert depth is not None
    return Counts.of(raw, depth)


def kl_divergence(first: Normal, second: Normal) -> Tensor:
    """KL[first ‖ second], element-wise: log σ₂/σ₁ + (σ₁² + (μ₁ − μ₂)²) / 2σ₂² − ½."""
    ratio = first.scale / second.scale
    shift = (first.mean - second.mean) / second.scale
    return 0.5 * (ratio**2 + shift**2 - 1) - ratio.log()
