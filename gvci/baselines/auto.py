"""The baseline that answers the held-out question best where the answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from gvci.baselines.answer import Baseline, Predict
from gvci.baselines.inner import SIMPLE, InnerPair, inner_pairs, pooled_errors
from gvci.baselines.stack import nested, stack, stacked
from gvci.pseudobulk import Pseudobulks

# Simplest first: of equal errors the first is chosen.
CANDIDATES: dict[str, Predict] = {**SIMPLE, "stack": stack}
UNTESTED = "additive"


@dataclass(frozen=True)
class Choice:
    """Which baseline to trust, and why.

    Attributes:
        name: the baseline of least leave-level-out error; "additive" where none was tested.
        errors: baseline → squared error over inner pairs, relative to no change; the mean of
            that of all genes and that of the most changed ones.
        n_pairs: inner pairs behind the errors.
    """

    name: str
    errors: dict[str, float]
    n_pairs: int


_CHOICES: WeakKeyDictionary[Pseudobulks, dict[str | None, Choice]] = WeakKeyDictionary()
_PAIRS: WeakKeyDictionary[Pseudobulks, list[InnerPair]] = WeakKeyDictionary()


def leave_level_out(bulks: Pseudobulks) -> list[InnerPair]:
    """All baselines but `auto` on measured pairs, each without the pair's level.

    What the stacking network says of a pair comes from one trained without that level's pairs.
    """
    if bulks not in _PAIRS:
        answers = zip(inner_pairs(bulks), nested(bulks), strict=True)
        _PAIRS[bulks] = [pair.adding("stack", mean) for pair, mean in answers]
    return _PAIRS[bulks]


def choice(bulks: Pseudobulks, besides: str | None = None) -> Choice:
    """The baseline of least error over all inner pairs, or over those of other levels."""
    known = _CHOICES.setdefault(bulks, {})
    if besides not in known:
        pairs = [pair for pair in leave_level_out(bulks) if pair.level != besides]
        known[besides] = _chosen(pairs)
    return known[besides]


def _chosen(pairs: list[InnerPair]) -> Choice:
    if not pairs:
        return Choice(UNTESTED, {}, 0)
    errors = pooled_errors(pairs, CANDIDATES)
    return Choice(min(errors, key=lambda name: errors[name]), errors, len(pairs))


def best(bulks: Pseudobulks) -> str:
    """Name of the baseline that `auto` takes on held-out pairs."""
    return choice(bulks).name


def auto(bulks: Pseudobulks, group: str, perturbation: str) -> Baseline:
    """The answer of the chosen baseline.

    For a pair that was measured, the choice is made on pairs of other levels.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    return CANDIDATES[chosen(bulks, group, perturbation)](bulks, group, perturbation)


def chosen(bulks: Pseudobulks, group: str, perturbation: str) -> str:
    """Name of the baseline that `auto` takes for a pair."""
    measured = (group, perturbation) in bulks.row
    return choice(bulks, bulks.level(group) if measured else None).name


def answers(bulks: Pseudobulks, group: str, perturbation: str) -> dict[str, Baseline]:
    """All baselines for one pair, `auto` last; nothing is computed twice.

    Raises:
        DataError: the group has no control cells to learn from.
    """
    found = {name: predict(bulks, group, perturbation) for name, predict in SIMPLE.items()}
    found["stack"] = stacked(bulks, group, perturbation, found)
    return {**found, "auto": found[chosen(bulks, group, perturbation)]}
