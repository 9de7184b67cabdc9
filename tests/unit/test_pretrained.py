"""The shipped folders: what is in them, what is not, and that they say what they are."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gvci.checkpoint import load_checkpoint
from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.evaluation.evaluate import evaluate
from gvci.evaluation.score_table import score_lines
from gvci.making import make_run
from gvci.priors import find_prior
from gvci.recipe import RECIPE, read_recipe
from gvci.refiner.result import COLUMNS
from gvci.refiner.trimmed import MOST
from gvci.registry import CARD, SHIPPED
from gvci.run import DATA, MODEL, SCORES, SUMMARIES, Run
from gvci.shipped.card import SHOWN, card, licence, score_rows
from gvci.shipped.entries import RUNS
from gvci.shipped.pretrained import LICENCE, MOST_BYTES, finish
from gvci.training.loop import refine
from gvci.verdict import number

NAMES = sorted(RUNS)
OTHERS = [name for name in NAMES if not RUNS[name].own]


def files(name: str) -> list[Path]:
    return [path for path in sorted((SHIPPED / name).rglob("*")) if path.is_file()]


def test_what_is_shipped_has_a_recipe():
    assert sorted(path.name for path in SHIPPED.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_small_and_has_all_parts(name):
    assert sum(path.stat().st_size for path in files(name)) <= MOST_BYTES
    parts = {path.relative_to(SHIPPED / name).as_posix() for path in files(name)}
    assert parts >= {MODEL, SCORES, CARD, LICENCE, RECIPE, "grn/edges.parquet", "grn/grn.json"}
    assert (DATA in parts) == RUNS[name].own
    assert any(part.startswith(SUMMARIES) for part in parts) != RUNS[name].own
    assert (SHIPPED / name / LICENCE).read_text(encoding="utf-8") == licence(RUNS[name])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_tells_of_the_machine_or_the_day(name):
    for path in files(name):
        if path.name in (LICENCE, DATA):
            continue
        found = re.search(rb"/tmp|/home|/work|\"created\"|\"seconds\"", path.read_bytes())
        assert found is None, (path, found)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_that_of_the_run(name):
    run = Run.open(SHIPPED / name)
    assert (SHIPPED / name / CARD).read_text(encoding="utf-8") == card(run)


@pytest.mark.parametrize("name", NAMES)
def test_edges_have_all_columns_and_five_seeds(name):
    grn = Run.open(SHIPPED / name).grn
    assert grn is not None
    assert list(grn.table) == COLUMNS
    assert set(grn.table["seeds"]) <= {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}


@pytest.mark.parametrize("name", OTHERS)
def test_no_list_of_others_is_shipped(name):
    """Only adopted edges that the data speak for, at most 50 a regulator, and counts."""
    run = Run.open(SHIPPED / name)
    assert run.grn is not None
    table = run.grn.table
    assert set(table["status"]) <= {"kept", "added"}
    assert (table["evidence"] > 0).all()
    assert table["source"].value_counts().max() <= MOST
    adopted = run.grn.counts()
    assert (table["prior"] == 1).sum() < adopted["kept"] + adopted["removed"]
    genes = set(run.grn.genes)
    for note, value in run.grn.meta.items():
        names = [word for word in re.findall(r"[\w.-]+", json.dumps(value)) if word in genes]
        assert len(names) < 10, (note, names)
    tensors, _ = load_checkpoint(SHIPPED / name / MODEL)
    assert not [key for key, tensor in tensors.items() if not tensor.is_floating_point()]
    assert not [key for key in tensors if "edge" in key]


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_gives_the_words_and_the_cells_hash(name):
    found = read_recipe(SHIPPED / name)
    assert found is not None
    assert found.words == RUNS[name].prepare
    assert found.data_hash == Run.open(SHIPPED / name).model.header["data_hash"]


@pytest.mark.parametrize("name", NAMES)
def test_the_cards_scores_are_those_that_evaluate_prints(name, monkeypatch, tmp_path):
    """Where the cells are at hand; else the card is held against the file of scores."""
    monkeypatch.setenv("GVCI_HOME", str(tmp_path))
    run = Run.open(SHIPPED / name)
    scores = run.scores["ood"]
    if run.cells_here:
        scores = evaluate(run, run.data, "ood", name=run.model.name)
        for model, row in scores["models"].items():
            for score, value in row.items():
                assert value == pytest.approx(run.scores["ood"]["models"][model][score], abs=1e-4)
    said = (SHIPPED / name / CARD).read_text(encoding="utf-8")
    assert scores["verdict"] in said
    printed = "\n".join(score_lines({**scores["models"], "ceiling": scores["ceiling"]}))
    rows = {**scores["models"], "ceiling": scores["ceiling"]}
    for model, shown in zip(rows, score_rows(run).items(), strict=True):
        assert f"| {shown[0]} | {' | '.join(shown[1])} |" in said
        for key, cell in zip(SHOWN, shown[1], strict=True):
            value = rows[model].get(key)
            assert cell == ("undefined" if value is None else number(value, 3))
            if value is not None:
                assert cell.replace("\N{MINUS SIGN}", "-").lstrip("-") in printed


@pytest.fixture
def shipped_twice(small_data: PerturbationData, small_simulation, tmp_path, monkeypatch):
    """A small run that is made and finished twice, as one whose cells are others'."""
    shipped = replace(RUNS["kang2018-ifnb"], prior="dorothea")
    monkeypatch.setattr("gvci.shipped.card.RUNS", {"small": shipped})
    made = []
    for place in ("first", "second"):
        folder = tmp_path / place / "small"
        folder.mkdir(parents=True)
        small_data.write(folder.parent / "cells.h5ad")
        settings = RefineSettings.preset("quick", seeds=2)
        prior = find_prior("coexpression", small_data)
        grn = refine(small_data, prior, settings, "quick")
        short = TrainSettings.preset("quick", max_steps=20, inner_folds=0)
        make_run(folder.parent / "cells.h5ad", grn, short, "quick", folder)
        finish(folder, shipped)
        made.append(folder)
    return made


def test_making_it_twice_gives_the_same_bytes(shipped_twice):
    first, second = shipped_twice
    parts = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert parts == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert {"card.md", "LICENCE", "recipe.json", "scores.json"} <= {p.name for p in parts}
    assert DATA not in {p.name for p in parts}
    for part in parts:
        assert (first / part).read_bytes() == (second / part).read_bytes(), part


def test_the_licence_names_everyone_it_derives_from():
    for name in OTHERS:
        text = licence(RUNS[name])
        assert "GNU GENERAL PUBLIC LICENSE" in text
        assert {"dorothea": "DoRothEA", "collectri": "CollecTRI"}[RUNS[name].prior] in text
        for notice in RUNS[name].notices:
            assert notice in text
    assert licence(RUNS["demo"]) == (SHIPPED.parent / "LICENSE").read_text(encoding="utf-8")


def test_cells_of_the_demo_are_whole(tmp_path):
    """Counts are stored as whole numbers, and come back as they were."""
    data = Run.open(SHIPPED / "demo").data
    shutil.copy(SHIPPED / "demo" / DATA, tmp_path / DATA)
    again = PerturbationData.read(tmp_path / DATA)
    again.write(tmp_path / "again.h5ad")
    assert (tmp_path / "again.h5ad").read_bytes() == (tmp_path / DATA).read_bytes()
    assert again.fingerprint == data.fingerprint
