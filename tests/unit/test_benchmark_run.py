"""A benchmark that is killed, that meets faults, or that runs on Ray gives the same table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from gvci.benchmark import engines, run_benchmark, work
from gvci.benchmark.parts import CELLS, LOG, PARTS, Part, parts
from gvci.benchmark.problems import checksum
from gvci.benchmark.run import TABLE, TIDY, remaining
from gvci.benchmark.sources import ROOT
from gvci.benchmark.spec import Spec
from gvci.benchmark.tidy import tidy
from gvci.cli import main
from gvci.data.dataset import PerturbationData
from gvci.errors import DataError, SettingsError

SPEC = """
kind = "table1"
seeds = [0, 1]
[[datasets]]
name = "tiny"
data = "sim"
holdouts = ["cell_type=B cells,perturbation=STAT1"]
simulate = {n_genes = 60, n_perturbations = 2, cells_per_group = 17, controls_per_group = 20}
prepare = {covariates = ["cell_type"]}
[[models]]
name = "VCI"
model = "vci"
preset = "paper"
max_steps = 6
evaluate_every = 3
latent = 8
width = 16
predict = ["mean", "residual"]
"""
SECONDS = ["seconds", "work_s"]


def spec(folder: Path, text: str = SPEC) -> Path:
    file = folder / "tiny.toml"
    file.write_text(text)
    return file


def scores(folder: Path) -> pd.DataFrame:
    """All but the time it took."""
    return pd.read_parquet(folder / TIDY).drop(columns=SECONDS)


def events(folder: Path) -> Counter[tuple[str, str]]:
    lines = (folder / LOG).read_text().splitlines()
    return Counter((event["part"], event["event"]) for event in map(json.loads, lines))


def run_here(file: Path, folder: Path) -> pd.DataFrame:
    """Every part in this process; the table that any engine must give."""
    (folder / CELLS).mkdir(parents=True)
    asked, _ = parts(Spec.read(file))
    return tidy([work.work(part, folder) for part in asked]).drop(columns=SECONDS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("expected")
    return run_here(spec(folder), folder / "out")


@pytest.fixture(autouse=True)
def own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished benchmarks are registered: not among those of whoever runs the tests."""
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))


def started(words: list[str], folder: Path, **more: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "gvci", "benchmark", *words, "--out", str(folder)]
    variables = {**os.environ, **more}
    with (folder.parent / "said.txt").open("wb") as said:
        return subprocess.Popen(
            command, cwd=ROOT.parent, env=variables, stdout=said, stderr=subprocess.STDOUT
        )


def until(condition: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_killed_and_started_again_it_gives_the_same_table_and_runs_nothing_twice(
    tmp_path: Path, expected: pd.DataFrame
) -> None:
    file, out = spec(tmp_path), tmp_path / "out"
    words = [str(file), "--jobs", "1"]
    run = started(words, out)
    until(lambda: len(list((out / PARTS).glob("*.json"))) >= 1 or run.poll() is not None)
    workers = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive  # nothing goes on writing into the folder
    before = events(out)
    finished = {file.name: file.stat().st_mtime_ns for file in (out / PARTS).glob("*.json")}
    assert 1 <= len(finished) < 4
    assert not (out / TABLE).exists()

    run = started(words, out)
    assert run.wait(300) == 0, (tmp_path / "said.txt").read_text()
    pd.testing.assert_frame_equal(scores(out), expected, check_exact=True)
    for name, changed in finished.items():
        assert (out / PARTS / name).stat().st_mtime_ns == changed
    after = events(out)
    assert sum(n for (_, event), n in after.items() if event == "done") == 4
    done_before = {part for part, event in before if event == "done"}
    assert done_before
    for part in done_before:
        assert after[part, "started"] == before[part, "started"] == 1

    # A third time there is nothing to run, and the table is the same.
    answer = run_benchmark(file, out, say=lambda _: None)
    assert (answer["ran"], answer["parts"], answer["failed"]) == (0, 4, 0)
    assert events(out) == after
    pd.testing.assert_frame_equal(scores(out), expected, check_exact=True)


def test_a_part_whose_process_is_killed_does_not_take_the_others_with_it(
    tmp_path: Path, expected: pd.DataFrame
) -> None:
    file, out = spec(tmp_path), tmp_path / "out"
    run = started([str(file), "--jobs", "1"], out)
    until(lambda: (out / LOG).is_file() and (out / LOG).read_text().endswith("\n"))
    first = json.loads((out / LOG).read_text().splitlines()[0])
    os.kill(first["process"], signal.SIGKILL)
    assert run.wait(300) == 0, (tmp_path / "said.txt").read_text()
    assert events(out)[first["part"], "started"] == 2
    pd.testing.assert_frame_equal(scores(out), expected, check_exact=True)


def test_ray_gives_the_same_table(tmp_path: Path, expected: pd.DataFrame) -> None:
    pytest.importorskip("ray")
    file, out = spec(tmp_path), tmp_path / "out"
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_ADDRESS": ""}
    run = started([str(file), "--engine", "ray", "--jobs", "2", "--json"], out, **quiet)
    assert run.wait(300) == 0, (tmp_path / "said.txt").read_text()
    answer = json.loads((tmp_path / "said.txt").read_text().splitlines()[-1])
    assert (answer["ran"], answer["failed"]) == (4, 0)
    pd.testing.assert_frame_equal(scores(out), expected, check_exact=True)
    processes = {json.loads(line)["process"] for line in (out / LOG).read_text().splitlines()}
    assert len(processes) == 2


def test_without_ray_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ["benchmark", str(spec(tmp_path)), "--out", str(tmp_path / "out"), "--engine", "ray"]
    assert main(words) == 2
    assert "pip install -r requirements-cluster.txt" in capsys.readouterr().err


# --- faults --------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are run in this process."""

    def one_by_one(asked: Any, folder: Path, jobs: int) -> Any:
        for part in asked:
            yield part, work.work(part, folder)

    monkeypatch.setitem(engines.ENGINES, "local", one_by_one)  # type: ignore[misc]


GRAPH = """
[[models]]
name = "graphVCI"
preset = "paper"
max_steps = 2
latent = 8
width = 16
"""


def test_a_part_that_fails_is_recorded_and_the_others_are_done(
    tmp_path: Path, here: None, expected: pd.DataFrame
) -> None:
    (tmp_path / "other.csv").write_text("source,target\nAT1G01010,AT1G01020\n")
    text = SPEC.replace('name = "tiny"', 'name = "tiny"\nprior = "other.csv"') + GRAPH
    file, out = spec(tmp_path, text), tmp_path / "out"
    answer = run_benchmark(file, out, say=lambda _: None)
    assert (answer["parts"], answer["ran"], answer["failed"]) == (6, 6, 2)
    table = pd.read_parquet(out / TIDY)
    lost = table[table["failure"].notna()]
    assert set(lost["model"]) == {"graphVCI"}
    assert lost["failure"].str.contains("The network other.csv shares 0 of its 2 genes").all()
    done = table[table["failure"].isna()].drop(columns=SECONDS).reset_index(drop=True)
    pd.testing.assert_frame_equal(done, expected, check_exact=True)
    report = (out / TABLE).read_text()
    assert "## Not measured" in report
    assert "seed 0; cell_type=B cells" in report  # both seeds under one reason
    # What failed is tried again, for its reason may be gone; nothing else is.
    assert run_benchmark(file, out, say=lambda _: None)["ran"] == 2


def test_an_unforeseen_fault_is_recorded_by_its_type(
    tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(part: Part, cells: Path, unfinished: Path) -> dict[str, Any]:
        if part.model is not None:
            message = "by nothing"
            raise ZeroDivisionError(message)
        return original(part, cells, unfinished)

    from gvci.benchmark import heldout

    original = heldout.measure
    monkeypatch.setattr(heldout, "measure", broken)
    answer = run_benchmark(spec(tmp_path), tmp_path / "out", say=lambda _: None)
    assert answer["failed"] == 2
    assert "ZeroDivisionError: by nothing" in (tmp_path / "out" / TABLE).read_text()
    assert answer["scores"]["tiny"].keys() >= {"ridge regression", "ceiling (split halves)"}


def test_where_everything_fails_it_is_one_sentence(tmp_path: Path, here: None) -> None:
    text = SPEC.replace("cell_type=B cells,perturbation=STAT1", "cell_type=NK cells")
    with pytest.raises(DataError, match=r"Every part failed, the first with: No cell has cell_ty"):
        run_benchmark(spec(tmp_path, text), tmp_path / "out", say=lambda _: None)


def test_missing_data_alone_end_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SPEC.replace('data = "sim"', 'data = "mine.h5ad"').replace("simulate =", "#")
    words = ["benchmark", str(spec(tmp_path, text)), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "Nothing of tiny.toml can be run. There is no file mine.h5ad" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(DataError, match="cannot be written to"):
        run_benchmark(spec(tmp_path), tmp_path / "out")


# --- own data ---------------------------------------------------------------------------


def test_a_prepared_file_is_scored_as_it_was_split(
    tmp_path: Path, here: None, small_data: Any
) -> None:
    small_data.write(tmp_path / "mine.h5ad")
    text = SPEC.replace('data = "sim"', 'data = "mine.h5ad"').replace('name = "tiny"', "")
    text = text.replace("simulate =", "#").replace("holdouts =", "#").replace("prepare =", "#")
    out = tmp_path / "out"
    answer = run_benchmark(spec(tmp_path, text), out, say=lambda _: None)
    assert answer["failed"] == 0
    assert set(answer["scores"]) == {"mine"}
    table = pd.read_parquet(out / TIDY)
    assert set(table["group"]) == {"B cells"}
    assert set(table["holdout"]) == {"as given"}
    # One problem for both seeds: what no seed changes has none.
    assert table.loc[table["role"] == "baseline", "seed"].isna().all()
    assert set(table.loc[table["role"] == "model", "seed"]) == {0, 1}


def test_a_prepared_file_is_not_split_anew(tmp_path: Path, here: None, small_data: Any) -> None:
    small_data.write(tmp_path / "mine.h5ad")
    text = SPEC.replace('data = "sim"', 'data = "mine.h5ad"').replace("simulate =", "#")
    with pytest.raises(DataError, match="is prepared already, with its cells held out"):
        run_benchmark(spec(tmp_path, text), tmp_path / "out", say=lambda _: None)


def test_raw_cells_of_ones_own_are_prepared(
    tmp_path: Path, here: None, small_simulation: Any
) -> None:
    small_simulation.adata.write_h5ad(tmp_path / "raw.h5ad")
    text = SPEC.replace('data = "sim"', 'data = "raw.h5ad"').replace("simulate =", "#")
    named = 'perturbation = "perturbation", control = "control", covariates'
    out = tmp_path / "out"
    answer = run_benchmark(
        spec(tmp_path, text.replace("covariates", named)), out, say=lambda _: None
    )
    assert answer["failed"] == 0
    assert len(list((out / CELLS).glob("*.h5ad"))) == 1


def test_another_programs_cells_stand_in_the_same_table(tmp_path: Path, here: None) -> None:
    """First it is said what to predict; then the cells are scored, here the control cells."""
    text = SPEC + '[[models]]\nname = "other"\npredictions = "{dataset}-{holdout}-{seed}.h5ad"\n'
    file, out = spec(tmp_path, text), tmp_path / "out"
    assert run_benchmark(file, out, say=lambda _: None)["failed"] == 2
    assert "The cells to predict are those of" in (out / TABLE).read_text()
    for seed in (0, 1):
        (cells,) = (out / CELLS).glob(f"*seed_{seed}-*.h5ad")
        data = PerturbationData.read(cells)
        held_out = (data.groups == "B cells") & data.is_control & (data.split == "train")
        made = data.adata[held_out].copy()
        made.obs["perturbation"] = "STAT1"
        made.obs_names = [f"made {i}" for i in range(made.n_obs)]
        made.write_h5ad(tmp_path / f"tiny-cell_type_B_cells_perturbation_STAT1-{seed}.h5ad")
    answer = run_benchmark(file, out, say=lambda _: None)
    assert (answer["ran"], answer["failed"]) == (2, 0)
    scores_of = answer["scores"]["tiny"]
    theirs, nothing = scores_of["other, as given"], scores_of["no change"]
    assert theirs["r2_all"]["mean"] == pytest.approx(nothing["r2_all"]["mean"], abs=0.05)
    made = made[:, :40].copy()
    made.write_h5ad(tmp_path / "tiny-cell_type_B_cells_perturbation_STAT1-1.h5ad")
    checksum.cache_clear()
    answer = run_benchmark(file, out, say=lambda _: None)
    assert (answer["ran"], answer["failed"]) == (1, 1)
    assert "has 40 of the 60 genes" in (out / TABLE).read_text()


# --- time left ----------------------------------------------------------------------------


def test_the_time_left_is_judged_by_parts_alike(tmp_path: Path) -> None:
    asked, _ = parts(Spec.read(spec(tmp_path, SPEC + GRAPH)))
    done = [
        {"model": "VCI", "dataset": "tiny", "seconds": 40.0},
        {"model": "VCI", "dataset": "other", "seconds": 100.0},
        {"model": "baselines", "dataset": "other", "seconds": 10.0},
    ]
    by_name = {part.title: part for part in asked}
    assert remaining([by_name["VCI"]], done) == pytest.approx(40)
    assert remaining([by_name["baselines"]], done) == pytest.approx(10)
    assert remaining([by_name["graphVCI"]], done) == pytest.approx(np.mean([40, 100, 10]))
    assert remaining([], done) == 0
    assert remaining([by_name["VCI"]], []) is None


def test_jobs_are_whole_numbers(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["benchmark", str(spec(tmp_path)), "--out", str(tmp_path), "--jobs", "-1"])


def test_a_spec_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml cannot be read as TOML"):
        run_benchmark(tmp_path / "no.toml", tmp_path)
