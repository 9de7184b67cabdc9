"""graphVCI, and VCI without the graph (paper §2.1–2.2, eqs. 4–10).

Y, X, T ──MLP_M──► Z_M ─┐
V, E ──GNN_G──► Z_G ──mean──► aggregator ──► q(Z_MG)            encoder
Z_MG, T ──MLP_pM──► Y_M ──attention by Z_G(i)──► p(Y_(i))       decoder
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.layers import KeyDependentDecoder, KeyIndependentDecoder, PlainDecoder, mlp
from gvci.likelihoods import Normal, kl_divergence, match_log_density, match_to_mean

LARGEST_LOG_VARIANCE, SMALLEST_LOG_VARIANCE = 4.0, -8.0


class Batch(NamedTuple):
    """What one step sees: cells, their counterfactual treatment and the cells that match it."""

    expression: Tensor  # Y (cells, n)
    covariates: Tensor  # X (cells, m)
    treatment: Tensor  # T (cells, r)
    counterfactual_treatment: Tensor  # T′ (cells, r)
    matched: Tensor  # mean_log: ȳ (cells, n); log_mean: y_k (cells, drawn, n)
    matched_spread: Tensor  # (cells,), mean over genes of the drawn cells' variance
    has_match: Tensor  # (cells,) bool


class GraphVCI(nn.Module):
    """Encoder and decoder of one cell; the gene embeddings Z_G come in as an argument.

    Args:
        settings: widths, decoder, weights.
        genes, treatments, covariates: n, r and m.
    """

    def __init__(
        self, settings: TrainSettings, genes: int, treatments: int, covariates: int
    ) -> None:
        super().__init__()
        s = self.settings = settings
        self.uses_graph = s.model == "graphvci"
        self.embed_outcome = nn.Sequential(
            nn.Linear(genes, s.outcome_embedding), nn.LayerNorm(s.outcome_embedding), nn.ReLU()
        )
        self.embed_covariates = nn.Linear(covariates, s.covariate_embedding)
        inputs = s.outcome_embedding + treatments + s.covariate_embedding
        self.encoder = mlp(inputs, s.width, s.depth)
        graph_width = s.graph_latent if self.uses_graph else 0
        self.aggregator = nn.Linear(s.width + graph_width, 2 * s.latent)
        self.decoder = mlp(s.latent + treatments, s.width, s.depth, s.width)
        self.attention = self._attention(genes)
        self.gene_bias = nn.Parameter(torch.zeros(2, 1, genes))

    def _attention(self, genes: int) -> nn.Module:
        s = self.settings
        if not self.uses_graph:
            return PlainDecoder(genes, s.width, 2)
        if s.decoder == "dot":
            return KeyIndependentDecoder(s.graph_latent, s.width, 2)
        return KeyDependentDecoder(s.graph_latent, s.width, 2, s.softmax)

    def start_at(self, means: np.ndarray, sds: np.ndarray) -> None:
        """Start every gene's output at its training mean and standard deviation, (n,) each."""
        with torch.no_grad():
            self.gene_bias[0, 0] = torch.from_numpy(means)
            self.gene_bias[1, 0] = torch.log(torch.expm1(torch.from_numpy(sds.clip(1e-2))))

    # --- eqs. 5–10 -------------------------------------------------------------------

    def encode(self, y: Tensor, x: Tensor, t: Tensor, genes: Tensor | None) -> Normal:
        """q(Z_MG | Y, G, X, T), (cells, latent); `genes` is Z_G (n, d_G)."""
        parts = [self.embed_outcome(y), t, self.embed_covariates(x)]
        hidden = self.encoder(torch.cat(parts, dim=1))
        if genes is not None:
            node_mean = genes.mean(dim=0, keepdim=True).expand(len(y), -1)
            hidden = torch.cat([hidden, node_mean], dim=1)
        mean, log_variance = self.aggregator(hidden).chunk(2, dim=1)
        log_variance = log_variance.clamp(SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
        return Normal(mean, torch.exp(0.5 * log_variance))

    def decode(self, z: Tensor, t: Tensor, genes: Tensor | None) -> Normal:
        """p(Y | Z, T), (cells, n)."""
        cell = self.decoder(torch.cat([z, t], dim=1))
        return Normal.of(self.attention(genes, cell) + self.gene_bias, self.settings.smallest_scale)

    # --- eq. 4 -----------------------------------------------------------------------

    def loss_terms(
        self,
        batch: Batch,
        genes: Tensor | None,
        lagged: GraphVCI,
        lagged_genes: Tensor | None,
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The three terms of eq. 4, each to be minimised: means per gene and latent dimension.

        Args:
            batch: the cells.
            genes: Z_G of this step.
            lagged: the encoder copy, frozen per epoch, that encodes Ỹ′.
            lagged_genes: its Z_G.
            generator: source of the latent's noise.
        """
        s = self.settings
        latent = self.encode(batch.expression, batch.covariates, batch.treatment, genes)
        draws = [latent.draw(generator) for _ in range(s.samples)]
        stacked = torch.cat([*draws, draws[0]])
        treatments = torch.cat([batch.treatment] * s.samples + [batch.counterfactual_treatment])
        both = self.decode(stacked, treatments, genes)  # one pass for factual and counterfactual
        facts = s.samples * len(batch.expression)
        factual = Normal(both.mean[:facts], both.scale[:facts])
        density = factual.log_density(batch.expression.repeat(s.samples, 1))

        counter = Normal(both.mean[facts:], both.scale[facts:])
        if s.constructed == "residual":
            factual_mean = both.mean[: len(batch.expression)]
            constructed = batch.expression + counter.mean - factual_mean
        else:
            constructed = counter.draw(generator)
        if s.kernel == "mean_log":
            matched = match_to_mean(constructed, batch.matched, batch.matched_spread, s.kernel_std)
        else:
            matched = match_log_density(constructed, batch.matched, s.kernel_std, s.kernel)
        again = lagged.encode(
            constructed, batch.covariates, batch.counterfactual_treatment, lagged_genes
        )
        weight = batch.has_match.to(density.dtype)
        return {
            "reconstruction": -density.mean(),
            "distribution": -(matched * weight).sum() / len(weight),
            "kl": kl_divergence(latent, again).mean(),
        }

    def objective(self, terms: dict[str, Tensor]) -> Tensor:
        """−J of eq. 4 with the settings' weights."""
        s = self.settings
        return (
            s.reconstruction_weight * terms["reconstruction"]
            + s.distribution_weight * terms["distribution"]
            + s.kl_weight * terms["kl"]
        )
