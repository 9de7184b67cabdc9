"""A part of the story: figures, a claim and text, as files, so that parts can be made alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from gvci.verdict import number

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "story"


@dataclass(frozen=True)
class Part:
    """One section.

    Attributes:
        title: its heading.
        claim: what it found, in one or two sentences with numbers, plain text.
        body: the section's Markdown; figures by their names in docs/story/.
        page, query: where the dashboard shows it.
    """

    title: str
    claim: str
    body: str
    page: str
    query: str

    def save(self, name: str) -> None:
        """Keep it beside its figures."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def figure(name: str, svg: bytes, alt: str) -> str:
    """Write a figure; returns the Markdown that shows it in docs/story.md."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.svg").write_bytes(svg)
    return f"![{alt}](story/{name}.svg)"


def table(rows: pd.DataFrame, digits: int = 3) -> str:
    """A Markdown table; numbers with this many digits, a dash where there is none."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return "–" if pd.isna(value) else number(value, digits)
        return str(value).replace("|", "\\|")

    lines = [f"| {' | '.join(map(cell, rows.columns))} |", f"|{'---|' * len(rows.columns)}"]
    lines += [f"| {' | '.join(map(cell, row))} |" for row in rows.itertuples(index=False)]
    return "\n".join(lines)


def span(low: float, high: float, digits: int = 3) -> str:
    """An interval in words."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def sentence(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def about(facts: Mapping[str, object], **more: object) -> dict[str, object]:
    """Provenance in a figure's head, without the time: the same command, the same file."""
    return {**{key: value for key, value in facts.items() if key != "created"}, **more}
