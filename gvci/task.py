"""What the loop trains for graphVCI: live weights, lagged encoder copy, optimiser and batches."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.grn import GRN
from gvci.layers import GeneEncoder
from gvci.matching import Matcher
from gvci.model import GraphVCI

VALIDATION_CELLS = 512


class GraphVCITask:
    """graphVCI's training: live weights, the lagged encoder copy, optimiser and batches."""

    def __init__(self, data: PerturbationData, grn: GRN | None, settings: TrainSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.matcher = settings, Matcher(data, settings)
        n, code = len(data.genes), data.treatment_code
        self.core = GraphVCI(settings, n, code.width, data.covariates.shape[1])
        self.gene_encoder = _gene_encoder(grn, n, settings) if self.core.uses_graph else None
        train = data.expression[data.rows("train")]
        means = np.asarray(train.mean(axis=0), dtype=np.float32).ravel()
        squares = np.asarray(train.multiply(train).mean(axis=0), dtype=np.float32).ravel()
        self.core.start_at(means, np.sqrt((squares - means**2).clip(0)))
        self.rng = np.random.default_rng(settings.seed)
        self.noise = torch.Generator().manual_seed(settings.seed)
        self._epochs = self.matcher.epochs(self.rng)
        self._batches: Iterator[np.ndarray] = iter(())
        self._epoch = 0
        self._optimizer = self._make_optimizer()
        self._refresh_lagged()
        self._validation = self._fixed_validation(data)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        s = self.settings
        groups: list[dict[str, Any]] = [{"params": list(self.core.parameters())}]
        if self.gene_encoder is not None:
            graph = list(self.gene_encoder.parameters())
            groups.append({"params": graph, "lr": s.graph_learning_rate})
        return torch.optim.Adam(groups, lr=s.learning_rate, weight_decay=s.weight_decay)

    def _genes(self) -> Tensor | None:
        genes: Tensor | None = self.gene_encoder() if self.gene_encoder is not None else None
        return genes

    @torch.no_grad()
    def _refresh_lagged(self) -> None:
        """The encoder that Ỹ′ goes through is a copy, frozen per epoch; its Z_G is cached."""
        self.lagged = copy.deepcopy(self.core).requires_grad_(requires_grad=False)
        self.lagged_genes = self._genes()

    def _next_rows(self) -> np.ndarray:
        rows = next(self._batches, None)
        if rows is None:
            self._batches = iter(next(self._epochs))
            self._epoch += 1
            if self._epoch > 1:
                self._refresh_lagged()
            if self._epoch % self.settings.learning_rate_step == 0:
                for group in self._optimizer.param_groups:
                    group["lr"] *= self.settings.learning_rate_decay
            rows = next(self._batches)
        return rows

    def step(self) -> dict[str, float]:
        """One optimisation step; the three terms of eq. 4."""
        batch = self.matcher.batch(self._next_rows(), self.rng)
        genes = self._genes()  # one live graph encode, shared by all passes
        terms = self.core.loss_terms(batch, genes, self.lagged, self.lagged_genes, self.noise)
        self._optimizer.zero_grad()
        self.core.objective(terms).backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        self._optimizer.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    def _fixed_validation(self, data: PerturbationData) -> Any:
        rng = np.random.default_rng([self.settings.seed, 1])
        rows = data.rows("validation")
        rows = rows if len(rows) > 1 else data.rows("train")
        return self.matcher.batch(np.sort(rng.permutation(rows)[:VALIDATION_CELLS]), rng)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The objective on fixed validation cells with fixed draws."""
        genes = self._genes()
        noise = torch.Generator().manual_seed(self.settings.seed)
        terms = self.core.loss_terms(self._validation, genes, self.core, genes, noise)
        named = {f"validation_{name}": float(value) for name, value in terms.items()}
        return {"score": -float(self.core.objective(terms)), **named}

    def state(self) -> dict[str, Any]:
        """Copies of all weights."""
        graph = self.gene_encoder.state_dict() if self.gene_encoder is not None else {}
        return {
            "core": {k: v.detach().clone() for k, v in self.core.state_dict().items()},
            "graph": {k: v.detach().clone() for k, v in graph.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Back to a kept state."""
        self.core.load_state_dict(state["core"])
        if self.gene_encoder is not None:
            self.gene_encoder.load_state_dict(state["graph"])

    @torch.no_grad()
    def gene_latent(self) -> Tensor | None:
        """Z_G as it stands, (n, d_G)."""
        genes = self._genes()
        return None if genes is None else genes.detach().clone()


def _gene_encoder(grn: GRN | None, n: int, settings: TrainSettings) -> GeneEncoder:
    """GNN_G over the GRN; without one, over self-connections only."""
    pairs = np.zeros((2, 0), dtype=np.int64)
    if grn is not None:
        targets, sources = grn.indices()
        pairs = np.stack([sources, targets]).astype(np.int64)
    return GeneEncoder(torch.from_numpy(pairs), n, settings.graph_latent, settings.graph_depth)
