"""The story: its statistics on cells whose truth is known, its parts, its page, its claims."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from gvci.app import story as shown
from gvci.grn import from_edges
from gvci.refiner.result import RefinedGRN
from gvci.registry import SHIPPED
from gvci.run import Run
from story import knockouts
from story.__main__ import HEAD, PARTS, main, page
from story.edges import _expected, _novel
from story.part import FOLDER, ROOT, Part, sentence, span, table

GENES, CELLS = 200, 120


@pytest.fixture
def chance():
    return np.random.default_rng(3)


def test_the_size_of_no_change_is_nothing_on_average(chance):
    squares = [
        knockouts._square(chance.normal(size=(CELLS, GENES)), chance.normal(size=(CELLS, GENES)))
        for _ in range(200)
    ]
    plain = 2 / CELLS  # what the mean square of a difference of means is by sampling alone
    assert abs(np.mean(squares)) < 0.05 * plain


@pytest.mark.parametrize("size", [0.05, 0.2, 1.0])
def test_the_size_of_a_change_is_its_root_mean_square(chance, size):
    change = chance.normal(size=GENES)
    change *= size / np.sqrt(np.mean(change**2))
    squares = [
        knockouts._square(
            chance.normal(size=(CELLS, GENES)) + change, chance.normal(size=(CELLS, GENES))
        )
        for _ in range(100)
    ]
    assert np.mean(squares) == pytest.approx(size**2, rel=0.03, abs=0.03 * 2 / CELLS)


def test_words_and_tables():
    assert sentence(["a"]) == "a"
    assert sentence(["a", "b", "c"]) == "a, b and c"
    assert span(-0.1234, 0.5) == "[−0.123, 0.5]" or span(-0.1234, 0.5) == "[−0.123, 0.500]"
    lines = table(pd.DataFrame({"|r|": [0.5, float("nan")], "n": ["3", "a|b"]})).splitlines()
    assert lines[0] == "| \\|r\\| | n |"
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    assert lines[3].startswith("| – |")


def test_novel_edges_are_ranked_by_evidence_and_counted_against_the_truth():
    genes = pd.Index(["STAT1", "IRF1", "A", "B", "C"])
    rows = [
        ("STAT1", "A", 0, 3.0), ("STAT1", "B", 1, 9.0), ("IRF1", "C", 0, 5.0),
        ("IRF1", "A", 0, -1.0), ("OTHER", "A", 0, 99.0),
    ]  # fmt: skip
    edges = pd.DataFrame(rows, columns=["source", "target", "prior", "evidence"])
    edges = edges.assign(weight=0.5, status="absent", sign=0, stability=1.0)
    network = RefinedGRN(genes, edges, 0.5, 0.1, {})
    truth = from_edges(pd.DataFrame({"source": ["IRF1", "STAT1"], "target": ["C", "B"]}), "truth")
    novel, known = _novel(network, truth)
    assert list(novel["edge"]) == ["*IRF1* → *C*", "*STAT1* → *A*", "*IRF1* → *A*"]
    assert known == 1
    assert _expected(network, truth) == pytest.approx(20 * 1 / 3)


def test_knock_outs_of_the_demo_are_sized_and_told():
    run = Run.open(SHIPPED / "demo")
    row = next(row for row in run.scores["ood"]["pairs"] if knockouts._own(run, row))
    found = knockouts._size(run, row["group"], row["perturbation"], row)
    assert found["low"] <= found["measured"] <= found["high"]
    assert 0 < found["predicted"] < 2 * found["high"]
    assert found["pearson"] == row["pearson_delta"]
    drawn = knockouts._sizes(pd.DataFrame([found]), row["group"], {"made by": "a test"})
    assert drawn.startswith(b"<?xml")
    assert row["perturbation"].encode() in drawn


def test_the_page_is_what_its_parts_say():
    text = (ROOT / "docs" / "story.md").read_text(encoding="utf-8")
    assert text == page()
    assert text.startswith(HEAD)
    for name in PARTS:
        kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        assert set(kept) == set(Part.__dataclass_fields__)
        assert kept["claim"] in text
    pictures = re.findall(r"\]\((story/[^)]+)\)", text)
    assert len(pictures) == 5
    for picture in pictures:
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"<?xml")


def test_home_tells_what_can_be_opened(monkeypatch):
    known = {"kang2018-ifnb", "papalexi2021-eccite"}

    class Any:
        def __init__(self, name):
            self.id = name

    monkeypatch.setattr(shown, "entries", lambda: [Any(name) for name in known])
    claims = shown.claims()
    assert [claim.page for claim in claims] == ["network", "counterfactual", "counterfactual"]
    assert {claim.query["run"] for claim in claims} == known
    assert claims[1].query["c_cell_type"] == "CD14+ Monocytes"
    monkeypatch.setattr(shown, "entries", list)
    assert shown.claims() == []


def test_without_cells_it_says_how_to_get_them(tmp_path, capsys):
    assert main(["knockouts", "--papalexi", str(tmp_path)]) == 2
    assert main(["--kang", str(tmp_path)]) == 2, "without a word all parts are made"
    assert "neither a run" in capsys.readouterr().err
