"""What real cells say, for Home: the claims that `make story` wrote beside its figures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from gvci.registry import entries

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "story"
ORDER = ("edges", "response", "knockouts")


@dataclass(frozen=True)
class Claim:
    """One finding.

    Attributes:
        title: the question.
        claim: the answer with its numbers, plain text.
        page, query: where the dashboard shows it.
    """

    title: str
    claim: str
    page: str
    query: dict[str, str]


def claims() -> list[Claim]:
    """Those whose run can be opened here; none where the story was not made."""
    found, here = [], {entry.id for entry in entries()}
    for name in ORDER:
        try:
            kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
            query = dict(parse_qsl(kept["query"]))
            claim = Claim(str(kept["title"]), str(kept["claim"]), str(kept["page"]), query)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if query.get("run") in here:
            found.append(claim)
    return found
