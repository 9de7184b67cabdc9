"""Finding the gene that a person means: exact, any case, alias, Ensembl id, or near misses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gvci.grn.aliases import symbols_of
from gvci.grn.names import match_names

MOST_SUGGESTIONS = 5


@dataclass(frozen=True)
class Found:
    """What a query means.

    Attributes:
        query: as typed.
        symbol: the gene among those asked about; None where there is none.
        how: exact, case, alias, or none.
        suggestions: near symbols that exist, best first, where `symbol` is None.
        known_as: symbols that the query stands for although none of them is here.
    """

    query: str
    symbol: str | None
    how: str
    suggestions: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()


def look_up(query: str, genes: Iterable[str]) -> Found:
    """The gene among `genes` that the query means."""
    names = [str(gene) for gene in genes]
    asked = query.strip()
    if asked in set(names):
        return Found(query, asked, "exact")
    by_capitals = {name.upper(): name for name in reversed(names)}
    capitals = asked.upper()
    if capitals in by_capitals:
        return Found(query, by_capitals[capitals], "case")
    without_version = capitals.split(".")[0] if capitals.startswith("ENS") else capitals
    meant = symbols_of(without_version)
    for symbol in meant:
        if symbol.upper() in by_capitals:
            return Found(query, by_capitals[symbol.upper()], "alias")
    # A symbol here may itself be an old name of what was asked for.
    older = match_names([without_version], names).genes.get(without_version)
    if older is not None:
        return Found(query, older, "alias")
    starts = [name for name in names if len(capitals) > 1 and name.upper().startswith(capitals)]
    close = get_close_matches(capitals, list(by_capitals), n=MOST_SUGGESTIONS, cutoff=0.6)
    near = dict.fromkeys([*(by_capitals[c] for c in close), *sorted(starts)])
    return Found(query, None, "none", tuple(near)[:MOST_SUGGESTIONS], meant)


def absence(found: Found, places: Mapping[str, Iterable[str]]) -> str:
    """Where a gene is absent: "It is in the data but not in the graph." Empty where it is in all.

    Args:
        found: a lookup; its symbol, else what it stands for, else the query is looked for.
        places: name of a place ("data", "graph", "model") → its genes.
    """
    names = {found.symbol} if found.symbol else {*found.known_as, found.query.strip()}
    inside = [place for place, genes in places.items() if names & set(map(str, genes))]
    outside = [place for place in places if place not in inside]
    if not outside:
        return ""
    if not inside:
        return f"It is absent from the {_listed(outside, 'and the')}."
    return f"It is in the {_listed(inside, 'and the')} but not in the {_listed(outside, 'or the')}."


def _listed(names: list[str], word: str) -> str:
    *first, last = names
    return f"{', the '.join(first)} {word} {last}" if first else last


def explain(found: Found) -> str:
    """The lookup as one sentence, plain text; empty for an exact match."""
    asked = found.query.strip()
    if found.how in ("exact", "case"):
        return ""
    if found.symbol:
        return f"{asked} is {found.symbol}."
    text = f"No gene is called '{asked}' here."
    if found.known_as:
        text = f"{asked} is {' or '.join(found.known_as)}, which is not here."
    if found.suggestions:
        text += f" Near: {', '.join(found.suggestions)}."
    return text
