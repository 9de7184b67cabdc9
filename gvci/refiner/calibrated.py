"""Effects of candidate regulators on targets: level 0 by correlation, level 1 by regression.

Level 1 is eq. 11 with one linear layer, in closed form: gene i is predicted from its candidate
regulators by signed messages, ŷ_i = Σ_j B_ij y_j, with its own value never an input, and with a
perturbed gene no target in its own cells (there the experimenter set it, not its regulators).
There is no row softmax: positive shares of one average cannot give an edge its own sign and size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from gvci.refiner.cells import Cells

# A regulator without variation would make the moments singular.
TINY = 1e-6
PASSES, OVERSAMPLED, SINGULAR = 4, 10, 1e-6


@dataclass(frozen=True)
class Effects:
    """How regulators move targets.

    Attributes:
        signed: B, (n, s): change of the target's z per unit of the regulator.
        size: T, (n, s) at least 0: |B| per deviation of the regulator, 0 on the diagonal.
    """

    signed: np.ndarray
    size: np.ndarray


@dataclass(frozen=True)
class Moments:
    """Second moments over N cells of the regulators' activities E (mRNA, unless inferred).

    Attributes:
        gram: M = EᵀE + N V, (s, s) float64.
        cross: ZᵀE, (n, s) float64.
        activity: E of some cells, by their places.
        variance: V, (s, s): posterior covariance of each cell's activities, 0 for mRNA.
    """

    gram: np.ndarray
    cross: np.ndarray
    activity: Activity
    variance: np.ndarray

    @classmethod
    def of(
        cls, cells: Cells, reading: np.ndarray | None = None, variance: np.ndarray | None = None
    ) -> Moments:
        """Moments of inferred activities E = Z · reading, or of the regulators' own mRNA."""
        n_cells, n, s = cells.shape
        variance = np.zeros((s, s)) if variance is None else variance
        activity = Activity(cells, reading)
        gram, cross = np.zeros((s, s)), np.zeros((n, s))
        for here, z in cells.values.blocks():
            e = activity.of(here, z)
            gram += e.T @ e
            cross += z.T @ e
        return cls(gram + n_cells * variance, cross, activity, variance)

    def without(self, rows: np.ndarray) -> np.ndarray:
        """M over all other cells, centred anew, (s, s): moments are taken off, not summed again.

        Activities have mean 0 over all cells, so the mean of the rest follows from the rows.
        """
        total, squares = np.zeros(len(self.gram)), np.zeros(self.gram.shape)
        for mine in self.activity.portions(rows):
            total += mine.sum(axis=0)
            squares += mine.T @ mine
        rest = self.activity.n_cells - len(rows)
        mean = -total / max(rest, 1)
        taken = squares + len(rows) * self.variance + rest * np.outer(mean, mean)
        left: np.ndarray = self.gram - taken
        return left


class Activity:
    """E, (N, s) float32; kept where there is one block of cells, else read again from Z.

    Args:
        cells: the residuals.
        reading: (n, s) float32, E = Z · reading; None for the regulators' own mRNA.
    """

    def __init__(self, cells: Cells, reading: np.ndarray | None) -> None:
        self._cells, self._reading = cells, reading
        self._kept: np.ndarray | None = None
        self.n_cells = cells.shape[0]

    def of(self, here: slice, z: np.ndarray) -> np.ndarray:
        """E of a block of cells."""
        if self._kept is None:
            e = self._read(z)
            self._kept = e if self._cells.values.whole else None
            return e
        return self._kept[here]

    def portions(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """E of some cells in float64, a portion at a time."""
        for some in self._cells.values.portions(places):
            kept = self._kept
            e = self._read(self._cells.values.take(some)) if kept is None else kept[some]
            yield e.astype(np.float64)

    def _read(self, z: np.ndarray) -> np.ndarray:
        if self._reading is None:
            return np.ascontiguousarray(z[:, self._cells.sources])
        return np.asarray(z @ self._reading)


def correlations(cells: Cells, components: int = 0) -> Effects:
    """Level 0: Pearson's r of regulator and target within covariate groups, denoised.

    Counting noise is not shared between genes, so what two genes share lies in the leading
    components of Z: with principal axes v_k of variance λ_k, r_ij = Σ_k λ_k v_ik v_jk.

    Args:
        cells: the residuals.
        components: how many are kept; 0, or over half as many as genes, for plain r.
    """
    n_cells, n, _ = cells.shape
    if 0 < components <= min(n, n_cells) / 2:
        variances, vectors = leading_axes(cells, components)
        r = (vectors * variances) @ vectors[cells.sources].T
    else:
        r = Moments.of(cells).cross / n_cells
    r = r.astype(np.float64)
    r[cells.sources, np.arange(len(cells.sources))] = 0.0
    return Effects(r, np.abs(r))


def leading_axes(cells: Cells, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances (components,) and principal axes (n, components) of Z, by subspace iteration.

    The randomised decomposition of Halko et al. (2011, alg. 5.1 after 4.4), of ZᵀZ instead of Z,
    so that nothing has a row per cell: with W the subspace and Q an orthonormal basis of ZW,
    (QᵀZ)ᵀQᵀZ = C G⁻¹ Cᵀ with C = ZᵀZW and G = WᵀC.
    """
    n_cells, n, _ = cells.shape
    width = min(n, components + OVERSAMPLED)
    axes = np.random.RandomState(0).normal(size=(n, width))  # as scikit-learn draws
    for _ in range(PASSES):
        axes = np.linalg.qr(_squared(cells, axes))[0]
    moved = _squared(cells, axes)
    within = axes.T @ moved
    values, turned = np.linalg.eigh((within + within.T) / 2)
    real = values > SINGULAR * values[-1]
    half = moved @ turned[:, real] / np.sqrt(values[real])
    vectors, scales, _ = np.linalg.svd(half, full_matrices=False)
    return scales[:components] ** 2 / n_cells, vectors[:, :components]


def _squared(cells: Cells, axes: np.ndarray) -> np.ndarray:
    """ZᵀZ · axes, (n, width) float64."""
    moved, axes = np.zeros(axes.shape), axes.astype(np.float32)
    for _, z in cells.values.blocks():
        moved += z.T @ (z @ axes)
    return moved


def regression(cells: Cells, moments: Moments, ridge: float) -> Effects:
    """Level 1: every target on all regulators at once.

    With R = M + ridge·diag(M) and Ω = R⁻¹: B_i = ZᵢᵀE Ω for a gene that is no source;
    B_ij = −Ω_ij / Ω_ii for a source on the others (one inverse serves them all); and one
    solution of its own for a source that was perturbed, over the cells in which it was not.
    """
    n_cells, n, s = cells.shape
    ridged = _ridged(moments.gram, ridge, n_cells)
    precision = scipy.linalg.inv(ridged)
    signed = np.empty((n, s))
    signed[cells.targets] = moments.cross[cells.targets] @ precision
    signed[cells.sources] = -precision / np.diag(precision)[:, None]
    for column, rows in cells.perturbed:
        gram = moments.without(rows)
        others = np.arange(s) != column
        system = _ridged(gram, ridge, n_cells)[np.ix_(others, others)]
        signed[cells.sources[column], others] = scipy.linalg.solve(
            system, gram[column, others], assume_a="pos"
        )
    signed[cells.sources, np.arange(s)] = 0.0
    deviation = np.sqrt(np.diag(moments.gram) / n_cells)
    size = np.abs(signed) * deviation
    size[cells.sources] /= np.maximum(deviation, TINY)[:, None]
    return Effects(signed, size)


def _ridged(gram: np.ndarray, ridge: float, n_cells: int) -> np.ndarray:
    ridged: np.ndarray = gram + np.diag(ridge * np.diag(gram) + TINY * n_cells)
    return ridged
