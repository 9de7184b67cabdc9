"""The attention decoders of eq. 10, factorised: no (cells, genes, features) tensor exists.

Gene i gets Y_(i) = att(Z_G(i), Y_M)ᵀ · Y_M, once per parameter of the outcome distribution.
Every decoder maps Z_G (n, d_G) and Y_M (cells, width) to (parameters, cells, n).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LOWEST_SCORE = -40.0


class KeyIndependentDecoder(nn.Module):
    """`dot`: the attention comes from Z_G(i) alone, the form for little memory.

    With softmax its rows sum to 1 over the features of Y_M; it never depends on the cell, so
    either way one matrix product is all there is.
    """

    def __init__(self, gene_width: int, width: int, parameters: int, softmax: bool) -> None:
        super().__init__()
        self.parameters_per_gene, self.softmax = parameters, softmax
        self.query = nn.Linear(gene_width, width * parameters)

    def forward(self, genes: Tensor, cells: Tensor, first: int | None = None) -> Tensor:
        """(n, d_G) and (cells, width) → (parameters, cells, n), the first few or all."""
        count = first or self.parameters_per_gene
        attention = _by_parameter(self.query, genes, count, cells.shape[1])
        if self.softmax:
            attention = torch.softmax(attention, dim=2)
        else:
            cells = cells / math.sqrt(cells.shape[1])
        out: Tensor = cells @ attention.flatten(0, 1).T
        return out.view(len(cells), count, -1).transpose(0, 1)


class KeyDependentDecoder(nn.Module):
    """`att`: the attention comes from Z_G(i) and Y_M, softmax over the features of Y_M.

    The score a_(i,f) + b_(c,f) is additive: with softmax Y_(c,i) = Σ_f e^a e^b y / Σ_f e^a e^b
    is a ratio of two matrix products; without it Σ_f (a + b) y is one product plus a number
    per cell.
    """

    def __init__(self, gene_width: int, width: int, parameters: int, softmax: bool) -> None:
        super().__init__()
        self.parameters_per_gene, self.softmax = parameters, softmax
        self.query = nn.Linear(gene_width, width * parameters)
        self.key = nn.Linear(width, width * parameters)

    def scores(
        self, genes: Tensor, cells: Tensor, first: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """a: (parameters, n, width) and b: (parameters, cells, width)."""
        count, width = first or self.parameters_per_gene, cells.shape[1]
        a = _by_parameter(self.query, genes, count, width)
        return a, _by_parameter(self.key, cells, count, width)

    def forward(self, genes: Tensor, cells: Tensor, first: int | None = None) -> Tensor:
        """(n, d_G) and (cells, width) → (parameters, cells, n), the first few or all."""
        a, b = self.scores(genes, cells, first)
        if not self.softmax:
            per_cell = (b * cells).sum(dim=2, keepdim=True)
            return (cells @ a.transpose(1, 2) + per_cell) / math.sqrt(cells.shape[1])
        risen_a, risen_b = _risen(a).transpose(1, 2), _risen(b)
        return ((risen_b * cells) @ risen_a) / (risen_b @ risen_a)


def _by_parameter(layer: nn.Linear, rows: Tensor, count: int, width: int) -> Tensor:
    """(count, rows, width): the layer's outputs of each parameter together, without a copy."""
    weight = layer.weight[: count * width].view(count, width, -1).transpose(1, 2)
    bias = layer.bias[: count * width].view(count, 1, width)
    return torch.baddbmm(bias, rows.expand(count, -1, -1), weight)


def _risen(scores: Tensor) -> Tensor:
    """e^(scores − their largest), over the features.

    The shift cancels in the ratio, so no gradient goes through it. The floor keeps the product
    of two such numbers above the smallest float32, also where gene and cell favour different
    features.
    """
    return torch.exp((scores - scores.detach().amax(dim=2, keepdim=True)).clamp_min(LOWEST_SCORE))


class PlainDecoder(nn.Module):
    """VCI's decoder: one linear map to all genes, no graph."""

    def __init__(self, genes: int, width: int, parameters: int) -> None:
        super().__init__()
        self.parameters_per_gene, self.genes = parameters, genes
        self.output = nn.Linear(width, genes * parameters, bias=False)

    def forward(self, genes: Tensor | None, cells: Tensor, first: int | None = None) -> Tensor:
        """(cells, width) → (parameters, cells, n), the first few or all; `genes` is not used."""
        count = first or self.parameters_per_gene
        out: Tensor = cells @ self.output.weight[: count * self.genes].T
        return out.view(len(cells), count, -1).transpose(0, 1)
