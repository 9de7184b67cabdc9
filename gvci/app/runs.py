"""Which run a page is about: the link's, else the one chosen before, else the shipped demo."""

from __future__ import annotations

from contextlib import suppress

from gvci.app.link import Link
from gvci.app.text import literal
from gvci.app.visitor import WORKSPACE
from gvci.errors import CatalogueError
from gvci.registry import Entry, entries, find_entry
from gvci.workspaces import own_entries


def openable(link: Link) -> dict[str, Entry]:
    """All that this visitor may open, by id: the demo first.

    One that is not listed opens for whoever has its id from a link, and stays for the visit.

    Raises:
        CatalogueError: there is none at all.
    """
    known = [*entries(), *own_entries(link.visit.get(WORKSPACE))]
    if not known:
        message = (
            "There is no run to open: the shipped demo is missing. Restore the folder "
            "pretrained/demo, or make a run: python -m gvci train DATA --grn GRN --out RUN."
        )
        raise CatalogueError(message)
    by_id = {entry.id: entry for entry in known}
    for known_id in {link.get("run"), link.visit.get("_run")} - {None, *by_id}:
        with suppress(CatalogueError):
            by_id[str(known_id)] = find_entry(str(known_id))
    return by_id


def chosen(link: Link, by_id: dict[str, Entry]) -> str:
    """The id of the run that the page is about; said where the link asks for none of these."""
    first = next(iter(by_id))
    asked, wrong = link.get("run"), None
    if asked is not None and asked not in by_id:
        try:
            find_entry(asked)
        except CatalogueError as error:
            wrong = f"{literal(str(error))} Showing {literal(by_id[first].title)} instead."
        asked = None
    link.warn_lately("run", wrong)
    current = asked or link.visit.get("_run")
    current = current if current in by_id else first
    link.visit["_run"] = current
    link.put("run", None if current == first else current)
    return current
