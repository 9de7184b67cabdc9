"""Which edges the Network page shows: of a refined network, or of an uploaded edge list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import pandas as pd

from gvci.grn import GRN
from gvci.refiner.result import TRIMMED, RefinedGRN

STATUSES = ("kept", "added", "removed")
LISTED = "listed"
DEFAULT_REGULATORS = ("STAT1", "IRF1")
MOST_DRAWN = 400


@dataclass(frozen=True)
class Network:
    """What the page needs of a network.

    Attributes:
        name: where it came from.
        table: `source, target, weight, prior, status`, strongest first; of a refined network
            also `sign, evidence, stability`, without the pairs that are no edge before or after.
        genes: names it is about.
        alpha, background: of a refined network; None for a plain edge list.
        notes: what was left out on the way, in words.
        origin: the network itself, for scoring and for how it came about.
        ranked_by: what "strongest" means, "weight" or "evidence".
    """

    name: str
    table: pd.DataFrame
    genes: pd.Index
    alpha: float | None = None
    background: float | None = None
    notes: tuple[str, ...] = ()
    origin: RefinedGRN | GRN | None = None
    ranked_by: str = "weight"

    @property
    def meta(self) -> dict[str, Any]:
        """How a refined network came about; empty for a plain edge list."""
        return self.origin.meta if isinstance(self.origin, RefinedGRN) else {}

    @property
    def prior_floor(self) -> float | None:
        """The weight of a prior edge about which the data say nothing, where it is known."""
        floor = self.meta.get("floors", {}).get("prior_floor")
        return None if floor is None else float(floor)

    @property
    def trimmed(self) -> dict[str, Any]:
        """What a network that lists its strongest edges only leaves out; empty for a whole one."""
        return dict(self.meta.get(TRIMMED, {}))

    @property
    def judged(self) -> pd.DataFrame:
        """Every pair with a weight, those that are no edge included; `table` has the edges."""
        return self.origin.table if isinstance(self.origin, RefinedGRN) else self.table

    def knows(self, column: str) -> bool:
        """True where some edge has a sign, an evidence or a stability."""
        if column not in self.table:
            return False
        values = self.table[column]
        return bool((values != 0).any() if column == "sign" else values.notna().any())

    @property
    def refined(self) -> bool:
        """True where edges have a status and a weight before and after."""
        return self.alpha is not None

    @cached_property
    def regulators(self) -> list[str]:
        """Sources of any edge, by name."""
        return sorted(map(str, pd.unique(self.table["source"])))

    def counts(self) -> dict[str, int]:
        """Edges per status, also of those that a trimmed network does not list."""
        if isinstance(self.origin, RefinedGRN):
            return self.origin.counts()
        found = self.table["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in STATUSES}

    def default_regulators(self) -> list[str]:
        """STAT1 and IRF1 where they regulate anything, else the two with the most edges."""
        mine = set(self.regulators)
        chosen = [name for name in DEFAULT_REGULATORS if name in mine]
        if chosen:
            return chosen
        return [str(name) for name in self.table["source"].value_counts().index[:2]]


def from_refined(grn: RefinedGRN) -> Network:
    """The network of a run, strongest edges first.

    Where thresholding adds or removes nothing, weights mostly repeat the prior, and the edges
    with the strongest evidence come first.
    """
    counts = grn.counts()
    thresholded = counts["added"] and counts["removed"]
    by = "weight" if thresholded or grn.table["evidence"].isna().all() else "evidence"
    # Nearly all pairs are no edge, and every page would carry them along.
    edges = grn.table[grn.table["status"] != "absent"]
    table = edges.sort_values(by, ascending=False, kind="stable", ignore_index=True)
    name = str(grn.meta.get("name") or grn.meta.get("prior") or "refined network")
    said = [*grn.meta.get("notes", ()), *filter(None, [grn.meta.get(TRIMMED, {}).get("sentence")])]
    return Network(
        name,
        table,
        grn.genes,
        grn.alpha,
        grn.background,
        tuple(map(str, said)),
        grn,
        by,
    )


def from_edge_list(grn: GRN, genes: Sequence[str]) -> Network:
    """An uploaded edge list, restricted to the genes of a run.

    Raises:
        GRNError: fewer than two genes, or no edge, in common.
    """
    inside = grn.restricted(genes, "this run's genes")
    table = inside.edges[["source", "target", "weight"]].assign(prior=1, status=LISTED)
    order = table["weight"].abs().sort_values(ascending=False, kind="stable").index
    return Network(
        inside.name,
        table.loc[order].reset_index(drop=True),
        inside.genes,
        notes=inside.notes,
        origin=inside,
    )


@dataclass(frozen=True)
class Choice:
    """The filters: regulators, k strongest edges of each, statuses, smallest adopted weight."""

    regulators: tuple[str, ...]
    k: int
    statuses: tuple[str, ...]
    minimum: float = 0.0


@dataclass(frozen=True)
class Shown:
    """The edges that are drawn and listed, and how many match the filters but for k.

    Attributes:
        ranked_by: what "strongest" means. capped: k edges of each would be too many to draw.
    """

    edges: pd.DataFrame
    matching: int
    ranked_by: str = "weight"
    capped: bool = False

    @property
    def sentence(self) -> str:
        """What is shown, in words."""
        if self.capped:
            text = f"{self.matching:,} edges match, drawing the strongest {len(self.edges):,}"
        else:
            text = f"Showing {len(self.edges):,} of {self.matching:,} edges"
        return text + (" by evidence" if self.ranked_by == "evidence" else "")


def choose(network: Network, choice: Choice, most: int = MOST_DRAWN) -> Shown:
    """The k strongest edges of each regulator, and of these at most the `most` strongest.

    Removed edges lie below α by definition, so the smallest weight does not apply to them, and
    their k strongest are counted apart from those of the adopted edges.
    """
    table = network.table
    mine = table["source"].isin(choice.regulators)
    if network.refined:
        adopted = table["status"].isin([s for s in choice.statuses if s != "removed"])
        removed = (table["status"] == "removed") & ("removed" in choice.statuses)
        mine &= (adopted & (table["weight"] >= choice.minimum)) | removed
    matching = table[mine]
    strongest = matching.groupby(
        [matching["source"], matching["status"] == "removed"], sort=False
    ).head(choice.k)
    kept = strongest.head(most)
    by_regulator = kept["source"].map({name: i for i, name in enumerate(choice.regulators)})
    order = by_regulator.sort_values(kind="stable").index
    edges = kept.loc[order].reset_index(drop=True)
    return Shown(edges, len(matching), network.ranked_by, len(strongest) > most)


def row_of(edges: pd.DataFrame, edge: Sequence[str]) -> int:
    """The row of an edge (source, target); the first row where it is not among them."""
    if len(edge) == 2:
        found = edges.index[(edges["source"] == edge[0]) & (edges["target"] == edge[1])]
        if len(found):
            return int(found[0])
    return 0


def gene_links(gene: str) -> dict[str, str]:
    """Pages about a human gene symbol in four public databases."""
    name = quote(gene, safe="")
    return {
        "NCBI": f"https://www.ncbi.nlm.nih.gov/gene/?term={name}%5Bsym%5D+AND+human%5Borgn%5D",
        "Ensembl": f"https://www.ensembl.org/Homo_sapiens/Gene/Summary?g={name}",
        "GeneCards": f"https://www.genecards.org/cgi-bin/carddisp.pl?gene={name}",
        "UniProt": f"https://www.uniprot.org/uniprotkb?query=gene:{name}+AND+organism_id:9606",
    }
