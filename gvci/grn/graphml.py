"""GraphML, as Cytoscape, igraph and NetworkX write it, read piece by piece.

No document type is taken: entities declared there are how XML is made to explode.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from gvci.grn.edges import WEIGHT_NAMES, require_few
from gvci.grn.text import BLOCK, scan

NAME_KEYS = ("name", "label", "gene", "symbol", "shared name")
DEEPEST = 32


def read_graphml(path: Path, title: str) -> pd.DataFrame:
    """Edges of a directed graph; nodes go by their name or label where they have one.

    Raises:
        GRNError: more edges than are taken.
        OSError, ValueError, EOFError, zlib.error: unreadable, undirected, or nested too deep.
    """
    keys: dict[str, str] = {}
    names: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for element in _elements(path):
        kind = _kind(element)
        if kind == "key":
            keys[element.get("id", "")] = element.get("attr.name", element.get("id", "")).lower()
        elif kind == "node":
            data = _data(element, keys)
            node = element.get("id", "")
            names[node] = next((data[key] for key in NAME_KEYS if data.get(key)), node)
        elif kind == "edge":
            ends = {end: element.get(end, "") for end in ("source", "target")}
            rows.append(_data(element, keys) | ends)
            require_few(len(rows), title)
    table = pd.DataFrame(rows, columns=None if rows else ["source", "target"])
    for end in ("source", "target"):
        table[end] = [names.get(node, node) for node in table[end]]
    weight = next((name for name in WEIGHT_NAMES if name in table), None)
    return table[["source", "target", *([weight] if weight else [])]]


def _elements(path: Path) -> Iterator[ET.Element]:
    """Each key, node and edge once it is closed; the tree behind it is forgotten."""
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start", "end"))
    open_, tail = [ET.Element("document")], ""
    try:
        with scan(path).open() as text:
            while block := text.read(BLOCK):
                if "<!DOCTYPE" in tail + block or "<!ENTITY" in tail + block:
                    message = "it declares a document type or entities, which GraphML needs not"
                    raise ValueError(message)
                tail = block[-16:]
                parser.feed(block)
                events: Any = parser.read_events()
                for event, element in events:
                    if event == "start":
                        open_.append(element)
                        _require_plain(element, len(open_))
                        continue
                    open_.pop()
                    if _kind(element) in ("key", "node", "edge"):
                        yield element
                        element.clear()
                        # A graph holds all its edges unless each is let go of.
                        if len(open_) > 1:
                            open_[-1].remove(element)
        parser.close()
    except ET.ParseError as error:
        message = f"the XML is broken ({error})"
        raise ValueError(message) from None


def _require_plain(element: ET.Element, depth: int) -> None:
    if depth > DEEPEST:
        message = f"its elements are nested more than {DEEPEST} deep"
        raise ValueError(message)
    if _kind(element) == "graph" and element.get("edgedefault") == "undirected":
        message = "its graph is undirected, and regulation has a direction"
        raise ValueError(message)


def _kind(element: ET.Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _data(element: ET.Element, keys: dict[str, str]) -> dict[str, str]:
    """Attributes of a node or an edge by their names."""
    return {
        keys.get(child.get("key", ""), child.get("key", "")): (child.text or "").strip()
        for child in element
        if _kind(child) == "data"
    }
