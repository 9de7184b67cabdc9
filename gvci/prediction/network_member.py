"""A trained published network as a member: it is asked as graphVCI is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gvci.likelihoods import Outcome
from gvci.networks.network import Network
from gvci.prediction.member import Member


@dataclass(frozen=True)
class NetworkMember(Member):
    """Answers of one published network.

    Attributes:
        core: the network.
        genes: None, for it has no graph.
    """

    core: Network
    genes: None = None

    @torch.no_grad()
    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """Z, (cells, latent)."""
        return self.core.latent(y, x, t)

    @torch.no_grad()
    def outcomes(
        self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None
    ) -> list[Outcome]:
        """p(Y | Z, X, T) of the same cells under each treatment."""
        return [self.core.outcome(z, x, t) for t in treatments]

    @torch.no_grad()
    def means(self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None) -> Tensor:
        """The mean over cells of μ(Z, X, T) under each treatment, (treatments, n)."""
        decoder = self.core.decoder
        return torch.stack([decoder.mean_of(self.core.entering(z, x, t)) for t in treatments])
