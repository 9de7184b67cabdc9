"""A small network, shared by all genes, that weighs the other baselines against each other.

It learns from pairs whose answer is known, with everything it is told about a pair computed as
if the pair's level had not been measured (gvci/baselines/inner.py). One gene of one pair is one
row: what the baselines say of it, and how far they can be trusted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np

from gvci.baselines.answer import Baseline, without_donors
from gvci.baselines.carried import likeness
from gvci.baselines.inner import SIMPLE, InnerPair, inner_pairs
from gvci.pseudobulk import Pseudobulks

FEWEST_PAIRS = 4
FOLDS = 5
WIDTH, STEPS, BATCH, RATE, DECAY = 32, 300, 4096, 5e-3, 1e-2
CHANGES = tuple(name for name in SIMPLE if name != "no_change")


@dataclass(frozen=True)
class Network:
    """A trained network: correction of the best simple baseline's change, per gene.

    Attributes:
        base: the baseline that is corrected.
        centre, scale: (features,) of the inputs.
        unit: size of a change, log1p CP10k.
        layers: weights and biases, from inputs to output.
    """

    base: str
    centre: np.ndarray
    scale: np.ndarray
    unit: float
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def correction(self, features: np.ndarray) -> np.ndarray:
        """(genes,) what to add to the base's mean, log1p CP10k."""
        x = (features - self.centre) / self.scale
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight + bias, 0.0)
        weight, bias = self.layers[-1]
        return np.asarray(self.unit * (x @ weight + bias)[:, 0])


_NETWORKS: WeakKeyDictionary[Pseudobulks, dict[int, Network | None]] = WeakKeyDictionary()


def stack(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The best simple baseline, corrected by the network.

    For a pair that was measured, the network is one that learned from no pair of its level.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    hidden = bulks.hiding([(group, perturbation)])
    if not hidden.donors(perturbation, besides=group):
        return without_donors(hidden, group, perturbation, stack)
    means = {name: predict(hidden, group, perturbation).mean for name, predict in SIMPLE.items()}
    network = _network(bulks, _fold(bulks, group) if hidden is not bulks else -1)
    if network is None:
        note = (
            f"Fewer than {FEWEST_PAIRS} measured pairs can teach the stacking network: it is the "
            "similarity-weighted baseline."
        )
        return Baseline(means["similar"], note)
    return Baseline(_corrected(network, features(hidden, group, perturbation, means), means))


def nested(bulks: Pseudobulks) -> list[np.ndarray]:
    """Per inner pair, the answer of a network that learned from no pair of its level."""
    found = []
    for pair in inner_pairs(bulks):
        network = _network(bulks, _fold(bulks, pair.group))
        if network is None or not _told(bulks, pair):
            found.append(pair.means["similar"])
        else:
            found.append(_corrected(network, _features_of(bulks, pair), pair.means))
    return found


def features(
    bulks: Pseudobulks, group: str, perturbation: str, means: dict[str, np.ndarray]
) -> np.ndarray:
    """(genes, features) of one pair; what the donors and the baselines tell of each gene."""
    control, donors = bulks.control_mean(group), bulks.donors(perturbation, besides=group)
    weights = likeness(bulks, group, donors)
    levels = np.stack([bulks.control_mean(donor) for donor in donors])
    changes = np.stack([bulks.delta(donor, perturbation) for donor in donors])
    columns = [means[name] - control for name in CHANGES]
    columns += [control, control - levels.mean(axis=0), control - weights @ levels]
    columns += [changes.std(axis=0), np.sqrt(weights @ (changes - weights @ changes) ** 2)]
    return np.stack(columns, axis=1)


def _corrected(network: Network, inputs: np.ndarray, means: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(np.maximum(means[network.base] + network.correction(inputs), 0.0))


def _fold(bulks: Pseudobulks, group: str) -> int:
    """Levels share folds where there are many."""
    levels = sorted({pair.level for pair in inner_pairs(bulks)} | {bulks.level(group)})
    return levels.index(bulks.level(group)) % FOLDS


def _told(bulks: Pseudobulks, pair: InnerPair) -> bool:
    """Whether another level has the pair's perturbation."""
    return bool(_hidden(bulks, pair).donors(pair.perturbation, besides=pair.group))


def _hidden(bulks: Pseudobulks, pair: InnerPair) -> Pseudobulks:
    return bulks.without(pair.level, pair.perturbation)


def _features_of(bulks: Pseudobulks, pair: InnerPair) -> np.ndarray:
    return features(_hidden(bulks, pair), pair.group, pair.perturbation, pair.means)


def _network(bulks: Pseudobulks, fold: int) -> Network | None:
    """The network of all inner pairs but those of a fold; None where they are too few."""
    known = _NETWORKS.setdefault(bulks, {})
    if fold not in known:
        pairs = [
            pair
            for pair in inner_pairs(bulks)
            if _fold(bulks, pair.group) != fold and _told(bulks, pair)
        ]
        known[fold] = _train(bulks, pairs) if len(pairs) >= FEWEST_PAIRS else None
    return known[fold]


def _train(bulks: Pseudobulks, pairs: list[InnerPair]) -> Network:
    import torch

    errors = {name: np.mean([pair.error(name) for pair in pairs]) for name in SIMPLE}
    base = min(errors, key=lambda name: errors[name])
    inputs = np.concatenate([_features_of(bulks, pair) for pair in pairs])
    target = np.concatenate([pair.truth - pair.means[base] for pair in pairs])
    unit = float(np.sqrt(np.mean(target**2))) or 1.0
    centre, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    x = torch.from_numpy(((inputs - centre) / scale).astype(np.float32))
    y = torch.from_numpy((target / unit).astype(np.float32))[:, None]
    noise = torch.Generator().manual_seed(0)
    sizes = (x.shape[1], WIDTH, WIDTH)
    weights = [torch.randn(a, b, generator=noise) * (2 / a) ** 0.5 for a, b in pairwise(sizes)] + [
        torch.zeros(WIDTH, 1)
    ]  # so it starts as the base
    layers = [(w.requires_grad_(), torch.zeros(w.shape[1], requires_grad=True)) for w in weights]
    optimizer = torch.optim.AdamW([p for layer in layers for p in layer], RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (min(BATCH, len(x)),), generator=noise)
        made = x[rows]
        for weight, bias in layers[:-1]:
            made = torch.relu(made @ weight + bias)
        made = made @ layers[-1][0] + layers[-1][1]
        loss = torch.mean((made - y[rows]) ** 2)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    trained = tuple((w.detach().double().numpy(), b.detach().double().numpy()) for w, b in layers)
    return Network(base, centre, scale, unit, trained)
