"""The sparse GCN against torch_geometric's own, in float64."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GCNConv

from gvci.model.encoder import GeneEncoder


@pytest.mark.parametrize("edges", [0, 1, 200])
def test_the_sparse_product_is_the_gcn_and_so_are_its_gradients(edges: int) -> None:
    """Edges in any order, some of them self-connections; several layers."""
    torch.manual_seed(edges)
    n, width = 40, 8
    pairs = torch.randperm(n * n)[:edges]
    edge_index = torch.stack([pairs % n, pairs // n])
    encoder = GeneEncoder(edge_index, n, width, depth=2).double()
    with torch.no_grad():
        encoder.edge_logits.copy_(torch.randn(edges))
    hidden, weights = encoder.features, torch.sigmoid(encoder.edge_logits)
    layers = zip(encoder.convolutions, encoder.norms, encoder.gains, strict=True)
    for ours, norm, gain in layers:
        theirs = GCNConv(width, width).double()
        theirs.lin, theirs.bias = ours.lin, ours.bias
        hidden = hidden + gain * torch.relu(theirs(norm(hidden), edge_index, weights))
    found = encoder()
    torch.testing.assert_close(found, hidden, atol=1e-12, rtol=1e-12)
    direction, parameters = torch.randn_like(hidden), list(encoder.parameters())
    one = torch.autograd.grad((found * direction).sum(), parameters)
    other = torch.autograd.grad((hidden * direction).sum(), parameters)
    for mine, reference in zip(one, other, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-11, rtol=1e-10)
