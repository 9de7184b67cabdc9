"""What pages say about the model itself, as Markdown."""

from __future__ import annotations

from gvci import model_card
from gvci.app.text import literal
from gvci.gate_words import HOW, gate_sentence
from gvci.run import Run

HOW_THE_MEAN_IS_MADE = "\n\n".join(map(literal, HOW))


def line(run: Run) -> str:
    """Model, preset and GRN; who has the mean of pairs that were not measured."""
    return literal(f"{model_card.title(run)}. {gate_sentence(run.model.gate)}", 600)


def facts(run: Run) -> str:
    """The model card, a paragraph a fact."""
    return "\n\n".join(
        f"**{label}.** {literal(words, 1000)}" for label, words in model_card.facts(run)
    )


def warnings(run: Run) -> list[str]:
    """What the training warned of."""
    return [literal(sentence, 600) for sentence in model_card.warnings(run)]
