"""What people bring is kept whole, found by its key alone, and deleted in time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gvci import workspaces
from gvci.errors import FileError, JobError
from gvci.grn import from_edges
from gvci.jobs import control
from gvci.jobs.folder import job_ids, new_id, write_json
from gvci.jobs.process import end
from gvci.jobs.request import Request
from gvci.jobs.state import read_job
from gvci.registry import entries, register

SLEEPER = ("sh", "-c", "exec sleep 600")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GVCI_HOME", str(tmp_path))
    monkeypatch.delenv("GVCI_KEEP_DAYS", raising=False)


def cells() -> ad.AnnData:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"label": ["control", "STAT1"] * 6}, index=[f"c{i}" for i in range(12)])
    var = pd.DataFrame({"gene_ids": [f"ENSG{i:011d}" for i in range(5)]}, index=list("ABCDE"))
    return ad.AnnData(rng.poisson(2.0, (12, 5)).astype(np.float32), obs, var, uns={"x": "y"})


def test_cells_come_back_as_they_were() -> None:
    given, key = cells(), new_id()
    kept = workspaces.keep_cells(key, ["a.h5ad", "labels.csv"], given, ["chosen: X"])
    (found,) = workspaces.uploads(key)
    assert found == kept == workspaces.upload(key, kept.id)
    assert found.labels == ("a.h5ad", "labels.csv")
    assert found.words == "12 cells × 5 genes"
    assert found.notes == ("chosen: X",)
    again = found.cells()
    np.testing.assert_array_equal(again.X, given.X)
    assert list(again.obs["label"]) == list(given.obs["label"])
    assert list(again.var["gene_ids"]) == list(given.var["gene_ids"])
    assert "x" not in again.uns


def test_a_network_comes_back_as_it_was() -> None:
    edges = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"], "weight": [0.5, -1.0]})
    key = new_id()
    kept = workspaces.keep_network(key, "mine.csv", from_edges(edges, "mine.csv"))
    network = workspaces.upload(key, kept.id).network()
    assert network.name == "mine.csv"
    assert network.edges[["source", "target", "weight"]].to_dict("list") == edges.to_dict("list")


@pytest.mark.parametrize("key", ["", "..", "../jobs", "a/b", "\0", "x" * 300, "none"])
def test_only_an_id_is_a_key(key: str) -> None:
    assert workspaces.uploads(key) == []
    assert not workspaces.exists(key)
    for act in (
        lambda: workspaces.keep_cells(key, ["a"], cells(), []),
        lambda: workspaces.delete(key),
    ):
        with pytest.raises(FileError, match="not the key of a workspace"):
            act()
    workspaces.forget(new_id(), key)


@given(st.text(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_f38_a_name_is_a_label_and_never_a_path(name: str) -> None:
    key = new_id()
    kept = workspaces.keep_network(key, name or "x", from_edges(
        pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]}), "n"
    ))  # fmt: skip
    assert kept.path.resolve().is_relative_to(workspaces.home().resolve() / key / kept.id)
    assert sorted(f.name for f in kept.folder.iterdir()) == ["about.json", "network.csv"]
    assert workspaces.upload(key, kept.id).labels == (name or "x",)
    workspaces.delete(key)


def test_f38_a_link_in_the_place_of_a_workspace_is_not_followed(tmp_path: Path) -> None:
    key, outside = new_id(), tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    workspaces.home().mkdir()
    (workspaces.home() / key).symlink_to(outside)
    assert workspaces.uploads(key) == []
    with pytest.raises(FileError):
        workspaces.delete(key)
    os.utime(outside, (0, 0))
    assert workspaces.sweep() == []
    assert (outside / "precious").exists()


def test_f32_an_upload_is_found_by_its_own_key_alone() -> None:
    mine, yours = new_id(), new_id()
    kept = workspaces.keep_cells(mine, ["canary"], cells(), [])
    workspaces.keep_cells(yours, ["other"], cells(), [])
    assert [u.labels for u in workspaces.uploads(yours)] == [("other",)]
    with pytest.raises(FileError, match="7 days after the last visit"):
        workspaces.upload(yours, kept.id)


def test_what_is_damaged_or_half_written_is_left_out() -> None:
    key = new_id()
    good, bad = (workspaces.keep_cells(key, [name], cells(), []) for name in ("good", "bad"))
    (bad.folder / "about.json").write_text('{"kind": "cells"')
    (good.folder.parent / new_id()).mkdir()
    assert [u.id for u in workspaces.uploads(key)] == [good.id]


def test_f33_a_full_disk_is_a_sentence_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_id()
    first = workspaces.keep_cells(key, ["first"], cells(), [])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ad.AnnData, "write_h5ad", full)
        with pytest.raises(FileError, match="No space left on device"):
            workspaces.keep_cells(key, ["second"], cells(), [])
    assert [u.id for u in workspaces.uploads(key)] == [first.id]
    assert not list(first.folder.parent.glob(".new-*"))
    monkeypatch.setattr(workspaces, "free_disk", lambda _: 10)
    with pytest.raises(FileError, match="The server has 0 MB of disk left"):
        workspaces.keep_cells(key, ["third"], cells(), [])


def test_a_workspace_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_id()
    first = workspaces.keep_cells(key, ["first"], cells(), [])
    monkeypatch.setattr(workspaces, "MOST_BYTES", first.path.stat().st_size + 100)
    with pytest.raises(FileError, match="Delete an older upload"):
        workspaces.keep_cells(key, ["more"], cells(), [])


# --- time -------------------------------------------------------------------------------


def aged(key: str, days: float) -> None:
    then = time.time() - days * workspaces.DAY
    os.utime(workspaces.home() / key / "used", (then, then))


def test_what_nobody_came_back_to_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, visited = (new_id() for _ in range(3))
    for key in (old, new, visited):
        workspaces.keep_cells(key, ["a"], cells(), [])
    aged(old, 7.1)
    aged(visited, 7.1)
    assert len(workspaces.uploads(visited)) == 1, "a visit counts as use"
    assert workspaces.sweep() == [old]
    assert [len(workspaces.uploads(key)) for key in (old, new, visited)] == [0, 1, 1]
    aged(new, 2)
    monkeypatch.setenv("GVCI_KEEP_DAYS", "1.5")
    assert workspaces.sweep() == [new]


@pytest.mark.parametrize("word", ["", "a week", "-1", "0", "nan"])
def test_a_time_that_makes_no_sense_is_a_week(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("GVCI_KEEP_DAYS", word)
    assert workspaces.keep_days() == workspaces.USUAL_DAYS


def test_a_workspace_goes_with_its_jobs_and_what_they_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control, "PROGRAM", SLEEPER)
    key = new_id()
    upload = workspaces.keep_cells(key, ["a"], cells(), [])
    asked = Request(verb="prepare", data=str(upload.path), workspace=key)
    mine, others = control.start(asked), control.start(asked.model_copy(update={"workspace": None}))
    with pytest.raises(JobError, match="queued or running"):
        workspaces.delete(key)
    aged(key, 100)
    assert workspaces.sweep() == [], "a workspace at work is not old"
    for job in (mine, others):
        end(read_job(job.id).process, 0.0)
    write_json(mine.folder / "done.json", {"outcome": "done", "sentence": "Done."})
    (mine.folder / "model.safetensors").touch()
    register(mine.folder, "run", "canary title", listed=False)
    assert [e.title for e in workspaces.own_entries(key)] == ["canary title"]
    assert workspaces.own_entries(None) == []
    assert workspaces.own_entries(new_id()) == []
    assert "canary title" not in [e.title for e in entries()]
    workspaces.delete(key)
    assert job_ids() == [others.id]
    assert "canary" not in "".join(f.read_text() for f in (tmp_path / "runs").glob("*.json"))
