"""CPA: the compositional perturbation autoencoder (Lotfollahi et al. 2021; MSB 2023, Methods).

    z_basal = f(Y)
    z       = z_basal + Σ_j dose_j · V_T[j] + V_X X,      Ŷ = g(z)
    J       = log p(Y | Ŷ) + λ Σ_a CE(A_a(z_basal), a)          a = treatment, each covariate
    L_adv   = Σ_a CE(A_a(z_basal), a) + γ mean ‖∂ Σ A_a / ∂ z_basal‖²

with p normal. The adversaries A learn to read T and X from the basal state; the encoder learns
that they cannot, so that the embeddings have to carry T and X. Under T′ it answers
g(z_basal + Σ_j dose′_j V_T[j] + V_X X). λ is `adversary_weight`, γ `gradient_penalty`.

A dose scales its perturbation's embedding: the linear doser. The paper also learns a curve per
drug, of which data with one dose can say nothing. Control has an embedding like the others.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.model.encoder import mlp
from gvci.networks.labels import Labels
from gvci.networks.network import (
    Cells,
    Decoder,
    Network,
    Shape,
    embed_outcome,
    reconstruction,
)


class CPA(Network):
    """Basal state, embeddings that add up, decoder, and adversaries."""

    adversary: Labels

    def __init__(self, settings: TrainSettings, shape: Shape) -> None:
        super().__init__(settings, shape)
        s = settings
        self.encoder = nn.Sequential(
            embed_outcome(s, shape.genes), mlp(s.outcome_embedding, s.width, s.depth, s.latent)
        )
        self.treatments = nn.Linear(shape.treatments, s.latent, bias=False)
        self.covariates = nn.Linear(shape.covariates, s.latent, bias=False)
        self.decoder = Decoder(s, shape, s.latent)
        self.adversary = Labels(s.latent, s.discriminator_width, s.discriminator_depth, shape)
        self.weights = {"reconstruction": 1.0, "adversary": s.adversary_weight}

    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """z_basal = f(Y), (cells, latent)."""
        basal: Tensor = self.encoder(y)
        return basal

    def entering(self, z: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """z_basal + Σ_j dose_j · V_T[j] + V_X X, (cells, latent)."""
        composed: Tensor = z + self.treatments(t) + self.covariates(x)
        return composed

    def loss_terms(self, cells: Cells, noise: torch.Generator) -> dict[str, Tensor]:
        """−log p(Y | Ŷ) per gene, and −Σ_a CE of the adversaries."""
        y, x, t, *_ = cells
        basal = self.latent(y, x, t)
        return {
            "reconstruction": reconstruction(self.outcome(basal, x, t), y),
            "adversary": self.adversary.log_density(self.adversary(basal), x, t).mean(),
        }

    def adversary_loss(self, cells: Cells, noise: torch.Generator) -> Tensor:
        """Σ_a CE and the gradient penalty of each adversary."""
        y, x, t, *_ = cells
        with torch.no_grad():
            basal = self.latent(y, x, t)
        basal.requires_grad_()
        read = self.adversary(basal)
        told = -self.adversary.log_density(read, x, t).mean()
        steepness = [
            (torch.autograd.grad(scores.sum(), basal, create_graph=True)[0] ** 2).mean()
            for scores in read
        ]
        return told + self.settings.gradient_penalty * torch.stack(steepness).sum()
