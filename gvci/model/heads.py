"""Decoders p(Y | Z, T): the paper's joint one, and one whose terms add up.

joint      params = attention(MLP([Z, T]))
additive   mean   = b + A[X] + K[X, T] + D[T] + f(Z) + 1[T ≠ control] g(W Z, T)

The additive head starts at a simple baseline (docs/method.md §2): A from a ridge regression of
group means, K the kriged effects of gvci/kriging.py, which stay, D and g at zero, and f at the
principal components of the cells' deviations. Each head gives raw parameters (parameters,
cells, n); the likelihood says what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gvci.config import TrainSettings
from gvci.model.attention import KeyDependentDecoder, KeyIndependentDecoder, PlainDecoder
from gvci.model.encoder import mlp


def attention(settings: TrainSettings, genes: int, parameters: int) -> nn.Module:
    """Eq. 10's decoder as the settings want it; VCI has no graph and gets a plain one."""
    s = settings
    if s.model == "vci":
        return PlainDecoder(genes, s.width, parameters)
    if s.decoder == "dot":
        return KeyIndependentDecoder(s.graph_latent, s.width, parameters, s.softmax)
    return KeyDependentDecoder(s.graph_latent, s.width, parameters, s.softmax)


class JointHead(nn.Module):
    """One network for Z and T, as in the paper (eqs. 9–10)."""

    def __init__(self, settings: TrainSettings, genes: int, treated: int, parameters: int) -> None:
        super().__init__()
        s = settings
        self.linear = s.model == "vci" or s.decoder == "dot"
        self.cell = mlp(s.latent + treated, s.width, s.depth, s.width)
        self.attention = attention(s, genes, parameters)
        self.gene_bias = nn.Parameter(torch.zeros(parameters, 1, genes))

    def forward(
        self,
        z: Tensor,
        x: Tensor,
        treatments: Sequence[tuple[Tensor, Tensor]],
        genes: Tensor | None,
    ) -> tuple[list[Tensor], Tensor]:
        """Raw parameters of the same cells under each treatment, and no penalty.

        Args:
            z, x: Z (cells, latent) and X (cells, m).
            treatments: (T, T as it enters the networks) of each decoding; one that is shorter
                than Z is of the first cells.
            genes: Z_G.
        """
        sizes = [len(t) for t, _ in treatments]
        inputs = [torch.cat([z[: len(t)], entering], dim=1) for t, entering in treatments]
        raw = self.attention(genes, self.cell(torch.cat(inputs))) + self.gene_bias
        return list(raw.split(sizes, dim=1)), z.new_zeros(())

    def mean_of(
        self,
        z: Tensor,
        x: Tensor,
        treatments: Sequence[tuple[Tensor, Tensor]],
        genes: Tensor | None,
    ) -> list[Tensor]:
        """The first parameter's mean over cells under each treatment, (n,).

        A decoder that is linear in Y_M sees one mean cell instead of all of them.
        """
        inputs = torch.cat([torch.cat([z, entering], dim=1) for _, entering in treatments])
        cells = self.cell(inputs).view(len(treatments), len(z), -1)
        if self.linear:
            means = self.attention(genes, cells.mean(dim=1), 1)[0]
        else:
            decoded = self.attention(genes, cells.flatten(0, 1), 1)[0]
            means = decoded.view(len(treatments), len(z), -1).mean(dim=1)
        return list(means + self.gene_bias[0])


class AdditiveHead(nn.Module):
    """Additive terms, f(Z), and a narrow g(W Z, T) for how cells differ in their response."""

    def __init__(
        self,
        settings: TrainSettings,
        genes: int,
        treated: int,
        parameters: int,
        sizes: tuple[int, int, int],
    ) -> None:
        super().__init__()
        s, (treatments, covariates, groups) = settings, sizes
        self.kriged: Tensor
        self.group_covariates: Tensor
        self.register_buffer("kriged", torch.zeros(groups, treatments, genes))
        self.register_buffer("group_covariates", torch.zeros(groups, covariates))
        self.gene_bias = nn.Parameter(torch.zeros(parameters, 1, genes))
        self.covariate_effects = nn.Parameter(torch.zeros(covariates, genes))
        self.treatment_effects = nn.Parameter(torch.zeros(treatments, genes))
        self.cell = mlp(s.latent, s.width, s.depth, s.width)
        self.skip = nn.Linear(s.latent, s.width, bias=False)
        self.attention = attention(s, genes, parameters)
        self.narrow = nn.Linear(s.latent, s.bottleneck)
        self.response = mlp(s.bottleneck + treated, s.width, s.depth, s.width)
        self.response_attention = attention(s, genes, 1)
        for last in (self.cell[-1], self.response[-1]):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def effects(self, x: Tensor, t: Tensor) -> Tensor:
        """K[X, T] + D[T], (cells, n): doses scale effects, and combinations add up."""
        cell, level = t.nonzero(as_tuple=True)
        group = (x @ self.group_covariates.T).argmax(dim=1)
        kriged = self.kriged[group[cell], level] * t[cell, level][:, None]
        return (t @ self.treatment_effects).index_add(0, cell, kriged)

    def _mean_effects(self, x: Tensor, t: Tensor) -> Tensor:
        """The mean over cells of `effects`, (n,); each group's row of K is read once."""
        cell, level = t.nonzero(as_tuple=True)
        group = (x @ self.group_covariates.T).argmax(dim=1)[cell]
        share = self.kriged.new_zeros(self.kriged.shape[:2])
        share.index_put_((group, level), t[cell, level] / len(t), accumulate=True)
        some = share.nonzero(as_tuple=True)
        mean: Tensor = share[some] @ self.kriged[some] + t.mean(dim=0) @ self.treatment_effects
        return mean

    def base(self, x: Tensor, t: Tensor) -> Tensor:
        """b + A[X] + K[X, T] + D[T], (cells, n)."""
        return self.gene_bias[0] + x @ self.covariate_effects + self.effects(x, t)

    def forward(
        self,
        z: Tensor,
        x: Tensor,
        treatments: Sequence[tuple[Tensor, Tensor]],
        genes: Tensor | None,
    ) -> tuple[list[Tensor], Tensor]:
        """Raw parameters of the same cells under each treatment, and the mean square of g."""
        shared = self.attention(genes, self.skip(z) + self.cell(z)) + self.gene_bias
        mean, rest = shared.split([1, len(shared) - 1])
        mean = mean + x @ self.covariate_effects
        narrow, sizes = self.narrow(z), [len(t) for t, _ in treatments]
        inputs = [torch.cat([narrow[: len(t)], entering], dim=1) for t, entering in treatments]
        treated = torch.cat([t for t, _ in treatments])
        responses = self.response_attention(genes, self.response(torch.cat(inputs)))[0]
        responses = responses * (1 - treated[:, :1]).clamp_min(0)  # column 0 is the control's
        shifts = responses + self.effects(torch.cat([x[:size] for size in sizes]), treated)
        raw = [
            torch.cat([mean[:, : len(shift)] + shift, rest[:, : len(shift)]])
            for shift in shifts.split(sizes)
        ]
        same = [(part[: min(sizes)] ** 2).mean() for part in responses.split(sizes)]
        return raw, torch.stack(same).mean()

    def mean_of(
        self,
        z: Tensor,
        x: Tensor,
        treatments: Sequence[tuple[Tensor, Tensor]],
        genes: Tensor | None,
    ) -> list[Tensor]:
        """The first parameter's mean over cells under each treatment, (n,); linear decoders."""
        mean_cell = (self.skip(z) + self.cell(z)).mean(dim=0, keepdim=True)
        shared = self.attention(genes, mean_cell, 1)[0]
        base = self.gene_bias[0] + x.mean(dim=0) @ self.covariate_effects
        base = base + torch.stack([self._mean_effects(x, t) for t, _ in treatments])
        narrow = self.narrow(z)
        cells = [
            (self.response(torch.cat([narrow, entering], dim=1)) * (1 - t[:, :1]).clamp_min(0))
            .mean(dim=0) for t, entering in treatments
        ]  # fmt: skip
        return list(shared + base + self.response_attention(genes, torch.stack(cells))[0])
