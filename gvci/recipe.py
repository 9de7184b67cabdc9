"""How the cells of a shipped run are prepared again, where their file is at hand.

    RUN/recipe.json   {"prepare": [words after `gvci prepare`], "data_hash": …}

The first word names a dataset of the catalogue. Prepared cells lie in the user's gvci folder by
their hash, for all runs of them. Nothing is downloaded.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gvci.data.catalogue import find
from gvci.data.dataset import PerturbationData
from gvci.data.entries import CatalogueEntry
from gvci.data.files import HERE, availability
from gvci.errors import CatalogueError, DataError, FileError, listed
from gvci.home import gvci_home

RECIPE = "recipe.json"
PATIENCE = 1800.0  # seconds


@dataclass(frozen=True)
class Recipe:
    """Words of `gvci prepare`, and the fingerprint of what they give."""

    words: tuple[str, ...]
    data_hash: str

    @property
    def entries(self) -> list[CatalogueEntry]:
        """The catalogue's entries among the words, the dataset first."""
        found = [find(self.words[0], "dataset")]
        for word in self.words[1:]:
            with suppress(CatalogueError):
                found.append(find(word.partition(":")[0]))
        return found

    @property
    def missing(self) -> list[CatalogueEntry]:
        """Entries whose file would have to be downloaded."""
        return [entry for entry in self.entries if availability(entry) not in HERE]

    @property
    def how(self) -> str:
        """How to get the cells, in a sentence or two."""
        names = [entry.name for entry in self.missing] or [self.words[0]]
        files = [entry.file for entry in self.missing]
        commands = " and ".join(f"python -m gvci fetch {name}" for name in names)
        by_hand = f" Or set GVCI_DATA_DIR to a folder that has {listed(files)}." if files else ""
        return f"To get them: {commands}, then ask again.{by_hand}"

    @property
    def prepared(self) -> Path:
        """Where the prepared cells are, or will be."""
        return gvci_home() / "cells" / f"{self.data_hash}.h5ad"


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe of a run; None where it has none.

    Raises:
        FileError: damaged, or of a dataset that the catalogue does not have.
    """
    path = folder / RECIPE
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = Recipe(tuple(map(str, said["prepare"])), str(said["data_hash"]))
        if not re.fullmatch(r"[0-9a-f]{64}", found.data_hash) or not found.entries:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, CatalogueError):
        message = f"{path} is damaged, or names no dataset of the catalogue. Restore the file."
        raise FileError(message) from None
    return found


def cells_file(own: Path) -> Path:
    """The file of a run's own cells; where it is not there, that of its prepared cells.

    Raises:
        FileError: the recipe is damaged.
    """
    recipe = None if own.is_file() else read_recipe(own.parent)
    return own if recipe is None else recipe.prepared


def cells_at_hand(recipe: Recipe) -> PerturbationData | None:
    """The cells, prepared now where that was not done before; None where a file is missing.

    Raises:
        DataError: `prepare` refuses, or other cells came out.
    """
    if not recipe.prepared.is_file():
        if recipe.missing:
            return None
        _prepare(recipe)
    data = PerturbationData.read(recipe.prepared)
    if data.fingerprint != recipe.data_hash:
        recipe.prepared.unlink(missing_ok=True)
        message = (
            f"The cells that `prepare {recipe.words[0]}` gives here are not those that this model "
            "was trained on (their checksum differs), so it is shown by its summaries."
        )
        raise DataError(message)
    return data


def _prepare(recipe: Recipe) -> None:
    """The command line's own verb, in a process of its own: it needs room and other libraries."""
    recipe.prepared.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "gvci", "prepare", *recipe.words, "--out"]
    try:
        done = subprocess.run(
            [*command, str(recipe.prepared)],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        done = subprocess.CompletedProcess(command, 2, "", str(error))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        message = f"They could not be prepared: {last.removeprefix('gvci: ')}"
        raise DataError(message)
