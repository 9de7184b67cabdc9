"""λ in words: how much of a predicted mean is the network's, and on what grounds.

Pages, command line and model card say it with these sentences and no others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gvci.verdict import TITLES, number

if TYPE_CHECKING:
    from gvci.gate.gate import Gate

HOW = (
    "The predicted mean of a pair that was not measured is base + λ (network − base): λ is the "
    "network's share, base the simple baseline that answers such questions best on training pairs.",
    "λ is chosen in training. Inner models were blind to some combinations of level and "
    "perturbation, as this one is to its own. Of 25, 50, 75 and 100 % the share with the least "
    "squared error on those inner pairs is taken; 0 % where the mixture does not beat the baseline "
    "by more than one standard error (the figure after ±). No held-out cell has a part in it.",
    "All cells of a pair are moved alike, so how they differ from one another is the network's "
    "word alone.",
)


def shares(share: float, baseline: str) -> str:
    """Who has which part of the mean, e.g. "75 % network, 25 % ridge regression"."""
    if share == 1:
        return "the network alone"
    rest = TITLES.get(baseline, baseline)
    if share == 0:
        return f"{rest} alone"
    return f"{100 * share:.0f} % network, {100 - 100 * share:.0f} % {rest}"


def gate_sentence(gate: Gate) -> str:
    """Of the pairs that were not measured: who has the mean, and the evidence for it."""
    if not gate.pairs:
        return "No inner fold was made, so the network answers alone, untested out of distribution."
    pairs = f"{gate.pairs:,} held-out inner {'pair' if gate.pairs == 1 else 'pairs'}"
    error = _relative_error(gate)
    if gate.share == 0:
        rest = TITLES.get(gate.baseline, gate.baseline)
        best = f"; at best the mixture's squared error was {error} of {rest}'s" if error else ""
        return (
            f"The network was not clearly better than {rest} on {pairs}, so the mean is the "
            f"baseline's{best}. Cells keep the network's differences."
        )
    whose = "its" if gate.share == 1 else "the mixture's"
    grounds = f", where {whose} squared error is {error} of the baseline's" if error else ""
    return f"Predicted mean: {shares(gate.share, gate.baseline)} (chosen on {pairs}{grounds})."


def pair_sentence(gate: Gate, group: str, perturbation: str, measured: bool) -> str:
    """The same for one pair.

    Args:
        gate: of the model.
        group, perturbation: the pair; "A+B" for a combination.
        measured: whether its cells were in training.
    """
    if measured:
        return "This pair was in the training data: the network answers alone."
    if gate.pairs and gate.share < 1 and not gate.knows(group, perturbation):
        return (
            f"The baseline has no share in {perturbation} in {group}: λ was chosen for single "
            "perturbations and groups of the training data. The network answers alone, untested."
        )
    return gate_sentence(gate)


def _relative_error(gate: Gate) -> str:
    """The mixture's squared error relative to the baseline's, with its standard error."""
    if gate.ratio is None:
        return ""
    if gate.ratio_se is None or not math.isfinite(gate.ratio_se):
        return number(gate.ratio)
    return f"{number(gate.ratio)} ± {number(gate.ratio_se)}"
