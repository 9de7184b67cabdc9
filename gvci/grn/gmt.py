"""Gene sets: gmt files as networks and as lists of genes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from gvci.errors import GRNError
from gvci.grn.edges import ends, require_few
from gvci.grn.text import UNREADABLE, scan

# SCENIC's regulons: "STAT1(+)", "STAT1_extended (120g)", "STAT1_direct_-/+_(12g)".
REGULON_SIGN = re.compile(r"\(([+-])\)|_([+-])(?=[_/(]|$)")


def read_fields(path: Path) -> list[list[str]]:
    """The tab-separated words of each line that is not empty; gz is unpacked.

    Raises:
        OSError, ValueError, EOFError, zlib.error: unreadable; says why.
    """
    with scan(path).open() as lines:
        return [line.rstrip("\n").split("\t") for line in lines if line.strip()]


def reason(error: Exception) -> str:
    """An exception as the end of a sentence."""
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{words.rstrip('.')}."


def read_gmt_sets(path: Path) -> list[tuple[str, list[str]]]:
    """(name, genes) of each set; a weight after a comma ("STAT1,1.0") is cut off.

    Raises:
        GRNError: unreadable.
    """
    try:
        return [
            (label, [gene.split(",")[0] for gene in rest[1:] if gene])
            for label, *rest in read_fields(path)
        ]
    except UNREADABLE as error:
        message = f"{path.name} cannot be read as gmt: {reason(error)}"
        raise GRNError(message) from None


def read_gmt(path: Path, title: str) -> pd.DataFrame:
    """Edges from a set's name up to its first "_", blank or "(" to its members.

    A regulon's "(+)" or "(-)" becomes the weight.

    Raises:
        GRNError: unreadable, or more edges than are taken.
    """
    sets = read_gmt_sets(path)
    require_few(sum(len(genes) for _, genes in sets), title)
    rows = [(*regulon(label), gene) for label, genes in sets for gene in genes]
    return pd.DataFrame(rows, columns=["source", "weight", "target"]).drop_duplicates()


def regulon(label: str) -> tuple[str, float]:
    """The regulator in a set's name, and 1, or −1 where the name marks it as repressing.

    The first mark counts: SCENIC+ writes the factor's sign before the region's.
    """
    mark = REGULON_SIGN.search(label)
    sign = next((part for part in mark.groups() if part), "+") if mark else "+"
    return re.split(r"[_ (]", label.strip(), maxsplit=1)[0], -1.0 if sign == "-" else 1.0


def read_gene_list(path: Path, sets: str = "") -> list[str]:
    """Gene names from a gmt (all sets whose name contains `sets`) or a text file, one a line.

    Raises:
        GRNError: unreadable, empty, or a list of edges.
    """
    try:
        rows = read_fields(path)
    except UNREADABLE as error:
        message = f"The gene list {path} cannot be read: {reason(error)}"
        raise GRNError(message) from None
    columns = re.split(r"[\t,;]", "\t".join(rows[0])) if rows else []
    if ends(word.strip(' "') for word in columns) is not None:
        message = (
            f"{path.name} is a list of edges (its columns: {', '.join(columns[:4])}), not of "
            "genes. Give the genes one a line, or a gmt."
        )
        raise GRNError(message)
    genes: list[str] = []
    for row in rows:
        if len(row) > 2 and sets.lower() in row[0].lower():
            genes += row[2:]
        elif len(row) <= 2:
            genes += [word for word in row[0].replace(",", " ").split() if word]
    unique = list(dict.fromkeys(gene for gene in genes if gene))
    if not unique:
        message = f"The gene list {path} names no gene."
        raise GRNError(message)
    return unique
