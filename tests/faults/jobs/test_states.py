"""Whatever is done to a job's directory, in any order, it is in one of five states."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.errors import JobError
from gvci.jobs import control
from gvci.jobs.ending import finish
from gvci.jobs.folder import CHECKPOINT, DONE, PROCESS, PROGRESS, REQUEST, new_id, write_json
from gvci.jobs.process import alive, end, identity
from gvci.jobs.progress import Reporter
from gvci.jobs.request import Request
from gvci.jobs.state import OPEN, STATES, jobs, jobs_of_all, read_job
from tests.faults.jobs.conftest import SLEEPER


class Directory(RuleBasedStateMachine):
    """Start, write, kill, stop, resume, read, delete; `expected` is what the state must be."""

    cells: Path

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("GVCI_HOME", str(self.home))
        self.patch.setattr(control, "PROGRAM", SLEEPER)
        self.expected: dict[str, str] = {}
        self.gone: list[str] = []

    def teardown(self) -> None:
        for job in jobs_of_all():
            end(job.process, 0.0)
        self.patch.undo()
        shutil.rmtree(self.home)

    def some(self, number: int, *states: str) -> str | None:
        """One of the jobs in these states."""
        ids = sorted(i for i, state in self.expected.items() if state in (states or STATES))
        return ids[number % len(ids)] if ids else None

    @rule(twice=st.booleans())
    def start(self, twice: bool) -> None:
        request, job_id = Request(verb="train", data=str(self.cells)), new_id()
        found = [control.start(request, job_id).process for _ in range(1 + twice)]
        assert all(process == found[0] for process in found)
        self.expected[job_id] = "queued"

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def turn_comes(self, number: int) -> None:
        job_id = self.some(number, "queued")
        if job_id:
            job = read_job(job_id)
            write_json(job.folder / PROCESS, {**job.process, "stage": "working"})
            self.expected[job_id] = "running"

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99), step=st.integers(0, 50))
    def write(self, number: int, step: int) -> None:
        job_id = self.some(number, "running")
        if job_id:
            folder = read_job(job_id).folder
            Reporter(folder)(step, 50, "member 1")
            tensors = {"w": torch.full((64,), float(step))}
            loop = {"rows": [{"step": step, "epoch": 1.5}]}
            save_checkpoint(folder / CHECKPOINT / "member 1.safetensors", tensors, {"loop": loop})

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def kill(self, number: int) -> None:
        job_id = self.some(number, *OPEN)
        if job_id:
            process = read_job(job_id).process
            os.killpg(process["pid"], signal.SIGKILL)
            end(process, 0.0)
            self.expected[job_id] = "lost"

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99), well=st.booleans())
    def verb_ends(self, number: int, well: bool) -> None:
        job_id = self.some(number, "running")
        if job_id:
            job, outcome = read_job(job_id), "done" if well else "stopped"
            finish(job.folder, outcome, "finished" if well else "fault", "So it ended.", 1.0)
            end(job.process, 0.0)
            self.expected[job_id] = outcome

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def stop(self, number: int) -> None:
        job_id = self.some(number)
        if job_id:
            if self.expected[job_id] in OPEN:
                self.expected[job_id] = "stopped"
            assert control.stop(job_id, patience=1.0).state == self.expected[job_id]

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def resume(self, number: int) -> None:
        job_id = self.some(number)
        if job_id:
            if self.expected[job_id] in ("stopped", "lost"):
                self.expected[job_id] = "queued"
            for _ in range(2):
                assert control.resume(job_id).state == self.expected[job_id]

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def number_is_given_again(self, number: int) -> None:
        job_id = self.some(number, "lost")
        if job_id:
            job = read_job(job_id)
            write_json(job.folder / PROCESS, {**job.process, "pid": os.getpid()})

    @precondition(lambda self: self.expected)
    @rule(
        number=st.integers(0, 99),
        name=st.sampled_from([PROCESS, PROGRESS, "metrics.jsonl", "log.txt"]),
        share=st.floats(0, 1),
    )
    def file_is_half_written(self, number: int, name: str, share: float) -> None:
        job_id = self.some(number, "lost", "stopped", "done")
        if job_id:
            file = read_job(job_id).folder / name
            whole = file.read_bytes() if file.is_file() else b'{"pid": 12, "step": 1}'
            file.write_bytes(whole[: int(share * len(whole))])

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 99))
    def delete(self, number: int) -> None:
        job_id = self.some(number)
        if job_id is None:
            return
        if self.expected[job_id] in OPEN:
            with pytest.raises(JobError, match="Stop it first"):
                control.delete(job_id)
        else:
            control.delete(job_id)
            control.delete(job_id)
            del self.expected[job_id]
            self.gone.append(job_id)

    @rule(results=st.booleans())
    def clean(self, results: bool) -> None:
        ended = {"stopped", "lost", *(["done"] if results else [])}
        old = {i for i, state in self.expected.items() if state in ended}
        assert set(control.clean(-1.0, results=results)) == old
        self.gone += old
        self.expected = {i: s for i, s in self.expected.items() if i not in old}

    @invariant()
    def every_state_is_as_expected(self) -> None:
        found = {job.id: job for job in jobs_of_all()}
        assert {i: job.state for i, job in found.items()} == self.expected
        assert {job.id for job in jobs()} == set(found)
        for job in found.values():
            assert job.state in STATES
            assert job.sentence
            assert alive(job.process) == (job.state in OPEN)
            for file in (job.folder / CHECKPOINT).glob("*"):
                load_checkpoint(file)
        for job_id in self.gone:
            with pytest.raises(JobError, match="There is no job"):
                read_job(job_id)


def test_f43_f44_any_order_of_events_leaves_one_of_five_states(cells: Path) -> None:
    Directory.cells = cells
    machine = type("Machine", (Directory,), {})
    machine.TestCase.settings = settings(
        max_examples=25, stateful_step_count=20, deadline=None, derandomize=True
    )
    machine.TestCase().runTest()


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch, request_of):
    """A job whose process does nothing."""
    monkeypatch.setattr(control, "PROGRAM", SLEEPER)
    return control.start(request_of())


@pytest.mark.parametrize("changed", ["start", "boot", "pid"])
def test_f43_another_process_with_the_same_number_is_not_the_job(asleep, changed) -> None:
    """A number is given again after a restart; the start, or the boot, tells them apart."""
    time.sleep(0.05)  # a process of the same tick of the kernel and of another number is its twin
    other = subprocess.Popen(["sleep", "60"])
    try:
        known = {"start": "12345", "boot": "00000000-0000-0000-0000-000000000000"}
        known["pid"] = other.pid
        write_json(asleep.folder / PROCESS, {**asleep.process, changed: known[changed]})
        job = read_job(asleep.id)
        assert job.state == "lost"
        assert "stopped unexpectedly" in job.sentence
        assert control.stop(asleep.id).state == "lost"
        assert other.poll() is None, "stop must not touch a process that is not the job's"
        assert identity(asleep.process["pid"]) is not None
    finally:
        end(asleep.process, 0.0)
        other.kill()
        other.wait()


@pytest.mark.parametrize("when", [0.0, 4e9])
def test_f43_no_state_depends_on_the_clock(asleep, when: float) -> None:
    """Every file from 1970 or from 2096: the job is what it was."""
    for file in [asleep.folder, *asleep.folder.iterdir()]:
        os.utime(file, (when, when))
    assert read_job(asleep.id).state == "queued"
    os.killpg(asleep.process["pid"], signal.SIGKILL)
    end(asleep.process, 0.0)
    assert read_job(asleep.id).state == "lost"
    finish(asleep.folder, "done", "finished", "Finished.", 1.0)
    assert read_job(asleep.id).state == "done"


def test_f43_the_time_left_comes_from_a_clock_that_never_jumps(tmp_path, monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("time.time", lambda: pytest.fail("the clock on the wall was asked"))
    tell = Reporter(tmp_path)
    for step in (10, 20, 30):
        tell(step, 110, "")
        now += 5.0
    from gvci.jobs.progress import read_progress

    found = read_progress(tmp_path)
    assert found is not None
    assert (found.step, found.steps, found.left) == (30, 110, 40.0)


WRONG = {
    "cut": '{"format": 1, "verb": "tra',
    "empty": "",
    "older": '{"format": 0, "verb": "train", "data": "x"}',
    "newer": '{"format": 2, "verb": "train", "data": "x"}',
    "other verb": '{"verb": "rm", "data": "/"}',
    "more than is known": '{"verb": "train", "data": "x", "shell": "rm"}',
    "a list": "[1, 2]",
    "deep": "[" * 100_000,
    "binary": "\x00\xff",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=list(WRONG))
def test_f44_an_unreadable_request_is_said_and_the_rest_works(asleep, request_of, text) -> None:
    broken = control.start(request_of())
    end(broken.process, 0.0)
    (broken.folder / REQUEST).write_text(text, encoding="latin-1")
    job = read_job(broken.id)
    assert job.state == "lost"
    assert "cannot be read" in job.sentence
    assert "unreadable" in job.title
    with pytest.raises(JobError, match="cannot be read"):
        control.resume(broken.id)
    assert [job.id for job in jobs()] == [asleep.id]
    assert {job.id for job in jobs_of_all()} == {asleep.id, broken.id}
    control.delete(broken.id)
    assert [job.id for job in jobs_of_all()] == [asleep.id]


@pytest.mark.parametrize("name", [PROCESS, DONE, PROGRESS])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": "1; rm"}', '{"pid": true}', "1"])
def test_f44_half_written_files_are_as_good_as_none(asleep, name: str, text: str) -> None:
    end(asleep.process, 0.0)
    (asleep.folder / name).write_text(text)
    assert read_job(asleep.id).state == "lost"


def test_f44_strangers_in_the_folder_are_not_jobs(home: Path, asleep) -> None:
    folder = home / "jobs"
    (folder / "notes").mkdir()
    (folder / f"{asleep.id}x").mkdir()
    (folder / new_id()).write_text("a file with the name of a job")
    (folder / new_id()).symlink_to(asleep.folder)
    assert [job.id for job in jobs_of_all()] == [asleep.id]


def test_f44_cut_metrics_show_the_lines_that_are_whole(tmp_path: Path) -> None:
    from gvci.jobs.progress import read_metrics

    rows = [{"stage": "member 1", "step": step, "score": step / 7} for step in (5, 10, 10, 15)]
    text = "\n".join(json.dumps(row) for row in rows)
    (tmp_path / "metrics.jsonl").write_text(text[:-9] + "\nnot JSON\n[3]\n")
    assert [row["step"] for row in read_metrics(tmp_path)] == [5, 10]
