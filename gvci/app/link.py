"""The choices of a page that live in its link: most through `bind="query-params"` on a widget,
lists and keys here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from gvci.app.text import literal

NOTE_SECONDS = 8
NOWHERE = "http://localhost:8501/"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
T = TypeVar("T")


class Query(Protocol):
    """The parameters of a link, each once or repeated."""

    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> str: ...
    def __setitem__(self, name: str, value: Any, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def get(self, key: str, /) -> str | None:
        """The parameter, its last value where it is repeated."""
        ...

    def __iter__(self) -> Iterator[str]: ...
    def get_all(self, key: str, /) -> list[str]:
        """All its values."""
        ...


class Link:
    """The link of the page that a viewer is on, and what the visit remembers of it.

    Attributes:
        query: parameters of the link.
        visit: what is kept from one run of the page to the next, by widget key and other names.
        warn: shows a sentence, Markdown.
    """

    def __init__(
        self, query: Query, visit: MutableMapping[Any, Any], warn: Callable[[str], object]
    ) -> None:
        """Both mappings are written to."""
        self.query, self.visit, self.warn = query, visit, warn

    def get(self, name: str) -> str | None:
        """A parameter; None where there is none."""
        return self.query.get(name)

    def put(self, name: str, value: str | None) -> None:
        """Write a parameter, or take it out."""
        if value is None:
            if name in self.query:
                del self.query[name]
        elif self.get(name) != value:
            self.query[name] = value

    # --- lists -------------------------------------------------------------------------

    def linked_list(
        self,
        name: str,
        default: Sequence[str],
        resolve: Callable[[str], str | None],
        *,
        stays: bool = False,
    ) -> list[str]:
        """A list that lives in `?name=`, comma-joined or repeated, under the widget key `name`.

        Call before the widget; then `publish(name, value)` after it. Values that `resolve` cannot
        place are returned, so that the page can say why. One that stays is still there when the
        viewer comes back to the page by a link that says nothing of it.
        """
        raw = tuple(self.query.get_all(name)) if name in self.query else None
        if name in self.visit and (
            raw == self.visit.get(f"_url_{name}") or (stays and raw is None)
        ):
            return self.lately(name, None) or []
        self.visit[f"_url_{name}"] = raw
        if raw is None:
            self.visit[name] = list(default)
            return self.lately(name, None) or []
        words = [
            word
            for value in raw
            for word in ([value] if resolve(value) is not None else value.split(","))
        ]
        resolved = {word.strip(): resolve(word.strip()) for word in words if word.strip()}
        good = list(dict.fromkeys(symbol for symbol in resolved.values() if symbol is not None))
        self.visit[name] = good if good or not resolved else list(default)
        return self.lately(name, [w for w, symbol in resolved.items() if symbol is None]) or []

    def publish(self, name: str, value: Sequence[str], default: Sequence[str]) -> None:
        """Write a linked list to the link; the default leaves no trace there."""
        if list(value) == list(default):
            self.visit[f"_url_{name}"] = None
            self.put(name, None)
            return
        # One parameter is safer than several of a name, unless a value has a comma of its own.
        own_commas = any("," in word for word in value)
        written = tuple(value) if own_commas else (",".join(value),)
        if tuple(self.query.get_all(name)) != written:
            self.query[name] = list(written) if len(written) > 1 else written[0]
        self.visit[f"_url_{name}"] = written

    def keep_known(self, name: str, options: Sequence[str], default: Sequence[str]) -> None:
        """Before a widget with other options than last time: drop what is no longer among them."""
        mine = [value for value in self.visit[name] if value in set(options)]
        if mine != self.visit[name]:
            self.visit[name] = mine or list(default)

    def follow(self, name: str, default: Sequence[str]) -> None:
        """A linked list whose default moves: an untouched list moves along."""
        if self.visit[name] == self.visit.get(f"_default_{name}"):
            self.visit[name] = list(default)
        self.visit[f"_default_{name}"] = list(default)

    # --- what was wrong ----------------------------------------------------------------

    def unknown_in_url(self, name: str, options: Sequence[str], label: str) -> None:
        """Say it when a bound parameter is not among the options and so is ignored."""
        asked = self.get(name)
        asked = self.lately(name, asked if asked is not None and asked not in options else None)
        if asked:
            shown = ", ".join(literal(option) for option in list(options)[:8])
            self.warn(
                f"{label} '{literal(asked, 80)}' of the link is not known here. Known: {shown}."
            )

    def lately(self, name: str, found: T | None) -> T | None:
        """What was found wrong in the link, now or seconds ago.

        The link is put right at once, and the browser may start the page once more by itself: the
        note must outlive that.
        """
        now = time.monotonic()
        if found:
            self.visit[f"_wrong_{name}"] = (found, now)
            return found
        kept, at = self.visit.get(f"_wrong_{name}", (None, now))
        return kept if now - at < NOTE_SECONDS else None

    def warn_lately(self, name: str, words: str | None) -> None:
        """Show what was wrong, now or seconds ago."""
        words = self.lately(name, words)
        if words:
            self.warn(words)

    def forget_note(self, name: str) -> None:
        """What was wrong in the link has been put right."""
        self.visit.pop(f"_wrong_{name}", None)

    # --- to send -----------------------------------------------------------------------

    def address(self, base: str | None, run: str) -> str:
        """The page at `base` with every choice, of this run."""
        pairs = [(k, v) for k in self.query for v in self.query.get_all(k) if k != "run"]
        return f"{(base or NOWHERE).split('?')[0]}?{urlencode([('run', run), *pairs])}"


def who_can_open(address: str) -> str:
    """What a link to this address is good for."""
    if urlsplit(address).hostname in LOOPBACK:
        return (
            "This address works on this computer only, so it helps nobody else: send the exported "
            "files, or serve a room with `make run HOST=0.0.0.0`."
        )
    return "Whoever opens it sees this page with the same choices."
