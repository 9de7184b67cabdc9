"""Building blocks of graphVCI: the encoder's parts and the two attention decoders (eqs. 5–10)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


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
        from torch_geometric.nn import GCNConv  # seconds to import, and only training needs it

        super().__init__()
        self.features = nn.Parameter(torch.randn(genes, width) / width**0.5)
        self.edge_logits = nn.Parameter(torch.ones(edge_index.shape[1]))
        self.register_buffer("edge_index", edge_index)
        self.convolutions = nn.ModuleList(GCNConv(width, width) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))

    def forward(self) -> Tensor:
        """Z_G, (genes, width); the same for every cell."""
        hidden: Tensor = self.features
        weights = torch.sigmoid(self.edge_logits)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            hidden = norm(hidden + torch.relu(convolution(hidden, self.edge_index, weights)))
        return hidden


class KeyIndependentDecoder(nn.Module):
    """`dot`: the attention comes from Z_G(i) alone (eq. 10, the form for little memory).

    Y_(i) = A(Z_G(i))ᵀ · Y_M, one A per distribution parameter.
    """

    def __init__(self, gene_width: int, width: int, parameters: int) -> None:
        super().__init__()
        self.parameters_per_gene = parameters
        self.query = nn.Linear(gene_width, width * parameters)

    def forward(self, genes: Tensor, cells: Tensor) -> Tensor:
        """(n, d_G) and (cells, width) → (parameters, cells, n)."""
        attention = self.query(genes).view(len(genes), self.parameters_per_gene, -1)
        mixed: Tensor = torch.einsum("cd,gpd->pcg", cells, attention)
        return mixed / math.sqrt(cells.shape[1])


class KeyDependentDecoder(nn.Module):
    """`att`: the attention comes from Z_G(i) and Y_M, softmax over Y_M's features (eq. 10).

    The score a_(i,f) + b_(c,f) is additive, so the (cells, genes, features) tensor is never
    needed: with softmax Y_(c,i) = Σ_f e^a e^b y / Σ_f e^a e^b is a ratio of two matrix
    products; without it Σ_f (a + b) y is one product plus a number per cell.
    """

    def __init__(self, gene_width: int, width: int, parameters: int, softmax: bool) -> None:
        super().__init__()
        self.parameters_per_gene, self.softmax = parameters, softmax
        self.query = nn.Linear(gene_width, width * parameters)
        self.key = nn.Linear(width, width * parameters)

    def scores(self, genes: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """a: (parameters, n, width) and b: (parameters, cells, width)."""
        count = self.parameters_per_gene
        a = self.query(genes).view(len(genes), count, -1).transpose(0, 1)
        b = self.key(cells).view(len(cells), count, -1).transpose(0, 1)
        return a, b

    def forward(self, genes: Tensor, cells: Tensor) -> Tensor:
        """(n, d_G) and (cells, width) → (parameters, cells, n)."""
        a, b = self.scores(genes, cells)
        if not self.softmax:
            per_cell = (b * cells).sum(dim=2, keepdim=True)
            return (cells @ a.transpose(1, 2) + per_cell) / math.sqrt(cells.shape[1])
        # Shifts cancel in the ratio and keep the exponentials in range.
        risen_a = torch.exp(a - a.amax(dim=2, keepdim=True)).transpose(1, 2)
        risen_b = torch.exp(b - b.amax(dim=2, keepdim=True))
        total = risen_b @ risen_a
        return ((risen_b * cells) @ risen_a) / total.clamp_min(torch.finfo(total.dtype).tiny)


class PlainDecoder(nn.Module):
    """VCI's decoder: one linear map to all genes, no graph."""

    def __init__(self, genes: int, width: int, parameters: int) -> None:
        super().__init__()
        self.parameters_per_gene = parameters
        self.output = nn.Linear(width, genes * parameters, bias=False)

    def forward(self, genes: Tensor | None, cells: Tensor) -> Tensor:
        """(cells, width) → (parameters, cells, n); `genes` is not used."""
        out: Tensor = self.output(cells).view(len(cells), self.parameters_per_gene, -1)
        return out.transpose(0, 1)
