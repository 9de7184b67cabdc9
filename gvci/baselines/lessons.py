"""What the stacking network learns from, and how: closed form, without any level on demand.

One gene of one pair is one row: what the baselines say of it, its level in the group and in the
donors, and what happened to it in the most similar donor. A fixed random hidden layer and a ridge
output make the fit closed form: cross-products are summed once per fold of levels, so a network
without any level is a subtraction away. It learns from pairs whose answer is known, told of each
only what is known without the pair's level (gvci/baselines/inner.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from gvci.baselines.carried import likeness
from gvci.baselines.inner import SIMPLE, InnerPair, inner_pairs, pooled_errors
from gvci.pseudobulk import Pseudobulks

FEWEST_PAIRS, FOLDS = 4, 5
HIDDEN = 200
PENALTIES = 10.0 ** np.arange(-3, 4.1, 0.5)
# Rows to learn from, and the cells at which a pair counts half.
MOST_ROWS, HALF_CELLS = 50_000, 20
CHANGES = tuple(name for name in SIMPLE if name != "no_change")


@dataclass(frozen=True)
class Network:
    """An output layer.

    Attributes:
        base: the baseline that is corrected.
        output: (inputs + hidden + 1,) weights; all 0 where no correction helped.
    """

    base: str
    output: np.ndarray


class Lessons:
    """What there is to learn from, summed per fold of levels.

    Attributes:
        pairs: inner pairs whose perturbation other levels have; inputs: theirs, (genes, inputs).
    """

    def __init__(self, bulks: Pseudobulks) -> None:
        self.pairs: list[InnerPair] = []
        self.inputs: list[np.ndarray] = []
        for pair in inner_pairs(bulks):
            hidden = bulks.without(pair.level, pair.perturbation)
            if hidden.donors(pair.perturbation, besides=pair.group):
                self.pairs.append(pair)
                self.inputs.append(inputs(hidden, pair.group, pair.perturbation, pair.means))
        self.levels = sorted({pair.level for pair in self.pairs})
        self._networks: dict[int, Network | None] = {}
        if not self.pairs:
            return
        # A scale says nothing of an answer, so all folds share it.
        self.centre = np.mean([x.mean(axis=0) for x in self.inputs], axis=0)
        spread = np.mean([((x - self.centre) ** 2).mean(axis=0) for x in self.inputs], axis=0)
        self.scale = np.sqrt(spread) + 1e-6
        rng = np.random.default_rng(0)
        n = len(self.centre)
        self.weights = rng.normal(size=(n, HIDDEN)).astype(np.float32) / np.float32(np.sqrt(n))
        self.biases = rng.normal(size=HIDDEN).astype(np.float32)
        self._sums = self._summed(rng)

    def fold(self, level: str) -> int:
        """Levels share folds where there are many; −1 for one that nothing is learned from."""
        return self.levels.index(level) % FOLDS if level in self.levels else -1

    def features(self, inputs: np.ndarray) -> np.ndarray:
        """(genes, inputs + hidden + 1) float32: inputs, hidden layer, constant."""
        x = ((inputs - self.centre) / self.scale).astype(np.float32)
        hidden = np.tanh(x @ self.weights + self.biases)
        return np.concatenate([x, hidden, np.ones_like(x[:, :1])], axis=1)

    def _summed(self, rng: np.random.Generator) -> dict[int, tuple[np.ndarray, ...]]:
        """Per fold: Φ'Φ, Φ'R and |R|² for the residuals R of every simple baseline."""
        sums: dict[int, tuple[np.ndarray, ...]] = {}
        most = max(1, MOST_ROWS // len(self.pairs))
        for pair, given in zip(self.pairs, self.inputs, strict=True):
            genes = rng.permutation(len(given))[:most]
            phi = self.features(given[genes])
            rest = np.stack([(pair.truth - pair.means[name])[genes] for name in SIMPLE], axis=1)
            trust = pair.n_cells / (pair.n_cells + HALF_CELLS)
            gram = (phi.T @ phi).astype(np.float64)
            own = (trust * gram, trust * phi.T @ rest, trust * (rest**2).sum(axis=0))
            known = sums.get(self.fold(pair.level))
            together = own if known is None else [a + b for a, b in zip(known, own, strict=True)]
            sums[self.fold(pair.level)] = tuple(together)
        return sums

    def network(self, left_out: int) -> Network | None:
        """The network of all folds but one (−1: of all); None where pairs are too few."""
        if left_out not in self._networks:
            pairs = [pair for pair in self.pairs if self.fold(pair.level) != left_out]
            enough = len(pairs) >= FEWEST_PAIRS
            self._networks[left_out] = self._learn(pairs) if enough else None
        return self._networks[left_out]

    def _learn(self, pairs: list[InnerPair]) -> Network:
        """Ridge output; its penalty by leaving out a fold of levels, or no correction at all."""
        errors = pooled_errors(pairs, SIMPLE)
        at = list(SIMPLE).index(min(SIMPLE, key=lambda name: errors[name]))
        parts = [self._sums[fold] for fold in sorted({self.fold(p.level) for p in pairs})]
        own = [(gram, cross[:, at], float(square[at])) for gram, cross, square in parts]
        gram = np.sum([part for part, *_ in own], axis=0)
        cross = np.sum([moment for _, moment, _ in own], axis=0)
        unit = np.trace(gram) / len(gram)
        found = np.zeros(len(PENALTIES))
        for part, moment, square in own:
            outputs = _outputs(gram - part, cross - moment, unit)
            products = np.einsum("ik,kl,il->i", outputs, part, outputs)
            found += square - 2 * outputs @ moment + products
        base, best = tuple(SIMPLE)[at], int(np.argmin(found))
        if len(own) < 2 or found[best] >= sum(square for *_, square in own):
            return Network(base, np.zeros(len(gram)))
        return Network(base, _outputs(gram, cross, unit)[best])

    def answer(
        self, network: Network, inputs: np.ndarray, means: dict[str, np.ndarray]
    ) -> np.ndarray:
        """(genes,) the base's mean with the network's correction, clipped at 0."""
        if not network.output.any():
            return means[network.base]
        correction = self.features(inputs) @ network.output
        return np.asarray(np.maximum(means[network.base] + correction, 0.0))


_LESSONS: WeakKeyDictionary[Pseudobulks, Lessons] = WeakKeyDictionary()


def lessons(bulks: Pseudobulks) -> Lessons:
    """What these pseudobulks teach, computed once."""
    if bulks not in _LESSONS:
        _LESSONS[bulks] = Lessons(bulks)
    return _LESSONS[bulks]


def inputs(
    bulks: Pseudobulks, group: str, perturbation: str, means: dict[str, np.ndarray]
) -> np.ndarray:
    """(genes, inputs) of a pair: the baselines' changes, levels, and the nearest donor's change."""
    control, donors = bulks.control_mean(group), bulks.donors(perturbation, besides=group)
    weights = likeness(bulks, group, donors)
    levels = np.stack([bulks.control_mean(donor) for donor in donors])
    nearest = int(np.argmax(weights))
    columns = [means[name] - control for name in CHANGES]
    columns += [control, control - levels.mean(axis=0), control - weights @ levels]
    columns += [bulks.delta(donors[nearest], perturbation), control - levels[nearest]]
    return np.stack(columns, axis=1)


def _outputs(gram: np.ndarray, cross: np.ndarray, unit: float) -> np.ndarray:
    """(penalties, features) ridge solutions; penalties are in units of the mean diagonal."""
    sizes, axes = np.linalg.eigh(gram)
    along = axes.T @ cross
    shrunk = along / (np.maximum(sizes, 0.0) + PENALTIES[:, None] * unit)
    return np.asarray(shrunk @ axes.T)
