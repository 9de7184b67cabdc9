"""A small network, shared by all genes, that corrects the best of the simple baselines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gvci.baselines.answer import Baseline, without_donors
from gvci.baselines.inner import SIMPLE, inner_pairs
from gvci.baselines.lessons import FEWEST_PAIRS, inputs, lessons
from gvci.pseudobulk import Pseudobulks


def stack(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The best simple baseline, corrected by the network.

    For a pair that was measured, the network is one that learned from no pair of its level.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    found = {name: predict(bulks, group, perturbation) for name, predict in SIMPLE.items()}
    return stacked(bulks, group, perturbation, found)


def stacked(
    bulks: Pseudobulks, group: str, perturbation: str, simple: Mapping[str, Baseline]
) -> Baseline:
    """The same, where the simple baselines' answers are at hand."""
    hidden, learned = bulks.hiding([(group, perturbation)]), lessons(bulks)
    if not hidden.donors(perturbation, besides=group):
        return without_donors(bulks, group, perturbation, stack)
    means = {name: answer.mean for name, answer in simple.items()}
    measured = (group, perturbation) in bulks.row
    network = learned.network(learned.fold(bulks.level(group)) if measured else -1)
    if network is None:
        note = (
            f"Fewer than {FEWEST_PAIRS} measured pairs can teach the stacking network: it is the "
            "similarity-weighted baseline."
        )
        return Baseline(means["similar"], note)
    given = inputs(hidden, group, perturbation, means)
    return Baseline(learned.answer(network, given, means))


def nested(bulks: Pseudobulks) -> list[np.ndarray]:
    """Per inner pair, the answer of a network that learned from no pair of its level."""
    learned = lessons(bulks)
    known = {id(pair): given for pair, given in zip(learned.pairs, learned.inputs, strict=True)}
    found = []
    for pair in inner_pairs(bulks):
        network = learned.network(learned.fold(pair.level))
        if network is None or id(pair) not in known:
            found.append(pair.means["similar"])
        else:
            found.append(learned.answer(network, known[id(pair)], pair.means))
    return found
