"""Which files belong together, and what each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvci.data.door.kinds import REFUSED_ENDINGS, TYPES, Kind, beginning, ending, kind_of
from gvci.errors import FileError, listed

LABELS = ("label", "meta", "annot", "identit", "obs.")


@dataclass(frozen=True)
class Source:
    """A foreign file: where it is, and its name, by which it is told and spoken of."""

    path: Path
    name: str


def sources_at(path: Path) -> list[Source]:
    """A file, or the files of the Matrix Market triple in a folder.

    Raises:
        FileError: a folder without one.
    """
    if not path.is_dir():
        return [Source(path, path.name)]
    if ending(path.name) in REFUSED_ENDINGS:
        kind_of(path.name, b"")
    inside = [Source(file, file.name) for file in sorted(path.iterdir()) if file.is_file()]
    sources = [source for source in inside if role_of(source.name)]
    if not any(role_of(source.name) == "matrix" for source in sources):
        message = (
            f"{path.name} is a folder without a matrix.mtx, and cannot be opened as cells. "
            f"Read are {TYPES}."
        )
        raise FileError(message)
    return sources


def role_of(name: str) -> str | None:
    """What a file is beside others, by its name: a part of a triple, or labels."""
    low = name.lower()
    if low.endswith((".mtx", ".mtx.gz")):
        return "matrix"
    if not low.endswith((".tsv", ".tsv.gz", ".txt", ".txt.gz", ".csv", ".csv.gz")):
        return None
    if any(word in low for word in LABELS):
        return "labels"
    if "barcode" in low or "cell" in low:
        return "barcodes"
    return "features" if "feature" in low or "gene" in low else None


def plan_of(sources: Sequence[Source], labels: Source | None) -> dict[str, Any]:
    """What the child is asked to do.

    Raises:
        FileError: of kinds that are not read, or that do not belong together.
    """
    kinds = {s: _kind(s) for s in (*sources, *([labels] if labels else []))}
    if labels is None and len(sources) > 1:
        labels = next((s for s in sources if role_of(s.name) == "labels"), None)
    sources = [source for source in sources if source != labels]
    form = kinds[sources[0]][0] if len(sources) == 1 else "mtx"
    files = _triple(sources) if form == "mtx" else {"cells": sources[0]}
    if labels is not None:
        if kinds[labels][0] != "table":
            message = f"{labels.name} is no table of labels. Give them as .csv or .tsv."
            raise FileError(message)
        files["labels"] = labels
    return {
        "format": form,
        "name": next(iter(files.values())).name,
        "files": {
            role: {"path": str(s.path.absolute()), "name": s.name, "gzipped": kinds[s][1]}
            for role, s in files.items()
        },
    }


def _kind(source: Source) -> tuple[Kind, bool]:
    try:
        if source.path.exists() and not source.path.is_file():
            message = f"{source.name} cannot be opened: it is no file."
            raise FileError(message)
        head, gzipped = beginning(source.path)
    except FileNotFoundError:
        message = (
            f"There is no file {source.path}. Give the path of an .h5ad file or a catalogue name."
        )
        raise FileError(message) from None
    except OSError as error:
        message = f"{source.name} cannot be opened: {error.strerror}."
        raise FileError(message) from None
    return kind_of(source.name, head), gzipped


def _triple(sources: Sequence[Source]) -> dict[str, Source]:
    roles: dict[str, list[Source]] = {"matrix": [], "barcodes": [], "features": []}
    for source in sources:
        roles.setdefault(role_of(source.name) or "other", []).append(source)
    if len(roles) > 3 or any(len(files) != 1 for files in roles.values()):
        message = (
            f"{listed(source.name for source in sources)}: give either one file, or the three of "
            "a Matrix Market matrix together (matrix.mtx, barcodes.tsv, features.tsv or "
            "genes.tsv); labels.csv may come with them."
        )
        raise FileError(message)
    return {role: files[0] for role, files in roles.items()}
