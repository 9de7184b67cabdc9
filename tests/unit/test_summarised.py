"""A run without its cells: the same answers, the cells where they are at hand, or a sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvci.counterfactual.answer import answer
from gvci.counterfactual.scenario import Scenario
from gvci.counterfactual.summarised import Summaries, summaries
from gvci.data import labels
from gvci.data.simulate import Simulation
from gvci.data.tables import compact
from gvci.errors import DataError, FileError, GvciError, PredictionError
from gvci.estimator import beside_plain, control_means, marginal_effects
from gvci.recipe import cells_file
from gvci.run import Run

GROUP = "B cells"
HELD_OUT = Scenario("STAT1", GROUP)
WORDS = [
    "kang2018-ifnb", "--perturbation", "perturbation", "--control", "control", "--covariates",
    "cell_type", "--holdout", "cell_type=B cells,perturbation=STAT1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GVCI_DATA_DIR", raising=False)


@pytest.fixture
def copy(without_cells: Path, tmp_path: Path) -> Path:
    """A run of the test's own."""
    return Path(shutil.copytree(without_cells, tmp_path / "run"))


# --- what is answered --------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [HELD_OUT, Scenario("IRF1", "CD4 T cells")])
def test_answers_are_those_of_the_cells(small_run: Path, without_cells: Path, scenario: Scenario):
    said = summaries(Run.open(without_cells)).answer(scenario)
    truth = answer(Run.open(small_run), scenario)
    same = (
        "scenario", "support", "asked", "interval", "unit", "model", "share", "rest",
        "mean_words", "baseline_name", "n_de", "verdict", "notes",
    )  # fmt: skip
    for name in same:
        assert getattr(said, name) == getattr(truth, name), name
    ours, theirs = (found.table.set_index("gene").sort_index() for found in (said, truth))
    pd.testing.assert_frame_equal(ours, theirs, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(said.baseline, truth.baseline, rtol=2e-4, atol=1e-6)
    for kind in ("control", "predicted", "measured"):
        short, whole = getattr(said, kind), getattr(truth, kind)
        assert (short.n, short.summary, whole.summary) == (whole.n, True, False)
        np.testing.assert_allclose(short.mean, whole.mean, rtol=2e-4, atol=1e-6)
    for name, row in truth.scores.items():
        assert said.scores[name] == pytest.approx(row, abs=1e-6)


def test_effects_are_those_of_the_cells(small_run: Path, without_cells: Path):
    run = Run.open(small_run)
    found = marginal_effects(run, run.data, ["STAT1"], bands=True)
    truth = beside_plain(found, control_means(found, run.data))
    said = summaries(Run.open(without_cells)).effects("STAT1")
    pd.testing.assert_frame_equal(said[truth.columns], truth, rtol=2e-4, atol=1e-3)
    one = summaries(Run.open(without_cells)).effects("STAT1", GROUP)
    assert set(one["group"]) == {GROUP}
    assert set(one["status"]) == {"not_identifiable"}


def test_labels_are_those_of_the_cells(small_run: Path, without_cells: Path):
    ours, theirs = Run.open(without_cells), Run.open(small_run)
    assert not ours.cells_here
    assert theirs.cells_here
    said, data = ours.data, theirs.data
    for name in ("n_cells", "title", "simulated", "unit", "fingerprint", "perturbations"):
        assert getattr(said, name) == getattr(data, name), name
    assert said.genes.equals(data.genes)
    assert said.treatment_code == data.treatment_code
    assert said.covariate_code == data.covariate_code
    rows = ["groups", "perturbation", "split", "dose"]
    tables = [pd.DataFrame({r: getattr(d, r) for r in rows}).value_counts() for d in (said, data)]
    pd.testing.assert_series_equal(tables[0].sort_index(), tables[1].sort_index())
    assert ours.support(*("STAT1", GROUP)) == "held_out"


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: run.data.mean(np.array([0])),
        lambda run: run.data.dense(np.array([0])),
        lambda run: run.data.counts,
        lambda run: run.data.depth,
        lambda run: run.predict(np.array([0]), "STAT1"),
        lambda run: summaries(run).answer(Scenario("STAT1", GROUP, "all cells")),
        lambda run: summaries(run).answer(Scenario("STAT1", GROUP, mode="mean")),
        lambda run: summaries(run).answer(Scenario("STAT1", GROUP, dose=2.0)),
        lambda run: summaries(run).answer(Scenario("IRF1+STAT1", GROUP)),
        lambda run: summaries(run).effects("IRF1+STAT1"),
    ],
)
def test_what_needs_cells_says_how_to_get_them(without_cells: Path, ask: Callable[[Run], Any]):
    with pytest.raises((DataError, PredictionError), match=r"Put the file data\.h5ad of this run"):
        ask(Run.open(without_cells))


# --- from a recipe -----------------------------------------------------------------------


def with_recipe(folder: Path, **changes: object) -> None:
    """Say how the cells are prepared."""
    header = Run.open(folder).model.header
    said = {"prepare": WORDS, "data_hash": header["data_hash"], **changes}
    (folder / "recipe.json").write_text(json.dumps(said))


def mirror(simulation: Simulation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The raw cells in GVCI_DATA_DIR, under the file name of the catalogue's dataset."""
    folder.mkdir()
    simulation.adata.write_h5ad(folder / "kang2018_ifnb_seurat.h5ad")
    monkeypatch.setenv("GVCI_DATA_DIR", str(folder))


def test_the_cells_are_prepared_once_where_they_are_at_hand(
    copy: Path, small_simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_recipe(copy)
    absent = Run.open(copy)
    assert not absent.cells_to_prepare
    assert not absent.cells_here
    with pytest.raises(DataError, match="python -m gvci fetch kang2018-ifnb"):
        _ = absent.data.expression
    mirror(small_simulation, tmp_path / "mirror", monkeypatch)
    assert Run.open(copy).cells_to_prepare
    run = Run.open(copy)
    assert run.cells_here
    assert answer(run, HELD_OUT).control.summary is False
    prepared = tmp_path / "home" / "cells" / f"{run.data.fingerprint}.h5ad"
    assert prepared.is_file()
    assert cells_file(copy / "data.h5ad") == prepared
    monkeypatch.delenv("GVCI_DATA_DIR")
    again = Run.open(copy)
    assert not again.cells_to_prepare
    assert again.cells_here


def test_other_cells_are_not_taken(
    copy: Path, small_simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_recipe(copy, prepare=[*WORDS, "--seed", "5"])
    mirror(small_simulation, tmp_path / "mirror", monkeypatch)
    run = Run.open(copy)
    assert not run.cells_here
    with pytest.raises(DataError, match="their checksum differs"):
        _ = run.data.expression
    assert list((tmp_path / "home" / "cells").iterdir()) == []
    assert summaries(run).answer(HELD_OUT).control.n == 60


def test_what_prepare_refuses_is_said(
    copy: Path, small_simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_recipe(copy, prepare=[*WORDS[:3], "--control", "nothing"])
    mirror(small_simulation, tmp_path / "mirror", monkeypatch)
    run = Run.open(copy)
    assert not run.cells_here
    with pytest.raises(DataError, match=r"could not be prepared: .*nothing"):
        _ = run.data.expression


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "{}", '{"prepare": [], "data_hash": "%s"}' % ("0" * 64),
        '{"prepare": ["../../etc/passwd"], "data_hash": "%s"}' % ("0" * 64),
        '{"prepare": ["demo"], "data_hash": "../../home"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_damaged_recipes_are_refused(copy: Path, text: str):
    (copy / "recipe.json").write_text(text)
    with pytest.raises(FileError, match=r"recipe\.json is damaged"):
        _ = Run.open(copy).data


# --- damage ------------------------------------------------------------------------------


def opened(folder: Path) -> Summaries:
    """As a page opens it."""
    return summaries(Run.open(folder))


@pytest.mark.parametrize("cut", [0, 10, -1])
@pytest.mark.parametrize(
    "name",
    ["labels.json", "labels.parquet", "answers.json", "summaries.parquet", "answers.parquet",
     "effects.parquet"],
)  # fmt: skip
def test_cut_files_are_refused(copy: Path, name: str, cut: int):
    file = copy / "summaries" / name
    content = file.read_bytes()
    file.write_bytes(content[:cut] if cut else b"")
    if name.endswith("json") and cut == -1:
        opened(copy)  # the last byte is the end of the line
        return
    with pytest.raises(FileError, match="damaged"):
        opened(copy)


@pytest.mark.parametrize("name", ["labels.json", "labels.parquet", "answers.json"])
def test_lost_files_are_refused(copy: Path, name: str):
    (copy / "summaries" / name).unlink()
    with pytest.raises(FileError, match="damaged"):
        opened(copy)


def changed(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """A JSON file with a change."""
    file = folder / "summaries" / name
    said = json.loads(file.read_text())
    change(said)
    file.write_text(json.dumps(said))


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(format=2),
        lambda said: said.update(model="00000000"),
        lambda said: said["answers"][0].update(interval="certain"),
        lambda said: said["answers"][0].update(baseline_name="<script>"),
        lambda said: said["answers"][0].update(scores={"model": {"r2_all": 1.0}}),
        lambda said: said["answers"][0].update(scores={"best": {}}),
        lambda said: said["answers"][0].update(dose=float("nan")),
        lambda said: said["answers"][0].update(group="no group"),
        lambda said: said["answers"][0].update(more=1),
        lambda said: said["answers"].append([]),
        lambda said: said.pop("checksums"),
    ],
)
def test_answers_that_lie_are_refused(copy: Path, change: Callable[[dict[str, Any]], object]):
    changed(copy, "answers.json", change)
    with pytest.raises(FileError, match=r"summaries in .* damaged"):
        opened(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(cells=10**12),
        lambda said: said.update(format="1"),
        lambda said: said["genes"].reverse(),
        lambda said: said["genes"].pop(),
        lambda said: said.update(data_hash="0" * 64),
        lambda said: said["columns"].update(covariates=["donor"]),
        lambda said: said["columns"].update(more="x"),
        lambda said: said.update(meta=[1]),
    ],
)
def test_labels_that_lie_are_refused(copy: Path, change: Callable[[dict[str, Any]], object]):
    changed(copy, "labels.json", change)
    with pytest.raises(GvciError, match=r"damaged|not in the data|other genes|checksum differs"):
        opened(copy)


@pytest.mark.parametrize("n", [0, -5, 10**15])
def test_numbers_of_cells_that_cannot_be_are_refused(copy: Path, n: int):
    folder = copy / "summaries"
    table = pd.read_parquet(folder / labels.TABLE)
    table.loc[0, labels.CELLS] = n
    replaced(copy, labels.TABLE, table)
    total = int(table[labels.CELLS].sum())
    changed(copy, "labels.json", lambda said: said.update(cells=total))
    with pytest.raises(FileError, match="damaged"):
        opened(copy)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.assign(q20=np.nan),
        lambda table: table.assign(q03=99.0),
        lambda table: table.assign(cells=0),
        lambda table: table.assign(mean="<b>"),
        lambda table: table.drop(columns="variance"),
        lambda table: table.iloc[1:],
        lambda table: table.iloc[::-1],
        lambda table: table[table["kind"] != "control"],
    ],
)
def test_tables_that_lie_are_refused(copy: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame]):
    table = pd.read_parquet(copy / "summaries" / "summaries.parquet")
    replaced(copy, "summaries.parquet", spoil(table))
    with pytest.raises(FileError, match="damaged"):
        opened(copy)


def replaced(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Another table, with its own checksum in the notes."""
    import hashlib

    content = compact(table.reset_index(drop=True))
    (folder / "summaries" / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    if name == labels.TABLE:
        changed(folder, "labels.json", lambda said: said.update(checksum=digest))
    else:
        changed(folder, "answers.json", lambda said: said["checksums"].update({name: digest}))
