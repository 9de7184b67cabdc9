"""Many people at once: sessions that walk Home → Network → Counterfactual on one server.

    python -m benchmarks.load [--sessions 30] [--minutes 5] [--json]

Starts the dashboard on loopback and one process with that many viewers (Streamlit's own
websocket protocol, XSRF and origin checks on, no browser). Each walks round and round: a page by
the navigation, then a choice on it, 1 to 3 s of thought between. A page's time is from the request
to the end of its script. Memory is the server's resident memory: up, after one viewer has walked
once, after all have, and then every 10 s. Writes results/load.md; with --json the last line is one
object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from websockets.exceptions import WebSocketException

from benchmarks.dashboard import ROOT, Dashboard, serving
from benchmarks.parts import write
from benchmarks.streamlit_client import Loaded, Viewer
from gvci.benchmark.words import made_by

PAGES = ("Home", "Network", "Network: other edges", "Counterfactual", "Counterfactual: other pair")
THINK = (1.0, 3.0)
EVERY = 10.0


@dataclass
class Record:
    """What was seen: page → seconds, faults in words, and (minute, MB) of the server."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {page: [] for page in PAGES})
    received: dict[str, list[int]] = field(default_factory=lambda: {page: [] for page in PAGES})
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def note(self, page: str, loaded: Loaded) -> None:
        """One page."""
        self.seconds[page].append(loaded.seconds)
        self.received[page].append(loaded.received)
        self.faults.update(f"{page}: {fault}" for fault in loaded.faults)


async def walk(viewer: Viewer, record: Record, chance: random.Random, *, first: bool) -> None:
    """Home → Network → Counterfactual, with a choice on each of the latter."""

    async def seen(page: str, loaded: Loaded) -> None:
        record.note(page, loaded)
        await asyncio.sleep(chance.uniform(*THINK))

    await seen(PAGES[0], await (viewer.open() if first else viewer.switch("")))
    await seen(PAGES[1], await viewer.switch("network"))
    k = float(chance.choice([5, 10, 15, 40, 60, 100]))
    await seen(PAGES[2], await viewer.choose("k", double_array_value=[k]))
    await seen(PAGES[3], await viewer.switch("counterfactual"))
    label = chance.choice(list(viewer.widget("perturbation").options))
    await seen(PAGES[4], await viewer.choose("perturbation", string_array_value=[label]))


async def person(server: Dashboard, record: Record, seed: int, until: float, done: Any) -> None:
    """One viewer from the first page to the end of the time; a lost connection is a fault."""
    chance = random.Random(seed)
    first = True
    try:
        viewer = await Viewer.connected(server.address)
        while first or time.monotonic() < until:
            await walk(viewer, record, chance, first=first)
            if first:
                done(viewer)
            first = False
    except (OSError, WebSocketException, LookupError, ValueError) as error:
        record.faults[f"the session ended: {type(error).__name__}: {error}"] += 1


async def crowd(server: Dashboard, sessions: int, minutes: float) -> dict[str, Any]:
    """One viewer alone, then all; what `report` tells."""
    alone, record = Record(), Record()
    held: list[Viewer] = []  # nobody leaves before the end
    before = server.memory()
    await person(server, alone, 0, 0.0, held.append)
    one, start, used = server.memory(), time.monotonic(), server.processor()
    until = start + 60 * minutes
    people = [
        asyncio.create_task(person(server, record, seed, until, held.append))
        for seed in range(1, sessions)
    ]
    after = one
    while not all(task.done() for task in people):
        now = server.memory()
        record.memory.append(((time.monotonic() - start) / 60, now))
        if after == one and len(held) == sessions:
            after = now
        await asyncio.sleep(EVERY if after != one else 0.5)
    elapsed = time.monotonic() - start
    found = summary(record, elapsed) | {
        "first": {page: values[0] for page, values in alone.seconds.items()},
        "faults": dict(alone.faults + record.faults),
        "server_faults": server.faults(),
        "memory": {"before": before, "one": one, "all": after, "end": server.memory()},
        "per_session": (after - one) / max(sessions - 1, 1),
        "growth": growth(record.memory),
        "minutes": series(record.memory),
        "cores_used": (server.processor() - used) / elapsed,
        "threads": server.threads(),
        "sessions": sessions,
        "started": server.started,
        "load": os.getloadavg()[1],
    }
    for viewer in held:
        await viewer.close()
    return found


def summary(record: Record, elapsed: float) -> dict[str, Any]:
    """Pages per second, and median, p95 and kB per page."""
    pages = {
        page: {
            "n": len(seconds),
            "median": float(np.median(seconds)),
            "p95": float(np.quantile(seconds, 0.95)),
            "kb": float(np.median(record.received[page])) / 1e3,
        }
        for page, seconds in record.seconds.items()
        if seconds
    }
    n = sum(page["n"] for page in pages.values())
    return {"pages": pages, "per_second": n / elapsed, "elapsed": elapsed}


def series(memory: Sequence[tuple[float, float]]) -> list[float]:
    """MB at the end of each minute."""
    last: dict[int, float] = {}
    for at, value in memory:
        last[int(at)] = value
    return [last[minute] for minute in sorted(last)]


def growth(memory: Sequence[tuple[float, float]]) -> float:
    """MB per minute in the second half of the time, by least squares; NaN below 3 readings."""
    late = np.array([pair for pair in memory if pair[0] >= memory[-1][0] / 2])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) if len(late) > 2 else float("nan")


def report(found: dict[str, Any], command: str) -> str:
    """The page."""
    memory, faults = found["memory"], found["faults"]
    lines = [
        "# Many people at once",
        "",
        made_by(command),
        f"{found['sessions']} sessions for {found['elapsed'] / 60:.1f} minutes on one server of "
        f"the shipped demo, {THINK[0]:.0f} to {THINK[1]:.0f} s of thought between pages, viewers "
        f"on the same machine (load average {found['load']:.1f}). The server "
        f"used {found['cores_used']:.2f} cores and {found['threads']} threads.",
        "",
        f"**{found['per_second']:.1f} pages per second, {sum(faults.values())} errors** "
        f"({len(found['server_faults'])} in the server's log); "
        f"{1000 * found['cores_used'] / found['per_second']:.0f} ms of processor a page, "
        "which depend less than seconds do on what else the machine does.",
        "",
        "| page | loaded | median, s | p95, s | sent, kB | first viewer alone, s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for page, one in found["pages"].items():
        lines.append(
            f"| {page} | {one['n']:,} | {one['median']:.2f} | {one['p95']:.2f} "
            f"| {one['kb']:.0f} | {found['first'].get(page, float('nan')):.2f} |"
        )
    lines += [
        "",
        "| server's memory | MB |",
        "| --- | --- |",
        f"| before anyone came | {memory['before']:.0f} |",
        f"| after one session's walk | {memory['one']:.0f} |",
        f"| after every session's first walk | {memory['all']:.0f} |",
        f"| at the end | {memory['end']:.0f} |",
        f"| **per further session** | **{found['per_session']:.1f}** |",
        f"| growth in the second half, per minute | {found['growth']:.1f} |",
        "",
        "At the end of each minute: "
        + ", ".join(f"{value:.0f}" for value in found["minutes"])
        + " MB.",
    ]
    if faults:
        lines += ["", "| error | times |", "| --- | --- |"]
        lines += [f"| {fault} | {times} |" for fault, times in faults.items()]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the page; 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--port", type=int, default=8731)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/load.md")
    given = parser.parse_args(arguments)
    with serving(given.port) as server:
        found = asyncio.run(crowd(server, given.sessions, given.minutes))
        if found["server_faults"]:
            print("\n".join(found["server_faults"]), file=sys.stderr)
    words = sys.argv[1:] if arguments is None else arguments
    text = report(found, " ".join(["python -m benchmarks.load", *words]))
    print(text)
    write(given.out, text)
    if given.json:
        print(json.dumps(found))
    return int(bool(found["faults"] or found["server_faults"]))


if __name__ == "__main__":
    sys.exit(main())
