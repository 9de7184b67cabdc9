"""A page's view as one HTML file: claim, vector figures, tables, methods, provenance.

Nothing in it is loaded from anywhere, and nothing in it runs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from gvci.app.about import CITATION, STEPS
from gvci.app.text import number, plain
from gvci.app.theme import LIGHT

MOST_ROWS, LONG = 200, 2000
STYLE = f"""
:root {{ color: {LIGHT.ink}; background: {LIGHT.background}; }}
body {{ font: 15px/1.5 "Source Sans 3", "Source Sans Pro", system-ui, sans-serif;
  max-width: 1000px; margin: 2.5rem auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.75rem; line-height: 1.2; }} h2 {{ font-size: 1.15rem; margin-top: 2.2rem; }}
.strip, .note, footer {{ color: {LIGHT.muted}; font-size: .9rem; }}
.claim {{ font-weight: 600; font-size: 1.05rem; }}
figure {{ margin: 1rem 0; }} figure svg {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid {LIGHT.line}; padding: .25rem .7rem; text-align: left; }}
td.n {{ text-align: right; }} dt {{ float: left; clear: left; min-width: 14rem;
  color: {LIGHT.muted}; }} dd {{ margin: 0 0 .2rem 14rem; }}
@media print {{ body {{ margin: 0; max-width: none; }} section {{ break-inside: avoid; }} }}
"""


@dataclass(frozen=True)
class Section:
    """One part.

    Attributes:
        words: sentences, plain text.
        figure: an SVG file as `vector` writes it; alt: the same in words.
        table: with the figure's rows; only the first `MOST_ROWS` are printed, and that is said.
    """

    title: str
    words: Sequence[str] = ()
    figure: bytes | None = None
    alt: str = ""
    table: pd.DataFrame | None = None


@dataclass(frozen=True)
class Report:
    """All of it; claims are what the page says first."""

    title: str
    claims: Sequence[str]
    sections: Sequence[Section]
    provenance: Mapping[str, object]
    notes: Sequence[str] = field(default=())


def page(report: Report) -> str:
    """The file; every text in it is escaped, whoever typed it."""
    cells = (report.provenance.get(name, "") for name in ("dataset", "cells are"))
    simulated = any("simulated" in str(said).lower() for said in cells)
    parts = [
        f"<h1>{_words(report.title)}</h1>",
        f"<p class=strip>{_words(_strip(report.provenance))}</p>",
        *(f"<p class=claim>{_words(line, LONG)}</p>" for line in report.claims),
        "<p class=note>These cells are simulated, not measured.</p>" * simulated,
        *map(_section, report.sections),
        *(f"<p class=note>{_words(note, LONG)}</p>" for note in report.notes),
        _methods(),
        _provenance(report.provenance),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{_words(report.title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _section(section: Section) -> str:
    drawn = "" if section.figure is None else _figure(section.figure, section.alt)
    table = "" if section.table is None else _table(section.table)
    words = "".join(f"<p>{_words(line, LONG)}</p>" for line in section.words)
    return f"<section><h2>{_words(section.title)}</h2>{words}{drawn}{table}</section>"


def _figure(svg: bytes, alt: str) -> str:
    """The drawing itself, without the head of a file of its own and what points outside."""
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    return f'<figure role="img" aria-label="{_words(alt, LONG)}">{text}</figure>'


def _table(table: pd.DataFrame) -> str:
    shown = table.head(MOST_ROWS)
    head = "".join(f"<th>{_words(str(name).replace('_', ' '))}</th>" for name in shown.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown.itertuples(index=False))
    more = len(table) - len(shown)
    said = f"<p class=note>The first {len(shown):,} of {len(table):,} rows.</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{said}"


def _cell(value: object) -> str:
    if isinstance(value, (bool, str)) or value is None:
        return f"<td>{_words('' if value is None else value)}</td>"
    if pd.api.types.is_integer(value):
        return f"<td class=n>{value:,}</td>"
    if pd.api.types.is_float(value):
        return f"<td class=n>{number(float(str(value)), 3)}</td>"
    return f"<td>{_words(value)}</td>"


def _methods() -> str:
    steps = "".join(
        f"<p><b>{_words(title)}.</b> {_words(words, LONG)}</p>" for title, words in STEPS
    )
    return f"<section><h2>Method</h2>{steps}<p>{_words(CITATION, 600)}</p></section>"


def _provenance(facts: Mapping[str, object]) -> str:
    rows = "".join(f"<dt>{_words(k)}</dt><dd>{_words(v, LONG)}</dd>" for k, v in facts.items())
    return f"<footer><h2>Provenance</h2><dl>{rows}</dl></footer>"


def _strip(facts: Mapping[str, object]) -> str:
    shown = ("dataset", "table", "model", "GRN", "created", "fingerprint")
    return " · ".join(str(facts[name]) for name in shown if facts.get(name))


def _words(value: object, most: int = 600) -> str:
    return html.escape(plain(value, most))
