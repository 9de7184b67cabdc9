"""What the published networks share: inputs, outcome decoder, and what training asks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.devices import WHOLE, Share
from gvci.likelihoods import Normal, Observed
from gvci.model.encoder import mlp


class Shape(NamedTuple):
    """What of the data decides a network's size."""

    genes: int  # n
    treatments: int  # r, control's column included
    categories: tuple[int, ...]  # levels of each categorical covariate, in the order of X
    numbers: int  # real-valued covariates, the last columns of X

    @classmethod
    def of(cls, genes: int, treatment: TreatmentCode, covariates: CovariateCode) -> Shape:
        """From how labels become T and X."""
        categories = tuple(len(levels) for levels in covariates.levels.values())
        return cls(genes, treatment.width, categories, len(covariates.real))

    @property
    def covariates(self) -> int:
        """m."""
        return sum(self.categories) + self.numbers


class Cells(NamedTuple):
    """What one step sees."""

    expression: Tensor  # Y (cells, n), log1p CP10k
    covariates: Tensor  # X (cells, m)
    treatment: Tensor  # T (cells, r)
    other: Tensor  # T of the next cell of the batch (cells, r)
    share: Share = WHOLE  # which of the batch's cells these are
    depth: None = None  # the likelihood is not of counts

    def to(self, device: torch.device) -> Cells:
        """The same on another device."""
        y, x, t, other = (tensor.to(device) for tensor in self[:4])
        return Cells(y, x, t, other, self.share)


def embed_outcome(settings: TrainSettings, genes: int) -> nn.Sequential:
    """emb(Y), as in VCI's encoder."""
    width = settings.outcome_embedding
    return nn.Sequential(nn.Linear(genes, width), nn.LayerNorm(width), nn.ReLU())


class Encoder(nn.Module):
    """MLP([emb(Y), T, emb(X), more]), as in VCI's encoder.

    Args:
        settings: the widths.
        shape: of the data.
        outputs: numbers per cell.
        more: numbers per cell that enter besides.
    """

    def __init__(self, settings: TrainSettings, shape: Shape, outputs: int, more: int = 0) -> None:
        super().__init__()
        s = settings
        self.embed_outcome = embed_outcome(s, shape.genes)
        self.embed_covariates = nn.Linear(shape.covariates, s.covariate_embedding)
        inputs = s.outcome_embedding + shape.treatments + s.covariate_embedding + more
        self.cell = mlp(inputs, s.width, s.depth, outputs)

    def forward(self, y: Tensor, x: Tensor, t: Tensor, *more: Tensor) -> Tensor:
        """(cells, outputs)."""
        parts = [self.embed_outcome(y), t, self.embed_covariates(x), *more]
        encoded: Tensor = self.cell(torch.cat(parts, dim=1))
        return encoded


class Decoder(nn.Module):
    """p(Y | ·): independent normals, their mean and scale from an MLP."""

    def __init__(self, settings: TrainSettings, shape: Shape, inputs: int) -> None:
        super().__init__()
        s = settings
        self.genes, self.smallest_scale = shape.genes, s.smallest_scale
        self.cell = mlp(inputs, s.width, s.depth)
        self.output = nn.Linear(s.width, 2 * shape.genes)

    def forward(self, inputs: Tensor) -> Normal:
        """(cells, inputs) → p(Y | ·) of (cells, n)."""
        raw = self.output(self.cell(inputs)).view(len(inputs), 2, -1)
        return Normal.of(raw.transpose(0, 1), self.smallest_scale)

    def mean_of(self, inputs: Tensor) -> Tensor:
        """The mean over cells of the mean, (n,): the last layer sees one mean cell."""
        weight, bias = self.output.weight[: self.genes], self.output.bias[: self.genes]
        mean: Tensor = weight @ self.cell(inputs).mean(dim=0) + bias
        return mean

    @torch.no_grad()
    def start(self, means: Tensor, sds: Tensor) -> None:
        """Begin at each gene's mean and standard deviation, (n,) both, as VCI does."""
        self.output.bias[: self.genes] = means
        self.output.bias[self.genes :] = torch.log(torch.expm1(sds.clamp_min(1e-2)))


class Network(nn.Module, ABC):
    """A published network: Z of a cell, p(Y | Z, X, T), and its loss.

    Attributes:
        weights: of the loss terms.
        adversary: what is trained against the rest, by its own loss; None for most.
    """

    decoder: Decoder
    weights: Mapping[str, float]

    def __init__(self, settings: TrainSettings, shape: Shape) -> None:
        super().__init__()
        self.settings, self.shape = settings, shape
        self.adversary: nn.Module | None = None

    @abstractmethod
    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """What is kept of cells when their treatment changes, (cells, latent); no draw."""

    @abstractmethod
    def entering(self, z: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """What the decoder gets, (cells, inputs)."""

    def outcome(self, z: Tensor, x: Tensor, t: Tensor) -> Normal:
        """p(Y | Z, X, T), (cells, n), log1p CP10k."""
        outcome: Normal = self.decoder(self.entering(z, x, t))
        return outcome

    @abstractmethod
    def loss_terms(self, cells: Cells, noise: torch.Generator) -> dict[str, Tensor]:
        """The terms of −J, of which `reconstruction` is −log p(Y | ·) per gene."""

    def objective(self, terms: Mapping[str, Tensor]) -> Tensor:
        """−J: the terms with their weights."""
        return torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()

    def adversary_loss(self, cells: Cells, noise: torch.Generator) -> Tensor:
        """What the adversary minimises; nothing of it reaches the other weights."""
        raise NotImplementedError


def reconstruction(outcome: Normal, y: Tensor) -> Tensor:
    """−log p(Y | ·) per gene, averaged over cells."""
    return -outcome.log_density(Observed(y)).mean()
