"""What outside target sets say of an edge: recorded, no record, or its regulator is not in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gvci.app.text import literal
from gvci.data.entries import ENTRIES
from gvci.grn import GRN

# Editions of one database count as one; the joined table adds what the three do not have.
DATABASES = {
    "chea2015": "ChEA",
    "chea2016": "ChEA",
    "chea2022": "ChEA",
    "collectri": "CollecTRI",
    "collectri-online": "CollecTRI",
    "trrust": "TRRUST",
    "trrust-online": "TRRUST",
}
JOINED, CURATED, TRUTH = "stat1-irf1", "stat1-irf1-curated", "demo-truth"
FURTHER = {"ENCODE": "ENCODE", "ReMap": "ReMap", "TF_perturbation": "TF knock-outs"}
NONE_HERE = (
    "No target set is on this machine, so nothing outside speaks for or against this edge. The "
    "page Data says how to get ChEA, CollecTRI and TRRUST."
)
Says = Literal["recorded", "no record", "regulator not in it"]


@dataclass(frozen=True)
class Record:
    """What one database says."""

    database: str
    says: Says

    @property
    def badge(self) -> str:
        """As a Markdown badge: blue with a tick where it is recorded, else grey and in words."""
        name = literal(self.database, 60)
        if self.says == "recorded":
            return f":blue-badge[:material/check: {name}]"
        return f":gray-badge[{name}: {self.says}]"


def records(
    names: Sequence[str], truth_of: Callable[[str], GRN | None], source: str, target: str
) -> list[Record]:
    """What each database among the target sets `names` says about an edge, each database once."""
    said: dict[str, Says] = {}
    for name in names:
        # The curated table is a part of the joined one.
        truth = None if name == CURATED else truth_of(name)
        if truth is None:
            continue
        edges = truth.edges
        mine = edges[edges["source"] == source]
        found = mine[mine["target"] == target]
        if name == JOINED:
            said |= _joined(found, not mine.empty, said)
            continue
        database = DATABASES.get(name) or _title(name)
        says: Says = (
            "recorded" if len(found) else "no record" if len(mine) else "regulator not in it"
        )
        if _rank(says) < _rank(said.get(database)):
            said[database] = says
    return [Record(database, says) for database, says in said.items()]


def _joined(found: Any, known: bool, said: dict[str, Says]) -> dict[str, Says]:
    """Databases of the joined table: its own three only where they are not here as files."""
    if not known:
        return {}
    inside = str(found["sources"].iloc[0]) if len(found) else ""
    wanted = {"ChEA": "ChEA", "CollecTRI": "CollecTRI", "TRRUST": "TRRUST"} | FURTHER
    return {
        title: "recorded" if word in inside else "no record"
        for word, title in wanted.items()
        if title not in said
    }


def _rank(says: Says | None) -> int:
    return ("recorded", "no record", "regulator not in it", None).index(says)


def _title(name: str) -> str:
    if name == TRUTH:
        return "Simulation's truth"
    return next(entry.title for entry in ENTRIES if entry.name == name)
