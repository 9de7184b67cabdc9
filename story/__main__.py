"""python -m story [edges] [response] [knockouts]: make docs/story.md and its figures again.

Takes the shipped runs, or others by --kang and --papalexi. They need their cells: set
GVCI_DATA_DIR, or fetch kang2018-ifnb and papalexi2021-eccite first. Parts that are not named stay
as they were.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gvci.config import RefineSettings
from gvci.data.catalogue import load_network
from gvci.errors import GvciError
from gvci.registry import SHIPPED
from gvci.run import Run
from gvci.training.loop import refine
from story import edges, knockouts, response
from story.part import FOLDER, ROOT, Part

KANG, PAPALEXI, PRIOR = "kang2018-ifnb", "papalexi2021-eccite", "dorothea"
HEAD = """# The STAT1/IRF1 story

Interferons switch on hundreds of genes, most of them through STAT1 and IRF1. Two real data sets
say what gvci makes of that: **Kang 2018**, 2,708 blood cells with and without IFN-β, and **Papalexi
2021**, 20,729 THP-1 cells under IFN-γ in which 25 genes were knocked out. Every number and figure
below was made by `make story`; where a simple rival is as good, the text says so.
"""
PARTS = ("edges", "response", "knockouts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the parts and the page."""
    parser = argparse.ArgumentParser(prog="python -m story", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--kang", type=Path, default=SHIPPED / KANG)
    parser.add_argument("--papalexi", type=Path, default=SHIPPED / PAPALEXI)
    given = parser.parse_args(arguments)
    make: dict[str, Callable[[], Part]] = {
        "edges": lambda: _edges(Run.open(given.kang)),
        "response": lambda: response.part(Run.open(given.kang)),
        "knockouts": lambda: knockouts.part(Run.open(given.papalexi)),
    }
    try:
        for name in given.parts or PARTS:
            print(f"{name} …", file=sys.stderr)
            make[name]().save(name)
    except GvciError as error:
        print(f"story: {error}", file=sys.stderr)
        return 2
    (ROOT / "docs" / "story.md").write_text(page(), encoding="utf-8")
    return 0


def _edges(run: Run) -> Part:
    """The shipped network holds no more of its prior than it shows, so it is refined again."""
    network = refine(run.data, load_network(PRIOR), RefineSettings.preset("standard"))
    return edges.part(run, network)


def page() -> str:
    """The parts that are there, in their order."""
    text = [HEAD]
    for name in PARTS:
        file = FOLDER / f"{name}.json"
        if file.is_file():
            kept = json.loads(file.read_text(encoding="utf-8"))
            text.append(f"## {kept['title']}\n\n**{kept['claim']}**\n\n{kept['body']}\n")
    return "\n".join(text)


if __name__ == "__main__":
    raise SystemExit(main())
