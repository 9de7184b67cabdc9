"""Genes of another program's file found among a dataset's, by name, and what was done to find them.

Never by position. A name that could mean several genes means none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.errors import DataError, listed

ENSEMBL = re.compile(r"ENS[A-Z]*G\d{11}", re.IGNORECASE)
FEWEST = 0.5


@dataclass(frozen=True)
class GeneMatch:
    """Which genes of a file are which of a dataset.

    Attributes:
        wanted: positions in the dataset's genes, ascending. found: those of the file, in parallel.
        sentences: how they were found, and what is missing.
    """

    wanted: np.ndarray
    found: np.ndarray
    sentences: list[str]


def match_genes(genes: pd.Index, var: pd.DataFrame, file: str) -> GeneMatch:
    """Find a dataset's genes in `var`: in its index or, where more are, in a column of names.

    Args:
        genes: of the dataset, in its order.
        var: of the file. file: what it is called in sentences.

    Raises:
        DataError: fewer than half of the genes are found, or one is found twice.
    """
    wanted = [str(gene) for gene in genes]
    places = {"var_names": [str(name) for name in var.index]}
    for column in var.columns:
        if not pd.api.types.is_numeric_dtype(var[column]):
            places[f"var['{column}']"] = [str(name) for name in var[column]]
    where, exact, alike = max(
        ((place, *_look_up(wanted, names)) for place, names in places.items()),
        key=lambda answer: len(answer[1]) + len(answer[2]),
    )
    pairs = sorted({**exact, **alike}.items())
    if len(pairs) < FEWEST * len(wanted):
        message = (
            f"Only {len(pairs):,} of the {len(wanted):,} genes of the data are in {file}, and half "
            f"of them are needed: the data have {_kind(wanted)}, the file {_kind(places[where])}. "
            "Put the same names into var_names, or into a column of var."
        )
        raise DataError(message)
    counts = Counter(places[where])
    twice = [wanted[i] for i in exact if counts[wanted[i]] > 1]
    if twice:
        message = (
            f"{len(twice):,} genes occur more than once in {where} of {file}: {listed(twice)}. "
            "Sum them or remove all but one."
        )
        raise DataError(message)
    sentences = _sentences(wanted, places[where], where, exact, alike)
    at, found = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    return GeneMatch(at, found, sentences)


def _look_up(wanted: Sequence[str], names: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Position among the wanted → position in the file: of equal names, and of like ones."""
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    exact = {i: first[name] for i, name in enumerate(wanted) if name in first}
    taken = set(exact.values())
    like = [_plain(name) for name in names]
    free = {name: i for i, name in enumerate(like) if i not in taken}
    several = Counter(like)
    plain = [_plain(name) for name in wanted]
    asked = Counter(plain)
    alike = {
        i: free[name]
        for i, name in enumerate(plain)
        if i not in exact and name in free and several[name] == asked[name] == 1
    }
    return exact, alike


def _plain(name: str) -> str:
    """Without case, Ensembl version and kind of separator (R writes HLA.A, Seurat HLA-A)."""
    name = name.strip().upper()
    if ENSEMBL.match(name):
        return name.split(".")[0]
    return re.sub(r"[._]", "-", name)


def _kind(names: Sequence[str]) -> str:
    """What sort of names these are, with examples."""
    ids = sum(ENSEMBL.match(name) is not None for name in names)
    if 2 * ids > len(names):
        return f"Ensembl ids ({listed(names, 2)})"
    if all(name.isdecimal() for name in names):
        return f"numbers ({listed(names, 2)})"
    return f"names such as {listed(names, 2)}"


def _sentences(
    wanted: Sequence[str],
    names: Sequence[str],
    where: str,
    exact: dict[int, int],
    alike: dict[int, int],
) -> list[str]:
    total, matched = len(wanted), len(exact) + len(alike)
    said = f"{matched:,} of {total:,} genes are found by name in {where}"
    if alike:
        i, j = min(alike.items())
        said += (
            f", {len(alike):,} of them but for case, separators or the version of an Ensembl id "
            f"({names[j]} is taken for {wanted[i]})"
        )
    sentences = [f"{said}."]
    if matched < total:
        absent = [gene for i, gene in enumerate(wanted) if i not in exact and i not in alike]
        sentences.append(
            f"{len(absent):,} genes are missing: {listed(absent)}. Every model, every baseline and "
            f"the ceiling are scored on the other {matched:,}."
        )
    if len(names) > matched:
        sentences.append(f"{len(names) - matched:,} further genes of the file are not used.")
    return sentences
