"""Ridge regression of pseudobulks on one-hot(group) + one-hot(perturbation).

Everything is closed form around H, which maps means to fitted means: leaving out rows S moves
the residual of a row i from r_i to r_i + H_iS (I − H_SS)⁻¹ r_S, and a prediction likewise. So one
decomposition of the design answers for every pair as if it, and whatever is hidden, had not been
measured, with the penalty chosen by the error of leaving out one more row each time.
"""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from gvci.baselines.answer import Baseline, without_donors
from gvci.pseudobulk import FEWEST_CELLS, Pseudobulks

ALPHAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Smoother:
    """The ridge regression of all pseudobulks, with rows to be left out on demand.

    Rows are the pairs with at least 10 cells, and all control pairs; both sides are centred, so
    the intercept is free (as in sklearn's Ridge).
    """

    def __init__(self, bulks: Pseudobulks) -> None:
        kept = [
            i
            for i, (_, label) in enumerate(bulks.pairs)
            if label == bulks.control or bulks.counts[i] >= FEWEST_CELLS
        ]
        self.rows = {row: i for i, row in enumerate(kept)}
        pairs = [bulks.pairs[row] for row in kept]
        groups, labels = sorted({g for g, _ in pairs}), sorted({p for _, p in pairs})
        self._columns = {("group", name): i for i, name in enumerate(groups)}
        self._columns |= {("label", name): i + len(groups) for i, name in enumerate(labels)}
        design = np.stack([self.design(*pair) for pair in pairs])
        self.centre, self.level = design.mean(axis=0), bulks.means[kept].mean(axis=0)
        self.outcomes = bulks.means[kept] - self.level
        left, size, right = np.linalg.svd(design - self.centre, full_matrices=False)
        solid = size > 1e-9 * size.max(initial=1e-30)
        self.left, self.size, self.right = left[:, solid], size[solid], right[solid]
        self._penalties: dict[bytes, float] = {}

    def design(self, group: str, perturbation: str) -> np.ndarray:
        """One-hot row of a pair; zeros for what has no row."""
        row = np.zeros(len(self._columns))
        for key in (("group", group), ("label", perturbation)):
            if key in self._columns:
                row[self._columns[key]] = 1.0
        return row

    @cached_property
    def _products(self) -> tuple[np.ndarray, np.ndarray]:
        """K = Y Yᵀ of the centred outcomes, and Uᵀ K."""
        gram = self.outcomes @ self.outcomes.T
        return gram, self.left.T @ gram

    @cached_property
    def _whole(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Per alpha, of all rows: U D, the diagonal of H, and |r_i|²."""
        gram, projected = self._products
        inner = projected @ self.left
        found = []
        for alpha in ALPHAS:
            scaled = self.left * (self.size**2 / (self.size**2 + alpha))
            own = 1 / len(gram) + np.sum(scaled * self.left, axis=1)
            norm = gram.diagonal() - 2 * np.sum(scaled * projected.T, axis=1)
            found.append((scaled, own, norm + np.sum((scaled @ inner) * scaled, axis=1)))
        return found

    def penalty(self, out: np.ndarray) -> float:
        """The penalty of least error without the rows `out`."""
        if out.tobytes() not in self._penalties:
            self._penalties[out.tobytes()] = ALPHAS[int(np.argmin(self.errors(out)))]
        return self._penalties[out.tobytes()]

    def errors(self, out: np.ndarray) -> np.ndarray:
        """(alphas,) mean squared leave-one-out error of the rows other than `out`."""
        gram, projected = self._products
        stay = np.setdiff1d(np.arange(len(gram)), out)
        found = []
        for scaled, own, norm in self._whole:
            hat = 1 / len(gram) + scaled @ self.left[out].T  # H[:, S]
            cross = gram[out] - scaled[out] @ projected  # r_S · y_i
            cross = (cross - (cross @ self.left) @ scaled.T).T  # r_S · r_i, (n, S)
            moved = hat @ np.linalg.inv(np.eye(len(out)) - hat[out])
            size = norm + 2 * np.sum(moved * cross, axis=1)
            size += np.sum((moved @ cross[out]) * moved, axis=1)
            free = 1 - own - np.sum(moved * hat, axis=1)
            found.append(np.mean(size[stay] / free[stay] ** 2))
        return np.array(found)

    def predict(self, group: str, perturbation: str, out: np.ndarray, alpha: float) -> np.ndarray:
        """(genes,) prediction of a pair by the rows other than `out`."""
        n, shrink = len(self.outcomes), self.size**2 / (self.size**2 + alpha)
        asked = (self.design(group, perturbation) - self.centre) @ self.right.T
        hat = 1 / n + (asked * self.size / (self.size**2 + alpha)) @ self.left.T
        coefficients = hat.copy()
        if len(out):
            own = 1 / n + (self.left[out] * shrink) @ self.left.T  # H[S, :]
            moved = hat[out] @ np.linalg.inv(np.eye(len(out)) - own[:, out])
            unit = np.eye(n)[out] - own
            coefficients -= moved @ unit
        return np.asarray(self.level + coefficients @ self.outcomes)


_SMOOTHERS: WeakKeyDictionary[Pseudobulks, Smoother] = WeakKeyDictionary()


def ridge(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """Ridge regression, clipped at 0; the penalty of least leave-one-pseudobulk-out error.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    bulks.control_mean(group)
    elsewhere = any(label == perturbation and g != group for g, label in bulks.row)
    if not elsewhere and len(bulks.parts(perturbation)) > 1:
        return without_donors(bulks, group, perturbation, ridge)
    smoother, out = left_out(bulks, group, perturbation)
    if len(smoother.rows) - len(out) < 2:
        return without_donors(bulks, group, perturbation, ridge)
    mean = smoother.predict(group, perturbation, out, smoother.penalty(out))
    return Baseline(np.maximum(mean, 0.0))


def left_out(bulks: Pseudobulks, group: str, perturbation: str) -> tuple[Smoother, np.ndarray]:
    """The regression of everything measured, and its rows that are hidden or the pair itself."""
    whole = bulks.whole or bulks
    if whole not in _SMOOTHERS:
        _SMOOTHERS[whole] = Smoother(whole)
    smoother = _SMOOTHERS[whole]
    asked = bulks.row.get((group, perturbation))
    gone = {*np.flatnonzero(~bulks.kept), *([] if asked is None else [asked])}
    return smoother, np.array(sorted(smoother.rows[r] for r in gone if r in smoother.rows), int)
