"""Several processes take the steps of one, and end together."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gvci.cli import main
from gvci.config import PUBLISHED, TrainSettings
from gvci.devices import ALONE, WHOLE, Devices
from gvci.run import Run
from gvci.training.network_task import NetworkTask
from gvci.training.task import GraphVCITask

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "latent": 8, "width": 16, "depth": 2, "outcome_embedding": 16, "graph_latent": 8,
    "inner_folds": 0, "members": 1,
}  # fmt: skip
STEPS = ["max_steps=20", "evaluate_every=10"]
# Weights that begin at 0 get gradients near 0, which Adam's division makes as large as any: the
# rounding of float32 shows in them first. The joint head begins away from 0.
WORDS = ["heads=joint", *(f"{k}={v}" for k, v in SMALL.items()), *STEPS]
LOST = "gvci: Another process of this training ended"


class Thread(Devices):
    """A rank among threads that meet at a barrier: the sums without the processes."""

    def __init__(self, rank: int, barrier: threading.Barrier, said: dict[int, object]) -> None:
        self.rank, self.size, self.barrier, self.said = rank, barrier.parties, barrier, said

    def all(self, value: object) -> list:
        self.said[self.rank] = value
        self.barrier.wait(30)
        values = [self.said[rank] for rank in range(self.size)]
        self.barrier.wait(30)
        return values

    def sum(self, tensor: Tensor) -> Tensor:
        return tensor.copy_(torch.stack(self.all(tensor.clone())).sum(dim=0))

    def most(self, number: int) -> int:
        return max(self.all(number))


def in_threads(size: int, work: Callable[[Devices], object]) -> list:
    """What each rank gives."""
    barrier, said, answers = threading.Barrier(size), {}, {}

    def run(rank: int) -> None:
        try:
            answers[rank] = work(Thread(rank, barrier, said))
        except BaseException:
            barrier.abort()
            raise

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[rank] for rank in range(size)]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("cells", [1, 2, 4, 5, 64, 67])
def test_shares_are_the_batch_and_their_weighted_means_its_mean(size, cells):
    values = torch.randn(cells, 3, dtype=torch.float64)
    barrier = threading.Barrier(size)
    shares = [Thread(rank, barrier, {}).share(cells) for rank in range(size)]
    parts = [values[share.cells] for share in shares]
    if cells >= size:
        torch.testing.assert_close(torch.cat(parts), values, rtol=0, atol=0)
    assert all(len(part) for part in parts)
    weighted = sum(s.weight * part.mean(dim=0) for s, part in zip(shares, parts, strict=True))
    torch.testing.assert_close(weighted, values.mean(dim=0))


@pytest.mark.parametrize("size", [2, 3])
def test_noise_is_what_one_process_draws(size):
    alone = WHOLE.noise(torch.zeros(7, 4), torch.Generator().manual_seed(3))
    plain = torch.randn(7, 4, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(alone, plain, rtol=0, atol=0)
    barrier = threading.Barrier(size)
    for rank in range(size):
        share = Thread(rank, barrier, {}).share(7)
        own = share.noise(plain[share.cells], torch.Generator().manual_seed(3))
        torch.testing.assert_close(own, plain[share.cells], rtol=0, atol=0)


def test_a_total_hands_gradients_back_to_all():
    """Of loss = Σ_r w_r · (r + 1) · (Σ_s x_s)², each x has the gradient of the whole."""
    at = [torch.tensor([float(r + 1)], dtype=torch.float64) for r in range(3)]

    def work(devices: Devices) -> Tensor:
        share, own = devices.share(9), at[devices.rank].clone().requires_grad_()
        ((share.total(own) ** 2).sum() * (devices.rank + 1) * share.weight).backward()
        return own.grad

    for gradient in in_threads(3, work):
        assert gradient.item() == pytest.approx(2 * 6 * (1 + 2 + 3) / 3)


@pytest.mark.parametrize(
    ("size", "changes"),
    [
        (2, {}),
        (3, {}),
        (2, {"kernel": "mean_log", "samples": 2}),
        (2, {"kernel": "log_mean", "constructed": "sample", "heads": "joint"}),
        (2, {"distribution": "discriminate"}),
        (2, {"distribution": "fit", "model": "vci"}),
        (2, {"likelihood": "nb"}),
        (3, {"batch_size": 2}),  # fewer cells than processes
    ],
)
def test_steps_and_losses_are_those_of_one_process(small_data, small_simulation, size, changes):
    """In float64, where rounding cannot hide anything."""
    settings = TrainSettings(**SMALL | {"batch_size": 33} | changes)
    prior = small_simulation.prior.restricted(small_data.genes)

    def task() -> GraphVCITask:
        made = GraphVCITask(small_data, prior, settings)
        for module in [*made._modules().values(), made.lagged]:
            module.double()
        made._refresh_lagged()
        made.matcher.batch = doubled(made.matcher.batch)
        return made

    compare_steps([task() for _ in range(size + 1)])


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_networks_take_the_steps_of_one_process(small_data, model):
    widths = {name: SMALL[name] for name in ("latent", "width", "depth", "outcome_embedding")}
    settings = TrainSettings.preset("paper", **widths, model=model, batch_size=33)

    def task() -> NetworkTask:
        made = NetworkTask(small_data, settings)
        made.core.double()
        made._cells = doubled(made._cells)
        return made

    compare_steps([task() for _ in range(3)])


def doubled(make: Callable) -> Callable:
    """A maker of batches whose numbers are float64."""

    def made(*given):
        batch = make(*given)
        numbers = {k: v for k, v in batch._asdict().items() if torch.is_tensor(v)}
        floats = {k: v.double() for k, v in numbers.items() if v.is_floating_point()}
        return batch._replace(**floats)

    return made


def compare_steps(tasks: list) -> None:
    """The first takes its steps alone, the others together.

    They were made one after another, for threads share the global generator.
    """
    alone, *several = tasks

    def work(devices: Devices) -> list[dict[str, float]]:
        several[devices.rank].devices = devices
        return [several[devices.rank].step() for _ in range(3)]

    histories = in_threads(len(several), work)
    wanted = [alone.step() for _ in range(3)]
    for one, other in zip(wanted, histories[0], strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-11)
    for task, history in zip(several, histories, strict=True):
        assert history == histories[0]
        for name, value in task.state().items():
            assert value.equal(several[0].state()[name]), name
            torch.testing.assert_close(value, alone.state()[name], rtol=1e-6, atol=1e-8, msg=name)


# --- processes ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(small_data, small_simulation, tmp_path_factory):
    """Cells and network, and what one process makes of them with each kernel."""
    folder = tmp_path_factory.mktemp("devices")
    small_data.write(folder / "data.h5ad")
    small_simulation.prior.edges.to_csv(folder / "prior.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        patch.setitem(sys.modules, "lightning_fabric", None)  # importing it now raises
        for kernel in ("means", "mean_log"):
            assert main(words(folder, f"one-{kernel}", f"kernel={kernel}")) == 0
    return folder


def words(folder: Path, out: str, *more: str, devices: int = 1, nodes: int = 1) -> list[str]:
    """`train` and its options."""
    return [
        "train", str(folder / "data.h5ad"), "--grn", str(folder / "prior.csv"),
        "--out", str(folder / out), "--devices", str(devices), "--num-nodes", str(nodes),
        "--set", *WORDS, *more,
    ]  # fmt: skip


def start(folder: Path, given: list[str], *program: str, **more: str) -> subprocess.Popen:
    """The command in a process of its own."""
    env = {k: v for k, v in os.environ.items() if k not in ("LOCAL_RANK", "WORLD_SIZE")}
    env |= {"GVCI_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *(program or ("-m", "gvci")), *given]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=env | more, text=True, cwd=folder, **pipes)


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """Exit code and what was told on standard error after the progress bar."""
    told = process.communicate(timeout=240)[1]
    return process.returncode, told.replace("\r", "\n")


def compare(folder: Path, one: str, other: str, tolerance: float) -> None:
    """Losses of each validation, and final predictions ten times as far."""
    rows = [
        [json.loads(line) for line in (folder / run / "metrics.jsonl").read_text().splitlines()]
        for run in (one, other)
    ]
    for a, b in zip(*rows, strict=True):
        for name in ("reconstruction", "distribution", "kl", "score", "validation_kl"):
            assert a[name] == pytest.approx(b[name], rel=tolerance, abs=tolerance), name
    runs = [Run.open(folder / run) for run in (one, other)]
    cells = runs[0].data.rows("test")
    made = [run.predict(cells, "IRF1", mode="mean") for run in runs]
    np.testing.assert_allclose(made[0], made[1], atol=10 * tolerance)


@pytest.mark.parametrize("kernel", ["means", "mean_log"])
def test_two_processes_train_what_one_trains(folder, kernel):
    code, told = ended(start(folder, words(folder, kernel, f"kernel={kernel}", devices=2)))
    assert code == 0, told
    compare(folder, f"one-{kernel}", kernel, 1e-5)


DRIVER = """
import os, signal
import gvci.unfinished
from gvci.cli import main
from gvci.training.task import GraphVCITask

gvci.unfinished.PAUSE_SECONDS = 0.0
plain = GraphVCITask.step

def step(self):
    if self.steps == 15 and self.devices.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self)

GraphVCITask.step = step
raise SystemExit(main())
"""


def test_a_lost_process_ends_all_and_training_goes_on_later(folder, monkeypatch):
    (folder / "driver.py").write_text(DRIVER)
    given = words(folder, "lost", "kernel=means", devices=2)
    code, told = ended(start(folder, given, "driver.py"))
    assert code == 2, told
    assert told.count(LOST) == 1, told
    assert list((folder / "lost" / "checkpoint").iterdir())
    shutil.copytree(folder / "lost", folder / "lost-alone")
    code, told = ended(start(folder, given))
    assert code == 0, told
    assert not (folder / "lost" / "checkpoint").exists()
    compare(folder, "one-means", "lost", 1e-5)
    monkeypatch.setenv("GVCI_HOME", str(folder / "home"))
    assert main(words(folder, "lost-alone", "kernel=means")) == 0  # or in one process
    compare(folder, "one-means", "lost-alone", 1e-5)


def test_divergence_ends_both_with_one_sentence(folder):
    bad = ["learning_rate=1e30", "clip=1e30"]
    code, told = ended(start(folder, words(folder, "bad", *bad, devices=2)))
    assert code == 2, told
    assert told.count("gvci: Training diverged at step") == 1
    assert "Traceback" not in told


def test_nodes_with_other_settings_are_refused(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    given = [words(folder, f"node-{i}", f"seed={i}", nodes=2) for i in range(2)]
    nodes = [start(folder, given[i], NODE_RANK=str(i), LOCAL_RANK="0", **where) for i in range(2)]
    first, second = (ended(node) for node in nodes)
    assert first[0] == 2, first
    assert second[0] == 2, second
    assert "gvci: Process 1 of 2 has other data, settings or network than the first" in first[1]
    assert "gvci:" not in second[1]


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--devices", "--num-nodes"])
def test_no_process_cannot_train(folder, capsys, option):
    assert main([*words(folder, "none"), option, "0"]) == 2
    assert "Give --devices and --num-nodes 1 or more." in capsys.readouterr().err


def test_a_missing_fabric_is_named_with_its_cure(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert main(words(folder, "none", devices=2)) == 2
    assert "Run pip install -r requirements-cluster.txt." in capsys.readouterr().err


def test_processes_that_would_train_alone_are_refused(folder, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert main(words(folder, "none")) == 2
    assert "4 processes were started (WORLD_SIZE)" in capsys.readouterr().err
    assert not (folder / "none").exists()


def test_one_process_shares_nothing():
    tensor = torch.ones(2)
    share = ALONE.share(5)
    assert (share.cells, share.weight) == (slice(0, 5), 1.0)
    assert share.total(tensor) is ALONE.sum(tensor) is tensor
