"""`make fuzz`: a thousand damaged and hostile files against the door, counted.

    python -m tests.faults.fuzz_door [FILES]

A worker of its own reads them one after another, so that a crash is counted and not suffered.
"""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.door_fuzz import hostile, outcome

FILES = 1200
HANG_SECONDS = 60  # the door ends a reader after 30 s
RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "fuzz.md"
HEADING = "## The door"
OUTCOMES = ("refused", "accepted", "escaped", "crashed", "hung")


def work(first: int, last: int) -> None:
    """Read the files of these seeds; a line for each before and after."""
    logging.disable()
    for seed in range(first, last):
        print(f"begin {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="gvci-fuzz-") as folder:
            try:
                word = outcome(hostile(seed, Path(folder)))
            except Exception:  # noqa: BLE001
                word = "escaped"
                traceback.print_exc()
        print(f"end {word}", flush=True)


def run(files: int) -> tuple[Counter[str], list[str], float]:
    """Counts, the seeds that went wrong, and the seconds of the slowest file."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    slowest, seed = 0.0, 0
    while seed < files:
        command = [sys.executable, "-m", "tests.faults.fuzz_door", "--work", str(seed), str(files)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_copy, args=(worker.stdout, lines), daemon=True).start()
        began = time.monotonic()
        while seed < files:
            try:
                kind, _, word = lines.get(timeout=HANG_SECONDS).strip().partition(" ")
            except queue.Empty:
                kind, word = "end", "hung"
            if kind == "begin":
                began = time.monotonic()
                continue
            word = "crashed" if kind == "" else word
            slowest = max(slowest, time.monotonic() - began)
            counts[word] += 1
            if word not in ("refused", "accepted"):
                wrong.append(f"{seed} {word}")
            seed += 1
            if seed % 100 == 0:
                print(f"{seed} files: {_words(counts)}", flush=True)
            if word in ("crashed", "hung"):
                break
        worker.kill()
        worker.wait()
    return counts, wrong, slowest


def _copy(stream: object, lines: queue.Queue[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.put(line)
    lines.put("")  # the worker has ended


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in OUTCOMES)


def report(files: int, counts: Counter[str], slowest: float) -> str:
    """The section of fuzz.md."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    rows = "\n".join(f"| {name} | {counts[name]:,} |" for name in OUTCOMES)
    return (
        f"{HEADING}\n\n`make fuzz`, {day}: {files:,} files (flipped bytes, truncations, hostile "
        "structures of .h5ad; damaged 10x .h5, tables, Matrix Market triples and gzip), seeds 0 to "
        f"{files - 1:,}. Accepted files were checked, computed with and prepared.\n\n"
        f"| outcome | files |\n|---|---|\n{rows}\n\nSlowest file: {slowest:.1f} s.\n"
    )


def put(section: str) -> None:
    """Replace this section of fuzz.md; others stay."""
    text = RESULT.read_text(encoding="utf-8") if RESULT.exists() else "# Fuzz\n"
    head, _, rest = text.partition(HEADING)
    after = rest.partition("\n## ")[2]
    tail = f"\n## {after}" if after else ""
    RESULT.write_text(f"{head.rstrip()}\n\n{section}{tail}", encoding="utf-8")


def main(words: list[str]) -> int:
    """All files, the counts, and 1 where any went wrong."""
    if words[:1] == ["--work"]:
        work(int(words[1]), int(words[2]))
        return 0
    files = int(words[0]) if words else FILES
    counts, wrong, slowest = run(files)
    print(f"{files} files: {_words(counts)}; slowest {slowest:.1f} s")
    for seed in wrong:
        print(f"seed {seed}")
    if files >= 1000:
        put(report(files, counts, slowest))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
