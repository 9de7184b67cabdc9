"""The Network page's two views: what it says of weights, and precision against recall."""

from __future__ import annotations

import dataclasses
import io
import math
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from gvci.app import edge_card, edges, recovered, recovery_view, regulators, support, vector
from gvci.app.theme import DARK, LIGHT
from gvci.grn import from_edges
from gvci.refiner.result import RefinedGRN
from gvci.registry import register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound

PR = "Precision and recall"


@pytest.fixture(scope="module")
def demo() -> RefinedGRN:
    return RefinedGRN.load(DEMO / "grn")


def variant(tmp_path: Path, grn: RefinedGRN) -> str:
    """A registered network on the demo's cells; its id."""
    folder = tmp_path / "grn"
    grn.save(folder, "data.h5ad")
    shutil.copy(DEMO / "data.h5ad", folder / "data.h5ad")
    name = register(folder, "grn", "another network")
    assert name is not None
    return name


def of_paper(grn: RefinedGRN) -> RefinedGRN:
    """The same edges as preset `paper` would tell them."""
    table = grn.table.assign(sign=0, evidence=math.nan, stability=math.nan, seeds=math.nan)
    meta = {k: grn.meta[k] for k in ("name", "prior", "settings")}
    meta |= {"preset": "paper", "floors": {"background": 0.16, "prior_floor": None}}
    return RefinedGRN(grn.genes, table, 0.5, 0.16, meta)


def with_floor(grn: RefinedGRN, floor: float) -> RefinedGRN:
    """Prior edges never fall below a floor above α: thresholding removes none."""
    weight = np.where(grn.table["prior"] == 1, np.maximum(grn.table["weight"], floor), 0.1)
    status = np.where(grn.table["prior"] == 1, "kept", "absent")
    meta = {
        **grn.meta,
        "floors": {"background": 0.1, "prior_floor": floor},
        "thresholding": ["Thresholding removes no edge of the prior: a test."],
        "supported": "no",
        "support": "The data do not support this prior: a test.",
    }
    table = grn.table.assign(weight=weight, status=status)
    return RefinedGRN(grn.genes, table, 0.5, 0.1, meta)


# --- what the page says of weights -----------------------------------------------------


def test_level_support_floors_and_false_edges(open_page: OpenPage):
    text = sound(open_page("network"))
    assert "Level 1: linear messages from all regulators" in text
    assert "Prior supported" in text
    assert "The data support this prior: edges hidden from the fit are found" in text
    for words in ("Background 0.00", "prior floor 0.00", "α 0.50", "estimated false edges 11 %"):
        assert words in text
    assert "up to three times higher" in text
    assert "A weight has no sign" not in text


def test_card_and_table_have_sign_evidence_and_stability(open_page: OpenPage):
    test = open_page("network")
    text = sound(test)
    assert list(test.dataframe[0].value.columns) == [
        "Regulator", "Target", "Weight", "Sign", "Evidence", "Stability", "Status", "Seeds",
    ]  # fmt: skip
    assert {m.label: m.value for m in test.metric} == {
        "Weight, prior → refined": "1 → 1.00", "Over background": "+1.00",
        "Stability": "5 of 5 halves",
    }  # fmt: skip
    assert "3,600 times more likely an edge than not (log likelihood ratio +8.2)." in text
    assert "Adopted in 5 of 5 seeds." in text
    assert "Activates" in text


def test_network_of_preset_paper(open_page: OpenPage, tmp_path: Path, demo: RefinedGRN):
    test = open_page("network", run=variant(tmp_path, of_paper(demo)))
    text = sound(test)
    assert "Preset paper" in text
    assert "Background 0.16 · α 0.50." in text
    assert "Level" not in text.replace("no level", "")
    assert "A weight has no sign" in text
    assert [m.label for m in test.metric] == ["Weight, prior → refined", "Over background"]
    assert "Evidence" not in test.dataframe[0].value


def test_prior_floor_above_alpha(open_page: OpenPage, tmp_path: Path, demo: RefinedGRN):
    """Issue: the slider starts above the floor, and evidence ranks where α decides nothing."""
    test = open_page("network", run=variant(tmp_path, with_floor(demo, 0.523)))
    text = sound(test)
    slider = test.slider(key="above")
    assert (slider.min, slider.value) == (0.5, 0.53)
    assert "Prior not supported" in text
    assert "Thresholding removes no edge of the prior" in text
    assert "edges by evidence" in text
    shown = test.dataframe[0].value
    for _, mine in shown.groupby("Regulator"):
        assert mine["Evidence"].is_monotonic_decreasing
    slider.set_value(0.5).run()
    sound(test)


def test_nothing_above_the_floor_starts_at_alpha(demo: RefinedGRN):
    network = edges.from_refined(with_floor(demo, 0.99995))
    flat = dataclasses.replace(network, table=network.table.assign(weight=0.99995))
    low, high, first = regulators.limits(flat)
    assert (low, first) == (0.5, 0.5)
    assert high >= 0.99995


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (math.log(8123), "8,100 times more likely an edge than not"),
        (-math.log(3.14), "3.1 times more likely no edge than one"),
        (0.1, "next to nothing"),
        (900.0, "over a million times"),
        (-900.0, "over a million times more likely no edge"),
        (math.nan, "not known"),
    ],
)
def test_likelihood_in_words(evidence: float, words: str):
    assert words in edge_card.likelihood(evidence)


@pytest.mark.parametrize("verdict", ["yes", "barely", "no", "unknown"])
def test_verdicts_have_words(demo: RefinedGRN, verdict: str):
    grn = RefinedGRN(demo.genes, demo.table, 0.5, 0.0, {**demo.meta, "supported": verdict})
    said = support.statement(edges.from_refined(grn))
    assert said is not None
    colour = {"yes": "green", "barely": "orange", "no": "red"}.get(verdict, "gray")
    assert said.badge is not None
    assert said.badge.words
    assert said.badge.colour == colour


def test_edge_list_has_no_statement():
    grn = from_edges(pd.DataFrame({"tf": ["A", "A"], "target": ["B", "C"]}))
    assert support.statement(edges.from_edge_list(grn, ["A", "B", "C"])) is None


# --- precision and recall --------------------------------------------------------------


@pytest.fixture(scope="module")
def found(demo: RefinedGRN) -> recovered.Recovery:
    run = Run.open(DEMO)
    truth = recovered.load("demo-truth", list(run.data.genes))
    assert truth is not None
    target = recovered.Target("demo-truth", "Demo truth", ("STAT1", "IRF1"))
    return recovered.recovery(run, edges.from_refined(demo), target, truth)


def test_precision_recall_view(open_page: OpenPage):
    test = open_page("network", view=PR)
    text = sound(test)
    assert "Refined is ahead of its best rival" in text
    assert "95 % interval" in text
    assert "72 known edges of *STAT1*, *IRF1* among 598 pairs" in text
    assert len(test.get("plotly_chart")) == 1
    table = test.dataframe[0].value
    assert table["Ranking"].iloc[0] == "Refined"
    assert {"Prior", "|Pearson|", "|Pearson| within groups"} < set(table["Ranking"])
    assert table["AUPRC"].is_monotonic_decreasing
    assert "Showing" not in text
    assert list(test.selectbox(key="truth").options) == ["Demo truth (simulated)"]


@pytest.mark.parametrize("pairs", ["In the prior", "Novel"])
def test_other_pairs(open_page: OpenPage, pairs: str):
    text = sound(open_page("network", view=PR, pairs=pairs))
    assert "AUPRC" in text


def test_no_target_set_says_how_to_get_one(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recovered, "candidates", lambda run: [])
    text = sound(open_page("network", view=PR))
    assert "GVCI_DATA_DIR" in text
    assert "No set of known targets" in text
    assert "Prior supported" in text


def test_uploaded_list_is_scored_too(open_page: OpenPage):
    test = open_page("network", view=PR)
    content = b"tf,target\nSTAT1,IRF1\nSTAT1,GBP1\nIRF1,GBP1\n"
    test.file_uploader(key="edge_list").upload("mine.csv", content, "text/csv").run()
    text = sound(test)
    assert "This list" in text
    assert "Refined" not in set(test.dataframe[0].value["Ranking"])


def test_verdict_follows_the_interval():
    def scores(low: float, high: float) -> dict:
        return {
            "refined": {"auprc": 0.5},
            "prior": {"auprc": 0.4},
            "base_rate": 0.1,
            "differences": {"prior": {"auprc": {"difference": 0.1, "low": low, "high": high}}},
        }

    assert "is ahead of its best rival, Prior" in recovered.verdict(scores(0.02, 0.2))
    assert "cannot be told apart" in recovered.verdict(scores(-0.02, 0.2))
    assert "is behind its best rival" in recovered.verdict(scores(-0.2, -0.02))


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_figure_has_band_rivals_and_chance(found: recovered.Recovery, colours):
    figure = recovery_view.figure(found.curves["all"], colours)
    names = {trace.name for trace in figure.data if trace.name}
    assert {"Refined", "Prior", "|Pearson| within groups"} < names
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert len(band.y) == 202
    said = [note.text for note in figure.layout.annotations]
    assert "chance 0.12" in said
    assert "<b>refined</b>" in said
    text = recovery_view.alt_text(found, "all")
    assert re.search(r"Refined 0\.\d\d", text)


def test_prior_point_is_its_recall(found: recovered.Recovery):
    scores, curves = found.scores["all"], found.curves["all"]
    assert scores is not None
    recall, precision = recovery_view.prior_point(curves[curves["rival"] == "prior"])
    assert recall == pytest.approx(50 / 72, abs=0.011)
    assert precision == pytest.approx(scores["prior"]["early_precision"], abs=0.05)


def test_files_of_the_figure(found: recovered.Recovery):
    files = recovery_view.downloads(Run.open(DEMO), found, "all")
    made = {file.label: file.make() for file in files}
    for label in ("Scores (CSV)", "Curves (CSV)"):
        content = made[label]
        assert isinstance(content, str)
        assert content.startswith("# made by: gvci")
        assert len(pd.read_csv(io.StringIO(content), comment="#")) > 5
    assert ElementTree.fromstring(made["SVG"]).tag.endswith("svg")
    assert bytes(made["PNG"])[:4] == b"\x89PNG"  # type: ignore[arg-type]


def test_curves_of_nothing_draw(found: recovered.Recovery):
    empty = found.curves["all"].iloc[:0]
    assert recovery_view.figure(empty, LIGHT).data == ()
    assert vector.curves(empty, [], recovered.NAMES, "t", {}, "svg")
