"""RelationRefiner: a GCN with one learnable logit per ordered gene pair (eqs. 11–13).

It is trained to predict each gene from its neighbours; a logit that helps stays high while
the L1 penalty lets all others sink to a common background.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.grn import GRN
from gvci.refiner.descent import LogitAdam
from gvci.refiner.propagation import DrawnGraph
from gvci.refiner.sampling import draw_pairs, prior_pairs
from gvci.unfinished import below, moments, put_back

VALIDATION_CELLS = 256
LARGEST_HIDDEN = 1 << 21  # numbers in one hidden layer of one portion of a batch
MOST_READ = 1 << 24  # pairs that the background is read from


class RelationRefiner(nn.Module):
    """g of §2.3: H^{l+1} = σ(softmax_row(M ⊙ L) H^l Θ^l), then one linear output per gene.

    Args:
        data: cells; training uses the split `train`, early stopping `validation`.
        prior: the GRN to refine, on the genes of `data`.
        settings: widths, rates, penalties.
        dtype: float64 for equality tests.
    """

    def __init__(
        self,
        data: PerturbationData,
        prior: GRN,
        settings: RefineSettings,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        torch.manual_seed(settings.seed)
        self.settings, self.data, self.n = settings, data, len(data.genes)
        self.prior = prior_pairs(prior.restricted(data.genes, data.name))
        self.logits = nn.Parameter(
            torch.full((self.n * self.n,), settings.initial_logit, dtype=dtype)
        )
        self.features = nn.Parameter(torch.randn(self.n, settings.gene_features, dtype=dtype))
        inputs = 1 + settings.gene_features + data.covariates.shape[1]
        widths = [settings.encoder_width] * settings.encoder_depth
        widths += [settings.decoder_width] * settings.decoder_depth
        self.layers = nn.ModuleList(
            nn.Linear(a, b, dtype=dtype) for a, b in zip([inputs, *widths], widths, strict=False)
        )
        outputs = 2 if settings.likelihood == "gaussian" else 1
        self.output = nn.Linear(widths[-1], outputs, dtype=dtype)
        self.covariates = torch.from_numpy(data.covariates).to(dtype)
        self.dtype = dtype
        self._dense = [p for p in self.parameters() if p is not self.logits]
        self._optimizer = torch.optim.Adam(self._dense, lr=settings.learning_rate, fused=True)
        self._descent = LogitAdam(
            self.logits.data,
            self.n,
            settings.logit_learning_rate,
            settings.penalty,
            settings.diagonal_penalty,
        )
        self._kept: Tensor | None = None
        self._train = data.rows("train")
        self._epoch, self._order = -1, self._train  # which epoch's order of the cells is at hand
        self.steps = 0
        self._validation = self._fixed_validation()

    # --- eq. 11 ----------------------------------------------------------------------

    def forward(
        self,
        graph: DrawnGraph,
        expression: Tensor,
        covariates: Tensor,
        drawn: Tensor | None = None,
    ) -> Tensor:
        """Predicted parameters of every gene from its drawn neighbours.

        Args:
            graph: this iteration's M.
            expression: (cells, n).
            covariates: (cells, m).
            drawn: the logits of the drawn pairs, where they are at hand.

        Returns:
            (n, cells, 1) means, or (n, cells, 2) means and raw scales.
        """
        cells = len(expression)
        weights = graph.softmax(self.logits[graph.pairs] if drawn is None else drawn)
        first, *others = self._dense_layers()
        sizes = [1, self.features.shape[1], covariates.shape[1]]
        own, features, known = torch.split(first.weight, sizes, dim=1)
        # O·Θ without building O: its features do not depend on cells, its covariates not on genes.
        hidden = (
            expression.T[:, :, None] * own[:, 0]
            + (self.features @ features.T)[:, None, :]
            + (covariates @ known.T)[None, :, :]
        )
        hidden = torch.relu(self._mix(graph, weights, hidden, cells) + first.bias)
        for layer in others:
            narrow_first = layer.out_features <= layer.in_features
            if narrow_first:
                hidden = self._mix(graph, weights, hidden @ layer.weight.T, cells)
            else:
                hidden = self._mix(graph, weights, hidden, cells) @ layer.weight.T
            hidden = torch.relu(hidden + layer.bias)
        predicted: Tensor = self.output(hidden)
        return predicted

    def _dense_layers(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def _mix(self, graph: DrawnGraph, weights: Tensor, hidden: Tensor, cells: int) -> Tensor:
        flat = graph.propagate(weights, hidden.reshape(self.n, -1))
        return flat.view(self.n, cells, -1)

    # --- eq. 13 ----------------------------------------------------------------------

    def misfit(self, predicted: Tensor, expression: Tensor) -> Tensor:
        """Mean over cells and genes of the squared error, or the Gaussian negative log-density."""
        truth = expression.T
        error = (predicted[..., 0] - truth) ** 2
        if self.settings.likelihood == "l2":
            return error.mean()
        scale = nn.functional.softplus(predicted[..., 1]) + 1e-3
        return (error / (2 * scale**2) + scale.log()).mean() + 0.5 * math.log(2 * math.pi)

    def penalty(self) -> Tensor:
        """ω‖W̃‖₁ / n² with a separate ω for the diagonal; reaches every logit, drawn or not."""
        strengths = torch.sigmoid(self.logits)
        diagonal = strengths[:: self.n + 1].sum()
        rest = strengths.sum() - diagonal
        total = self.settings.penalty * rest + self.settings.diagonal_penalty * diagonal
        return total / self.n**2

    # --- what the training loop asks for ---------------------------------------------

    def step(self) -> dict[str, float]:
        """One iteration: draw cells and M, descend. Returns the two terms of eq. 13."""
        rows, rng = self.batch(self.steps)
        self.steps += 1
        graph = self._draw(rng)
        drawn = self.logits.detach()[graph.pairs].requires_grad_()
        self._optimizer.zero_grad()
        misfit = sum(
            self._descend(graph, drawn, part, len(rows)) for part in self._portions(rows, graph)
        )
        assert drawn.grad is not None
        penalty = self._descent.step(graph.pairs, drawn.grad)
        self._optimizer.step()
        return {"misfit": misfit, "penalty": penalty}

    def _portions(self, rows: np.ndarray, graph: DrawnGraph) -> list[np.ndarray]:
        """A batch in portions whose hidden layers fit in the cache; gradients add up.

        They are no smaller than the graph, which every portion reads whole.
        """
        widest = max(layer.out_features for layer in self._dense_layers())
        size = max(1, max(LARGEST_HIDDEN, len(graph.pairs)) // (self.n * widest))
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def _descend(self, graph: DrawnGraph, drawn: Tensor, rows: np.ndarray, total: int) -> float:
        """Add these cells' share of the batch's misfit to all gradients; returns it."""
        expression = torch.from_numpy(self.data.dense(rows)).to(self.dtype)
        predicted = self(graph, expression, self.covariates[rows], drawn)
        misfit = self.misfit(predicted, expression) * (len(rows) / total)
        misfit.backward()  # type: ignore[no-untyped-call]
        return float(misfit.detach())

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Misfit on fixed validation cells and a fixed M; `score` is higher for better."""
        graph, expression, covariates = self._validation
        misfit = 0.0
        for part in self._portions(np.arange(len(expression)), graph):
            predicted = self(graph, expression[part], covariates[part])
            misfit += float(self.misfit(predicted, expression[part])) * len(part) / len(expression)
        return {"score": -misfit, "background": self.background()}

    @torch.no_grad()
    def weights(self, sources: np.ndarray | None = None) -> np.ndarray:
        """W̃ = sigmoid(L), (n, sources) float32, `[target, source]` (eq. 12); None for all."""
        logits = self.logits.view(self.n, self.n)
        if sources is not None:
            logits = logits[:, torch.from_numpy(sources)]
        return torch.sigmoid(logits).to(torch.float32).numpy()

    @torch.no_grad()
    def background(self) -> float:
        """Median W̃ of the pairs outside Ẽ: the level that undrawn pairs settle on."""
        pairs = np.arange(self.n**2)
        if self.n**2 > MOST_READ:
            # A sample settles the median of hundreds of millions to more digits than are shown.
            rng = np.random.default_rng([self.settings.seed, 2])
            pairs = rng.integers(self.n**2, size=MOST_READ)
        pairs = pairs[~np.isin(pairs, self.prior)]
        if not len(pairs):
            return 0.0
        return float(1 / (1 + np.exp(-np.median(self.logits.numpy()[pairs]))))

    def state(self) -> dict[str, Any]:
        """Copies of all weights, for keeping the best. Of the logits there is one copy: a newer
        call overwrites it, since at 20,000 genes each takes 1.6 GB."""
        if self._kept is None:
            self._kept = torch.empty_like(self.logits, requires_grad=False)
        self._kept.copy_(self.logits.detach())
        others = {k: v.detach().clone() for k, v in self.state_dict().items() if k != "logits"}
        return {"logits": self._kept, **others}

    def restore(self, state: dict[str, Any]) -> None:
        """Back to a kept state."""
        self.load_state_dict(state)

    def batch(self, step: int) -> tuple[np.ndarray, np.random.Generator]:
        """Cells of a step, and what M is drawn with; both depend on seed and step alone."""
        size = self.settings.batch_size
        epoch, place = divmod(step, math.ceil(len(self._train) / size))
        if epoch != self._epoch:
            rng = np.random.default_rng([self.settings.seed, 3, epoch])
            self._epoch, self._order = epoch, rng.permutation(self._train)
        drawn = self._order[place * size : (place + 1) * size]
        return drawn, np.random.default_rng([self.settings.seed, 4, step])

    def snapshot(self) -> dict[str, Tensor]:
        """Weights, the moments of both optimisers and the step: all that the next step needs."""
        tensors = {f"model.{name}": value.detach() for name, value in self.state_dict().items()}
        tensors |= {"logits.first": self._descent.first, "logits.second": self._descent.second}
        tensors |= {f"adam.{name}": value for name, value in moments(self._optimizer).items()}
        return tensors | {"steps": torch.tensor(self.steps)}

    def resume(self, snapshot: dict[str, Tensor]) -> None:
        """Back to a snapshot."""
        with torch.no_grad():
            for name, value in self.state_dict().items():
                value.copy_(snapshot[f"model.{name}"])
        self._descent.first.copy_(snapshot["logits.first"])
        self._descent.second.copy_(snapshot["logits.second"])
        self.steps = self._descent.steps = int(snapshot["steps"])
        put_back(self._optimizer, below(snapshot, "adam."))

    # --- inside ----------------------------------------------------------------------

    def _draw(self, rng: np.random.Generator) -> DrawnGraph:
        s = self.settings
        return DrawnGraph(draw_pairs(self.prior, self.n, s.keep_prior, s.keep_other, rng), self.n)

    def _fixed_validation(self) -> tuple[DrawnGraph, Tensor, Tensor]:
        rng = np.random.default_rng([self.settings.seed, 1])
        rows = self.data.rows("validation")
        rows = np.sort(rng.permutation(rows)[:VALIDATION_CELLS])
        if not len(rows):
            rows = self.data.rows("train")[:VALIDATION_CELLS]
        expression = torch.from_numpy(self.data.dense(rows)).to(self.dtype)
        return self._draw(rng), expression, self.covariates[rows]
