"""A gvci folder of its own for each test, small cells, and processes that are gone at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gvci.data.dataset import PerturbationData
from gvci.jobs import control
from gvci.jobs.kept import kept
from gvci.jobs.process import end
from gvci.jobs.request import Request
from gvci.jobs.state import OPEN, Job, jobs_of_all, read_job

EAGER = (sys.executable, str(Path(__file__).with_name("eager.py")))
SLEEPER = ("sh", "-c", "exec sleep 600")  # takes the words of the verb and does nothing
TINY = {
    "model": "vci", "latent": 8, "width": 16, "depth": 1, "outcome_embedding": 16,
    "graph_latent": 8, "max_steps": 40, "evaluate_every": 5, "inner_folds": 1, "members": 1,
    "seed": 3,
}  # fmt: skip


@contextmanager
def living_in(home: Path) -> Iterator[pytest.MonkeyPatch]:
    """GVCI_HOME for a while; whatever runs in it at the end is ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(home))
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(control, "PROGRAM", EAGER)
        yield patch
        for job in jobs_of_all():
            end(job.process, 0.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A gvci folder of the test's own."""
    with living_in(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture(scope="session")
def cells(small_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared file: 612 cells × 60 genes."""
    path = tmp_path_factory.mktemp("cells") / "data.h5ad"
    small_data.write(path)
    return path


@pytest.fixture(scope="session")
def request_of(cells: Path) -> Callable[..., Request]:
    """A tiny training, with changes."""

    def make(title: str = "tiny", **changes: object) -> Request:
        return Request(verb="train", data=str(cells), settings={**TINY, **changes}, title=title)

    return make


@pytest.fixture(scope="session")
def undisturbed(
    request_of: Callable[..., Request], tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """A finished job, to be read only."""
    with living_in(tmp_path_factory.mktemp("undisturbed")):
        job = ended(control.start(request_of()))
        assert job.state == "done", log_of(job)
        return job


@pytest.fixture(scope="session")
def stopped_once(
    request_of: Callable[..., Request], tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """A long training that was stopped on request after something of it was kept."""
    with living_in(tmp_path_factory.mktemp("stopped")):
        job = control.start(request_of(max_steps=20_000))
        until(job, lambda now: kept(now.folder) is not None)
        job = control.stop(job.id)
        assert job.state == "stopped"
        assert not job.fault
        assert "Stopped on request at step" in job.sentence
        assert "Resume goes on from" in job.sentence
        return job


@pytest.fixture
def stopped_midway(stopped_once: Job, home: Path) -> Job:
    """The same in the test's own folder."""
    shutil.copytree(stopped_once.folder, home / "jobs" / stopped_once.id)
    return read_job(stopped_once.id)


def until(job: Job, good: Callable[[Job], bool], seconds: float = 300.0) -> Job:
    """Read a job until it is as wanted."""
    deadline = time.monotonic() + seconds
    while not good(job):
        assert time.monotonic() < deadline, f"{job.state}: {job.sentence}\n{log_of(job)}"
        time.sleep(0.02)
        job = read_job(job.id)
    return job


def ended(job: Job, seconds: float = 300.0) -> Job:
    """Read a job until it is no longer queued or running."""
    return until(job, lambda now: now.state not in OPEN, seconds)


def log_of(job: Job) -> str:
    """All that its process said."""
    file = job.folder / "log.txt"
    return file.read_text(errors="replace") if file.is_file() else ""
