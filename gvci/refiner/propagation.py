"""softmax_row(M ⊙ L) · H of eq. 11, on the drawn pairs only.

Pairs with M = 0 are outside the softmax, not zero logits in it. One `DrawnGraph` serves
every layer of an iteration, since all layers share L and M.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class DrawnGraph:
    """The drawn pairs in CSR order and its transpose, for n genes.

    Attributes:
        pairs: int64 (edges,), sorted pair numbers `target · n + source`.
        targets, sources: int64 (edges,).
    """

    def __init__(self, pairs: np.ndarray, n: int) -> None:
        self.n = n
        self.pairs = torch.from_numpy(pairs)
        targets, sources = np.divmod(pairs, n)
        self.targets, self.sources = torch.from_numpy(targets), torch.from_numpy(sources)
        self.row_starts = _starts(targets, n)
        order = np.argsort(sources, kind="stable")
        self.transposed_order = torch.from_numpy(order)
        self.transposed_starts = _starts(sources[order], n)
        self.transposed_targets = self.targets[self.transposed_order]

    def moved(self, move: Callable[[Tensor], Tensor]) -> DrawnGraph:
        """The same, its tensors moved to another device."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            setattr(other, name, move(value) if isinstance(value, Tensor) else value)
        return other

    def matrix(self, values: Tensor) -> Tensor:
        """CSR (n, n) with these values, `[target, source]`."""
        return _csr(self.row_starts, self.sources, values, self.n)

    def transposed(self, values: Tensor) -> Tensor:
        """The same transposed, `[source, target]`."""
        values = values[self.transposed_order]
        return _csr(self.transposed_starts, self.transposed_targets, values, self.n)

    def softmax(self, logits: Tensor) -> Tensor:
        """softmax over each target's drawn sources; (edges,) → (edges,), differentiable."""
        with torch.no_grad():
            highest = torch.full((self.n,), -torch.inf, dtype=logits.dtype)
            highest.scatter_reduce_(0, self.targets, logits, "amax")
        risen = torch.exp(logits - highest[self.targets])
        total = torch.zeros(self.n, dtype=logits.dtype).index_add(0, self.targets, risen)
        return risen / total[self.targets]

    def propagate(self, weights: Tensor, hidden: Tensor) -> Tensor:
        """Weighted sum over each target's sources.

        Args:
            weights: (edges,).
            hidden: (n, columns), any number of columns (cells × features).

        Returns:
            (n, columns); a target without a drawn source gets zeros.
        """
        product: Tensor = _SparseProduct.apply(weights, hidden, self)  # type: ignore[no-untyped-call]
        return product


def _starts(sorted_rows: np.ndarray, n: int) -> Tensor:
    return torch.from_numpy(np.searchsorted(sorted_rows, np.arange(n + 1)))


def _csr(starts: Tensor, columns: Tensor, values: Tensor, n: int) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        return torch.sparse_csr_tensor(starts, columns, values, (n, n), check_invariants=False)


class _SparseProduct(torch.autograd.Function):
    """A · H with gradients for the values of A on its pattern and for H."""

    @staticmethod
    def forward(ctx: FunctionCtx, weights: Tensor, hidden: Tensor, graph: DrawnGraph) -> Tensor:
        ctx.save_for_backward(weights, hidden)
        ctx.graph = graph  # type: ignore[attr-defined]
        return graph.matrix(weights) @ hidden

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        weights, hidden = ctx.saved_tensors
        graph: DrawnGraph = ctx.graph
        gradient = gradients[0].contiguous()
        for_weights = for_hidden = None
        if ctx.needs_input_grad[0]:
            pattern = graph.matrix(torch.zeros_like(weights))
            for_weights = torch.sparse.sampled_addmm(
                pattern, gradient, hidden.T.contiguous(), beta=0.0
            ).values()
        if ctx.needs_input_grad[1]:
            for_hidden = graph.transposed(weights) @ gradient
        return for_weights, for_hidden, None
