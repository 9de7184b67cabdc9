"""kill −9 at any moment: what was kept loads, and a resumed job ends as an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.jobs import control
from gvci.jobs.progress import read_metrics
from gvci.jobs.state import Job, read_job
from gvci.registry import entries
from gvci.run import Run
from tests.faults.jobs.conftest import ended, log_of, until
from tests.faults.kills import differences, killed

ROOT = Path(__file__).parents[3]


def test_f29_kills_while_checkpoints_are_written_leave_none_unreadable(tmp_path: Path) -> None:
    """40 kills; beside it a plain write, which does break: so the kills do hit writing."""
    command = [sys.executable, "-m", "tests.faults.kills", "--writes", "40", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["atomic"] == {"kills": 40, "unreadable": 0}
    assert told["plain"]["kills"] == 40
    assert told["plain"]["unreadable"] > 0


def test_f28_f46_a_killed_job_ends_with_the_same_weights(request_of, undisturbed: Job) -> None:
    """Two kills of one job beside one of the same seed that nobody disturbed."""
    job, rng = control.start(request_of()), random.Random(28)
    for _ in range(2):
        job = killed(job, rng)
        assert job.state == "lost"
        assert "stopped unexpectedly at step" in job.sentence
        assert "Resume goes on from epoch" in job.sentence
        job = control.resume(job.id)
    job = ended(job)
    assert job.state == "done", log_of(job)
    assert differences(undisturbed, job) == []
    assert job.request is not None
    assert job.request.settings["seed"] == 3
    run = Run.open(job.folder)
    assert run.model.header["settings"]["seed"] == 3
    assert run.scores
    assert job.folder in [entry.path for entry in entries()]
    assert not (job.folder / "checkpoint").exists()
    assert [row["step"] for row in read_metrics(job.folder)][-1] == 40


def test_f28_a_kill_of_one_job_lets_the_next_begin(request_of) -> None:
    first, second = control.start(request_of(max_steps=20_000)), control.start(request_of())
    until(first, lambda now: now.state == "running")
    assert read_job(second.id).state == "queued"
    os.kill(read_job(first.id).process["pid"], signal.SIGKILL)
    assert ended(second).state == "done"
    assert read_job(first.id).state == "lost"


def test_f28_differences_are_seen(undisturbed: Job, tmp_path: Path) -> None:
    """The comparison above can fail: one bit of one number is enough."""
    shutil.copytree(undisturbed.folder, tmp_path / "job")
    file = tmp_path / "job" / "model.safetensors"
    tensors, header = load_checkpoint(file)
    name = "0.core.projection.weight"
    tensors[name][0, 0] = torch.nextafter(tensors[name][0, 0], torch.tensor(9.0))
    save_checkpoint(file, tensors, header)
    assert differences(undisturbed, replace(undisturbed, folder=tmp_path / "job")) == [name]


def test_f46_another_instruction_set_predicts_the_same_to_1e_5(
    undisturbed: Job, tmp_path: Path
) -> None:
    """The same weights, asked by a process that computes without vector instructions."""
    code = (
        "import sys, numpy as np; from pathlib import Path; from gvci.run import Run\n"
        "run = Run.open(Path(sys.argv[1]))\n"
        "np.save(sys.argv[2], run.predict(np.arange(60), 'STAT1', mode='mean'))"
    )
    file = tmp_path / "other.npy"
    plain = {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Prescott"}
    command = [sys.executable, "-c", code, str(undisturbed.folder), str(file)]
    subprocess.run(command, check=True, env={**os.environ, **plain})
    own = Run.open(undisturbed.folder).predict(np.arange(60), "STAT1", mode="mean")
    np.testing.assert_allclose(np.load(file), own, atol=1e-5, rtol=0)
