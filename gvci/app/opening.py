"""A run is opened whole, once per version on disk."""

from __future__ import annotations

from pathlib import Path

from gvci.counterfactual.summarised import summaries
from gvci.recipe import read_recipe
from gvci.run import Run


def whole_run(folder: Path) -> Run:
    """The run of a folder; every part is read, so that damage shows here and not in a page.

    Raises:
        GvciError: a part of it is missing or damaged.
    """
    run = Run.open(folder)
    _ = run.card, run.grn, run.scores
    _ = run.data.expression if run.cells_here else summaries(run)
    return run


def version_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of each file of a run, and of its cells where they were prepared.

    Raises:
        FileError: the recipe is damaged.
    """
    files = sorted(file for part in ("*", "grn/*", "summaries/*") for file in folder.glob(part))
    recipe = read_recipe(folder)
    files += [] if recipe is None else [recipe.prepared]
    found = [(str(file), file.stat()) for file in files if file.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)
