"""Numbers and names as pages print them: true minus signs, untrusted text as it is."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from datetime import datetime

MINUS = "−"
UNDEFINED = "undefined"
SIMULATED = " :orange-badge[Simulated]"
_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
_JOINER = "\u2060"


def number(value: float | None, decimals: int = 2, signed: bool = False) -> str:
    """A number with a true minus sign; what is not finite is "undefined", never 0."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{abs(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def delta(value: float | None) -> str:
    """A change: signed, two decimals."""
    return number(value, 2, signed=True)


def score(value: float | None) -> str:
    """A score: two decimals, three where two would show 1.00 for something short of 1."""
    if value is not None and math.isfinite(value) and 0.99 <= value < 1:
        return number(value, 3)
    return number(value, 2)


def interval(low: float | None, high: float | None) -> str:
    """Two ends as "a to b"."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return UNDEFINED
    return f"{number(low)} to {number(high)}"


def count(value: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: "1 cell", "2,708 cells"."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def day(iso: str) -> str:
    """An ISO date as people write it: 22 Nov 2026; unreadable dates as they are."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%b %Y}"


def plain(text: object, most: int = 120) -> str:
    """Any text on one line: control and direction marks become "\ufffd", long texts end in "…"."""
    shown = "".join(
        " " if c in "\n\t" else "\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c
        for c in str(text)
    )
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def literal(text: object, most: int = 400) -> str:
    """Any text for a Markdown place, shown as it is: no link, formula, icon or tag."""
    escaped = _PUNCTUATION.sub(r"\\\1", plain(text, most))
    # Icon and emoji shortcodes are replaced after unescaping; a word joiner keeps them words.
    return escaped.replace("\\:", f"\\:{_JOINER}")


def italic(gene: object) -> str:
    """A gene name for a Markdown heading."""
    return f"*{literal(gene)}*"


def tagged(text: object, tag: str | None = None) -> str:
    """Any text for a Plotly label, which knows a few tags; optionally inside one of them."""
    safe = html.escape(plain(text, 80), quote=False)
    return f"<{tag}>{safe}</{tag}>" if tag else safe
