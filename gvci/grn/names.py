"""Gene names of one source among those of another: ids, versions, aliases, case, dates (F14).

A network and a dataset often name the same genes differently. Names are matched in steps, the
surest first; a step counts only where exactly one gene fits. Ids are
looked up among the dataset's own, then in GENCODE; aliases are those of interferon genes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from gvci.errors import listed
from gvci.grn.aliases import symbols_of
from gvci.grn.edges import from_edges
from gvci.grn.kinds import ENSEMBL, kind_of
from gvci.grn.network import GRN

# 1-Mar, 01-Mar-23, Mar-01, 2023-03-01, 01.03.2023: what a spreadsheet makes of MARCH1.
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE = re.compile(
    r"(?P<d1>\d{1,2})[-. /](?P<m1>[a-z]{3})(?:[-. /]\d{2,4})?"
    r"|(?P<m2>[a-z]{3})[-. /](?P<d2>\d{1,2})"
    r"|\d{4}-(?P<m3>\d{2})-(?P<d3>\d{2})(?: 00:00:00)?"
    r"|(?P<d4>\d{1,2})[./](?P<m4>\d{1,2})[./]\d{4}",
    re.IGNORECASE,
)
DATED = {
    3: ("MARCHF", "MARCH", "MARC", "MTARC", "MAR"),
    9: ("SEPTIN", "SEPT", "SEP"),
    10: ("OCT",),
    12: ("DELEC", "DEC"),
}
OTHER_NAME = "other_name"  # var column of prepared data: the id of a symbol, the symbol of an id
STEPS = ("exact", "version", "case", "id or alias", "date")
WORDS = {
    "version": "without the version of the id",
    "case": "in other case",
    "id or alias": "by Ensembl id or alias",
    "date": "that a spreadsheet had made a date",
}


@dataclass(frozen=True)
class NameMatch:
    """Which gene each name means.

    Attributes:
        genes: name → gene, for the names that were matched.
        how: name → step that matched it.
        unmatched: names that no gene fits. ambiguous: names that several genes fit.
    """

    genes: Mapping[str, str]
    how: Mapping[str, str]
    unmatched: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def table(self) -> pd.DataFrame:
        """Columns name, gene ("" where none) and how, one row per name."""
        rows = [(name, gene, self.how[name]) for name, gene in self.genes.items()]
        rows += [(name, "", "ambiguous") for name in self.ambiguous]
        rows += [(name, "", "not found") for name in self.unmatched]
        return pd.DataFrame(rows, columns=["name", "gene", "how"])

    def sentences(self, network: str = "the network", data: str = "the data") -> list[str]:
        """The match in words: how many by which step, with examples."""
        total = len(self.genes) + len(self.unmatched) + len(self.ambiguous)
        said = [f"{len(self.genes):,} of {total:,} gene names of {network} are in {data}."]
        for step in STEPS[1:]:
            names = [name for name in self.genes if self.how[name] == step]
            if names:
                pairs = listed((f"{name} is {self.genes[name]}" for name in names), 3)
                said.append(f"{len(names):,} of them {WORDS[step]} ({pairs}).")
        if self.ambiguous:
            said.append(
                f"{len(self.ambiguous):,} names could be several genes and are left out: "
                f"{listed(self.ambiguous, 3)}."
            )
        return [*said, *self.notes]


def known_ids(var: pd.DataFrame) -> dict[str, str]:
    """Ensembl id → symbol, for the genes of prepared data whose file held both."""
    if OTHER_NAME not in var:
        return {}
    pairs = [(str(gene), str(other)) for gene, other in var[OTHER_NAME].items() if other]
    return dict(pair if ENSEMBL.fullmatch(pair[0]) else pair[::-1] for pair in pairs)


def match_names(
    names: Iterable[str], genes: Iterable[str], ids: Mapping[str, str] | None = None
) -> NameMatch:
    """Find each of the names among the genes, in five steps, the surest first.

    Args:
        names: of a network. genes: of the data.
        ids: Ensembl id → symbol beyond the shipped table, such as the data's own.
    """
    wanted = list(dict.fromkeys(map(str, names)))
    have = list(dict.fromkeys(map(str, genes)))
    own = {name.upper(): symbol for name, symbol in (ids or {}).items()}
    found: dict[str, str] = {}
    how: dict[str, str] = {}
    ambiguous: dict[str, None] = {}
    for step, keys in _steps(own).items():
        open_ = [name for name in wanted if name not in found]
        if not open_:
            break
        places: dict[str, set[str]] = {}
        for gene in have:
            for key in keys(gene):
                places.setdefault(key, set()).add(gene)
        for name in open_:
            fitting: set[str] = set().union(*(places.get(key, set()) for key in keys(name)))
            if len(fitting) == 1:
                found[name], how[name] = fitting.pop(), step
                ambiguous.pop(name, None)
            elif fitting:
                ambiguous[name] = None
    unmatched = tuple(name for name in wanted if name not in found and name not in ambiguous)
    match = NameMatch(found, how, unmatched, tuple(ambiguous))
    return NameMatch(found, how, unmatched, tuple(ambiguous), tuple(_notes(match, wanted, have)))


def _steps(own: Mapping[str, str]) -> dict[str, Callable[[str], tuple[str, ...]]]:
    """Step → the keys under which a name is looked for at that step."""

    def plain(name: str) -> str:
        versioned = ENSEMBL.fullmatch(name)
        return versioned[1] if versioned else name

    def known(name: str) -> tuple[str, ...]:
        capitals = plain(name).upper()
        symbols = (own[capitals],) if capitals in own else symbols_of(capitals)
        return (capitals, *(symbol.upper() for symbol in symbols))

    steps: tuple[Callable[[str], tuple[str, ...]], ...] = (
        lambda name: (name,),
        lambda name: (plain(name),),
        lambda name: (plain(name).upper(),),
        known,
        lambda name: (*known(name), *_dated(name)),
    )
    return dict(zip(STEPS, steps, strict=True))


def _dated(name: str) -> tuple[str, ...]:
    """The symbols that a spreadsheet turns into this date; none where it is no date."""
    found = DATE.fullmatch(name.strip())
    if not found:
        return ()
    parts = {key[0]: value.lower() for key, value in found.groupdict().items() if value}
    month = parts["m"]
    number = int(month) if month.isdecimal() else (*MONTHS, month).index(month) + 1
    return tuple(f"{stem}{int(parts['d'])}" for stem in DATED.get(number, ()))


def _notes(match: NameMatch, wanted: list[str], have: list[str]) -> list[str]:
    """What the two sets of names are, where they differ; dates that stay dates."""
    said = []
    mine, theirs = kind_of(wanted), kind_of(have)
    if mine != theirs:
        said.append(f"The data use {theirs}, the network uses {mine}.")
        if "mouse symbols" in (mine, theirs) and "Ensembl ids" not in (mine, theirs):
            said.append("Names that differ in case only need not be the same gene's ortholog.")
    dates = [name for name in wanted if DATE.fullmatch(name) and name not in match.genes]
    if dates:
        said.append(
            f"{len(dates):,} names of the network are dates that a spreadsheet made of genes "
            f"({listed(dates, 3)}): export them as text."
        )
    return said


def in_names_of(
    grn: GRN, genes: Iterable[str], ids: Mapping[str, str] | None = None
) -> tuple[GRN, NameMatch]:
    """The network with its genes named as the data name them, and how they were matched.

    Names without a match stay. Edges that become one are one, the strongest.
    """
    match = match_names(
        pd.unique(pd.concat([grn.edges["source"], grn.edges["target"]])), genes, ids
    )
    new = {name: gene for name, gene in match.genes.items() if name != gene}
    if not new:
        return grn, match
    edges = grn.edges.assign(
        source=grn.edges["source"].replace(new), target=grn.edges["target"].replace(new)
    )
    renamed = from_edges(edges, grn.name)
    return GRN(renamed.genes, renamed.edges, grn.name, (*grn.notes, *renamed.notes)), match
