"""What the loop trains for a published network: its weights, its adversary, their optimisers.

`score` is, for all of them, the log-likelihood of the reconstruction of validation cells: the
one term that all have, and one that an adversary does not move by itself. Everything random
depends on seed and step alone, so a stopped training goes on with the same weights.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import Tensor

from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.portions import mean, mean_of_squares
from gvci.devices import ALONE, WHOLE, Devices, Share
from gvci.errors import TrainingError
from gvci.networks.network import Cells, Shape
from gvci.networks.registry import make_network
from gvci.prediction.network_member import NetworkMember
from gvci.training.matching import Matcher
from gvci.training.monitor import Monitor
from gvci.training.pace import VALIDATION_CELLS, Pace
from gvci.unfinished import below, moments, put_back


class NetworkTask:
    """A published network's training.

    Args:
        data: cells with their split.
        settings: network and training.
        devices: the processes that train it; all begin at the first one's weights.

    Raises:
        TrainingError: no treated or no control training cell.
    """

    def __init__(
        self, data: PerturbationData, settings: TrainSettings, devices: Devices = ALONE
    ) -> None:
        self.settings, self.seed, self.devices = settings, settings.seed, devices
        torch.manual_seed(self.seed)
        self.matcher = Matcher(data, settings)
        shape = Shape.of(len(data.genes), data.treatment_code, data.covariate_code)
        self.core = make_network(settings, shape)
        train = self.matcher.train
        means, squares = mean(data.expression, train), mean_of_squares(data.expression, train)
        sds = np.sqrt((squares - means**2).clip(0))
        self.core.decoder.start(torch.from_numpy(means), torch.from_numpy(sds))
        self.restore(devices.first(self.state))
        self.core.to(devices.device)
        self.steps, self.pace = 0, Pace(train, settings, self.seed)
        self._rivals = [] if self.core.adversary is None else [*self.core.adversary.parameters()]
        own = {id(p) for p in self._rivals}
        self._parameters = [p for p in self.core.parameters() if id(p) not in own]
        self._optimizer = self._adam(self._parameters)
        self._rival = self._adam(self._rivals) if self._rivals else None
        rows = self.matcher.validation if len(self.matcher.validation) > 1 else train
        order = np.random.default_rng([self.seed, 1]).permutation(rows)
        rows = np.sort(order[:VALIDATION_CELLS])
        self._validation = self._cells(rows)
        self._monitor = Monitor(data, self.matcher, rows)

    def _adam(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Adam:
        s = self.settings
        return torch.optim.Adam(
            parameters, lr=s.learning_rate, weight_decay=s.weight_decay, fused=True
        )

    def _cells(self, rows: np.ndarray, share: Share = WHOLE) -> Cells:
        m, other = self.matcher, np.roll(rows, 1)[share.cells]
        rows = rows[share.cells]
        arrays = (m.data.dense(rows), m.covariates[rows], m.treatment[rows], m.treatment[other])
        y, x, t, t2 = map(torch.from_numpy, arrays)
        return Cells(y, x, t, t2, share).to(self.devices.device)

    def step(self) -> dict[str, float]:
        """The adversary's steps, then one of the network; the loss terms."""
        rate = self.settings.learning_rate * self.pace.rate(self.steps)
        noise = torch.Generator().manual_seed((self.seed * 1_000_003 + self.steps) % 2**63)
        rows = self.pace.rows(self.steps)
        share = self.devices.share(len(rows))
        cells = self._cells(rows, share)
        told = {} if self._rival is None else self._teach(self._rival, cells, noise, rate)
        for parameter in self._rivals:
            parameter.requires_grad = False
        terms = self.core.loss_terms(cells, noise)
        self._descend(self._optimizer, self.core.objective(terms), terms, rate, share)
        for parameter in self._rivals:
            parameter.requires_grad = True
        self.steps += 1
        return share.means(terms | told)

    def _teach(
        self, rival: torch.optim.Optimizer, cells: Cells, noise: torch.Generator, rate: float
    ) -> dict[str, Tensor]:
        """Steps of the adversary; its last loss."""
        for _ in range(self.settings.discriminator_steps):
            loss = self.core.adversary_loss(cells, noise)
            self._descend(rival, loss, {"adversary's loss": loss}, rate, cells.share)
        return {"discriminator": loss}

    def _descend(
        self,
        optimizer: torch.optim.Optimizer,
        objective: Tensor,
        terms: dict[str, Tensor],
        rate: float,
        share: Share,
    ) -> None:
        """One step of an optimiser.

        Raises:
            TrainingError: a term or the gradient is not finite.
        """
        (group,) = optimizer.param_groups
        group["lr"] = rate
        optimizer.zero_grad()
        share.backward(objective, group["params"])
        norm = torch.nn.utils.clip_grad_norm_(group["params"], self.settings.clip)
        if not torch.isfinite(norm):
            values = share.means(terms)
            broken = next((n for n, v in values.items() if not math.isfinite(v)), "the gradient")
            message = (
                f"Training diverged at step {self.steps + 1} (epoch "
                f"{self.pace.place(self.steps)[0] + 1}): {broken} is not finite. "
                "Lower the learning rate."
            )
            raise TrainingError(message)
        optimizer.step()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The loss terms on fixed validation cells, and how cells differ."""
        self.core.eval()
        noise = torch.Generator().manual_seed(self.seed)
        terms = self.core.loss_terms(self._validation, noise)
        checked = {f"validation_{name}": float(value) for name, value in terms.items()}
        checked |= self._monitor(self.member(), self._validation.to(ALONE.device))
        self.core.train()
        epoch = self.steps / self.pace.per_epoch
        return {"score": -checked["validation_reconstruction"], "epoch": epoch, **checked}

    def member(self) -> NetworkMember:
        """The network as it stands, on its own and on the CPU."""
        core = copy.deepcopy(self.core).requires_grad_(requires_grad=False).eval().cpu()
        return NetworkMember(core)

    # --- states ----------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Copies of all weights."""
        return {name: value.detach().clone() for name, value in self.core.state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Back to a kept state."""
        self.core.load_state_dict(state)

    def snapshot(self) -> dict[str, Tensor]:
        """All that the next step depends on."""
        tensors = {f"core.{k}": v for k, v in self.state().items()}
        tensors |= {"steps": torch.tensor(self.steps)}
        tensors |= {f"adam.{k}": v for k, v in moments(self._optimizer).items()}
        if self._rival is not None:
            tensors |= {f"rival.{k}": v for k, v in moments(self._rival).items()}
        return tensors

    def resume(self, snapshot: dict[str, Tensor]) -> None:
        """Back to a snapshot."""
        self.restore(below(snapshot, "core."))
        self.steps = int(snapshot["steps"])
        put_back(self._optimizer, below(snapshot, "adam."))
        if self._rival is not None:
            put_back(self._rival, below(snapshot, "rival."))
