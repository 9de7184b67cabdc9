"""FAULTS F28, F29: what a training left to resume from stays until its result is saved.

A process that is killed between the end of a training and the saving of its model loses nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gvci import crossfit
from gvci.checkpoint import load_checkpoint
from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.making import make_run
from gvci.run import MODEL, UNFINISHED, Run
from gvci.training import ensemble
from gvci.training.task import GraphVCITask
from gvci.unfinished import Stages, Unfinished
from tests.faults.jobs.conftest import TINY

SETTINGS = TrainSettings.checked({**TINY, "max_steps": 10, "members": 2})
STEPS = 3 * 10  # one inner member and two members

# Everything is kept, and the process kills itself before the call whose number is given.
DRIVER = """
import os, signal, sys
from pathlib import Path
import gvci.unfinished
from gvci.config import TrainSettings
from gvci.prediction.trained_model import TrainedModel
from gvci.making import make_run

gvci.unfinished.PAUSE_SECONDS = 0.0
name, number = sys.argv[3], int(sys.argv[4])
owner = {"save": TrainedModel, "end": gvci.unfinished.Stages}[name]
plain, calls = getattr(owner, name), []

def killing(*given):
    calls.append(1)
    if len(calls) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*given)

setattr(owner, name, killing)
settings = TrainSettings.model_validate_json(sys.argv[5])
make_run(Path(sys.argv[1]), None, settings, "standard", Path(sys.argv[2]))
"""


def same(one: Path, other: Path) -> None:
    """The same weights, to the last bit."""
    (a, _), (b, _) = load_checkpoint(one / MODEL), load_checkpoint(other / MODEL)
    assert set(a) == set(b)
    assert all(a[name].equal(b[name]) for name in a)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets a number for every step that is trained."""
    steps: list[int] = []
    plain = GraphVCITask.step

    def step(self: GraphVCITask) -> dict[str, float]:
        steps.append(1)
        return plain(self)

    monkeypatch.setattr(GraphVCITask, "step", step)
    return steps


@pytest.mark.parametrize(
    ("name", "number", "left"),
    [
        ("save", 1, 0),  # all is trained, the model is not saved yet
        ("end", 3, 0),  # the last member is trained and not yet noted as ended
        ("end", 2, 10),
    ],
)
def test_f28_a_kill_before_the_saving_costs_no_step(
    cells: Path, tmp_path: Path, counted: list[int], name: str, number: int, left: int
) -> None:
    words = [str(cells), str(tmp_path / "run"), name, str(number), SETTINGS.model_dump_json()]
    done = subprocess.run([sys.executable, "-c", DRIVER, *words], check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    folder = tmp_path / "run"
    assert not (folder / MODEL).exists()
    assert list((folder / UNFINISHED).glob("*.safetensors"))
    make_run(cells, None, SETTINGS, "standard", folder)
    assert len(counted) == left
    assert not (folder / UNFINISHED).exists()
    make_run(cells, None, SETTINGS, "standard", tmp_path / "whole")
    assert len(counted) == left + STEPS
    same(folder, tmp_path / "whole")
    assert Run.open(folder).scores == Run.open(tmp_path / "whole").scores


def test_f28_a_fault_while_scores_are_written_costs_no_step(
    cells: Path, tmp_path: Path, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(run: Run) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gvci.making.save_scores", killed)
        with pytest.raises(KeyboardInterrupt):
            make_run(cells, None, SETTINGS, "standard", tmp_path / "run")
    assert len(counted) == STEPS
    make_run(cells, None, SETTINGS, "standard", tmp_path / "run")
    assert len(counted) == STEPS
    assert Run.open(tmp_path / "run").scores
    assert not (tmp_path / "run" / UNFINISHED).exists()


def test_f28_cross_fitting_keeps_a_fold_until_its_model_is_saved(
    small_data: PerturbationData,
    tmp_path: Path,
    counted: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(self: object, path: Path) -> None:
        raise KeyboardInterrupt

    def fitted() -> crossfit.CrossFitted:
        return crossfit.cross_fitted(small_data, None, SETTINGS, 2, tmp_path / "folds")

    with monkeypatch.context() as patch:
        patch.setattr("gvci.prediction.trained_model.TrainedModel.save", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted()
    assert len(counted) == STEPS
    fitted()
    assert len(counted) == 2 * STEPS  # the second fold alone
    assert {p.name for p in (tmp_path / "folds").iterdir()} == {
        "fold 1.safetensors",
        "fold 2.safetensors",
    }


def test_f29_a_member_is_never_without_a_file(
    small_data: PerturbationData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is deleted, another file holds its result."""
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    forgotten: list[str] = []
    plain: Callable[[Unfinished], None] = Unfinished.forget

    def watched(self: Unfinished) -> None:
        ended = self.path.with_name(f"{self.path.stem}.ended.safetensors")
        assert self.path.is_file()
        assert Unfinished(ended, self.key).load() is not None
        forgotten.append(self.path.stem)
        plain(self)

    monkeypatch.setattr(Unfinished, "forget", watched)
    ensemble.train(small_data, None, SETTINGS, unfinished=tmp_path / "kept")
    assert forgotten == ["inner 1", "member 1", "member 2"]
    assert {p.name for p in (tmp_path / "kept").iterdir()} == {
        f"{name}.ended.safetensors" for name in forgotten
    }
    assert Stages(tmp_path / "kept", "another key").ended("member 1") is None
