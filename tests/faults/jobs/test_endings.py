"""A job that cannot go on says so in one sentence, and what was there before is intact."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gvci.checkpoint import load_checkpoint
from gvci.errors import GvciError, JobError, TrainingError
from gvci.jobs import control, estimate
from gvci.jobs.ending import explain
from gvci.jobs.folder import CHECKPOINT, jobs_home
from gvci.jobs.kept import kept
from gvci.jobs.limits import Memory, memory_in_force
from gvci.jobs.state import Job, jobs_of_all
from tests.faults.jobs.conftest import EAGER, ended, log_of, until

POOR = (sys.executable, str(Path(__file__).with_name("poor.py")))


def limited(limits: str) -> tuple[str, ...]:
    """The program under limits of the shell's `ulimit`."""
    return ("sh", "-c", f'ulimit {limits} && exec "$@"', "sh", *EAGER)


def one_sentence(job: Job) -> str:
    """The last word of a job that a fault stopped; no traceback in it."""
    assert job.state == "stopped", (job.state, job.sentence, log_of(job))
    assert job.fault
    assert "Traceback" not in job.sentence
    assert "\n" not in job.sentence
    return job.sentence


def checkpoints(job: Job) -> dict[str, bytes]:
    """What is kept, each file loaded once to be sure that it can be."""
    found = sorted((job.folder / CHECKPOINT).glob("[!.]*.safetensors"))
    for file in found:
        load_checkpoint(file)
    return {file.name: file.read_bytes() for file in found}


def test_f27_divergence_names_term_epoch_and_what_is_kept(request_of) -> None:
    """A learning rate of 300 breaks this training in its second epoch."""
    hot = {"learning_rate": 300.0, "clip": 1e30, "max_steps": 400, "warm_up": 100}
    job = ended(control.start(request_of(**hot, inner_folds=0)))
    told = one_sentence(job)
    assert "Training diverged at step 14 (epoch 2)" in told
    assert "is not finite" in told
    assert "Lower the learning rate" in told
    found = kept(job.folder)
    assert found is not None
    assert found.stage == "member 1"
    assert 0 < found.step < 14
    assert f"The weights of {found.words} are kept" in told
    for content in checkpoints(job):
        tensors, _ = load_checkpoint(job.folder / CHECKPOINT / content)
        assert all(torch.isfinite(t).all() for t in tensors.values() if t.is_floating_point())
    assert "Traceback" not in log_of(job)


def test_f33_a_full_disk_is_told_and_the_checkpoint_stays(
    stopped_midway: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RLIMIT_FSIZE: no file over 16 KiB can be written; then the limit is gone."""
    before = checkpoints(stopped_midway)
    assert max(map(len, before.values())) > 1 << 14
    monkeypatch.setattr(control, "PROGRAM", limited("-f 32"))
    job = ended(control.resume(stopped_midway.id))
    told = one_sentence(job)
    assert "No space left on the server" in told
    assert "are kept" in told
    assert checkpoints(job) == before
    monkeypatch.setattr(control, "PROGRAM", EAGER)
    again = control.resume(job.id)
    at = kept(job.folder)
    until(again, lambda now: kept(now.folder) != at)
    assert checkpoints(control.stop(job.id)) != before


@pytest.mark.parametrize("name", ["metrics.jsonl", "log.txt"])
def test_f33_a_full_log_or_metrics_file_is_told(stopped_midway: Job, name: str) -> None:
    """/dev/full takes no byte."""
    before = checkpoints(stopped_midway)
    (stopped_midway.folder / name).unlink()
    (stopped_midway.folder / name).symlink_to("/dev/full")
    if name == "log.txt":  # nothing is said before the end
        request = stopped_midway.request
        assert request is not None
        settings = {**request.settings, "max_steps": 10}
        short = request.model_copy(update={"settings": settings})
        (stopped_midway.folder / "request.json").write_text(short.model_dump_json())
        before = {}
    job = ended(control.resume(stopped_midway.id))
    assert "No space left on the server" in one_sentence(job)
    assert set(before) <= set(checkpoints(job))


def test_f33_a_job_that_cannot_be_written_is_not_started(
    request_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        patch.setattr(os, "replace", full)
        with pytest.raises(JobError, match="No space left on device"):
            control.start(request_of())
    assert jobs_of_all() == []
    assert [p.name for p in jobs_home().iterdir() if not p.name.endswith(".lock")] == []


def test_f33_too_little_disk_is_refused_before_the_start(request_of, monkeypatch) -> None:
    monkeypatch.setattr(estimate, "free_disk", lambda folder: 1_000_000)
    with pytest.raises(JobError, match=r"needs about .* on disk, 1 MB are free"):
        control.start(request_of())
    assert jobs_of_all() == []


def test_f34_out_of_memory_is_one_sentence_and_nothing_is_lost(
    stopped_midway: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RLIMIT_AS just above what the libraries take; then the limit is gone."""
    before = checkpoints(stopped_midway)
    monkeypatch.setattr(control, "PROGRAM", POOR)
    job = ended(control.resume(stopped_midway.id))
    told = one_sentence(job)
    assert "Out of memory" in told
    assert "are allowed" in told
    assert "Use fewer genes or cells, or a smaller batch" in told
    assert checkpoints(job) == before


def test_f34_a_library_that_ends_the_process_is_understood(request_of, monkeypatch) -> None:
    """OpenBLAS does so; what it said is in the log."""
    words = "OpenBLAS error: Memory allocation still failed after 10 retries, giving up."
    monkeypatch.setattr(control, "PROGRAM", ("sh", "-c", f"echo '{words}'; exit 1"))
    job = ended(control.start(request_of()))
    assert job.state == "lost"
    assert "stopped unexpectedly: out of memory" in job.sentence


def test_f34_too_much_memory_is_refused_with_what_would_fit(request_of, monkeypatch) -> None:
    monkeypatch.setenv("GVCI_MAX_MEMORY", "0.2")
    with pytest.raises(JobError, match=r"needs about \d+\.\d GB of memory, 0\.2 GB are allowed"):
        control.start(request_of())
    assert jobs_of_all() == []


FAULTS: dict[str, tuple[Callable[[], BaseException], str]] = {
    "memory": (lambda: MemoryError(), "Out of memory"),
    "gpu": (lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "Out of mem"),
    "torch": (
        lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        "Out of memory",
    ),
    "quota": (lambda: OSError(errno.EDQUOT, "Disk quota exceeded"), "No space left"),
    "written in a sentence": (
        lambda: GvciError("x could not be written: No space left on device."),
        "No space left on the server",
    ),
    "own": (lambda: TrainingError("Lower the learning rate."), "Lower the learning rate."),
    "unforeseen": (lambda: ZeroDivisionError("oh"), "Error id"),
    "exit": (lambda: SystemExit(3), "Error id"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_f34_every_fault_is_one_sentence(tmp_path: Path, caplog, capsys, name: str) -> None:
    fault, expected = FAULTS[name]
    reason, told = explain(fault(), tmp_path, Memory(4 * 10**9, at_limit=False))
    assert reason == "fault"
    assert expected in told
    assert "Traceback" not in told
    if "Error id" in told:
        number = told.split("Error id ")[1][:8]
        assert number in caplog.text
        assert type(fault()).__name__ in capsys.readouterr().err


def test_f34_at_the_limit_of_memory_any_fault_is_one_of_memory(tmp_path: Path) -> None:
    """An import that fails half-way, an error of a library that says nothing of its reason."""
    told = explain(ImportError("cannot import name x"), tmp_path, Memory(4 * 10**9, at_limit=True))
    assert "Out of memory: 4.0 GB are allowed" in told[1]
    told = explain(TrainingError("Hold out less."), tmp_path, Memory(4 * 10**9, at_limit=True))
    assert told[1] == "Hold out less."
    assert not memory_in_force().at_limit


def test_f34_an_unforeseen_fault_shows_an_id_that_is_in_the_log(request_of, monkeypatch) -> None:
    """A job of a verb that this version of the command line does not have."""
    broken = "import gvci.cli as c; c.commands.train = lambda _: 1 / 0; c.main()"
    monkeypatch.setattr(control, "PROGRAM", (sys.executable, "-c", broken))
    job = ended(control.start(request_of()))
    number = one_sentence(job).split("Error id ")[1][:8]
    log = log_of(job)
    assert number in log
    assert "ZeroDivisionError" in log
