"""Kill −9 in a loop: checkpoints while they are written, and training jobs at random times.

    python -m tests.faults.kills [--writes 1000] [--jobs 20] [--seed 0] [--json]

Ends with exit code 1 where a checkpoint cannot be read, or a resumed job ends with other weights
than one that ran undisturbed. Plain writes are killed too, to show that the kills hit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.config import PrepareSettings, SimulateSettings
from gvci.data.prepare import prepare
from gvci.data.simulate import simulate
from gvci.errors import CheckpointError
from gvci.jobs import control
from gvci.jobs.kept import kept
from gvci.jobs.process import end
from gvci.jobs.progress import read_metrics
from gvci.jobs.request import Request
from gvci.jobs.state import OPEN, Job, read_job

NUMBERS = 500_000  # of a tensor: 2 MB a checkpoint
TIMES = ("seconds", "created")  # what two equal trainings may differ in


def save_for_ever(path: Path, how: str, ready: int) -> None:
    """Replace a checkpoint again and again; each holds its number in every value."""
    number = 0
    while True:
        number += 1
        tensors = {"w": torch.full((NUMBERS,), float(number))}
        if how == "atomic":
            save_checkpoint(path, tensors, {"number": number})
        else:
            path.write_bytes(save(tensors, metadata={"gvci": "{}"}))
        if number == 1:
            os.write(ready, b".")


def kill_writes(count: int, how: str, rng: random.Random) -> dict[str, int]:
    """Kill a process that writes checkpoints, so many times; how many could not be read after."""
    unreadable = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "member 1.safetensors"
        for _ in range(count):
            ready, mine = os.pipe()
            child = os.fork()
            if child == 0:
                save_for_ever(path, how, mine)
            os.read(ready, 1)
            time.sleep(rng.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ready)
            os.close(mine)
            unreadable += not readable(path, how)
    return {"kills": count, "unreadable": unreadable}


def readable(path: Path, how: str) -> bool:
    """Whether a checkpoint is whole: it loads, and it is one of those that were written."""
    if how == "plain":
        return path.stat().st_size > 4 * NUMBERS
    try:
        tensors, header = load_checkpoint(path)
    except CheckpointError:
        return False
    return bool((tensors["w"] == header["number"]).all())


def killed(job: Job, rng: random.Random) -> Job:
    """Kill a job's process at a random time after something more of it was kept."""
    savings, seen = rng.randrange(1, 5), kept(job.folder)
    while job.state in OPEN:
        now = kept(job.folder)
        if now != seen:
            savings, seen = savings - 1, now
        if savings <= 0:
            time.sleep(rng.uniform(0, 0.05))
            os.killpg(job.process["pid"], signal.SIGKILL)
            end(job.process, 0.0)
            return read_job(job.id)
        time.sleep(0.002)
        job = read_job(job.id)
    return job


def differences(one: Job, other: Job) -> list[str]:
    """Names of tensors, and validations, that are not the same to the last bit."""
    (a, _), (b, _) = (load_checkpoint(job.folder / "model.safetensors") for job in (one, other))
    names = sorted(set(a) | set(b))
    found = [name for name in names if name not in a or name not in b or not a[name].equal(b[name])]
    rows = [[_timeless(row) for row in read_metrics(job.folder)] for job in (one, other)]
    return found + (["metrics"] if rows[0] != rows[1] else [])


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in TIMES}


def kill_jobs(count: int, rng: random.Random) -> dict[str, Any]:
    """Kill trainings so many times, up to four times each, and compare how they end."""
    os.environ["OMP_NUM_THREADS"] = "1"
    control.PROGRAM = (sys.executable, str(Path(__file__).parent / "jobs" / "eager.py"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GVCI_HOME"] = str(Path(folder) / "home")
        request = _tiny(Path(folder) / "data.h5ad")
        undisturbed = _ended(control.start(request))
        kills, different = 0, []
        while kills < count:
            job = control.start(request)
            for _ in range(min(4, count - kills)):
                job = killed(job, rng)
                if job.state != "lost":
                    break
                kills += 1
                job = control.resume(job.id)
            different += differences(undisturbed, _ended(job))
            control.delete(job.id)
        scores = read_metrics(undisturbed.folder)[-1]
    return {"kills": kills, "different": different, "score": scores["score"]}


def _tiny(path: Path) -> Request:
    """A training of a second or two on 612 cells × 60 genes."""
    few = {"n_genes": 60, "n_perturbations": 4, "cells_per_group": 18, "controls_per_group": 30}
    cells = simulate(SimulateSettings(**few)).adata
    columns = {"perturbation": "perturbation", "control": "control", "covariates": ("cell_type",)}
    prepare(cells, PrepareSettings(**columns), name="tiny").write(path)
    small = {"latent": 8, "width": 16, "depth": 1, "outcome_embedding": 16, "graph_latent": 8}
    steps = {"model": "vci", "max_steps": 60, "evaluate_every": 5, "inner_folds": 1, "members": 2}
    return Request(verb="train", data=str(path), settings={**small, **steps, "seed": 3})


def _ended(job: Job) -> Job:
    while job.state in OPEN:
        time.sleep(0.05)
        job = read_job(job.id)
    if job.state != "done":
        message = f"a job ended {job.state}: {job.sentence}"
        raise SystemExit(message)
    return job


def main() -> int:
    """Run what is asked for."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--writes", type=int, default=0, help="kills of a writing process")
    asked.add_argument("--jobs", type=int, default=0, help="kills of a training job")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    torch.set_num_threads(1)  # a process with threads must not be forked
    told: dict[str, Any] = {}
    if given.writes:
        for how in ("atomic", "plain"):
            told[how] = kill_writes(given.writes, how, random.Random(given.seed))
    if given.jobs:
        told["jobs"] = kill_jobs(given.jobs, random.Random(given.seed))
    for name, found in told.items():
        print(f"{name}: {found}")
    if given.json:
        print(json.dumps(told))
    bad = told.get("atomic", {}).get("unreadable") or told.get("jobs", {}).get("different")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
