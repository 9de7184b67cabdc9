"""What enters the latent state: gene embeddings Z_G, treatments, and q(Z_MG) (eqs. 5–8)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.likelihoods import Normal

LARGEST_LOG_VARIANCE, SMALLEST_LOG_VARIANCE = 4.0, -8.0
NODE_AGGREGATES: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda genes: genes.mean(dim=0, keepdim=True),
    "sum": lambda genes: genes.sum(dim=0, keepdim=True),
    "max": lambda genes: genes.amax(dim=0, keepdim=True),
}


def mlp(inputs: int, width: int, depth: int, outputs: int | None = None) -> nn.Sequential:
    """`depth` × (Linear, LayerNorm, ReLU), then a Linear to `outputs` where given.

    LayerNorm, not BatchNorm: a cell's result must not depend on the cells beside it.
    """
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU()]
        inputs = width
    if outputs is not None:
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


class GeneEncoder(nn.Module):
    """Z_G = GNN_G(V, E): GCN layers over the GRN with residual and layer norm (eq. 6).

    Node features V and one logit per edge are learnable; an edge's weight is sigmoid(logit).

    Args:
        edge_index: (2, edges), row 0 the sources and row 1 the targets.
        genes: number of nodes.
        width: dimensions of V and Z_G.
        depth: number of GCN layers.
    """

    def __init__(self, edge_index: Tensor, genes: int, width: int, depth: int) -> None:
        # torch_geometric takes seconds to import, and only training needs it.
        from gvci.model.convolution import Convolution, SelfConnected

        super().__init__()
        self.features = nn.Parameter(torch.randn(genes, width) / width**0.5)
        self.edge_logits = nn.Parameter(torch.ones(edge_index.shape[1]))
        self.register_buffer("edge_index", edge_index)
        self.connections = SelfConnected(edge_index, genes)
        self.convolutions = nn.ModuleList(Convolution(width) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.gains = nn.Parameter(torch.ones(depth))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> GeneEncoder:
        """What torch calls to move a module; the connections are none, and go along."""
        self.connections = self.connections.moved(fn)
        moved: GeneEncoder = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return moved

    def forward(self) -> Tensor:
        """Z_G, (genes, width); the same for every cell."""
        hidden: Tensor = self.features
        weights = self.connections.normalised(torch.sigmoid(self.edge_logits))
        for gcn, norm, gain in zip(self.convolutions, self.norms, self.gains, strict=True):
            hidden = hidden + gain * torch.relu(gcn(norm(hidden), self.connections.graph, weights))
        return hidden


class TreatmentInput(nn.Module):
    """How T enters the networks: as it is, embedded, or through the perturbed genes' nodes.

    `node`: a cell's treatment is Σ dose · Z_G(perturbed gene), so that a perturbation is known
    by its place in the graph; a level that is no gene has a learnable vector of its own.

    Args:
        settings: `treatment` and the widths.
        treatments: r, control's column included.
        nodes: (r,) position of each level's gene, −1 where it is none.
    """

    def __init__(self, settings: TrainSettings, treatments: int, nodes: Tensor) -> None:
        super().__init__()
        self.nodes: Tensor
        self.kind = settings.treatment
        if self.kind == "one-hot":
            self.width = treatments
        elif self.kind == "embedded":
            self.width = settings.treatment_embedding
            self.table = nn.Parameter(torch.randn(treatments, self.width) / self.width**0.5)
        else:
            self.width = settings.graph_latent
            self.table = nn.Parameter(torch.randn(treatments, self.width) / self.width**0.5)
            self.register_buffer("nodes", nodes)

    def forward(self, t: Tensor, genes: Tensor | None) -> Tensor:
        """(cells, r) → (cells, width)."""
        if self.kind == "one-hot":
            return t
        if self.kind == "embedded" or genes is None:
            return t @ self.table
        is_gene = (self.nodes >= 0)[:, None]
        return t @ torch.where(is_gene, genes[self.nodes.clamp_min(0)], self.table)


class CellEncoder(nn.Module):
    """q(Z_MG | Y, G, X, T): the aggregator of Z_M and a node aggregate of Z_G (eqs. 5, 7, 8)."""

    def __init__(self, settings: TrainSettings, genes: int, covariates: int, treated: int) -> None:
        super().__init__()
        s = settings
        self.embed_outcome = nn.Sequential(
            nn.Linear(genes, s.outcome_embedding), nn.LayerNorm(s.outcome_embedding), nn.ReLU()
        )
        self.embed_covariates = nn.Linear(covariates, s.covariate_embedding)
        self.cell = mlp(s.outcome_embedding + treated + s.covariate_embedding, s.width, s.depth)
        self.node_aggregate = NODE_AGGREGATES[s.aggregation]
        graph_width = s.graph_latent if s.model == "graphvci" else 0
        self.aggregator = nn.Linear(s.width + graph_width, 2 * s.latent)

    def forward(self, y: Tensor, x: Tensor, t: Tensor, genes: Tensor | None) -> Normal:
        """(cells, latent) mean and standard deviation; `t` is the treatment as it enters."""
        hidden = self.cell(torch.cat([self.embed_outcome(y), t, self.embed_covariates(x)], dim=1))
        if genes is not None:
            node = self.node_aggregate(genes).expand(len(y), -1)
            hidden = torch.cat([hidden, node], dim=1)
        mean, log_variance = self.aggregator(hidden).chunk(2, dim=1)
        log_variance = log_variance.clamp(SMALLEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
        return Normal(mean, torch.exp(0.5 * log_variance))
