"""A GRN from any table of edges: which columns are its ends, what is dropped, how much is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvci.errors import GRNError, listed
from gvci.grn.network import GRN

# "tf" first: joined tables name their database in a column "source"; OmniPath's "source" and
# "target" are protein ids, beside which it writes the symbols.
SOURCE_NAMES = (
    "tf", "source_genesymbol", "regulator", "regulatorygene", "source", "gene1", "from",
)  # fmt: skip
TARGET_NAMES = (
    "target_genesymbol", "target", "targetgene", "target_gene", "gene2", "gene", "to",
)  # fmt: skip
WEIGHT_NAMES = ("weight", "mode", "sign", "score", "mor", "importance")
STRENGTHS = ("weight", "score", "importance")
TEXT_SIGNS = {"activation": 1.0, "repression": -1.0}
MOST_EDGES = 5_000_000
BYTES_PER_EDGE = 150  # at the peak of reading a csv with three columns, measured


def ends(columns: Iterable[Any]) -> tuple[Any, Any] | None:
    """The columns that hold regulators and targets; None where one of them is not told."""
    known = _lowered(columns)
    source = next((known[c] for c in SOURCE_NAMES if c in known), None)
    target = next((known[c] for c in TARGET_NAMES if c in known), None)
    return None if source is None or target is None else (source, target)


def _lowered(columns: Iterable[Any]) -> dict[str, Any]:
    return {str(column).strip().lower(): column for column in columns}


def require_few(count: int, name: str) -> None:
    """Refuse more edges than are taken, before memory is asked for.

    Raises:
        GRNError: too many; names both numbers and the memory.
    """
    if count > MOST_EDGES:
        message = (
            f"The network {name or 'given'} has {count:,} edges; at most {MOST_EDGES:,} are taken "
            f"(all would need about {count * BYTES_PER_EDGE / 1e9:.1f} GB). Keep the strongest."
        )
        raise GRNError(message)


def from_edges(edges: pd.DataFrame, name: str = "", genes: Sequence[str] | None = None) -> GRN:
    """A GRN from any table with a source and a target column.

    Self-connections, empty names, duplicates and (where `genes` gives the order) edges outside
    it are dropped and counted in the notes; of duplicates the one with the largest absolute
    weight stays. Missing weights count as 1.

    Raises:
        GRNError: no source or target column, nothing left, or too many edges.
    """
    found = ends(edges.columns)
    if found is None:
        message = (
            f"The network {name or 'given'} has the columns {listed(edges.columns)}. It needs "
            "'source' (or 'tf') and 'target' in its first line."
        )
        raise GRNError(message)
    require_few(len(edges), name)
    source, target = found
    known = _lowered(edges.columns)
    weight = next((known[c] for c in WEIGHT_NAMES if c in known), None)
    notes: list[str] = []
    table = _ends(edges[source], edges[target])
    table["weight"] = 1.0 if weight is None else _weights(edges[weight], notes)
    further = [c for c in edges.columns if c not in (source, target, weight)]
    if further:
        extra = edges[further].reset_index(drop=True)
        extra = extra.rename(columns={c: f"{c} (file)" for c in ("source", "target", "weight")})
        table = pd.concat([table, extra], axis=1)
    # A sign of 0 may mean "not known"; a weight of 0 is no edge.
    if weight is not None and str(weight).strip().lower() in STRENGTHS:
        table = table[table["weight"].ne(0)]
    return _tidied(table, name, genes, notes)


def _ends(source: pd.Series[Any], target: pd.Series[Any]) -> pd.DataFrame:
    """Stripped names, "" where missing, as categories: millions of edges share few names."""
    coded = {"source": pd.factorize(source), "target": pd.factorize(target)}
    cleaned = {
        # A missing name has code −1, the last.
        end: np.array([*(str(value).strip() for value in values), ""], dtype=object)
        for end, (_, values) in coded.items()
    }
    names = pd.Index(pd.unique(np.concatenate([*cleaned.values(), np.array([""], dtype=object)])))
    columns = {
        end: pd.Categorical.from_codes(names.get_indexer(pd.Index(cleaned[end]))[codes], names)
        for end, (codes, _) in coded.items()
    }
    return pd.DataFrame(columns)


def _weights(column: pd.Series[Any], notes: list[str]) -> np.ndarray:
    """Numbers, or the words activation and repression; anything else is not known, hence 1."""
    numbers = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=np.float64)
    open_ = ~np.isfinite(numbers)
    if open_.any():
        words = column[open_].astype(str).str.strip().str.lower()
        # "0,5": a spreadsheet in a country that writes decimals so.
        comma = words.str.fullmatch(r"[+-]?\d*,\d+(e[+-]?\d+)?")
        read = pd.to_numeric(words.where(comma).str.replace(",", "."), errors="coerce")
        numbers[open_] = read.fillna(words.map(TEXT_SIGNS)).astype(np.float64)
        if comma.any():
            notes.append(f"{int(comma.sum()):,} weights are read with a decimal comma.")
        rest = int((~np.isfinite(numbers)).sum())
        if rest:
            notes.append(f"{rest:,} edges without a usable weight count as 1.")
    return np.where(np.isfinite(numbers), numbers, 1.0)


def _tidied(table: pd.DataFrame, name: str, genes: Sequence[str] | None, notes: list[str]) -> GRN:
    def keep(mask: pd.Series[Any], what: str) -> None:
        nonlocal table
        dropped = int((~mask).sum())
        if dropped:
            notes.append(f"{dropped:,} {what} left out.")
            table = table[mask]

    keep(table["source"].ne("") & table["target"].ne(""), "edges without a gene name")
    keep(table["source"].ne(table["target"]), "self-connections")
    order = np.argsort(-table["weight"].abs().to_numpy(), kind="stable")
    table = table.iloc[order]
    repeated = table.duplicated(["source", "target"])
    if repeated.any():
        every = table.duplicated(["source", "target", "weight"])
        disagree = int((repeated & ~every).sum())
        keep(~repeated, "duplicate edges")
        if disagree:
            notes.append(f"{disagree:,} of those disagree in weight; the largest was kept.")
    if genes is not None:
        inside = table["source"].isin(list(genes)) & table["target"].isin(list(genes))
        keep(inside, "edges with a gene outside the list")
    if table.empty:
        message = f"The network {name or 'given'} has no usable edge. {' '.join(notes)}".strip()
        raise GRNError(message)
    table = table.sort_index().reset_index(drop=True)
    for end in ("source", "target"):
        table[end] = table[end].astype(object)
    if genes is None:
        genes = pd.unique(pd.concat([table["source"], table["target"]]))
    return GRN(pd.Index(genes), table, name, tuple(notes))
