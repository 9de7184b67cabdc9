"""Regulons as pySCENIC's `ctx` writes them: reg.csv, a list of (gene, weight) per motif.

Its header has three lines. `TargetGenes` is a list written as Python writes it; it is read as
literals only, nothing in it is run. A module whose context says "repressing" gets weights < 0.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pandas as pd

from gvci.grn.edges import require_few
from gvci.grn.text import scan

COLUMN = "TargetGenes"
HEADER_LINES = 3
# NumPy 2 writes its numbers so.
NUMPY_NUMBER = re.compile(r"np\.float\d+\(([^()]*)\)")


def looks_like_regulons(path: Path) -> bool:
    """True where one of the first lines names pySCENIC's column of targets.

    Raises:
        OSError, ValueError, EOFError, zlib.error: unreadable.
    """
    with scan(path).open() as lines:
        return any(COLUMN in lines.readline() for _ in range(HEADER_LINES))


def read_regulons(path: Path, title: str) -> pd.DataFrame:
    """Edges of all motifs of a regulator; of a pair's several weights the largest size.

    Raises:
        GRNError: more edges than are taken.
        OSError, ValueError, EOFError, zlib.error: unreadable; names the line.
    """
    with scan(path).open() as lines:
        table = pd.read_csv(lines, header=None, dtype=str, keep_default_na=False)
    head = table.head(HEADER_LINES)
    factors, lists = table[_position(head, "TF", 0)], table[_position(head, COLUMN, -1)]
    contexts = table[_position(head, "Context", 0)]
    strongest: dict[tuple[str, str], float] = {}
    for line, (factor, context, words) in enumerate(zip(factors, contexts, lists, strict=True)):
        if not words.startswith("["):
            continue
        for gene, weight in _targets(words, line + 1):
            pair, signed = (factor.strip(), gene), -weight if "repressing" in context else weight
            if abs(signed) > abs(strongest.get(pair, 0.0)):
                strongest[pair] = signed
        require_few(len(strongest), title)
    edges = [(source, target, weight) for (source, target), weight in strongest.items()]
    return pd.DataFrame(edges, columns=["source", "target", "weight"])


def _position(head: pd.DataFrame, name: str, missing: int) -> int:
    """Which column has this name in one of the first lines."""
    found = (head.to_numpy() == name).any(axis=0).nonzero()[0]
    return int(found[0]) if len(found) else range(head.shape[1])[missing]


def _targets(words: str, line: int) -> list[tuple[str, float]]:
    try:
        pairs: Any = ast.literal_eval(NUMPY_NUMBER.sub(r"\1", words))
        return [(str(gene), float(weight)) for gene, weight in pairs]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        message = f"line {line:,}: {COLUMN} is not a list of (gene, weight)"
        raise ValueError(message) from None
