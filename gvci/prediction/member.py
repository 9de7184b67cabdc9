"""One trained network of an ensemble, and how all of them are asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gvci.likelihoods import Outcome
from gvci.model import GraphVCI

if TYPE_CHECKING:
    from gvci.networks import Network


class Member(ABC):
    """Answers of one network; Z is never a draw, so no cell's answer depends on another cell.

    Attributes:
        core: the network.
        genes: Z_G (n, d_G); None for all but graphVCI.
    """

    core: GraphVCI | Network
    genes: Tensor | None

    @abstractmethod
    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """What is kept of cells when their treatment changes, (cells, latent)."""

    @abstractmethod
    def outcomes(
        self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None
    ) -> list[Outcome]:
        """p(Y | Z, T) of the same cells under each treatment."""

    @abstractmethod
    def means(self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None) -> Tensor:
        """The mean over cells of μ(Z, T) under each treatment, (treatments, n)."""

    def mean_shift(
        self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None
    ) -> Tensor:
        """The mean over cells of μ(Z, T′) − μ(Z, T); `treatments` is T, then each T′.

        Returns:
            (treatments − 1, n).
        """
        means = self.means(z, x, treatments, depth)
        return means[1:] - means[:1]


@dataclass(frozen=True)
class GraphVCIMember(Member):
    """graphVCI's core with its gene embeddings Z_G, or VCI's without; Z is the mean of q."""

    core: GraphVCI
    genes: Tensor | None

    @torch.no_grad()
    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The mean of q(Z_MG | Y, G, X, T), (cells, latent)."""
        return self.core.encode(y, x, t, self.genes).mean

    @torch.no_grad()
    def outcomes(
        self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None
    ) -> list[Outcome]:
        """p(Y | Z, T) of the same cells under each treatment."""
        return self.core.decode(z, x, treatments, self.genes, depth)[0]

    @torch.no_grad()
    def means(self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None) -> Tensor:
        """The mean over cells of μ(Z, T) under each treatment, (treatments, n)."""
        if self.core.gives_means:
            pairs = [(t, self.core.treatment_input(t, self.genes)) for t in treatments]
            return torch.stack(self.core.head.mean_of(z, x, pairs, self.genes))
        return torch.stack([o.mean.mean(0) for o in self.outcomes(z, x, treatments, depth)])
