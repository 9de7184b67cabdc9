"""Outcome and latent distributions, written out where that saves memory or time."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Normal(NamedTuple):
    """Independent normals: `mean` and `scale` of one shape."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, parameters: Tensor, smallest_scale: float) -> Normal:
        """From (2, …) raw parameters: the scale is softplus + a floor.

        The paper's floor is 1e-3. On sparse counts a gene that is silent in a group then gets
        a density so narrow that one count in a new cell outweighs all else.
        """
        return cls(parameters[0], torch.nn.functional.softplus(parameters[1]) + smallest_scale)

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """A reparameterised sample."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + self.scale * noise

    def log_density(self, value: Tensor) -> Tensor:
        """log N(value; mean, scale), element-wise."""
        deviation = (value - self.mean) / self.scale
        return -0.5 * deviation**2 - self.scale.log() - 0.5 * math.log(2 * math.pi)


def kl_divergence(first: Normal, second: Normal) -> Tensor:
    """KL[first ‖ second], element-wise: log σ₂/σ₁ + (σ₁² + (μ₁ − μ₂)²) / 2σ₂² − ½."""
    ratio = first.scale / second.scale
    shift = (first.mean - second.mean) / second.scale
    return 0.5 * (ratio**2 + shift**2 - 1) - ratio.log()


def match_log_density(value: Tensor, cells: Tensor, std: float, kernel: str) -> Tensor:
    """log p̂(value) under a Gaussian kernel around matched cells (METHOD.md §2, `match`).

    Args:
        value: (batch, n).
        cells: (batch, drawn, n).
        std: the kernel's standard deviation.
        kernel: `mean_log`, the mean over cells of the log-density, or `log_mean`, the log of
            the mean density.

    Returns:
        (batch,), per gene (divided by n).
    """
    squares = ((value[:, None, :] - cells) ** 2).sum(dim=2) / (2 * std**2)
    n = value.shape[1]
    constant = math.log(std) + 0.5 * math.log(2 * math.pi)
    if kernel == "mean_log":
        return -squares.mean(dim=1) / n - constant
    drawn = math.log(cells.shape[1])
    return (torch.logsumexp(-squares, dim=1) - drawn) / n - constant


def match_to_mean(value: Tensor, mean: Tensor, spread: Tensor, std: float) -> Tensor:
    """`mean_log` of `match_log_density` from the cells' mean and variance alone.

    Σ_k (v − y_k)² / K = (v − ȳ)² + var(y), so the (batch, drawn, n) tensor is not needed.

    Args:
        value, mean: (batch, n).
        spread: (batch,), the mean over genes of the drawn cells' variance.
        std: the kernel's standard deviation.
    """
    squares = ((value - mean) ** 2).mean(dim=1) + spread
    return -squares / (2 * std**2) - math.log(std) - 0.5 * math.log(2 * math.pi)
