"""The gate λ between the network and the best simple baseline (docs/method.md §2).

For a pair (group, perturbation) that was not measured the predicted mean is

    base + λ (network − base)

λ is chosen on inner pairs, which a member had not seen either, and stays 0 unless the mixture
is better there by more than one standard error. Every cell keeps its own response: the pair's
cells are all moved by the same (1 − λ)(base − network mean).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from gvci.baselines import BASELINES, best
from gvci.gate.inner import InnerPairs, control_cells, predicted_means, relative_errors
from gvci.pseudobulk import pseudobulks

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.prediction.member import Member

SHARES = (0.25, 0.5, 0.75, 1.0)
PRIOR_PAIRS = 4.0


@dataclass(frozen=True)
class InnerEvidence:
    """What inner members and the baseline said of pairs that neither had seen.

    Attributes:
        pairs: (group, perturbation), in the order of the rows.
        truth, control, network, baseline: (pairs, n) mean expression.
    """

    pairs: list[tuple[str, str]]
    truth: np.ndarray
    control: np.ndarray
    network: np.ndarray
    baseline: np.ndarray

    @classmethod
    def of(cls, folds: Sequence[InnerPairs], validation: int) -> Self:
        """Of all folds at one validation (0 is before the first step)."""
        return cls(
            [pair for fold in folds for pair in fold.pairs],
            np.concatenate([fold.truth for fold in folds]),
            np.concatenate([fold.control for fold in folds]),
            np.concatenate([fold.said[validation] for fold in folds]).astype(np.float64),
            np.concatenate([fold.baseline for fold in folds]),
        )

    def relative(self, share: float) -> np.ndarray:
        """(pairs,) squared error of the mixture, relative to the baseline's."""
        mixed = self.baseline + share * (self.network - self.baseline)
        return relative_errors(mixed.clip(0), self.baseline, self.truth, self.control)

    def share(self) -> tuple[float, float, float]:
        """λ, the mean relative error there, and its standard error over pairs."""
        scored = [(float(self.relative(share).mean()), share) for share in SHARES]
        ratio, share = min(scored)
        relative = self.relative(share)
        error = float(relative.std(ddof=1) / len(relative) ** 0.5) if len(relative) > 1 else np.inf
        return (share if ratio + error < 1 else 0.0), ratio, error

    def gene_error(self, share: float) -> np.ndarray:
        """(n,) root mean squared error of a gene's mean over pairs, drawn to the genes' mean."""
        squares = (self.baseline + share * (self.network - self.baseline) - self.truth) ** 2
        pooled = squares.mean()
        pairs = len(squares)
        drawn = (squares.sum(axis=0) + PRIOR_PAIRS * pooled) / (pairs + PRIOR_PAIRS)
        return np.asarray(np.sqrt(drawn), dtype=np.float32)

    def growth(self, share: float) -> float:
        """How fast the error grows with the predicted change: squared error beyond the gene's
        own, regressed on the squared change through the origin."""
        mixed = self.baseline + share * (self.network - self.baseline)
        change = (mixed - self.control) ** 2
        beyond = (mixed - self.truth) ** 2 - self.gene_error(share).astype(np.float64) ** 2
        slope = float((change * beyond).sum()) / max(float((change**2).sum()), 1e-12)
        return round(float(np.sqrt(max(0.0, slope))), 4)


@dataclass(frozen=True)
class Gate:
    """λ with its evidence, and the correction of every pair that was not measured.

    Attributes:
        share: λ, the network's share; 1 where nothing was tested.
        baseline: name of the baseline that has the rest.
        groups, perturbations: names of the rows and columns of the corrections.
        corrections: (groups, perturbations, n) float32, added to each cell; 0 for measured pairs.
        error: (n,) root mean squared error of a mean on inner pairs; None where untested.
        pairs, ratio, ratio_se: inner pairs, relative squared error of the mixture chosen.
        growth: how much the error grows per unit of predicted change.
    """

    share: float
    baseline: str
    groups: tuple[str, ...]
    perturbations: tuple[str, ...]
    corrections: np.ndarray
    error: np.ndarray | None = None
    pairs: int = 0
    ratio: float | None = None
    ratio_se: float | None = None
    growth: float = 0.0

    def correction(
        self, groups: Sequence[str], perturbations: Sequence[str], doses: np.ndarray
    ) -> np.ndarray:
        """(cells, n) float32: what is added to cells of these groups under these labels."""
        rows = {name: i for i, name in enumerate(self.groups)}
        columns = {name: i for i, name in enumerate(self.perturbations)}
        row = np.array([rows.get(str(group), -1) for group in groups], dtype=np.intp)
        column = np.array([columns.get(str(label), -1) for label in perturbations], dtype=np.intp)
        added = self.corrections[row, column].copy()
        added[(row < 0) | (column < 0) | (np.asarray(doses) == 0)] = 0
        return added

    def knows(self, group: str, perturbation: str) -> bool:
        """Whether the evidence is about pairs of this kind: a training group, one perturbation."""
        return group in self.groups and perturbation in self.perturbations

    def mixes(self, group: str, perturbation: str) -> bool:
        """Whether the baseline has a share in this pair."""
        if self.share == 1 or not self.knows(group, perturbation):
            return False
        at = self.groups.index(group), self.perturbations.index(perturbation)
        return bool(np.any(self.corrections[at]))

    def error_of(self, change: np.ndarray) -> np.ndarray | None:
        """(n,) standard error of a predicted change of each gene; None where untested."""
        if self.error is None:
            return None
        return np.asarray(np.sqrt(self.error.astype(np.float64) ** 2 + (self.growth * change) ** 2))

    # --- files -----------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """For the checkpoint's header; the arrays are tensors there."""
        arrays = ("corrections", "error")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in arrays}

    @classmethod
    def from_json(
        cls, notes: Mapping[str, Any], corrections: np.ndarray, error: np.ndarray | None
    ) -> Self:
        """Back from a checkpoint."""
        names = {"groups": tuple(notes["groups"]), "perturbations": tuple(notes["perturbations"])}
        return cls(**{**notes, **names}, corrections=corrections, error=error)


def open_gate(
    data: PerturbationData, members: list[Member], evidence: InnerEvidence | None
) -> Gate:
    """Choose λ on the evidence and work out the corrections of all pairs not measured."""
    bulks = pseudobulks(data)
    if evidence is None:
        return Gate(1.0, best(bulks), (), (), np.zeros((0, 0, len(data.genes)), dtype=np.float32))
    name = best(bulks)
    share, ratio, ratio_se = evidence.share()
    groups = tuple(sorted(group for group in bulks.levels if (group, bulks.control) in bulks.row))
    labels = tuple(sorted({label for _, label in bulks.row} - {bulks.control}))
    corrections = np.zeros((len(groups), len(labels), len(data.genes)), dtype=np.float32)
    asked = [
        (g, p) for g in range(len(groups)) for p in range(len(labels))
        if (groups[g], labels[p]) not in bulks.row
    ]  # fmt: skip
    if share < 1 and asked:
        pairs = [(groups[g], labels[p]) for g, p in asked]
        controls = control_cells(data, sorted({group for group, _ in pairs}), 0)
        network = np.mean([predicted_means(data, m, pairs, controls) for m in members], axis=0)
        for (g, p), pair, mean in zip(asked, pairs, network, strict=True):
            corrections[g, p] = (1 - share) * (BASELINES[name](bulks, *pair).mean - mean)
    return Gate(
        share, name, groups, labels, corrections,
        evidence.gene_error(share), len(evidence.pairs), round(ratio, 4), round(ratio_se, 4),
        evidence.growth(share),
    )  # fmt: skip
