"""Eqs. 14 and 23 from sums over cells: chunk after chunk goes in, no prediction is kept.

With s_k = μ_k + w 1[T_k = a] r_k, where r = Y − μ and w = √(n_a / (n_a − 1)) · n / n_a,

    ψ_k = s_k − μ̄ − w r̄ 1[T_k = a]

so that Σ ψ² and, for the contrast with the control, Σ ψ ψ⁰ follow from the sums of s, s² and
s s⁰ over all cells, and of s over the treated and over the control cells. μ and r are counted
from the first of their kind: a constant adds exactly nothing, and nothing large cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gvci.estimator.bands import Multipliers, ScoreSums
from gvci.estimator.influence import treated_weight

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

VALUES_AT_ONCE = 2**21
FEWEST_AT_ONCE, MOST_AT_ONCE = 64, 4096  # cells

# (positions of cells, perturbation) → μ (cells, genes)
Mu = Callable[[np.ndarray, str], np.ndarray]


@dataclass(frozen=True, eq=False)
class Group:
    """The cells of one covariate group that are estimated with.

    Attributes:
        data: the dataset.
        rows: positions of the group's cells.
        multipliers: of the bootstrap, where bands are wanted.
    """

    data: PerturbationData
    rows: np.ndarray
    multipliers: Multipliers | None = None

    @property
    def labels(self) -> np.ndarray:
        """Perturbation of each cell, (cells,)."""
        return np.asarray(self.data.perturbation[self.rows])

    def chunks(self) -> Iterator[slice]:
        """Slices of the rows that are read and predicted at once."""
        fitting = VALUES_AT_ONCE // len(self.data.genes)
        size = min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, fitting))
        for start in range(0, len(self.rows), size):
            yield slice(start, min(start + size, len(self.rows)))

    def drawn(self, chunk: slice) -> np.ndarray | None:
        """Multipliers (draws, cells) of a chunk, the same whenever they are asked for."""
        if self.multipliers is None:
            return None
        return self.multipliers.of(int(self.rows[chunk.start]), chunk.stop - chunk.start)


@dataclass
class Arm:
    """Sums over the cells of a group for one treatment a, per gene, float64.

    Attributes:
        n, n_treated: cells of the group, and those with T = a.
        mu: Σ μ.
        outcomes: Σ Y over the treated.
        residuals, squared_residuals: Σ r, Σ r² over the treated.
        squares, products: Σ s², Σ s s⁰.
        treated, controls: Σ s over the treated and over the control cells.
        reference: Σ s⁰ over the treated.
        scores: multipliers times s, where bands are wanted.
    """

    n: int
    n_treated: int
    genes: int
    scores: ScoreSums | None = None
    mu_origin: np.ndarray | None = field(default=None, repr=False)
    residual_origin: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        zeros = np.zeros((9, self.genes))
        self.mu, self.outcomes, self.residuals, self.squared_residuals = zeros[:4]
        self.squares, self.products, self.treated, self.controls, self.reference = zeros[4:]
        self.weight = treated_weight(self.n, self.n_treated)

    def add(
        self,
        mu: np.ndarray,
        outcomes: np.ndarray,
        treated: np.ndarray,
        controls: np.ndarray,
        reference: np.ndarray | None = None,
    ) -> np.ndarray:
        """Count a chunk of cells.

        Args:
            mu: (cells, genes) under a.
            outcomes: Y (cells, genes).
            treated, controls: (cells,) bool, True where T = a and where T is the control.
            reference: s⁰ (cells, genes), as this returns it for the control; None for itself.

        Returns:
            s (cells, genes), float64.
        """
        if self.mu_origin is None:
            self.mu_origin = np.array(mu[0], dtype=np.float64)
        s: np.ndarray = np.subtract(mu, self.mu_origin)
        self.mu += s.sum(axis=0)
        if treated.any():
            own = np.asarray(outcomes[treated], dtype=np.float64)
            self.outcomes += own.sum(axis=0)
            own -= mu[treated]
            if self.residual_origin is None:
                self.residual_origin = own[0].copy()
            own -= self.residual_origin
            self.residuals += own.sum(axis=0)
            self.squared_residuals += np.einsum("kg,kg->g", own, own)
            s[treated] += self.weight * own
            self.treated += s[treated].sum(axis=0)
        self.squares += np.einsum("kg,kg->g", s, s)
        if reference is not None:
            self.controls += s[controls].sum(axis=0)
            self.reference += reference[treated].sum(axis=0)
            self.products += np.einsum("kg,kg->g", s, reference)
        return s

    def multiply(self, drawn: np.ndarray | None, s: np.ndarray, treated: np.ndarray) -> None:
        """Count a chunk of s with its multipliers, (draws, cells), where bands are wanted."""
        if self.scores is not None and drawn is not None:
            self.scores.add(drawn, s, treated)

    # --- eq. 14 ----------------------------------------------------------------------

    @property
    def plug_in(self) -> np.ndarray:
        """Mean of μ."""
        assert self.mu_origin is not None
        return np.asarray(self.mu_origin + self.mu / self.n)

    @property
    def treated_mean(self) -> np.ndarray:
        """Mean of Y over the treated, of whom there is one at least."""
        return np.asarray(self.outcomes / self.n_treated)

    @property
    def robust(self) -> np.ndarray:
        """Ψ̂ of eq. 14."""
        assert self.residual_origin is not None
        return np.asarray(self.plug_in + self.residual_origin + self.residuals / self.n_treated)

    @property
    def residual_variance(self) -> np.ndarray:
        """Variance of the treated residuals, divided by n_treated − 1; NaN for a single cell."""
        if self.n_treated < 2:
            return np.full(self.genes, np.nan)
        centred = self.squared_residuals - self.residuals**2 / self.n_treated
        return np.asarray(centred.clip(0) / (self.n_treated - 1))

    # --- eq. 23 ----------------------------------------------------------------------

    @property
    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """What is taken off s: μ̄ from all cells, w r̄ from the treated."""
        return self.mu / self.n, self.weight * self.residuals / self.n_treated

    @property
    def squared_influence(self) -> np.ndarray:
        """Σ ψ²."""
        off, off_treated = self.offsets
        on_treated = off_treated * (2 * self.treated - self.n_treated * off_treated)
        return np.asarray((self.squares - self.n * off**2 - on_treated).clip(0))

    def squared_contrast(self, control: Arm) -> np.ndarray:
        """Σ (ψ − ψ⁰)², ψ⁰ of the control; no cell is both treated and control."""
        (off, off_treated), (off_0, off_controls) = self.offsets, control.offsets
        crossed = self.products - self.n * off * off_0
        crossed -= off_controls * self.controls + off_treated * self.reference
        both = self.squared_influence + control.squared_influence
        return np.asarray((both - 2 * crossed).clip(0))


def summed(group: Group, labels: Sequence[str], mu: Mu) -> tuple[Arm, list[Arm]]:
    """The sums of the control and of some perturbations; each chunk is predicted once for each.

    Args:
        group: the cells.
        labels: perturbations, not the control.
        mu: their means.
    """
    data, own = group.data, group.labels
    control = _arm(group, data.columns.control)
    arms = [_arm(group, label) for label in labels]
    for chunk in group.chunks():
        rows, here = group.rows[chunk], own[chunk]
        outcomes, drawn = data.dense(rows), group.drawn(chunk)
        controls = here == data.columns.control
        reference = control.add(mu(rows, data.columns.control), outcomes, controls, controls)
        control.multiply(drawn, reference, controls)
        for arm, label in zip(arms, labels, strict=True):
            treated = here == label
            s = arm.add(mu(rows, label), outcomes, treated, controls, reference)
            arm.multiply(drawn, s, treated)
    return control, arms


def _arm(group: Group, label: str) -> Arm:
    genes = len(group.data.genes)
    scores = None if group.multipliers is None else ScoreSums(group.multipliers.draws, genes)
    return Arm(len(group.rows), int((group.labels == label).sum()), genes, scores)
