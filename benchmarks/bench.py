"""Speed and scale as one command: every part in a process of its own, then the tables.

    python -m benchmarks.bench [WORD ...] [--list] [--report] [--again]        (or: make bench)

Runs the parts that results/bench.json lacks, those whose names begin with a word where some are
given, and writes the tables and curves into README.md. It goes on where it was stopped. Parts and
about how many minutes each takes on a quiet machine: --list.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks import bench_report, growth, scale
from benchmarks.parts import write
from benchmarks.process import ROOT, apart

FILE = ROOT / "benchmarks/results/bench.json"
MODELS = ("dot", "att", "standard")
MINUTES_EACH = {"cells": 7e-6, "genes": 1e-4}


class Part(NamedTuple):
    """One process that measures something; `words` follow its --case."""

    name: str
    module: str
    words: tuple[str, ...]
    threads: int = 1
    minutes: float = 0.5

    @property
    def key(self) -> list[Any]:
        """What was measured; a part with another one is measured again."""
        return [self.module, *self.words, self.threads]


def compared(problem: str) -> list[Part]:
    """Ours and the literal form, on the demo or at the paper's size."""
    genes = "demo" if problem == "demo" else "2013"
    long = 1 if problem == "demo" else 3
    parts = []
    for model in MODELS:
        for what in ("step", "evaluate", "predict"):
            for form in ("ours", "literal"):
                name = f"{problem}/{what} {model}/{form}"
                minutes = 0.3 if form == "ours" else 0.3 * long
                words = (what, model, form, problem)
                parts.append(Part(name, "benchmarks.model", words, 1, minutes))
    refiner, estimator = "benchmarks.refiner", "benchmarks.estimator"
    parts += [
        Part(f"{problem}/refiner paper/ours", refiner, ("paper", genes)),
        Part(f"{problem}/refiner paper/literal", refiner, ("dense", genes)),
        Part(f"{problem}/refiner regression/ours", refiner, ("regression", genes)),
        Part(f"{problem}/refiner regression/literal", refiner, ("literal regression", genes)),
        Part(f"{problem}/refiner standard/ours", refiner, ("standard", genes)),
        Part(f"{problem}/estimator/ours", estimator, ("cell", problem), 1, 0.4 * long),
        Part(f"{problem}/estimator/literal", estimator, ("literal", problem), 1, 0.4 * long),
    ]
    return parts


def threaded() -> list[Part]:
    """Ours at the paper's size on two threads."""
    parts = []
    for model in MODELS:
        for what in ("step", "evaluate", "predict"):
            words = (what, model, "ours", "paper", "2")
            parts.append(Part(f"threads/{what} {model}", "benchmarks.model", words, 2, 0.3))
    for kind in ("paper", "regression", "standard"):
        words = (kind, "2013", "2")
        parts.append(Part(f"threads/refiner {kind}", "benchmarks.refiner", words, 2, 0.5))
    return [*parts, Part("threads/estimator", "benchmarks.estimator", ("cell", "paper"), 2, 0.8)]


def parts() -> list[Part]:
    """All of them, short ones first."""
    found = [*compared("demo"), *compared("paper"), *threaded()]
    found.append(Part("scores", "benchmarks.scores", ("all",), 1, 3))
    found.append(Part("20k/refiner paper", "benchmarks.refiner", ("paper", "20000"), 1, 3))
    for axis, values in growth.AXES.items():
        for value in values:
            minutes = 0.5 + MINUTES_EACH.get(axis, 0.0) * value
            words = ("point", axis, str(value))
            found.append(Part(f"growth/{axis}/{value}", "benchmarks.growth", words, 1, minutes))
    for what, size in scale.SIZES.items():
        words = (what, *map(str, size))
        found.append(Part(f"scale/{what}", "benchmarks.scale", words, 1, 5))
    return found


def known() -> dict[str, dict[str, Any]]:
    """Name → what was found, with its key and day."""
    try:
        kept: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


def run(part: Part) -> None:
    """Measure a part and keep it."""
    start = time.perf_counter()
    found = apart(part.module, *part.words, threads=part.threads)
    minutes = round((time.perf_counter() - start) / 60, 1)
    kept = known()
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    kept[part.name] = {"key": part.key, "day": day, "minutes": minutes, "found": found}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write(FILE, json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def main() -> int:
    """Run, list or report."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    words.add_argument("names", nargs="*", metavar="WORD", help="beginnings of names of parts")
    words.add_argument("--list", action="store_true", help="the parts, and which are finished")
    words.add_argument("--report", action="store_true", help="write the tables, measure nothing")
    words.add_argument("--again", action="store_true", help="measure finished parts again")
    given = words.parse_args()
    asked = [p for p in parts() if not given.names or p.name.startswith(tuple(given.names))]
    kept = known()
    done = {p.name for p in asked if kept.get(p.name, {}).get("key") == p.key}
    if given.list:
        for part in asked:
            state = kept[part.name]["day"] if part.name in done else "not yet"
            print(f"{part.name:<40} {part.minutes:5.1f} min  {state}")
        left = sum(p.minutes for p in asked if p.name not in done)
        print(f"{len(asked) - len(done)} of {len(asked)} parts to run, about {left:.0f} minutes.")
        return 0
    failed = []
    for part in asked if not given.report else ():
        if part.name in done and not given.again:
            continue
        print(f"{part.name} (about {part.minutes:g} min)", flush=True)
        try:
            run(part)
        except (subprocess.CalledProcessError, ValueError, IndexError) as error:
            failed.append(part.name)
            print(f"{part.name} failed: {error}", file=sys.stderr)
    bench_report.publish(known())
    if failed:
        print(f"{len(failed)} parts failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
