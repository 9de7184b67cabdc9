"""One trained network of an ensemble: graphVCI's core with its gene embeddings Z_G."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gvci.likelihoods import Outcome
from gvci.model import GraphVCI


@dataclass(frozen=True)
class Member:
    """Answers of one network; Z is always the mean of q(Z | Y, X, T), so no cell needs another.

    Attributes:
        core: encoder and decoder.
        genes: Z_G (n, d_G); None for VCI.
    """

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

    def mean_shift(
        self, z: Tensor, x: Tensor, treatments: list[Tensor], depth: Tensor | None
    ) -> Tensor:
        """The mean over cells of μ(Z, T′) − μ(Z, T); `treatments` is T, then each T′.

        Returns:
            (treatments − 1, n).
        """
        means = self.means(z, x, treatments, depth)
        return means[1:] - means[:1]
