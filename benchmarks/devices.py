"""What a training step takes in 1 and in 2 processes, on random cells of the paper's size.

    python -m benchmarks.devices [--json]

On the CPU with gloo. Both processes are there from the start, with the same task; the ways take
turns, and the second process sleeps while the first goes alone: with one thread, and as a rival
with the same cores with two. Seconds are of the clock, for a process that waits uses no processor,
and the fastest tenth of the steps counts, which other work on the machine disturbs least.
`exchanged` is the share of a step in which the first process sums something over both, waiting for
the other included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from gvci.devices import Devices
    from gvci.training.task import GraphVCITask

ROOT = Path(__file__).resolve().parents[1]
PRESETS, BATCHES = ("standard", "paper"), (64, 512)
ROUNDS, STEPS = 4, 10
ALONE, THREADS, TOGETHER = "1 process", "1 process, 2 threads", "2 processes"
Step = tuple[float, float]  # seconds, of which exchanging


def case(preset: str, batches: list[int]) -> None:
    """Measure one preset; the first process prints a line for each batch size and way."""
    from benchmarks.paper_size import cells
    from gvci import TrainSettings
    from gvci.devices import ALONE as ONE
    from gvci.launch import launched
    from gvci.training.task import GraphVCITask

    with launched(2, 1) as devices:
        data, grn = cells()
        task = GraphVCITask(data, grn, TrainSettings.preset(preset), devices=devices)
        exchanges = watched(devices)
        for batch in batches:
            found: dict[str, list[Step]] = {ALONE: [], THREADS: [], TOGETHER: []}
            task._rows = partial(drawn, task, batch)  # type: ignore[method-assign]
            for _ in range(ROUNDS):
                task.devices = ONE
                for name, threads in ((ALONE, 1), (THREADS, 2)):
                    found[name] += devices.first(partial(steps, task, threads, exchanges))
                task.devices = devices
                found[TOGETHER] += steps(task, 1, exchanges)
            if devices.rank == 0:
                print(json.dumps({"batch": batch} | {k: fastest(v) for k, v in found.items()}))
        devices.end()


def drawn(task: GraphVCITask, batch: int) -> Any:
    """So many training cells, the same for all processes."""
    import numpy as np

    rng = np.random.default_rng(task.steps)
    return rng.choice(task.matcher.train, batch, replace=False)


def steps(task: GraphVCITask, threads: int, exchanges: list[float]) -> list[Step]:
    """Seconds of each step after the first two."""
    import torch

    torch.set_num_threads(threads)
    taken = []
    task.steps = 0
    for _ in range(2 + STEPS):
        exchanges.clear()
        start = time.perf_counter()
        task.step()
        taken.append((time.perf_counter() - start, sum(exchanges)))
    return taken[2:]


def fastest(taken: list[Step]) -> Step:
    """Means of the fastest tenth."""
    some = sorted(taken)[: max(1, len(taken) // 10)]
    return statistics.mean(s for s, _ in some), statistics.mean(e for _, e in some)


def watched(devices: Devices) -> list[float]:
    """The seconds of each sum over processes from now on."""
    seconds: list[float] = []
    summed = devices.sum

    def timed(values: Tensor) -> Tensor:
        start = time.perf_counter()
        answer = summed(values)
        seconds.append(time.perf_counter() - start)
        return answer

    devices.sum = timed  # type: ignore[method-assign]
    return seconds


def measured(preset: str, batches: list[int], tell: Callable[[str], None]) -> dict[str, Step]:
    """`case` in processes of its own; the seconds of the last batch size."""
    words = [sys.executable, "-m", "benchmarks.devices", "--case", preset, *map(str, batches)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)
    for line in done.stdout.splitlines():
        found: dict[str, Any] = json.loads(line)
        batch = found.pop("batch")
        for name, (seconds, exchanged) in found.items():
            gain = found[ALONE][0] / seconds
            tell(
                f"{preset:>8}, batch {batch:>3}, {name:<20}  step {seconds:.4f} s  "
                f"× {gain:.2f}  exchanged {exchanged / seconds:.0%}"
            )
    return found


def main() -> None:
    """Measure and print a line for each way, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="preset paper at its batch size alone")
    parser.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    tell = partial(print, flush=True)
    if given.case:
        case(given.case[0], [int(word) for word in given.case[1:]])
    elif given.json:
        found = measured("paper", [64], tell)
        names = {ALONE: "one_process_s", THREADS: "two_threads_s", TOGETHER: "two_processes_s"}
        print(json.dumps({names[name]: seconds for name, (seconds, _) in found.items()}))
    else:
        for preset in PRESETS:
            measured(preset, list(BATCHES), tell)


if __name__ == "__main__":
    main()
