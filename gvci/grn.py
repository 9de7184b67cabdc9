"""The gene regulatory network: ordered genes and a table of directed edges.

An edge goes from `source` (regulator, TF) to `target`. Files and tables are edge lists;
a matrix is made in one place only, `GRN.to_adjacency`, and it is `[target, source]`, so a
row holds a target's regulators (METHOD.md §1).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.errors import GRNError, listed

if TYPE_CHECKING:
    import networkx as nx

# "tf" first: joined tables name their database in a column "source".
SOURCE_NAMES = ("tf", "regulator", "source", "from")
TARGET_NAMES = ("target", "gene", "to")
WEIGHT_NAMES = ("weight", "mode", "sign", "score")
TEXT_SIGNS = {"activation": 1.0, "repression": -1.0}
MOST_EDGES = 10_000_000
LONGEST_HEADER = 100_000
UNREADABLE = (OSError, ValueError, EOFError, zlib.error)


@dataclass(frozen=True)
class GRN:
    """Genes in a fixed order and the edges among them.

    Attributes:
        genes: gene names, unique.
        edges: columns `source`, `target`, `weight` first; one row per ordered pair.
        name: where it came from, for provenance.
        notes: what was dropped on the way, in words.
    """

    genes: pd.Index
    edges: pd.DataFrame
    name: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def sources(self) -> list[str]:
        """The regulators, by falling number of targets."""
        return [str(name) for name in self.edges["source"].value_counts().index]

    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of (targets, sources) in `genes`, one per edge."""
        return (
            self.genes.get_indexer(pd.Index(self.edges["target"])),
            self.genes.get_indexer(pd.Index(self.edges["source"])),
        )

    def to_adjacency(self) -> sp.csr_matrix:
        """Sparse (genes, genes) matrix of weights, `adjacency[target, source]`."""
        targets, sources = self.indices()
        values = self.edges["weight"].to_numpy(dtype=np.float64)
        n = len(self.genes)
        return sp.csr_matrix((values, (targets, sources)), shape=(n, n))

    def to_networkx(self) -> nx.DiGraph:
        """A directed graph with every edge column as an attribute."""
        import networkx as nx

        return nx.from_pandas_edgelist(
            self.edges, "source", "target", edge_attr=True, create_using=nx.DiGraph
        )

    def restricted(self, genes: Iterable[str], purpose: str = "the data") -> GRN:
        """The edges whose two ends are among `genes`, in the order of `genes`.

        Raises:
            GRNError: fewer than two genes, or no edge, in common.
        """
        wanted = pd.Index(genes)
        mine = pd.unique(pd.concat([self.edges["source"], self.edges["target"]]))
        shared = wanted.isin(mine)
        inside = self.edges["source"].isin(wanted) & self.edges["target"].isin(wanted)
        if shared.sum() < 2 or not inside.any():
            message = (
                f"The network {self.name or 'given'} shares {int(shared.sum())} of its "
                f"{len(mine):,} genes and {int(inside.sum())} edges with {purpose} "
                f"(network: {listed(mine, 3)}; {purpose}: {listed(wanted, 3)}). "
                "Use a network with the same kind of gene names."
            )
            raise GRNError(message)
        dropped = int((~inside).sum())
        notes = self.notes
        if dropped:
            notes += (f"{dropped:,} of {len(self):,} edges have a gene outside {purpose}.",)
        edges = self.edges[inside].reset_index(drop=True)
        return GRN(wanted, edges, self.name, notes)

    def adopted(self) -> GRN:
        """The edges above the threshold where a table says which (kept, added); else all.

        Raises:
            GRNError: the table has statuses, and no edge is kept or added.
        """
        if "status" not in self.edges:
            return self
        edges = self.edges[self.edges["status"].isin(("kept", "added"))]
        if edges.empty:
            message = f"No edge of {self.name or 'the network'} is marked kept or added."
            raise GRNError(message)
        return GRN(self.genes, edges.reset_index(drop=True), self.name, self.notes)

    def fingerprint(self) -> str:
        """SHA-256 over genes and sorted edges: equal for equal networks."""
        rows = self.edges.sort_values(["source", "target"])[["source", "target", "weight"]]
        text = "\n".join(self.genes) + "\n\n" + rows.to_csv(index=False, float_format="%.6g")
        return hashlib.sha256(text.encode()).hexdigest()


def from_edges(edges: pd.DataFrame, name: str = "", genes: Sequence[str] | None = None) -> GRN:
    """A GRN from any table with a source and a target column.

    Self-connections, empty names, duplicates and (where `genes` gives the order) edges outside
    it are dropped and counted in the notes; of duplicates the one with the largest absolute
    weight stays. Missing weights count as 1.

    Raises:
        GRNError: no source or target column, nothing left, or too many edges.
    """
    columns = {str(c).strip().lower(): c for c in edges.columns}
    source = next((columns[c] for c in SOURCE_NAMES if c in columns), None)
    target = next((columns[c] for c in TARGET_NAMES if c in columns), None)
    if source is None or target is None:
        message = (
            f"The network {name or 'given'} has the columns {listed(edges.columns)}. It needs "
            "'source' (or 'tf') and 'target'."
        )
        raise GRNError(message)
    if len(edges) > MOST_EDGES:
        message = (
            f"The network {name} has {len(edges):,} edges; at most {MOST_EDGES:,} are taken. "
            "Keep the strongest."
        )
        raise GRNError(message)
    weight = next((columns[c] for c in WEIGHT_NAMES if c in columns), None)
    table = pd.DataFrame(
        {
            "source": edges[source].astype("string").str.strip(),
            "target": edges[target].astype("string").str.strip(),
            "weight": 1.0 if weight is None else _weights(edges[weight]),
        }
    )
    # A sign of 0 may mean "not known"; a weight of 0 is no edge.
    if weight is not None and str(weight).strip().lower() in ("weight", "score"):
        there = table["weight"].ne(0)
        edges, table = edges[there.to_numpy()], table[there]
    extra = edges[[c for c in edges.columns if c not in (source, target, weight)]]
    extra = extra.rename(columns={c: f"{c} (file)" for c in ("source", "target", "weight")})
    table = pd.concat([table, extra], axis=1)
    return _tidied(table, name, genes)


def _weights(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers, or the words activation and repression; anything else is unknown, hence 1."""
    numbers = pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan)
    words = column.astype("string").str.strip().str.lower().map(TEXT_SIGNS)
    return numbers.fillna(words.astype("float64")).fillna(1.0).astype("float64")


def _tidied(table: pd.DataFrame, name: str, genes: Sequence[str] | None) -> GRN:
    notes: list[str] = []

    def keep(mask: pd.Series[Any], what: str) -> None:
        nonlocal table
        dropped = int((~mask).sum())
        if dropped:
            notes.append(f"{dropped:,} {what} left out.")
            table = table[mask]

    named = table["source"].fillna("").ne("") & table["target"].fillna("").ne("")
    keep(named, "edges without a gene name")
    keep(table["source"].ne(table["target"]), "self-connections")
    table = table.sort_values("weight", key=lambda w: -w.abs(), kind="stable")
    keep(~table.duplicated(["source", "target"]), "duplicate edges")
    if genes is not None:
        inside = table["source"].isin(list(genes)) & table["target"].isin(list(genes))
        keep(inside, "edges with a gene outside the list")
    if table.empty:
        message = f"The network {name or 'given'} has no usable edge. {' '.join(notes)}".strip()
        raise GRNError(message)
    table = table.sort_index().reset_index(drop=True)
    for end in ("source", "target"):
        table[end] = table[end].astype(object)
    order = (
        pd.Index(genes)
        if genes is not None
        else pd.Index(pd.unique(pd.concat([table["source"], table["target"]])))
    )
    return GRN(order, table, name, tuple(notes))


def read_grn(path: Path, name: str | None = None) -> GRN:
    """A network from csv, tsv, parquet (columns `source` or `tf`, and `target`) or gmt.

    In a gmt file a set's name up to its first "_" is the source ("STAT1_20625510_…"), its
    members are the targets; gz is unpacked.

    Raises:
        GRNError: unreadable, of another type, or without usable edges.
    """
    title = name or path.name
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    readers = {"csv": _read_table, "tsv": _read_table, "txt": _read_table}
    readers |= {"parquet": pd.read_parquet, "gmt": _read_gmt}
    if kind not in readers:
        message = (
            f"{title} is not a csv, tsv, parquet or gmt file, the kinds a network is read from."
        )
        raise GRNError(message)
    try:
        table = readers[kind](path)
    except FileNotFoundError:
        message = f"There is no file {path}. Give the path of a network file or a catalogue name."
        raise GRNError(message) from None
    except UNREADABLE as error:
        message = f"{title} cannot be read as {kind}: {_reason(error)}"
        raise GRNError(message) from None
    return from_edges(table, title)


def _read_table(path: Path) -> pd.DataFrame:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig") as lines:
        header = str(lines.readline(LONGEST_HEADER))
    separator = max("\t,;", key=header.count)
    # A TF called "NA" or a target called "NAN" is a name, not a missing value.
    table = pd.read_csv(
        path, sep=separator, keep_default_na=False, encoding="utf-8-sig", low_memory=False
    )
    # One column more than the header is R's row names; pandas would take any number for names.
    if table.index.nlevels > 1:
        extra = table.index.nlevels
        message = f"its rows have {extra} columns more than its header"
        raise ValueError(message)
    return table


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _fields(path: Path) -> list[list[str]]:
    """The tab-separated words of each line that is not empty; gz is unpacked."""
    unpack = gzip.decompress if path.suffix.lower() == ".gz" else bytes
    text = unpack(path.read_bytes()).decode("utf-8-sig")
    return [line.split("\t") for line in text.splitlines() if line.strip()]


def read_gmt_sets(path: Path) -> list[tuple[str, list[str]]]:
    """(name, genes) of each set; a weight after a comma ("STAT1,1.0") is cut off.

    Raises:
        GRNError: unreadable.
    """
    try:
        return [
            (label, [gene.split(",")[0] for gene in rest[1:] if gene])
            for label, *rest in _fields(path)
        ]
    except UNREADABLE as error:
        message = f"{path.name} cannot be read as gmt: {_reason(error)}"
        raise GRNError(message) from None


def _read_gmt(path: Path) -> pd.DataFrame:
    rows = [
        (label.split("_")[0].split(" ")[0], gene)
        for label, genes in read_gmt_sets(path)
        for gene in genes
    ]
    return pd.DataFrame(rows, columns=["source", "target"]).drop_duplicates()


def read_gene_list(path: Path, sets: str = "") -> list[str]:
    """Gene names from a gmt (all sets whose name contains `sets`) or a text file, one a line.

    Raises:
        GRNError: unreadable or empty.
    """
    try:
        rows = _fields(path)
    except UNREADABLE as error:
        message = f"The gene list {path} cannot be read: {_reason(error)}"
        raise GRNError(message) from None
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
