"""What other names genes go by, offline: GENCODE's ids, and common aliases of interferon genes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gvci.grn.kinds import ENSEMBL

ASSETS = Path(__file__).parents[2] / "assets"


@cache
def aliases() -> Mapping[str, tuple[str, ...]]:
    """Alias in capitals → symbols, for the genes of the interferon response."""
    found: dict[str, tuple[str, ...]] = {}
    with (ASSETS / "aliases.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            name = row["alias"].upper()
            found[name] = (*found.get(name, ()), row["symbol"])
    return found


@cache
def gencode() -> Mapping[str, str]:
    """Ensembl id without its version → symbol, for every human gene that has one (GENCODE)."""
    with gzip.open(ASSETS / "gencode_human.csv.gz", "rt", encoding="utf-8", newline="") as table:
        return {row["id"]: row["symbol"] for row in csv.DictReader(table)}


def symbols_of(name: str) -> tuple[str, ...]:
    """What an Ensembl id, of any version, or an alias stands for; empty where it is neither."""
    found = ENSEMBL.fullmatch(name)
    if found:
        symbol = gencode().get(found[1].upper())
        return (symbol,) if symbol else ()
    return aliases().get(name.upper(), ())
