"""The gene regulatory network: ordered genes and a table of directed edges."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.errors import GRNError, listed
from gvci.grn.kinds import kind_of

if TYPE_CHECKING:
    import networkx as nx


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
            mine_use, data_use = kind_of(mine), kind_of(wanted)
            differ = (
                f"{purpose[0].upper()}{purpose[1:]} use {data_use}, the network uses {mine_use}. "
                if mine_use != data_use
                else ""
            )
            message = (
                f"The network {self.name or 'given'} shares {int(shared.sum())} of its "
                f"{len(mine):,} genes and {int(inside.sum())} edges with {purpose} "
                f"(network: {listed(mine, 3)}; {purpose}: {listed(wanted, 3)}). "
                f"{differ}Use a network with the same kind of gene names."
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
