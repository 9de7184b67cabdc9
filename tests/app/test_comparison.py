"""The Counterfactual page beyond one group: comparison, one cell, doses, refusals, many cells."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gvci.app import (
    all_cells,
    comparison,
    comparison_files,
    one_cell,
    one_cell_files,
    prediction,
    scenario,
)
from gvci.counterfactual.scenario import Scenario
from gvci.errors import SettingsError
from gvci.jobs.estimate import estimate
from gvci.registry import register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound
from tests.dosed_run import make_dosed_run

GROUP = "B cells · donor1"
KEPT = [Scenario("STAT1", GROUP), Scenario("JAK2", GROUP, "all cells", dose=2.0, mode="mean")]


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(DEMO)


@pytest.fixture(scope="module")
def dosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quick model of cells at doses 0.5 and 2, with the combination IRF1+JAK2 measured."""
    return make_dosed_run(tmp_path_factory.mktemp("dosed"))


# --- comparison ------------------------------------------------------------------------


@pytest.mark.parametrize("kept", KEPT)
def test_a_scenario_survives_the_link(run: Run, kept: Scenario):
    text = comparison.word(kept)
    assert "," not in text
    assert comparison.scenario_of(run, text) == kept


@pytest.mark.parametrize(
    "text",
    ["", "x", "perturbation=STAT1", f"perturbation=NOPE&group={GROUP}", "perturbation=A&group=x",
     f"perturbation=STAT1&group={GROUP}&dose=nan", f"perturbation=STAT1&group={GROUP}&dose=-1",
     f"perturbation=STAT1&group={GROUP}&mode=rm", f"perturbation=STAT1&group={GROUP}&shell=rm",
     f"perturbation=STAT1&perturbation=JAK2&group={GROUP}"],
)  # fmt: skip
def test_words_without_an_answer_are_none(run: Run, text: str):
    assert comparison.scenario_of(run, text) is None


def test_a_comparison_outlives_a_look_at_another_page():
    test = AppTest.from_file(str(DEMO.parents[1] / "dashboard.py"), default_timeout=60).run()
    test.switch_page("pages/counterfactual.py").run()
    test.button(key="keep").click().run()
    words = test.query_params["vs"]
    for page in ("network", "counterfactual"):
        test.query_params.clear()  # as the navigation does
        test.switch_page(f"pages/{page}.py").run()
    assert "1 scenario kept" in sound(test)
    assert test.query_params["vs"] == words


def test_add_compare_remove(open_page: OpenPage):
    test = open_page("counterfactual", perturbation="STAT1")
    test.button(key="keep").click().run()
    assert test.button(key="keep").disabled, "the same scenario is not kept twice"
    test.multiselect(key="perturbation").set_value(["JAK2", "STAT3"]).run()
    test.button(key="keep").click().run()
    again = open_page("counterfactual", vs=test.query_params["vs"], layout="side by side")
    text = sound(again)
    assert "A STAT1 in B cells · donor1" in text.replace("  ", " ")
    assert "B JAK2+STAT3 in B cells · donor1" in text.replace("  ", " ")
    assert "2 scenarios kept, up to 4" in text
    table = again.dataframe[0].value
    assert "A meas. Δ" in table
    assert "B meas. Δ" not in table, "no column of what was not measured"
    assert " to " in table["B pred. Δ (95 %)"].iloc[0]
    again.button(key="drop A").click().run()
    assert "A JAK2+STAT3" in sound(again).replace("  ", " ")
    again.button(key="drop A").click().run()
    sound(again)
    assert "vs" not in again.query_params
    assert len(again.get("plotly_chart")) >= 2, "the one scenario is back"


def test_no_more_than_four(open_page: OpenPage):
    names = ["STAT1", "JAK2", "IRF1", "ATF2", "CD86"]
    words = [comparison.word(Scenario(name, GROUP)) for name in names]
    test = open_page("counterfactual", vs=words, layout="side by side", perturbation="JAK1")
    sound(test)
    assert len([button for button in test.button if button.label == "Remove"]) == 4
    assert test.button(key="keep").disabled


def test_a_damaged_word_is_a_note(open_page: OpenPage):
    test = open_page("counterfactual", vs=["perturbation=<b>x</b>&group=y"])
    assert "has no answer in this run" in sound(test)
    assert "vs" not in test.query_params


def test_files_of_a_comparison(run: Run):
    found = comparison.sides([prediction.answer(run, kept) for kept in KEPT])
    files = {f.label: f.make() for f in comparison_files.downloads(run, found, ["IRF1", "MYC"])}
    text = str(files["CSV of genes × scenarios"])
    assert "# scenario_B: JAK2 in B cells · donor1, all cells, dose 2, readout mean" in text
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert len(table) == 2 * len(run.data.genes)
    own = found[0].answer.table.set_index("gene")["predicted"]
    written = table[table["scenario"] == "A"].set_index("gene")["predicted"]
    np.testing.assert_allclose(written.loc[own.index], own, rtol=1e-4, atol=1e-6)
    assert "IRF1" in bytes(files["SVG"]).decode()
    assert "STAT1 in B cells" in str(files["Report (.html)"])


# --- one cell --------------------------------------------------------------------------


def test_the_story_is_of_that_cell(run: Run):
    name = scenario.control_cells(run.data, GROUP)[3]
    one = prediction.answer(run, Scenario("STAT1", GROUP, "one cell", name))
    group = prediction.answer(run, Scenario("STAT1", GROUP))
    told = one_cell.story(run, one, group)
    row = list(run.data.adata.obs_names).index(name)
    now = run.data.dense(np.array([row]))[0]
    table = told.table.set_index("gene").loc[list(run.data.genes)]
    np.testing.assert_allclose(table["now"], now, rtol=1e-6)
    distance = np.sqrt(((now - group.control.mean) ** 2).mean())
    assert told.distance == pytest.approx(float(distance), rel=1e-5)
    assert told.labels["perturbation"] == "control"
    assert (table["low"] <= table["high"]).all()
    part = one_cell.rows(told, ["MYC"])
    assert part["gene"].iloc[-1] == "MYC"
    assert part["change"].abs().iloc[: one_cell.SHOWN].is_monotonic_decreasing
    files = {f.label: f.make() for f in one_cell_files.downloads(run, one, told, part)}
    csv = pd.read_csv(io.StringIO(str(files["CSV of genes"])), comment="#")
    assert len(csv) == len(run.data.genes)
    assert name in bytes(files["SVG"]).decode()


def test_one_cell_on_the_page(open_page: OpenPage):
    test = open_page("counterfactual", cells="one cell", genes="MYC")
    text = sound(test)
    assert "single responses are hardly predicted" in text
    assert "that is no score of responses" in text
    assert "further out than" in text
    assert test.dataframe[0].value["Gene"].iloc[-1] == "MYC"
    assert test.button(key="keep").disabled


# --- doses and combinations ------------------------------------------------------------


def test_measured_cells_are_of_the_dose(dosed: Path):
    run = Run.open(dosed)
    low, high = (prediction.answer(run, Scenario("STAT1", "B cells", dose=d)) for d in (0.5, 2.0))
    here = (run.data.groups == "B cells") & (run.data.perturbation == "STAT1")
    for found, dose in ((low, 0.5), (high, 2.0)):
        assert found.measured is not None
        assert found.measured.n == (here & (run.data.dose == dose)).sum() > 0
        assert "this dose only" in found.notes[0]
    assert not np.allclose(low.predicted.mean, high.predicted.mean)
    never = prediction.answer(run, Scenario("STAT1", "B cells", dose=1.0))
    assert never.measured is None
    assert "none of them at 1" in never.notes[0]


def test_doses_and_combinations_on_the_page(open_page: OpenPage, dosed: Path):
    name = register(dosed, "run", "doses")
    assert name is not None
    test = open_page("counterfactual", run=name, perturbation="STAT1", dose="0.5")
    assert "this dose only" in sound(test)
    assert test.number_input(key="dose").value == 0.5
    both = ["JAK2", "IRF1"]
    test = open_page(
        "counterfactual", run=name, perturbation=both, c_cell_type="CD4 T cells", dose="2.0"
    )
    assert "Seen in training" in [badge.label for badge in test.get("badge")] or (
        "Seen in training" in sound(test)
    )
    test = open_page("counterfactual", run=name, perturbation=["CD86", "IRF1"])
    text = sound(test)
    assert "this is a prediction only" in text
    assert "Control and predicted cells" in text


# --- cannot, absent, too many ----------------------------------------------------------


def test_a_refusal_has_buttons_that_work(open_page: OpenPage):
    test = open_page("counterfactual", perturbation="STAT11")
    assert "has not seen the perturbation 'STAT11'" in sound(test)
    offers = [button for button in test.button if str(button.key).startswith("try ")]
    assert len(offers) == 3
    assert offers[0].label.startswith("STAT1")
    offers[1].click().run()
    text = sound(test)
    assert "has not seen" not in text
    assert test.multiselect(key="perturbation").value == [offers[1].label]


def test_several_unknown_ones_share_three_buttons(open_page: OpenPage):
    test = open_page("counterfactual", perturbation=["STAT11", "JAK22"])
    text = sound(test)
    assert "'STAT11'" in text
    assert "'JAK22'" in text
    test.multiselect(key="perturbation").set_value([]).run()
    assert "Choose a perturbation" in sound(test)


def test_nothing_chosen_offers_three(open_page: OpenPage):
    test = open_page("counterfactual")
    test.multiselect(key="perturbation").set_value([]).run()
    assert "Choose a perturbation" in sound(test)
    assert test.code[0].value.startswith("http"), "a page that ends early has its link, too"
    test.button(key=next(b.key for b in test.button if str(b.key).startswith("try "))).click().run()
    assert len(test.get("plotly_chart")) >= 2


def test_a_gene_that_is_absent_has_near_ones(open_page: OpenPage):
    test = open_page("counterfactual")
    test.text_input(key="add").set_value("STAT11").run()
    assert "It is absent from the data, the model and the graph" in sound(test)
    test.button(key="near STAT1").click().run()
    assert test.session_state["genes"][0] == "STAT1"


def test_axes_say_predicted_only(run: Run):
    from gvci.app.answer_view import panels

    found = prediction.answer(run, Scenario("JAK2+STAT3", GROUP))
    (panel,) = panels(found, ["IRF1"])
    assert panel.unit.endswith("predicted only")
    assert set(panel.values) == {"control", "predicted"}


def test_more_cells_than_a_page_shows(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gvci.counterfactual.scenario.MOST_CELLS", 60)
    test = open_page("counterfactual", perturbation="STAT1")
    text = sound(test)
    assert "These are 150 cells, too many for a page" in text
    assert "about 60 of them, drawn with a fixed seed" in text
    assert "Predict all as a job" in text
    assert "of memory" in text


def test_the_job_is_of_these_cells(run: Run, tmp_path: Path):
    asked = all_cells.request(run, Scenario("STAT1", GROUP, dose=2.0), None)
    words = asked.words("id", tmp_path)
    assert words[:2] == ["predict", str(DEMO.resolve())]
    assert "--perturbation=STAT1" in words
    assert "--dose=2.0" in words
    for condition in ("cell_type=B cells", "donor=donor1", "perturbation=control"):
        assert f"--cells={condition}" in words
    assert asked.settings["cells"] == ["cell_type=B cells", "donor=donor1", "perturbation=control"]
    one, every = estimate(asked), estimate(asked.model_copy(update={"settings": {
        **asked.settings, "cells": ()}}))  # fmt: skip
    assert one is not None
    assert every is not None
    assert one.disk == pytest.approx(1.1 * 4 * 150 * len(run.data.genes))
    assert every.disk > 10 * one.disk
    with pytest.raises(SettingsError):
        asked.model_copy(
            update={"settings": {"perturbation": "STAT1", "dose": -1}}
        ).checked_settings()
