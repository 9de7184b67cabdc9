"""What pages say about the model itself, as Markdown."""

from __future__ import annotations

from gvci import model_card
from gvci.app.text import literal
from gvci.gate.words import HOW, shares
from gvci.run import Run

HOW_THE_MEAN_IS_MADE = "\n\n".join(map(literal, HOW))


def line(run: Run) -> str:
    """Model, preset and GRN; who has the mean of pairs that were not measured."""
    gate = run.model.gate
    who = shares(gate.share, gate.baseline) + ("" if gate.pairs else ", untested")
    return literal(f"{model_card.title(run)}. Mean of unmeasured pairs: {who}.", 600)


def facts(run: Run) -> str:
    """The model card, a paragraph a fact."""
    return "\n\n".join(
        f"**{label}.** {literal(words, 1000)}" for label, words in model_card.facts(run)
    )


def warnings(run: Run) -> list[str]:
    """What the training warned of."""
    return [literal(sentence, 600) for sentence in model_card.warnings(run)]
