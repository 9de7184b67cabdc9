"""graphVCI, and VCI without the graph (paper §2.1–2.2, eqs. 4–10).

Y, X, T ──MLP_M──► Z_M ─┐
V, E ──GNN_G──► Z_G ──node aggregate──► aggregator ──► q(Z_MG)     encoder
Z_MG, T ──MLP_pM──► Y_M ──attention by Z_G(i)──► p(Y_(i))          decoder
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.devices import WHOLE, Share
from gvci.likelihoods import PARAMETERS, Normal, Observed, Outcome, kl_divergence, outcome
from gvci.model.distribution import Discriminate, Fit, Match
from gvci.model.encoder import CellEncoder, TreatmentInput
from gvci.model.heads import AdditiveHead, JointHead


class Sizes(NamedTuple):
    """n, r, m, and the number of covariate groups."""

    genes: int
    treatments: int
    covariates: int
    groups: int


class Batch(NamedTuple):
    """What one step sees: cells, their counterfactual treatment and the cells that match it."""

    expression: Tensor  # Y (cells, n)
    covariates: Tensor  # X (cells, m)
    treatment: Tensor  # T (cells, r)
    counterfactual_treatment: Tensor  # T′ (cells, r)
    matched: Tensor  # ȳ (cells, n); log_mean: y_k (cells, drawn, n)
    matched_spread: Tensor  # (cells,), mean over genes of the drawn cells' variance
    has_match: Tensor  # (cells,) 1 or 0
    stratum: Tensor  # (cells,) which cells share covariates and T′
    counts: Tensor | None  # (cells, n), for nb and zinb
    depth: Tensor | None  # (cells, 1)
    share: Share = WHOLE  # which of the batch's cells these are

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor) else value
            for name, value in self._asdict().items()
        }
        return Batch(**moved)


def _again(rows: Tensor, times: int) -> Tensor:
    """The same rows several times, (times · rows, …)."""
    return rows.expand(times, *rows.shape).flatten(0, 1)


class GraphVCI(nn.Module):
    """Encoder and decoder of one cell; the gene embeddings Z_G come in as an argument.

    Args:
        settings: widths, decoder, weights.
        sizes: genes, treatments, covariates.
        nodes: (treatments,) position of each perturbed gene, −1 where it is none.
    """

    def __init__(self, settings: TrainSettings, sizes: Sizes, nodes: Tensor | None = None) -> None:
        """With random weights; `train` gives them a better start."""
        super().__init__()
        s = self.settings = settings
        n, r, m, groups = sizes
        self.uses_graph = s.model == "graphvci"
        nodes = torch.full((r,), -1) if nodes is None else nodes
        self.treatment_input = TreatmentInput(s, r, nodes)
        entering, parameters = self.treatment_input.width, PARAMETERS[s.likelihood]
        self.encoder = CellEncoder(s, n, m, entering)
        self.head: JointHead | AdditiveHead
        if s.heads == "joint":
            self.head = JointHead(s, n, entering, parameters)
        else:
            self.head = AdditiveHead(s, n, entering, parameters, (r, m, groups))
            self.projection = nn.Linear(n, s.latent, bias=False)

    @property
    def gives_means(self) -> bool:
        """Whether the head gives the mean over cells of μ without all parameters of all cells."""
        s = self.settings
        linear = s.model == "vci" or s.decoder == "dot"
        return s.likelihood == "normal" and (linear or s.heads == "joint")

    # --- eqs. 5–10 -------------------------------------------------------------------

    def encode(self, y: Tensor, x: Tensor, t: Tensor, genes: Tensor | None) -> Normal:
        """q(Z_MG | Y, G, X, T), (cells, latent); `genes` is Z_G (n, d_G)."""
        latent: Normal = self.encoder(y, x, self.treatment_input(t, genes), genes)
        if isinstance(self.head, JointHead):
            return latent
        # What the additive terms explain is no business of Z.
        rest = y - self.head.base(x, t)
        return Normal(latent.mean + self.projection(rest), latent.scale)

    def decode(
        self,
        z: Tensor,
        x: Tensor,
        treatments: list[Tensor],
        genes: Tensor | None,
        depth: Tensor | None = None,
    ) -> tuple[list[Outcome], Tensor]:
        """p(Y | Z, T) of the same cells under each treatment, and the penalty on responses.

        A treatment that is shorter than Z is of the first cells.
        """
        pairs = [(t, self.treatment_input(t, genes)) for t in treatments]
        raw, penalty = self.head(z, x, pairs, genes)
        s = self.settings
        depths = [None if depth is None else depth[: len(t)] for t in treatments]
        return [
            outcome(s.likelihood, one, d, s.smallest_scale)
            for one, d in zip(raw, depths, strict=True)
        ], penalty

    # --- eq. 4 -----------------------------------------------------------------------

    def loss_terms(
        self,
        batch: Batch,
        genes: Tensor | None,
        lagged: GraphVCI,
        lagged_genes: Tensor | None,
        density: Match | Discriminate | Fit,
        generator: torch.Generator | None = None,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The terms of eq. 4, to be minimised: means per gene and latent dimension; and Ỹ′.

        Of a batch that several processes share, means over the cells at hand.

        Args:
            batch: the cells.
            genes: Z_G of this step.
            lagged: the encoder copy, frozen per epoch, that encodes Ỹ′.
            lagged_genes: its Z_G.
            density: p̂ of the distribution term.
            generator: source of the latent's noise.
        """
        s, x, t2 = self.settings, batch.covariates, batch.counterfactual_treatment
        latent = self.encode(batch.expression, x, batch.treatment, genes)
        # All samples of Z in one decoding; T′ of the first alone.
        z = torch.cat([latent.draw(generator, batch.share) for _ in range(s.samples)])
        xs, t = _again(x, s.samples), _again(batch.treatment, s.samples)
        observed = Observed(
            _again(batch.expression, s.samples),
            None if batch.counts is None else _again(batch.counts, s.samples),
            None if batch.depth is None else _again(batch.depth, s.samples),
        )
        (factual, counter), penalty = self.decode(z, xs, [t, t2], genes, observed.depth)
        if s.constructed == "residual":
            constructed = batch.expression + counter.mean - factual.mean[: len(x)]
        else:
            assert isinstance(counter, Normal)  # the settings refuse counts
            constructed = counter.draw(generator, batch.share)
        encoded = lagged.encode(constructed, x, t2, lagged_genes)
        terms = {
            "reconstruction": -factual.log_density(observed).mean(),
            "distribution": -density(constructed, batch).mean(),
            "kl": kl_divergence(latent, encoded).mean(),
            "response": penalty,
        }
        return terms, constructed

    def objective(self, terms: dict[str, Tensor]) -> Tensor:
        """−J of eq. 4 with the settings' weights."""
        s = self.settings
        weights = {
            "reconstruction": s.reconstruction_weight,
            "distribution": s.distribution_weight,
            "kl": s.kl_weight,
            "response": s.response_weight,
        }
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()
