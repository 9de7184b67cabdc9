"""The distribution term of eq. 4: three models p̂(Ỹ′ | G, X, T′) of what treated cells look like.

match          a kernel estimate around measured cells of the same stratum and treatment
discriminate   an adversary that tells (Y, X, T) from (Ỹ′, X, T′)
fit            a covariate-specific outcome model, fitted beside
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from gvci.devices import WHOLE, Share
from gvci.likelihoods import Normal, Observed
from gvci.model.encoder import mlp

if TYPE_CHECKING:
    from gvci.config import TrainSettings
    from gvci.model.graphvci import Batch


def match_log_density(value: Tensor, cells: Tensor, std: float, kernel: str) -> Tensor:
    """log p̂(value) under a Gaussian kernel around matched cells (docs/method.md §2, `match`).

    Args:
        value: (batch, n).
        cells: (batch, drawn, n).
        std: the kernel's standard deviation.
        kernel: `mean_log`, the mean over cells of the log-density, or `log_mean`, the log of
            the mean density.

    Returns:
        (batch,), per gene (divided by n).
    """
    squares = ((value[:, None, :] - cells) ** 2).sum(dim=2) / (2 * std**2)
    n = value.shape[1]
    if kernel == "mean_log":
        return -squares.mean(dim=1) / n - _constant(std)
    drawn = math.log(cells.shape[1])
    return (torch.logsumexp(-squares, dim=1) - drawn) / n - _constant(std)


def match_to_mean(value: Tensor, mean: Tensor, spread: Tensor, std: float) -> Tensor:
    """`mean_log` of `match_log_density` from the cells' mean and variance alone.

    Σ_k (v − y_k)² / K = (v − ȳ)² + var(y), so the (batch, drawn, n) tensor is not needed.

    Args:
        value, mean: (batch, n).
        spread: (batch,), the mean over genes of the drawn cells' variance.
        std: the kernel's standard deviation.
    """
    squares = ((value - mean) ** 2).mean(dim=1) + spread
    return -squares / (2 * std**2) - _constant(std)


def match_means(
    value: Tensor,
    mean: Tensor,
    spread: Tensor,
    std: float,
    stratum: Tensor,
    share: Share = WHOLE,
) -> Tensor:
    """`mean_log`, but for the mean constructed cell of each stratum and treatment.

    `mean_log` of single cells is largest where every constructed cell sits on the matched mean:
    it rewards a model that forgets what makes cells differ. Here only means are compared, and
    each cell of a stratum gets its stratum's value.

    Args:
        value, mean, spread, std: as for `match_to_mean`.
        stratum: (batch,) which cells share covariates and T′, numbered from 0.
        share: which cells of the batch these are; a stratum's mean is over all its cells.
    """
    numbers = share.most(int(stratum.max()) + 1)
    sizes = share.total(torch.bincount(stratum, minlength=numbers).to(value.dtype)[:, None])

    def averaged(values: Tensor) -> Tensor:
        own = value.new_zeros(numbers, value.shape[1]).index_add_(0, stratum, values)
        return share.total(own) / sizes

    return match_to_mean(averaged(value)[stratum], averaged(mean)[stratum], spread, std)


def _constant(std: float) -> float:
    return math.log(std) + 0.5 * math.log(2 * math.pi)


class Match(nn.Module):
    """Kernel estimate; (X, T′) pairs without measured cells add nothing."""

    def __init__(self, settings: TrainSettings) -> None:
        super().__init__()
        self.optimizer: torch.optim.Optimizer | None = None
        self.kernel, self.std = settings.kernel, settings.kernel_std

    def forward(self, constructed: Tensor, batch: Batch) -> Tensor:
        """log p̂ per gene, (cells,), 0 where nothing matches."""
        if self.kernel == "log_mean":
            found = match_log_density(constructed, batch.matched, self.std, self.kernel)
        elif self.kernel == "mean_log":
            found = match_to_mean(constructed, batch.matched, batch.matched_spread, self.std)
        else:
            found = match_means(
                constructed,
                batch.matched,
                batch.matched_spread,
                self.std,
                batch.stratum,
                batch.share,
            )
        return found * batch.has_match

    def learn(self, batch: Batch, constructed: Tensor) -> None:
        """Nothing to learn."""


class Discriminate(nn.Module):
    """log D of an adversary trained beside the model (64 × 2 units, three steps to its one)."""

    def __init__(self, settings: TrainSettings, inputs: int) -> None:
        super().__init__()
        s = settings
        self.steps = s.discriminator_steps
        self.network = mlp(inputs, s.discriminator_width, s.discriminator_depth, 1)
        self.optimizer: torch.optim.Optimizer | None = torch.optim.Adam(
            self.network.parameters(), lr=s.learning_rate
        )

    def _logit(self, y: Tensor, x: Tensor, t: Tensor) -> Tensor:
        logit: Tensor = self.network(torch.cat([y, x, t], dim=1))[:, 0]
        return logit

    def forward(self, constructed: Tensor, batch: Batch) -> Tensor:
        """log D(Ỹ′, X, T′), (cells,)."""
        self.network.requires_grad_(requires_grad=False)
        logit = self._logit(constructed, batch.covariates, batch.counterfactual_treatment)
        self.network.requires_grad_(requires_grad=True)
        return logsigmoid(logit)

    def learn(self, batch: Batch, constructed: Tensor) -> None:
        """Steps of the adversary on measured against constructed cells."""
        real = (batch.expression, batch.covariates, batch.treatment)
        made = (constructed.detach(), batch.covariates, batch.counterfactual_treatment)
        assert self.optimizer is not None
        for _ in range(self.steps):
            self.optimizer.zero_grad()
            told = logsigmoid(self._logit(*real)).mean() + logsigmoid(-self._logit(*made)).mean()
            batch.share.backward(-told, self.network.parameters())
            self.optimizer.step()


class Fit(nn.Module):
    """A normal outcome model of (X, T), fitted on the measured cells of the same batches."""

    def __init__(self, settings: TrainSettings, inputs: int, genes: int) -> None:
        super().__init__()
        s = settings
        self.network = mlp(inputs, s.width, 1, 2 * genes)
        self.smallest_scale = s.smallest_scale
        self.optimizer: torch.optim.Optimizer | None = torch.optim.Adam(
            self.network.parameters(), lr=s.learning_rate
        )

    def _outcome(self, x: Tensor, t: Tensor) -> Normal:
        raw = self.network(torch.cat([x, t], dim=1))
        return Normal.of(raw.view(len(x), 2, -1).transpose(0, 1), self.smallest_scale)

    def forward(self, constructed: Tensor, batch: Batch) -> Tensor:
        """log p̂(Ỹ′ | X, T′) per gene, (cells,)."""
        with torch.no_grad():
            fitted = self._outcome(batch.covariates, batch.counterfactual_treatment)
        return fitted.log_density(Observed(constructed)).mean(dim=1)

    def learn(self, batch: Batch, constructed: Tensor) -> None:
        """One step of maximum likelihood on the measured cells."""
        assert self.optimizer is not None
        self.optimizer.zero_grad()
        fitted = self._outcome(batch.covariates, batch.treatment)
        loss = -fitted.log_density(Observed(batch.expression)).mean()
        batch.share.backward(loss, self.network.parameters())
        self.optimizer.step()


def distribution_term(
    settings: TrainSettings, genes: int, treatments: int, covariates: int
) -> Match | Discriminate | Fit:
    """p̂ as the settings want it."""
    if settings.distribution == "match":
        return Match(settings)
    if settings.distribution == "discriminate":
        return Discriminate(settings, genes + covariates + treatments)
    return Fit(settings, covariates + treatments, genes)
