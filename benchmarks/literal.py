"""graphVCI the literal way: the equations as they stand, with the weights of gvci's own model.

Every pass encodes the graph anew (live encode, each decode, lagged encode), with GCNConv as it
comes; `att` makes a tensor (cells, n, features) of every parameter; T′ and the matched cells are
drawn cell by cell; the match term is a sum over those cells; each Monte-Carlo sample is decoded on
its own; prediction encodes and decodes every cell for every pair.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch_geometric.nn import GCNConv

from gvci.likelihoods import Normal as Latent
from gvci.model.attention import KeyDependentDecoder, KeyIndependentDecoder
from gvci.model.encoder import GeneEncoder
from gvci.model.heads import AdditiveHead
from gvci.training.task import GraphVCITask


class Draws(NamedTuple):
    """What is drawn for a batch: a treated cell for each T′, and cells of its (X, T′)."""

    partners: np.ndarray
    matched: list[np.ndarray]


class Literal:
    """The steps and predictions of a task's model.

    Args:
        task: whose weights, cells and settings are used; it is trained in its place.
    """

    def __init__(self, task: GraphVCITask) -> None:
        assert task.gene_encoder is not None
        self.settings, self.matcher, self.core = task.settings, task.matcher, task.core
        self.graph = task.gene_encoder
        self.lagged, self.lagged_graph = (
            copy.deepcopy(module).requires_grad_(requires_grad=False)
            for module in (self.core, self.graph)
        )
        self.dtype = self.graph.features.dtype
        s = self.settings
        self.parameters = [*self.core.parameters(), *self.graph.parameters()]
        groups = [{"params": p.parameters()} for p in (self.core, self.graph)]
        self.adam = torch.optim.Adam(groups, lr=s.learning_rate, weight_decay=s.weight_decay)

    # --- data ------------------------------------------------------------------------

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> Draws:
        """T′ and matched cells, one cell of the batch after the other."""
        partners: list[int] = []
        matched = []
        of_stratum: dict[int, int] = {}  # under `means` a stratum has one T′
        m = self.matcher
        for row in rows:
            partner = int(rng.choice(m.treated))
            if self.settings.kernel == "means":
                partner = of_stratum.setdefault(int(m.stratum[row]), partner)
            same = (m.stratum[m.train] == m.stratum[row]) & (m.arm[m.train] == m.arm[partner])
            cells = m.train[np.flatnonzero(same)]
            if self.settings.kernel != "means" and len(cells):
                cells = rng.choice(cells, self.settings.match_cells)
            partners.append(partner)
            matched.append(cells)
        return Draws(np.array(partners), matched)

    def _cells(self, rows: np.ndarray) -> Tensor:
        """Y, read cell by cell."""
        cells = [self.matcher.data.dense(np.array([row]))[0] for row in rows]
        return torch.from_numpy(np.stack(cells)).to(self.dtype)

    # --- eqs. 5–10 -------------------------------------------------------------------

    def genes(self, graph: GeneEncoder) -> Tensor:
        """Z_G by torch_geometric's convolution."""
        hidden: Tensor = graph.features
        layers = zip(graph.convolutions, graph.norms, graph.gains, strict=True)
        for ours, norm, gain in layers:
            gcn = GCNConv(ours.in_channels, ours.out_channels)
            gcn.lin, gcn.bias = ours.lin, ours.bias
            weights = torch.sigmoid(graph.edge_logits)
            hidden = hidden + gain * torch.relu(gcn(norm(hidden), graph.edge_index, weights))
        return hidden

    def decode(self, z: Tensor, x: Tensor, t: Tensor, genes: Tensor) -> tuple[Normal, Tensor]:
        """p(Y | Z, T), and the mean square of the additive head's response."""
        core, head = self.core, self.core.head
        entering = core.treatment_input(t, genes)
        if isinstance(head, AdditiveHead):
            raw = attended(head.attention, genes, head.skip(z) + head.cell(z)) + head.gene_bias
            response = head.response(torch.cat([head.narrow(z), entering], dim=1))
            shift = attended(head.response_attention, genes, response)[0]
            shift = shift * (1 - t[:, :1]).clamp_min(0)
            mean = raw[0] + x @ head.covariate_effects + effects(head, x, t) + shift
            penalty = (shift**2).mean()
        else:
            raw = attended(head.attention, genes, head.cell(torch.cat([z, entering], dim=1)))
            raw = raw + head.gene_bias
            mean, penalty = raw[0], raw.new_zeros(())
        scale = nn.functional.softplus(raw[1]) + self.settings.smallest_scale
        return Normal(mean, scale), penalty

    # --- eq. 4 -----------------------------------------------------------------------

    def terms(
        self, rows: np.ndarray, draws: Draws, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The terms of eq. 4, to be minimised."""
        s, m = self.settings, self.matcher
        x, t, t2 = (
            torch.from_numpy(a).to(self.dtype)
            for a in (m.covariates[rows], m.treatment[rows], m.treatment[draws.partners])
        )
        y = self._cells(rows)
        latent = self.core.encode(y, x, t, self.genes(self.graph))
        fits, first = [], None
        zs = [latent.draw(generator) for _ in range(s.samples)]
        for z in zs:
            factual, penalty = self.decode(z, x, t, self.genes(self.graph))
            fits.append(factual.log_prob(y).mean())
            first = first or (factual, penalty)
        assert first is not None
        counter, other = self.decode(zs[0], x, t2, self.genes(self.graph))
        constructed = y + counter.mean - first[0].mean
        if s.constructed == "sample":
            constructed = Latent(counter.mean, counter.stddev).draw(generator)
        encoded = self.lagged.encode(constructed, x, t2, self.genes(self.lagged_graph))
        divergence = kl_divergence(Normal(*latent), Normal(*encoded))
        return {
            "reconstruction": -torch.stack(fits).mean(),
            "distribution": -self._match(constructed, rows, draws),
            "kl": divergence.mean(),
            "response": (first[1] + other) / 2,
        }

    def _match(self, constructed: Tensor, rows: np.ndarray, draws: Draws) -> Tensor:
        """The mean over cells of log p̂, a sum over the matched cells of each."""
        values = []
        strata = self.matcher.stratum[rows]
        for i, cells in enumerate(draws.matched):
            if not len(cells):
                values.append(constructed.new_zeros(()))
                continue
            value = constructed[i]
            if self.settings.kernel == "means":
                value = constructed[torch.from_numpy(strata == strata[i])].mean(dim=0)
            measured = torch.from_numpy(self.matcher.data.dense(cells)).to(self.dtype)
            density = Normal(value, self.settings.kernel_std).log_prob(measured)
            values.append(density.mean())
        return torch.stack(values).mean()

    def step(self, rng: np.random.Generator, generator: torch.Generator) -> None:
        """One optimisation step."""
        rows = rng.choice(self.matcher.train, self.settings.batch_size, replace=False)
        terms = self.terms(rows, self.draw(rows, rng), generator)
        self.adam.zero_grad()
        self.core.objective(terms).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        self.adam.step()

    @torch.no_grad()
    def predict_mean(self, rows: np.ndarray, label: str, generator: torch.Generator) -> np.ndarray:
        """(n,) mean of sampled cells under a perturbation: every cell encoded and decoded."""
        m, made = self.matcher, []
        genes = self.genes(self.graph)
        other = torch.from_numpy(m.data.treatment_code.encode([label])).to(self.dtype)
        for start in range(0, len(rows), self.settings.batch_size):
            some = rows[start : start + self.settings.batch_size]
            x, t = (torch.from_numpy(a[some]).to(self.dtype) for a in (m.covariates, m.treatment))
            z = self.core.encode(self._cells(some), x, t, genes).draw(generator)
            outcome, _ = self.decode(z, x, other.expand(len(some), -1), genes)
            made.append(Latent(outcome.mean, outcome.stddev).draw(generator))
        return np.asarray(torch.cat(made).mean(dim=0).numpy(), dtype=np.float64)


def attended(decoder: nn.Module, genes: Tensor, cells: Tensor) -> Tensor:
    """Eq. 10 of each parameter, (parameters, cells, n)."""
    assert isinstance(decoder, KeyDependentDecoder | KeyIndependentDecoder)
    found, width = [], cells.shape[1]
    query = zip(decoder.query.weight.split(width), decoder.query.bias.split(width), strict=True)
    for k, (weight, bias) in enumerate(query):
        scores = genes @ weight.T + bias
        if isinstance(decoder, KeyDependentDecoder):
            keys = decoder.key(cells)[:, k * width : (k + 1) * width]
            scores = scores[None] + keys[:, None]  # (cells, n, width)
        attention = torch.softmax(scores, -1) if decoder.softmax else scores / width**0.5
        if attention.dim() == 3:
            found.append((attention * cells[:, None]).sum(dim=2))
        else:
            found.append(cells @ attention.T)
    return torch.stack(found)


def effects(head: AdditiveHead, x: Tensor, t: Tensor) -> Tensor:
    """K[X, T] + D[T], cell by cell and level by level."""
    rows = []
    for cell, doses in zip(x, t, strict=True):
        group = int((head.group_covariates @ cell).argmax())
        levels = [int(level) for level in doses.nonzero()]
        each = [
            doses[level] * (head.kriged[group, level] + head.treatment_effects[level])
            for level in levels
        ]
        rows.append(torch.stack(each).sum(dim=0))
    return torch.stack(rows)
