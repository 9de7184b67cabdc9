"""The verdict of a table in words: who is first, by how much, and whether it is more than luck."""

from __future__ import annotations

from collections.abc import Sequence

from gvci.benchmark.compare import Gain, Table
from gvci.benchmark.words import score_title, signed, spread

RULE = (
    "A difference counts where it is more than the seeds' spread (the sd over seeds of the "
    "difference) and its 95 % bootstrap interval over pairs leaves 0 out; otherwise it is a tie."
)


def first_and_next(table: Table, score: str, groups: Sequence[Sequence[str]]) -> str | None:
    """Who has the best mean, and who of the others comes next.

    Args:
        groups: labels that are one competitor (the ways of predicting of one model).
    """
    ranked = table.ranked(score, [label for group in groups for label in group])
    if not ranked:
        return None
    best = ranked[0]
    own = next(group for group in groups if best in group)
    rest = [label for label in ranked if label not in own]
    said = f"{best} is first with {spread(table.by_seed(best, score))}"
    if not rest:
        return f"{said}; nobody else has this score."
    follower = rest[0]
    gain = table.gain(best, follower, score)
    said += f", {follower} next with {spread(table.by_seed(follower, score))}"
    if gain is None:
        return f"{said}."
    return f"{said}: {explained(gain)}{' That is a tie.' * (gain.side == 'tied')}"


def explained(gain: Gain) -> str:
    """A difference, and what it means beside seeds and pairs."""
    words = f"{signed(gain.difference)}, "
    if gain.spread is not None:
        beyond = "more than" if gain.beyond_seeds else "within"
        words += f"{beyond} the seeds' spread ({gain.spread:.4f}), "
    else:
        words += "one seed only, " if gain.seeds == 1 else ""
    if gain.low is None or gain.high is None:
        words += "one pair only"
    else:
        beyond = "beyond" if gain.beyond_pairs else "within"
        words += f"{beyond} the scatter of the {gain.pairs} pairs "
        words += f"[{signed(gain.low)}, {signed(gain.high)}]"
    return words + "."


def contrast(table: Table, one: str, other: str, score: str) -> str | None:
    """One row against another, in words."""
    gain = table.gain(one, other, score)
    if gain is None:
        return None
    side = {"ahead": "is ahead of", "behind": "**is behind**", "tied": "ties with"}[gain.side]
    mine, theirs = (spread(table.by_seed(label, score)) for label in (one, other))
    return f"{one} ({mine}) {side} {other} ({theirs}): {explained(gain)}"


def standing(table: Table, own: str, rivals: Sequence[str], kind: str, score: str) -> str | None:
    """Whom one row is ahead of; rivals that are ahead or tied are named."""
    gains = {rival: table.gain(own, rival, score) for rival in rivals}
    known = {rival: gain for rival, gain in gains.items() if gain is not None}
    if not known:
        return None
    count = sum(gain.side == "ahead" for gain in known.values())
    text = f"{own} is ahead of {count} of {len(known)} {kind}"
    for side, words in (("behind", "**ahead of it**"), ("tied", "tied with it")):
        named = [
            f"{rival} ({signed(gain.difference)})"
            for rival, gain in known.items()
            if gain.side == side
        ]
        text += f"; {words}: {', '.join(named)}" if named else ""
    return text + "."


def titled(score: str, *sentences: str | None) -> str:
    """One bullet: the score, then what is said of it."""
    said = " ".join(sentence for sentence in sentences if sentence)
    return f"**{score_title(score)}**: {said}" if said else f"**{score_title(score)}**: undefined."
