"""What the loop trains for graphVCI: live weights, lagged encoder copy, optimiser and batches.

Everything random depends on the seed and the step alone, so a training that was stopped goes
on with the same weights as one that was not.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.devices import ALONE, Devices
from gvci.effects import started_effects
from gvci.errors import TrainingError
from gvci.grn import GRN
from gvci.model import GraphVCI, Sizes
from gvci.model.distribution import distribution_term
from gvci.model.graph import gene_encoder
from gvci.model.start import gene_nodes, start
from gvci.prediction.member import GraphVCIMember
from gvci.training.matching import Matcher
from gvci.training.monitor import Monitor
from gvci.training.pace import VALIDATION_CELLS, Pace
from gvci.unfinished import below, moments, put_back

if TYPE_CHECKING:
    from gvci.gate.inner import InnerPairs


class GraphVCITask:
    """graphVCI's training.

    Args:
        data: cells with their split.
        grn: the edges that Z_G is computed over, restricted to the data; None for no graph.
        settings: model and training.
        seed: of this member.
        inner: pairs that this member must not see and is judged by; None to judge by the
            objective on validation cells.
        devices: the processes that train it; all begin at the first one's weights.
    """

    def __init__(
        self,
        data: PerturbationData,
        grn: GRN | None,
        settings: TrainSettings,
        seed: int | None = None,
        inner: InnerPairs | None = None,
        devices: Devices = ALONE,
    ) -> None:
        self.settings, self.inner, self.devices = settings, inner, devices
        self.seed = settings.seed if seed is None else seed
        torch.manual_seed(self.seed)
        self.matcher = Matcher(data, settings, None if inner is None else inner.hidden)
        n, code, covariates = len(data.genes), data.treatment_code, data.covariates.shape[1]
        effects = None  # seconds of kriging, and only the additive head starts there
        if settings.heads == "additive":
            effects = started_effects(data, None if inner is None else inner.gone)
        groups = 0 if effects is None else len(effects.table)
        sizes = Sizes(n, code.width, covariates, groups)
        nodes = gene_nodes(list(code.levels), list(data.genes))
        self.core = GraphVCI(settings, sizes, nodes)
        self.gene_encoder = gene_encoder(grn, n, settings) if self.core.uses_graph else None
        self.density = distribution_term(settings, *sizes[:3])
        train = self.matcher.train
        start(
            self.core, self.gene_encoder, data.expression, data.covariates,
            self.matcher.treatment, self.matcher.cell, train, effects, self.seed,
        )  # fmt: skip
        self.restore(devices.first(self.state))
        for module in self._modules().values():
            module.to(devices.device)
        self.steps, self.pace = 0, Pace(train, settings, self.seed)
        self._optimizer = self._make_optimizer()
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self.lagged = copy.deepcopy(self.core).requires_grad_(requires_grad=False)
        self._refresh_lagged()
        rows = self.matcher.validation if len(self.matcher.validation) > 1 else train
        rng = np.random.default_rng([self.seed, 1])
        rows = np.sort(rng.permutation(rows)[:VALIDATION_CELLS])
        self._validation = self.matcher.batch(rows, rng)
        self._monitor = Monitor(data, self.matcher, rows)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        s = self.settings
        groups: list[dict[str, Any]] = [{"params": list(self.core.parameters())}]
        if self.gene_encoder is not None:
            graph = list(self.gene_encoder.parameters())
            groups.append({"params": graph, "lr": s.graph_learning_rate})
        return torch.optim.Adam(groups, lr=s.learning_rate, weight_decay=s.weight_decay, fused=True)

    def _genes(self) -> Tensor | None:
        genes: Tensor | None = self.gene_encoder() if self.gene_encoder is not None else None
        return genes

    @torch.no_grad()
    def _refresh_lagged(self) -> None:
        """The encoder that Ỹ′ goes through is a copy, frozen per epoch; its Z_G is cached."""
        self.lagged.load_state_dict(self.core.state_dict())
        self.lagged_genes = self._genes()

    def _rows(self) -> np.ndarray:
        """Cells of the next step."""
        epoch, place = self.pace.place(self.steps)
        if place == 0 and epoch > 0:
            self._refresh_lagged()
        return self.pace.rows(self.steps)

    def step(self) -> dict[str, float]:
        """One optimisation step; the terms of eq. 4."""
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self.pace.rate(self.steps)
        rows = self._rows()
        noise = torch.Generator().manual_seed((self.seed * 1_000_003 + self.steps) % 2**63)
        share = self.devices.share(len(rows))
        batch = self.matcher.batch(rows, np.random.default_rng([self.seed, 4, self.steps]), share)
        batch = batch.to(self.devices.device)
        genes = self._genes()  # one live graph encode, shared by all passes
        terms, constructed = self.core.loss_terms(
            batch, genes, self.lagged, self.lagged_genes, self.density, noise
        )
        self._optimizer.zero_grad()
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        share.backward(self.core.objective(terms), parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        if torch.isfinite(norm):
            self._optimizer.step()
        else:
            self._name_the_gene(share.means(terms))
        self.density.learn(batch, constructed)
        self.steps += 1
        return share.means(terms)

    def _name_the_gene(self, terms: dict[str, float]) -> None:
        """Raise with the term, the epoch and the gene, where gradients are not finite."""
        broken = next((n for n, v in terms.items() if not math.isfinite(v)), "the gradient")
        where = ""
        bad = self._broken_genes()
        if bad.any() and not bad.all():
            genes = self.matcher.data.genes[bad.numpy()]
            where = f" ({len(genes):,} of {len(bad):,} genes, first {genes[0]})"
        message = (
            f"Training diverged at step {self.steps + 1} (epoch "
            f"{self.pace.place(self.steps)[0] + 1}): {broken} is not finite"
            f"{where}. Lower the learning rate."
        )
        raise TrainingError(message)

    def _broken_genes(self) -> Tensor:
        """(n,) True for genes with a parameter, or else a gradient, that is not finite."""
        n = len(self.matcher.data.genes)
        parameters = [p for p in self.core.parameters() if p.shape[-1] == n]
        for values in (parameters, [p.grad for p in parameters if p.grad is not None]):
            bad = torch.zeros(n, dtype=torch.bool)
            for value in values:
                bad |= ~torch.isfinite(value).reshape(-1, n).all(dim=0).cpu()
            if bad.any():
                return bad
        return torch.zeros(n, dtype=torch.bool)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The objective on fixed validation cells, how cells differ, and the inner pairs."""
        self.core.eval()
        genes = self._genes()
        noise = torch.Generator().manual_seed(self.seed)
        batch = self._validation.to(self.devices.device)
        terms, _ = self.core.loss_terms(batch, genes, self.core, genes, self.density, noise)
        member = self.member()
        checked = {f"validation_{name}": float(value) for name, value in terms.items()}
        checked |= self._monitor(member, self._validation)
        score = -float(self.core.objective(terms))
        if self.inner is not None:
            checked["inner_ratio"] = self.inner.judge(member)
            score = -checked["inner_ratio"]
        self.core.train()
        return {"score": score, "epoch": self.steps / self.pace.per_epoch, **checked}

    def member(self) -> GraphVCIMember:
        """The network as it stands, on its own and on the CPU."""
        genes = self._genes()
        core = copy.deepcopy(self.core).requires_grad_(requires_grad=False).eval().cpu()
        return GraphVCIMember(core, None if genes is None else genes.detach().clone().cpu())

    # --- states ----------------------------------------------------------------------

    def _modules(self) -> dict[str, torch.nn.Module]:
        modules = {"core": self.core, "graph": self.gene_encoder, "density": self.density}
        return {name: module for name, module in modules.items() if module is not None}

    def state(self) -> dict[str, Tensor]:
        """Copies of all weights."""
        return {
            f"{name}.{key}": value.detach().clone()
            for name, module in self._modules().items()
            for key, value in module.state_dict().items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Back to a kept state."""
        for name, module in self._modules().items():
            module.load_state_dict(below(state, f"{name}."))

    def snapshot(self) -> dict[str, Tensor]:
        """All that the next step depends on."""
        tensors = self.state() | {"steps": torch.tensor(self.steps)}
        tensors |= {f"lagged.{k}": v for k, v in self.lagged.state_dict().items()}
        tensors |= {f"adam.{k}": v for k, v in moments(self._optimizer).items()}
        if self.lagged_genes is not None:
            tensors["lagged_genes"] = self.lagged_genes
        if self.density.optimizer is not None:
            tensors |= {f"rival.{k}": v for k, v in moments(self.density.optimizer).items()}
        if self.inner is not None:
            tensors |= {f"inner.{k}": v for k, v in self.inner.tensors().items()}
        return tensors

    def resume(self, snapshot: dict[str, Tensor]) -> None:
        """Back to a snapshot."""
        self.restore(snapshot)
        self.steps = int(snapshot["steps"])
        self.lagged.load_state_dict(below(snapshot, "lagged."))
        cached = snapshot.get("lagged_genes")
        self.lagged_genes = None if cached is None else cached.to(self.devices.device)
        put_back(self._optimizer, below(snapshot, "adam."))
        if self.density.optimizer is not None:
            put_back(self.density.optimizer, below(snapshot, "rival."))
        if self.inner is not None:
            self.inner.take(below(snapshot, "inner."))
