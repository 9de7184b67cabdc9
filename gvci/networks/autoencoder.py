"""AE: an autoencoder with covariates and treatment as extra inputs (paper, §3).

    Z = f(Y, X, T),   Ŷ = g(Z, T),   J = log p(Y | Ŷ)

with p normal. Nothing tells Z to forget T: under T′ it answers g(f(Y, X, T), T′). It is VCI
without its distribution and its disentanglement term.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gvci.config import TrainSettings
from gvci.networks.network import Cells, Decoder, Encoder, Network, Shape, reconstruction


class Autoencoder(Network):
    """(Y, X, T) → Ŷ, by way of Z."""

    weights: Mapping[str, float] = {"reconstruction": 1.0}

    def __init__(self, settings: TrainSettings, shape: Shape) -> None:
        super().__init__(settings, shape)
        self.encoder = Encoder(settings, shape, settings.latent)
        self.decoder = Decoder(settings, shape, settings.latent + shape.treatments)

    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """Z = f(Y, X, T), (cells, latent)."""
        latent: Tensor = self.encoder(y, x, t)
        return latent

    def entering(self, z: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """[Z, T], (cells, latent + r)."""
        return torch.cat([z, t], dim=1)

    def loss_terms(self, cells: Cells, noise: torch.Generator) -> dict[str, Tensor]:
        """−log p(Y | g(f(Y, X, T), T))."""
        y, x, t, *_ = cells
        return {"reconstruction": reconstruction(self.outcome(self.latent(y, x, t), x, t), y)}
