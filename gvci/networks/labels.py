"""How well a cell's labels, T and X, are read from a vector: log p(T | z) and log p(X | z).

CEVAE's z must tell them; CPA's basal state must not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gvci.model.encoder import mlp
from gvci.networks.network import Shape


class Read(NamedTuple):
    """What is read: scores of every treatment (cells, r) and covariate (cells, m)."""

    treatment: Tensor
    covariates: Tensor


class Labels(nn.Module):
    """An MLP for the treatment and one for the covariates."""

    def __init__(self, inputs: int, width: int, depth: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.treatment = mlp(inputs, width, depth, shape.treatments)
        self.covariates = mlp(inputs, width, depth, shape.covariates)

    def forward(self, z: Tensor) -> Read:
        """(cells, inputs) → scores."""
        return Read(self.treatment(z), self.covariates(z))

    def log_density(self, read: Read, x: Tensor, t: Tensor) -> Tensor:
        """log p(T | z) + log p(X | z), (cells,)."""
        categories, numbers = self.shape.categories, self.shape.numbers
        sizes = [*categories, numbers]
        scores, given = torch.split(read.covariates, sizes, dim=1), torch.split(x, sizes, dim=1)
        total = log_categorical(read.treatment, t)
        for score, level in zip(scores[:-1], given[:-1], strict=True):
            total = total + log_categorical(score, level)
        squares: Tensor = ((given[-1] - scores[-1]) ** 2).sum(dim=1)
        return total - 0.5 * squares - 0.5 * numbers * math.log(2 * math.pi)


def log_categorical(scores: Tensor, given: Tensor) -> Tensor:
    """log p of the level that is there, (cells,); of several, as in A+B, their mean.

    Args:
        scores: (cells, levels), softmax over levels.
        given: (cells, levels), above 0 where a level is there; doses do not count.
    """
    there = (given > 0).to(scores.dtype)
    share = there / there.sum(dim=1, keepdim=True)
    return (share * torch.log_softmax(scores, dim=1)).sum(dim=1)
