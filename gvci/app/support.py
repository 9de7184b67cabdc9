"""How a network's weights came about, in words: level, support, floors, false discoveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gvci.app.badge import Badge
from gvci.app.edges import Network
from gvci.app.text import literal, number
from gvci.refiner.level import LEVELS

VERDICTS = {
    "yes": Badge("Prior supported", ":material/check_circle:", "green"),
    "barely": Badge("Prior barely supported", ":material/warning:", "orange"),
    "no": Badge("Prior not supported", ":material/block:", "red"),
    "unknown": Badge("Support not judged", ":material/help:", "gray"),
}
# A link also lets the keyboard into a text that has to be scrolled.
MORE = "[The method in plain words](about)"


@dataclass(frozen=True)
class Statement:
    """What stands over the graph.

    Attributes:
        badge: whether the data support the prior; None where that was not judged at all.
        line: the level or the preset, floors and false discoveries, Markdown.
        details: paragraphs of "How these weights came about", Markdown.
        remarks: what must not be overlooked: a prior that is not supported, and what
            thresholding does not do; Markdown.
    """

    badge: Badge | None
    line: str
    details: list[str]
    remarks: list[str]


def statement(network: Network) -> Statement | None:
    """The statement of a refined network; None for an edge list."""
    if network.alpha is None:
        return None
    meta, background = network.meta, number(network.background)
    floors = [f"Background {background}"]
    if network.prior_floor is not None:
        floors.append(f"prior floor {number(network.prior_floor)}")
    floors.append(f"α {number(network.alpha)}")
    if "level" not in meta:
        floors.insert(0, f"Preset {literal(meta.get('preset', 'paper'))}")
        told = [*_of_paper(network), *_left_out(network), MORE]
        return Statement(None, f"{' · '.join(floors)}.", told, [])
    rate = meta.get("false_discovery", {}).get("estimate")
    if rate is not None:
        floors.append(f"estimated false edges {100 * rate:.0f} % (optimistic)")
    level = int(meta["level"])
    line = " · ".join([f"Level {level}: {LEVELS[level]}", *floors])
    badge = VERDICTS.get(str(meta.get("supported")), VERDICTS["unknown"])
    support = literal(meta.get("support", ""), 600)
    told = [*_of_levels(network), *_left_out(network), MORE]
    remarks = [literal(sentence, 600) for sentence in meta.get("thresholding", [])]
    (told if meta.get("supported") == "yes" else remarks).insert(0, support)
    return Statement(badge, f"{line}.", told, remarks)


def _left_out(network: Network) -> list[str]:
    notes = " ".join(literal(note) for note in network.notes)
    return [f"**The prior.** {notes}"] if notes else []


def _of_paper(network: Network) -> list[str]:
    return [
        "A weight is the sigmoid of a learned logit, one for every pair of genes. Pairs that carry "
        f"no information settle on the background, {number(network.background)}; an edge is "
        f"adopted above α = {number(network.alpha)}.",
        "This preset judges neither the prior nor single edges: no level, no evidence, no "
        "stability. Refine with `--preset standard` for these.",
    ]


def _of_levels(network: Network) -> list[str]:
    meta = network.meta
    rates = meta.get("false_discovery", {})
    told = [
        "**Weight.** The probability that the pair is an edge, from what the data show and from "
        "whether the prior has it. A pair outside the prior without a visible effect has the "
        f"background, {number(network.background)}; a prior edge without one keeps the prior "
        f"floor, {number(network.prior_floor)}. Edges above α = {number(network.alpha)} are "
        "adopted.",
        "**Evidence.** Log likelihood ratio of edge against no edge: what the data alone say, "
        "prior left out. **Sign.** Of the regulator's effect: an arrow activates, a bar represses. "
        "**Stability.** In how many random halves of the cells the evidence is positive."
        + " **Seeds.** In how many repetitions of the whole refinement, each on cells drawn anew "
        "with replacement, the edge is adopted." * network.knows("seeds"),
        "**Level.** A fifth of the prior's edges is hidden at a time; a richer level is taken only "
        "where it finds them clearly better.",
    ]
    told += [_hidden(meta)] if meta.get("hidden") else []
    if rates.get("estimate") is not None:
        added = rates.get("estimate_added")
        of_added = f"; among the added {100 * added:.0f} %" if added is not None else ""
        told.append(
            f"**False edges.** Estimated at {100 * rates['estimate']:.0f} % of the adopted"
            f"{of_added}. {literal(rates.get('caveat', ''))}"
        )
    return told


def _hidden(meta: dict[str, Any]) -> str:
    """How hidden prior edges rank under each level, as a Markdown table."""
    lines = [
        "| level | times chance | times the same regulators | AUROC |",
        "|:---|---:|---:|---:|",
    ]
    for level, found in sorted(meta["hidden"].items()):
        name = f"{level} · {LEVELS.get(int(level), '')}"
        name = f"**{name}**" if int(level) == int(meta["level"]) else name
        numbers = (
            number(found.get("lift"), 1),
            number(found.get("within_lift"), 1),
            number(found.get("auroc")),
        )
        lines.append(f"| {name} | {' | '.join(numbers)} |")
    return "\n".join(lines)
