"""One case of a benchmark in a process of its own, and what that process took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EVERY_SECONDS = 0.02
KIB_PER_GIB = 2**20


def apart(module: str, *words: str, threads: int = 1, quiet: bool = False) -> dict[str, Any]:
    """`python -m MODULE --case WORDS` on so many threads; the object in its last line."""
    command = [sys.executable, "-m", module, "--case", *words]
    given = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **given, "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if not quiet:
        numbers = (f"{k} {v:.3g}" for k, v in answer.items() if isinstance(v, int | float))
        print(f"{' '.join(words):>28}  {'  '.join(numbers)}", flush=True)
    return answer


def memory() -> dict[str, float]:
    """GiB of this process: `anon` is its own, `file` are pages of files that it has mapped."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"anon": "RssAnon", "file": "RssFile", "peak": "VmHWM"}
    return {name: int(lines[row].split()[0]) / KIB_PER_GIB for name, row in names.items()}


def processor() -> float:
    """Seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


class Watch:
    """What a piece of work takes: seconds of the clock and the processor, memory at its most.

    Anonymous memory is looked at 50 times a second.
    """

    def __enter__(self) -> Watch:
        self.anon = self.file = 0.0
        self._ended = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()
        self._started = time.perf_counter(), processor()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started[0]
        self.processor = processor() - self._started[1]
        self._ended.set()
        self._thread.join()
        self._look()

    def _look(self) -> None:
        now = memory()
        self.anon, self.file = max(self.anon, now["anon"]), max(self.file, now["file"])

    def _look_on(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._look()


def watched(name: str, work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Do it; `NAME_s` of the processor, `NAME_clock_s`, `NAME_anon` in GiB, and what it gave."""
    with Watch() as watch:
        answer = work()
    took = {f"{name}_s": watch.processor, f"{name}_clock_s": watch.seconds}
    return {**took, f"{name}_anon": watch.anon}, answer
