"""Effects of candidate regulators on targets: level 0 by correlation, level 1 by regression.

Level 1 is eq. 11 with one linear layer, in closed form: gene i is predicted from its candidate
regulators by signed messages, ŷ_i = Σ_j B_ij y_j, with its own value never an input, and with a
perturbed gene no target in its own cells (there the experimenter set it, not its regulators).
There is no row softmax: positive shares of one average cannot give an edge its own sign and size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from sklearn.utils.extmath import randomized_svd

from gvci.refiner.cells import Cells

# A regulator without variation would make the moments singular.
TINY = 1e-6


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
        activity: E, (N, s) float32.
        variance: V, (s, s): posterior covariance of each cell's activities, 0 for mRNA.
    """

    gram: np.ndarray
    cross: np.ndarray
    activity: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(
        cls, cells: Cells, activity: np.ndarray | None = None, variance: np.ndarray | None = None
    ) -> Moments:
        """Moments of inferred activities, or of the regulators' own mRNA."""
        s = len(cells.sources)
        if activity is None:
            activity = np.ascontiguousarray(cells.values[:, cells.sources])
        variance = np.zeros((s, s)) if variance is None else variance
        gram = (activity.T @ activity).astype(np.float64) + len(activity) * variance
        cross = (cells.values.T @ activity).astype(np.float64)
        return cls(gram, cross, activity, variance)

    def without(self, rows: np.ndarray) -> np.ndarray:
        """M over all other cells, centred anew, (s, s): moments are taken off, not summed again.

        Activities have mean 0 over all cells, so the mean of the rest follows from the rows.
        """
        mine = self.activity[rows].astype(np.float64)
        rest = len(self.activity) - len(mine)
        mean = -mine.sum(axis=0) / max(rest, 1)
        taken = mine.T @ mine + len(mine) * self.variance + rest * np.outer(mean, mean)
        left: np.ndarray = self.gram - taken
        return left


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
        _, scales, vectors = randomized_svd(cells.values, components, random_state=0, n_iter=4)
        r = (vectors.T * scales**2) @ vectors[:, cells.sources] / n_cells
    else:
        r = Moments.of(cells).cross / n_cells
    r = r.astype(np.float64)
    r[cells.sources, np.arange(len(cells.sources))] = 0.0
    return Effects(r, np.abs(r))


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
