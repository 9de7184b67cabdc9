"""What kind of names genes go by: Ensembl ids, or symbols of human or mouse."""

from __future__ import annotations

import re
from collections.abc import Iterable

ENSEMBL = re.compile(r"(ENS[A-Z]{0,6}[GTP]\d{11})(?:\.\d+)?", re.IGNORECASE)


def kind_of(names: Iterable[object]) -> str:
    """What most of the names are: "Ensembl ids", "mouse symbols" or "symbols"."""
    different = [str(name) for name in dict.fromkeys(names)]
    if not different:
        return "symbols"
    if sum(bool(ENSEMBL.fullmatch(name)) for name in different) > len(different) / 2:
        return "Ensembl ids"
    # Mouse symbols are written like Stat1, human ones like STAT1.
    mouse = sum(bool(re.fullmatch(r"[A-Z][a-z][a-z0-9-]*", name)) for name in different)
    return "mouse symbols" if mouse > len(different) / 2 else "symbols"
