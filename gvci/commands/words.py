"""What the verbs share: words of the command line, and the last line."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from gvci.errors import GRNError


def network(word: str) -> Any:
    """A refined network's directory, else a plain edge list by file or catalogue name."""
    from gvci.data.catalogue import load_network
    from gvci.refiner.result import NOTES, RefinedGRN
    from gvci.run import GRN_FOLDER, MODEL

    folder = Path(word)
    if not folder.is_dir():
        return load_network(word)
    if (folder / MODEL).is_file() and not (folder / GRN_FOLDER / NOTES).is_file():
        message = f"The model in {folder} was trained without a refined network. Name a network."
        raise GRNError(message)
    return RefinedGRN.load(grn_folder(folder))


def grn_folder(folder: Path) -> Path:
    """Where a run keeps its network; a network's own folder stays as it is."""
    from gvci.run import GRN_FOLDER

    inner = folder / GRN_FOLDER
    return inner if inner.is_dir() else folder


def conditions(words: Sequence[str]) -> dict[str, str]:
    """'column=value' words, several of them also in one word joined by commas."""
    from gvci.data.split import parse_word

    return {column: value for word in words for column, value in parse_word(word).items()}


def tally(labels: Iterable[str]) -> str:
    """How often each label occurs: "471 held out, 12 seen"."""
    counts = Counter(labels).most_common()
    return ", ".join(f"{count:,} {label.replace('_', ' ')}" for label, count in counts)


def register_result(given: Namespace, kind: Literal["run", "grn"], title: str) -> None:
    """Leave a note for the pages, and say where they show the result."""
    from gvci.jobs.state import belongs_to_all
    from gvci.registry import register

    entry = register(given.out, kind, title, not given.job or belongs_to_all(given.job))
    if entry is None:
        print(f"Wrote {given.out}. The list of runs could not be updated: pages do not show it.")
        return
    page = f"counterfactual?run={entry}"
    if kind == "grn":
        page = f"network?run={entry}&tfs=STAT1,IRF1"
    print(f"Wrote {given.out}. In the dashboard: http://127.0.0.1:8501/{page}")
