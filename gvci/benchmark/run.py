"""Run a benchmark: what is not finished, then the tables of all that is.

OUT/ table.md, tidy.parquet     the report and every score; curve.csv of figure 6a
     log.jsonl                  which part was started, done or failed when
     parts/                     a file per finished part; delete one to run it again
     cells/, unfinished/        prepared cells; trainings that were stopped
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gvci.atomic import replacing
from gvci.benchmark.engines import ENGINES, EngineName
from gvci.benchmark.epochs import curve
from gvci.benchmark.parts import CELLS, PARTS, UNFINISHED, Part, Result, parts
from gvci.benchmark.report import report
from gvci.benchmark.spec import Spec
from gvci.benchmark.tidy import described, tidy, write_table
from gvci.benchmark.words import labelled, minutes
from gvci.errors import DataError, FileError
from gvci.spreadsheet import csv_text

TABLE, TIDY, CURVE = "table.md", "tidy.parquet", "curve.csv"
Answer = dict[str, Any]


@dataclass
class _Clock:
    """Tells how far the run is, and when it may be done."""

    all: int
    jobs: int
    done: list[Result]

    def line(self, part: Part, result: Result, left: Sequence[Part]) -> str:
        """One line after a part."""
        how = f"failed: {result['failure']}" if result["failure"] else "done"
        seconds = remaining(left, self.done)
        ahead = "" if seconds is None else f", about {minutes(seconds / self.jobs)} to go"
        taken = minutes(result["seconds"])
        return f"[{self.all - len(left)}/{self.all}] {part.name}: {how} in {taken}{ahead}"


def run_benchmark(
    file: Path,
    out: Path,
    engine: EngineName = "local",
    jobs: int = 2,
    say: Callable[[str], None] = print,
    command: str = "",
) -> Answer:
    """Run every part that is not finished, and write the tables.

    Args:
        file: the spec, TOML.
        out: the benchmark's folder; the same folder goes on where it stopped.
        engine: processes of this machine, or Ray.
        jobs: parts at a time; on a Ray cluster the cluster decides.
        say: gets a line after each part.
        command: for the report.

    Returns:
        {"table", "tidy": files, "parts", "ran", "failed": numbers, "missing": dataset → what it
        lacks, "verdicts", "scores": dataset → row → score → mean and sd over seeds}.

    Raises:
        SettingsError: the spec is not usable, or Ray is not there.
        DataError: no part could be run; says why.
    """
    started = time.perf_counter()
    spec, out = Spec.read(file), out.resolve()
    asked, missing = parts(spec)
    if not asked:
        message = f"Nothing of {file.name} can be run. {' '.join(missing.values())}"
        raise DataError(message)
    for folder in (PARTS, UNFINISHED, CELLS):
        _make(out / folder)
    known = {part: part.finished(out) for part in asked}
    left = [part for part, result in known.items() if result is None or result["failure"]]
    for name, sentence in missing.items():
        say(f"{name} is left out: {sentence}")
    say(f"{len(asked)} parts, of which {len(asked) - len(left)} are finished.")
    clock = _Clock(
        len(asked), jobs, [r for p, r in known.items() if r is not None and p not in left]
    )
    ran = len(left)
    for part, result in ENGINES[engine](tuple(left), out, jobs) if left else ():
        known[part] = result
        left.remove(part)
        clock.done.append(result)
        say(clock.line(part, result, left))
    results = [result for result in known.values() if result is not None]
    return {
        **_written(spec, results, missing, out, command, time.perf_counter() - started),
        "parts": len(asked),
        "ran": ran,
    }


def _written(
    spec: Spec, results: list[Result], missing: dict[str, str], out: Path, command: str,
    seconds: float,
) -> Answer:  # fmt: skip
    """Tables of all results; refused where every part failed."""
    failed = [result for result in results if result["failure"]]
    table = tidy(results)
    table.attrs = dict(described(spec, command).items())
    write_table(table, out / TIDY)
    if spec.kind == "fig6a":
        with replacing(out / CURVE) as half:
            half.write_text(csv_text(curve(labelled(table))), encoding="utf-8")
    made = report(spec, table, results, missing, command, seconds)
    with replacing(out / TABLE) as half:
        half.write_text(made.text, encoding="utf-8")
    if len(failed) == len(results):
        message = f"Every part failed, the first with: {failed[0]['failure']} See {out / TABLE}."
        raise DataError(message)
    return {
        "table": str(out / TABLE), "tidy": str(out / TIDY), "failed": len(failed),
        "missing": missing, "verdicts": made.verdicts, "scores": made.scores,
    }  # fmt: skip


def remaining(left: Sequence[Part], done: Sequence[Result]) -> float | None:
    """Seconds of work until all parts are done, by the mean of finished parts most like each."""
    if not done:
        return None
    total = 0.0
    for part in left:
        of_model = [r for r in done if r["model"] == part.title]
        alike = [r for r in of_model if r["dataset"] == part.problem.dataset.name]
        total += float(np.mean([r["seconds"] for r in alike or of_model or done]))
    return total


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The benchmark cannot be written to {folder}: {error.strerror or error}."
        raise FileError(message) from None
