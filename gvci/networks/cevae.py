"""CEVAE: the causal-effect variational autoencoder (Louizos et al., NeurIPS 2017, eqs. 4–8).

    L = E_q(z|x,t,y) [log p(x|z) + log p(t|z) + log p(y|t,z) + log p(z) − log q(z|x,t,y)]

z stands for confounders that Y, X and T betray; p(z) = N(0, I), p(t|z) is a softmax over arms
and p(x|z) one over the levels of each covariate (normal for real-valued ones). L is divided by
the number of genes, so that it is of the size of the other networks' objectives.

Two things differ from the paper for the sake of many arms and genes. T enters q(z|x,t,y) and
p(y|t,z) as an input, where two arms had a network each. And the auxiliary q(t|x) and q(y|x,t),
which share no weight with the rest and serve units whose T and Y are unknown, are left out:
every cell that is moved to T′ has been measured. z is then the mean of q(z|x,t,y).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gvci.config import TrainSettings
from gvci.likelihoods import Normal, kl_divergence
from gvci.model.encoder import LARGEST_LOG_VARIANCE, SMALLEST_LOG_VARIANCE
from gvci.networks.labels import Labels
from gvci.networks.network import Cells, Decoder, Encoder, Network, Shape, reconstruction


class CEVAE(Network):
    """q(z|x,t,y), p(y|t,z), p(t|z) and p(x|z)."""

    def __init__(self, settings: TrainSettings, shape: Shape) -> None:
        super().__init__(settings, shape)
        s = settings
        self.encoder = Encoder(s, shape, 2 * s.latent)
        self.decoder = Decoder(s, shape, s.latent + shape.treatments)
        self.labels = Labels(s.latent, s.width, 1, shape)
        self.weights = {
            "reconstruction": 1.0,
            "kl": s.latent / shape.genes,
            "labels": 1 / shape.genes,
        }

    def posterior(self, y: Tensor, x: Tensor, t: Tensor) -> Normal:
        """q(z|x,t,y), (cells, latent)."""
        mean, log_variance = self.encoder(y, x, t).chunk(2, dim=1)
        log_variance = log_variance.clamp(SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
        return Normal(mean, torch.exp(0.5 * log_variance))

    def latent(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The mean of q(z|x,t,y), (cells, latent)."""
        return self.posterior(y, x, t).mean

    def entering(self, z: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """[z, T]: x acts through z alone."""
        return torch.cat([z, t], dim=1)

    def loss_terms(self, cells: Cells, noise: torch.Generator) -> dict[str, Tensor]:
        """−log p(y|t,z) per gene, KL[q ‖ p(z)] per dimension, −log p(t|z) − log p(x|z)."""
        y, x, t, *_ = cells
        posterior = self.posterior(y, x, t)
        z = torch.cat([posterior.draw(noise, cells.share) for _ in range(self.settings.samples)])
        y, x, t = (part.repeat(self.settings.samples, 1) for part in (y, x, t))
        one = torch.ones_like(posterior.mean)
        prior = Normal(torch.zeros_like(one), one)
        return {
            "reconstruction": reconstruction(self.outcome(z, x, t), y),
            "kl": kl_divergence(posterior, prior).mean(),
            "labels": -self.labels.log_density(self.labels(z), x, t).mean(),
        }
