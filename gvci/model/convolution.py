"""torch_geometric's GCN over a graph that stays the same: its messages as one sparse product.

GCNConv as it comes writes a message of every edge, (edges, width), several times a step. Here
what is fixed (self-connections, order of the edges) is worked out once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from gvci.refiner.propagation import DrawnGraph


class SelfConnected:
    """The edges, and a self-connection for each gene that has none among them.

    Args:
        edge_index: (2, edges), row 0 the sources and row 1 the targets, no edge twice.
        genes: number of nodes.
    """

    def __init__(self, edge_index: Tensor, genes: int) -> None:
        sources, targets = edge_index
        own = torch.ones(genes, dtype=torch.bool)
        own[sources[sources == targets]] = False
        loops = own.nonzero()[:, 0]
        self.loops = torch.ones(len(loops))
        pairs, self.order = torch.cat([targets * genes + sources, loops * (genes + 1)]).sort()
        self.graph = DrawnGraph(pairs.numpy(), genes)
        self.edges = torch.stack([self.graph.sources, self.graph.targets])

    def moved(self, move: Callable[[Tensor], Tensor]) -> SelfConnected:
        """The same, its tensors moved to another device."""
        other = copy.copy(self)
        other.loops, other.order, other.edges = map(move, (self.loops, self.order, self.edges))
        other.graph = self.graph.moved(move)
        return other

    def normalised(self, weights: Tensor) -> Tensor:
        """D^(−1/2) (A + I) D^(−1/2) from the edges' weights, in the order of `graph`."""
        ordered = torch.cat([weights, self.loops.to(weights)])[self.order]
        normalised: Tensor = gcn_norm(self.edges, ordered, self.graph.n, add_self_loops=False)[1]
        return normalised


class Convolution(GCNConv):  # type: ignore[misc]
    """GCNConv that gets normalised weights and aggregates with `DrawnGraph.propagate`."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, normalize=False)

    def propagate(self, edge_index: DrawnGraph, x: Tensor, edge_weight: Tensor) -> Tensor:
        """Σ over a gene's regulators of weight · x, (genes, width)."""
        return edge_index.propagate(edge_weight, x)
