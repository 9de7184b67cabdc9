"""Effects of perturbations in covariate groups, kriged: a Gaussian process over both.

The mean of a pair (group g, perturbation p) is a level of the group plus an effect, and effects
of two pairs covary where the perturbations act alike and the groups look alike:

    cov(δ_gp, δ_hq) = Kp(p, q) · (shared + own · exp(−d(g, h) / reach))
    Kp(p, q)        = s_p s_q ((1 − alone) · corr(p, q) + alone · 1[p = q])

d is the squared distance of control profiles over its median, s_p the size of p's mean effect,
corr the correlation of mean effects over genes. Every gene has the same covariance, so one
small system serves all of them. It is solved for log(expm1(μ) + ε): with ε = 1 this is μ, with
ε = 0.3 nearer to ratios of counts. The constants are chosen by leaving out a level at a time: on
data with one perturbation and many groups this learns how far likeness of groups carries, with
many perturbations how a group's other responses tell of the missing one.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from gvci.data.portions import averages, portions
from gvci.pseudobulk import FEWEST_CELLS, Pseudobulks, squared_errors

LEVEL_VARIANCE = 1e3  # levels of groups are as good as free
MOST_COMBINATIONS = 16
MOST_ROWS = 1500
LARGE = 400  # pairs, from which fewer combinations are tried


class Constants(NamedTuple):
    """What is chosen: shares of variance, reach in median distances, 1 − correlation, and ε."""

    shared: float
    own: float
    reach: float
    alone: float
    epsilon: float


DEFAULT = Constants(2.0, 1.0, 1.0, 0.1, 1.0)
SCALES = (1.0, 0.3)
TRIED = [
    Constants(*values)
    for values in product((1.0, 2.0, 4.0), (0.0, 1.0, 2.0, 4.0), (1.0, 3.0), (0.1, 0.3), SCALES)
]


class Kriging:
    """Pseudobulks with the covariance of their effects.

    Args:
        bulks: the measured means, log1p CP10k.
        noise: mean over genes of the variance over cells within a pair.
    """

    def __init__(self, bulks: Pseudobulks, noise: float) -> None:
        self.bulks = bulks
        self.rows = [pair for pair in bulks.row if (pair[0], bulks.control) in bulks.row]
        groups = sorted({group for group, _ in self.rows})
        labels = sorted({label for _, label in self.rows} - {bulks.control})
        self._group = {group: i for i, group in enumerate(groups)}
        self._label = {label: i for i, label in enumerate(labels)}
        self._means = np.stack([bulks.mean(*pair) for pair in self.rows])
        counts = np.array([bulks.counts[bulks.row[pair]] for pair in self.rows], dtype=np.float64)
        self._noise = max(noise, 1e-9) / counts
        self._law = {epsilon: self._learn(epsilon, len(labels)) for epsilon in SCALES}

    def _learn(self, epsilon: float, labels: int) -> _Law:
        """Distances of groups, likeness and size of effects, on the scale of ε."""
        means = _onto(self._means, epsilon)
        row = {pair: i for i, pair in enumerate(self.rows)}
        control = self.bulks.control
        controls = means[[row[group, control] for group in self._group]]
        square = (controls**2).sum(axis=1)
        distance = (square[:, None] + square[None, :] - 2 * controls @ controls.T).clip(0)
        off = distance[~np.eye(len(controls), dtype=bool)]
        effects = np.zeros((labels, means.shape[1]))
        for label, i in self._label.items():
            measured = [g for g, p in self.rows if p == label]
            changes = [means[row[g, label]] - means[row[g, control]] for g in measured]
            effects[i] = np.mean(changes, axis=0)
        sizes = np.sqrt((effects**2).sum(axis=1)).clip(1e-9)
        return _Law(
            means,
            distance / max(float(np.median(off)) if len(off) else 1.0, 1e-9),
            (effects @ effects.T) / (sizes[:, None] * sizes[None, :]),
            sizes / np.sqrt(means.shape[1]),
            # Noise keeps its share of the variance between pairs.
            self._noise * _spread(means) / max(_spread(self._means), 1e-12),
        )

    @property
    def labels(self) -> list[str]:
        """Perturbations with an effect to learn from, sorted."""
        return list(self._label)

    def predict(self, pairs: list[tuple[str, str]], constants: Constants) -> np.ndarray:
        """(pairs, n) mean expression, at least 0, of pairs whose group and label are known.

        Beyond MOST_ROWS measured pairs each perturbation is kriged with the controls alone: the
        system grows with the square of its rows.
        """
        if len(self.rows) <= MOST_ROWS:
            return self._solved(np.arange(len(self.rows)), pairs, constants)
        answer = np.zeros((len(pairs), self._means.shape[1]))
        labels = np.array([label for _, label in self.rows], dtype=object)
        for label in sorted({label for _, label in pairs}):
            rows = np.flatnonzero((labels == label) | (labels == self.bulks.control))
            asked = [i for i, pair in enumerate(pairs) if pair[1] == label]
            answer[asked] = self._solved(rows, [pairs[i] for i in asked], constants)
        return answer

    def _solved(
        self, rows: np.ndarray, pairs: list[tuple[str, str]], constants: Constants
    ) -> np.ndarray:
        law, known = self._law[constants.epsilon], [self.rows[i] for i in rows]
        covariance = self._covariance(known, known, constants)
        covariance[np.diag_indices_from(covariance)] += law.noise[rows]
        weights = np.linalg.solve(covariance, self._covariance(known, pairs, constants)).T
        middle = law.means.mean(axis=0)
        return _back(middle + weights @ (law.means[rows] - middle), constants.epsilon)

    def _covariance(
        self, one: list[tuple[str, str]], other: list[tuple[str, str]], constants: Constants
    ) -> np.ndarray:
        law = self._law[constants.epsilon]
        g, h = ([self._group[group] for group, _ in pairs] for pairs in (one, other))
        p, q = (
            np.array([self._label.get(label, -1) for _, label in pairs], dtype=np.intp)
            for pairs in (one, other)
        )
        same = np.equal.outer(p, q)
        alike = (1 - constants.alone) * law.alike[np.ix_(p, q)] + constants.alone * same
        sizes = np.where(p >= 0, law.sizes[p], 0), np.where(q >= 0, law.sizes[q], 0)
        near = np.exp(-law.distance[np.ix_(g, h)] / constants.reach)
        effect = np.outer(*sizes) * alike * (constants.shared + constants.own * near)
        covariance: np.ndarray = LEVEL_VARIANCE * np.equal.outer(g, h) + effect
        return covariance


class _Law(NamedTuple):
    """What the covariance is made from, on one scale."""

    means: np.ndarray
    distance: np.ndarray
    alike: np.ndarray
    sizes: np.ndarray
    noise: np.ndarray


def _onto(means: np.ndarray, epsilon: float) -> np.ndarray:
    return means if epsilon == 1 else np.log(np.expm1(means) + epsilon)


def _back(values: np.ndarray, epsilon: float) -> np.ndarray:
    if epsilon == 1:
        return values.clip(0)
    return np.asarray(np.log1p((np.exp(values) - epsilon).clip(0)))


def _spread(means: np.ndarray) -> float:
    return float(np.var(means - means.mean(axis=0)))


def choose_constants(bulks: Pseudobulks, noise: float) -> Constants:
    """The constants of least error where a level is left out of a perturbation.

    The error is that of all genes and that of the most changed ones, each relative to no change.
    """
    combinations = sorted(
        {
            (bulks.level(group), label)
            for (group, label), row in bulks.row.items()
            if label != bulks.control
            and bulks.counts[row] >= FEWEST_CELLS
            and (group, bulks.control) in bulks.row
            and any(bulks.level(g) != bulks.level(group) for g in bulks.donors(label, group))
        }
    )
    if not combinations:
        return DEFAULT
    most = MOST_COMBINATIONS if len(bulks.row) < LARGE else MOST_COMBINATIONS // 4
    if len(combinations) > most:
        drawn = np.random.default_rng(0).choice(len(combinations), most, replace=False)
        combinations = [combinations[i] for i in sorted(drawn)]
    errors, nothing = np.zeros((len(TRIED), 2)), np.zeros(2)
    for level, label in combinations:
        hidden = Kriging(bulks.without(level, label), noise)
        asked = [
            (group, name)
            for group, name in bulks.row
            if name == label and bulks.level(group) == level and (group, bulks.control) in bulks.row
        ]
        truth = np.stack([bulks.mean(*pair) for pair in asked])
        control = np.stack([bulks.control_mean(group) for group, _ in asked])
        nothing += squared_errors(control, truth, control).mean(axis=0)
        for i, constants in enumerate(TRIED):
            said = hidden.predict(asked, constants)
            errors[i] += squared_errors(said, truth, control).mean(axis=0)
    return TRIED[int(np.argmin((errors / nothing.clip(1e-12)).sum(axis=1)))]


def kriged_effects(
    bulks: Pseudobulks, noise: float, constants: Constants, groups: list[str], levels: list[str]
) -> np.ndarray:
    """(groups, levels, n) float32: kriged mean of each pair less the group's control mean.

    0 where the group has no control cells or the perturbation was never measured alone.
    """
    table = np.zeros((len(groups), len(levels), bulks.genes), dtype=np.float32)
    kriging = Kriging(bulks, noise)
    known = set(kriging.labels)
    inside = [i for i, level in enumerate(levels) if level in known]
    for g, group in enumerate(groups):
        if (group, bulks.control) not in bulks.row or not inside:
            continue
        means = kriging.predict([(group, levels[i]) for i in inside], constants)
        table[g, inside] = means - bulks.control_mean(group)
    return table


def within_pair_variance(expression: sp.csr_matrix, rows: np.ndarray, pair: np.ndarray) -> float:
    """Mean over genes of the variance over cells around their pair's mean.

    Args:
        expression: (all cells, n).
        rows: positions of the cells that count.
        pair: (rows,) the number of each one's pair.
    """
    sizes = np.bincount(pair)
    means = averages(expression, rows, pair, sizes)
    parts = (part for _, part in portions(expression, rows))
    squares = sum(float(part.multiply(part).sum()) for part in parts)
    explained = float((means.multiply(means)).multiply(sizes[:, None]).sum())
    return float(max(0.0, squares - explained) / (len(rows) * expression.shape[1]))
