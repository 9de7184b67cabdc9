"""Scenarios side by side: as words of a link, as a table of genes × scenarios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd

from gvci.app.answer_view import INTERVALS, MOST, badge, claim, panels
from gvci.app.badge import Badge
from gvci.app.charts import Panel
from gvci.app.prediction import can_answer
from gvci.app.scenario import refusal
from gvci.app.text import count, delta, interval
from gvci.counterfactual.answer import Answer
from gvci.counterfactual.scenario import MODES, WHICH, Scenario
from gvci.run import Run

MOST_KEPT = 4
LETTERS = "ABCD"
KEY_LINE = (
    ":gray[■] control · :orange[▨] predicted · :blue[■] measured · ○ mean, its bar the 95 % "
    "interval of the predicted change. All rows share one scale."
)
LISTED = 60
LONGEST_WORD = 2000


# --- the link --------------------------------------------------------------------------


def word(scenario: Scenario) -> str:
    """A scenario as one word of a link, without commas: what is usual is left out."""
    usual = asdict(Scenario("", ""))
    said = {name: value for name, value in asdict(scenario).items() if value != usual[name]}
    return urlencode(said)


def scenario_of(run: Run, text: str) -> Scenario | None:
    """The scenario of a word; None where this run has no answer to it."""
    pairs = parse_qsl(text[:LONGEST_WORD], keep_blank_values=True)
    said: dict[str, Any] = dict(pairs)
    if len(said) < len(pairs) or not {"perturbation", "group"} <= set(said):
        return None
    try:
        found = Scenario(**{**said, "dose": float(said.get("dose", 1.0))})
    except (TypeError, ValueError):
        return None
    known = found.cells in WHICH and found.mode in MODES and math.isfinite(found.dose)
    if not known or found.dose < 0 or found.cell is not None or found.cells == "one cell":
        return None
    no = refusal(run, [found.perturbation], found.group)
    return None if no or not can_answer(run, found) else found


def canonical(run: Run, text: str) -> str | None:
    """The word as `word` writes it; None where it means nothing here."""
    found = scenario_of(run, text)
    return None if found is None else word(found)


def cannot_keep(scenario: Scenario, kept: Sequence[str]) -> str:
    """Why a scenario cannot be added; empty where it can."""
    if scenario.cells == "one cell":
        return "A comparison is of groups: choose control cells or all cells."
    if word(scenario) in kept:
        return "This scenario is in the comparison."
    return f"A comparison has up to {MOST_KEPT}: remove one." if len(kept) >= MOST_KEPT else ""


def kept_words(n: int) -> str:
    """How many are kept."""
    return f"{count(n, 'scenario')} kept, up to {MOST_KEPT}"


# --- what is shown ---------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One of the scenarios, with its letter."""

    letter: str
    answer: Answer

    @property
    def badge(self) -> Badge:
        """Whether training saw it."""
        return badge(self.answer)

    @property
    def title(self) -> str:
        """ "A  STAT1 in B cells · donor1", plain text."""
        return f"{self.letter}  {words(self.answer.scenario)}"

    def panels(self, genes: Sequence[str]) -> list[Panel]:
        """Control, predicted and measured values of the chosen genes."""
        return panels(self.answer, genes)


def sides(answers: Sequence[Answer]) -> list[Side]:
    """The scenarios in the order in which they were kept."""
    return [Side(letter, answer) for letter, answer in zip(LETTERS, answers, strict=False)]


def words(scenario: Scenario) -> str:
    """A scenario in a few words, plain text."""
    parts = [f"{scenario.perturbation} in {scenario.group}"]
    parts += [scenario.cells] if scenario.cells != "control cells" else []
    parts += [f"dose {scenario.dose:g}"] if scenario.dose != 1 else []
    parts += [f"readout {scenario.mode}"] if scenario.mode != "residual" else []
    return ", ".join(parts)


def caption(side: Side) -> str:
    """Its claim and its numbers of cells, plain text."""
    answer = side.answer
    cells = [f"{count(answer.predicted.n, 'cell')} predicted"]
    if answer.measured is not None:
        cells.append(f"{answer.measured.n:,} measured")
    return f"{claim(answer)} {', '.join(cells)}."


def first_genes(found: Sequence[Side], most: int) -> list[str]:
    """The genes with the largest predicted change in any of the scenarios."""
    return [str(gene) for gene in _strongest(found).index[:most]]


def listed(found: Sequence[Side], chosen: Sequence[str]) -> list[str]:
    """Rows of the table: chosen genes that are not among the strongest come last."""
    genes = first_genes(found, LISTED)
    return [*genes, *(gene for gene in chosen if gene not in genes)]


def shown(found: Sequence[Side], genes: Sequence[str]) -> pd.DataFrame:
    """Genes × scenarios as text: predicted change with its interval, and the measured one."""
    table = pd.DataFrame({"Gene": list(genes)})
    for side in found:
        rows = side.answer.table.set_index("gene").loc[list(genes)]
        ends = zip(rows["predicted"], rows["low"], rows["high"], strict=True)
        table[f"{side.letter} pred. Δ (95 %)"] = [
            f"{delta(value)} ({interval(low, high)})" for value, low, high in ends
        ]
        if side.answer.measured is not None:
            table[f"{side.letter} meas. Δ"] = [delta(value) for value in rows["measured"]]
    return table


def table_caption(found: Sequence[Side]) -> str:
    """What the columns are and what each interval is, plain text."""
    letters: dict[str, list[str]] = {}
    for side in found:
        letters.setdefault(INTERVALS[side.answer.interval], []).append(side.letter)
    each = " ".join(f"{', '.join(names)}: {words}" for words, names in letters.items())
    return f"Δ = change of mean {found[0].answer.unit}. {each} Tick up to {MOST} genes."


def long_table(found: Sequence[Side]) -> pd.DataFrame:
    """Every gene of every scenario, one row each, as numbers."""
    parts = []
    for side in found:
        answer, scenario = side.answer, side.answer.scenario
        part = answer.table.copy()
        facts: dict[str, str | float] = {
            "scenario": side.letter, "perturbation": scenario.perturbation,
            "group": scenario.group, "cells": scenario.cells, "readout": scenario.mode,
            "dose": scenario.dose, "support": answer.support, "interval": answer.interval,
        }  # fmt: skip
        for at, (name, value) in enumerate(facts.items()):
            part.insert(at, name, value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def alt_text(found: Sequence[Side], genes: Sequence[str]) -> str:
    """The violins in words, for a screen reader."""
    parts = []
    for side in found:
        rows = side.answer.table.set_index("gene").loc[list(genes)]
        changes = ", ".join(
            f"{gene} predicted {delta(row['predicted'])}"
            + (f", measured {delta(row['measured'])}" if row["measured"] == row["measured"] else "")
            for gene, row in rows.iterrows()
        )
        parts.append(f"{side.title}, {side.badge.words.lower()}: {changes}")
    return "Violins of control, predicted and measured cells by scenario. " + "; ".join(parts)


def _strongest(found: Sequence[Side]) -> pd.Series:
    """Gene → largest absolute predicted change over the scenarios, largest first."""
    changes = [side.answer.table.set_index("gene")["predicted"].abs() for side in found]
    largest = pd.concat(changes, axis=1).max(axis=1)
    return largest.sort_values(ascending=False, kind="stable")
