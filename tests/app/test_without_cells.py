"""Pages of a run that has summaries in the place of its cells."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gvci.app import answer_files, answer_view, charts, edge_card, home
from gvci.app.prediction import answer
from gvci.app.theme import LIGHT
from gvci.counterfactual.scenario import Scenario
from gvci.data.encoding import TreatmentCode
from gvci.data.simulate import Simulation
from gvci.registry import entries, register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, said
from tests.unit.test_summarised import WORDS, mirror

HOW = "Put the file data.h5ad of this run back."


@pytest.fixture
def absent(without_cells: Path, tmp_path: Path) -> str:
    """The id of such a run."""
    entry = register(Path(shutil.copytree(without_cells, tmp_path / "small")), "run", "Small")
    assert entry is not None
    return entry


@pytest.mark.parametrize("page", ["home", "network", "counterfactual", "effects", "compare"])
def test_each_page_opens_and_says_what_it_shows(open_page: OpenPage, absent: str, page: str):
    test = open_page(page, run=absent)
    assert not test.exception
    assert not test.error
    assert "summaries of 612 simulated cells" in said(test)


@pytest.mark.parametrize("page", ["home", "network", "counterfactual", "effects", "compare"])
def test_with_cells_each_page_says_so(open_page: OpenPage, page: str):
    text = said(open_page(page))
    assert "Demo (simulated), 4,428 simulated cells" in text
    assert "summaries of" not in text


def test_counterfactual_from_summaries(open_page: OpenPage, absent: str):
    test = open_page("counterfactual", run=absent, chart="ecdf")
    text = said(test)
    assert "control, 60 cells" in text
    assert "measured, 36 cells" in text
    assert answer_view.OF_SUMMARIES in text
    assert "ahead of" in text or "beats" in text or "tie" in text
    assert len(test.dataframe[0].value) == 60


def test_curves_join_quantiles_by_lines(without_cells: Path):
    found = answer(Run.open(without_cells), Scenario("STAT1", "B cells"))
    figure = charts.ecdfs(answer_view.panels(found, list(found.genes[:8])), LIGHT)
    assert len(figure.data) == 24
    assert {len(trace.y) for trace in figure.data} <= {21, 22}
    assert {trace.line.shape for trace in figure.data} == {"linear"}
    rings = [
        trace.hovertext
        for trace in charts.violins(answer_view.panels(found, ["IRF1"]), LIGHT).data
        if trace.hovertext
    ]
    assert [words.split(", ")[1] for words in rings] == ["60 cells", "60 cells", "36 cells"]


@pytest.mark.parametrize(
    "query",
    [{"cells": "one cell"}, {"cells": "all cells"}, {"mode": "sample"}, {"mode": "mean"}],
)
def test_what_needs_cells_says_so_and_leads_back(open_page: OpenPage, absent: str, query: dict):
    test = open_page("counterfactual", run=absent, c_cell_type="CD4 T cells", **query)
    assert not test.exception
    assert not test.error
    assert HOW in said(test)
    assert not test.dataframe
    assert f"run={absent}" in str(test.get("code")[0].value)
    back = next(button for button in test.button if button.label == "Back to what is here")
    back.click().run()
    assert not test.exception
    assert HOW not in said(test)
    assert test.selectbox(key="c_cell_type").value == "CD4 T cells"
    assert test.dataframe


def test_a_kept_scenario_that_needs_cells_is_refused(open_page: OpenPage, absent: str):
    kept = ["perturbation=STAT1&group=B+cells", "perturbation=STAT1&group=B+cells&cells=all+cells"]
    test = open_page("counterfactual", run=absent, vs=kept, layout="side by side")
    assert not test.exception
    text = said(test)
    assert "1 scenario kept" in text
    assert "has no answer in this run" in text
    assert "60 cells predicted, 36 measured" in text


def test_effects_from_summaries(open_page: OpenPage, absent: str):
    test = open_page("effects", run=absent, of="IRF1", c_cell_type="CD4 T cells")
    text = said(test)
    assert "36 treated cells, 60 control cells" in text
    assert "Read from summaries" in text
    assert "Estimated" in [str(element.proto.label) for element in test.get("badge")] or text
    whole = open_page("effects", run=absent, sees="Whole cell")
    assert not whole.exception
    assert HOW in said(whole)
    back = next(button for button in whole.button if button.label == "Back to what is here")
    back.click().run()
    assert "Read from summaries" in said(whole)


def test_compare_from_summaries(open_page: OpenPage, absent: str):
    test = open_page("compare", run=absent)
    assert not test.exception
    assert len(test.dataframe[0].value) > 3


def test_compare_without_scores_says_what_it_needs(
    open_page: OpenPage, absent: str, tmp_path: Path
):
    (tmp_path / "small" / "scores.json").unlink()
    test = open_page("compare", run=absent)
    assert not test.exception
    assert HOW in said(test)


def test_files_are_of_summaries(without_cells: Path):
    run = Run.open(without_cells)
    found = answer(run, Scenario("STAT1", "B cells"))
    files = {f.label: f.make() for f in answer_files.downloads(run, found, ["IRF1"], "violin")}
    assert "CSV of cells" not in files
    csv = str(files["CSV of quantiles"])
    assert "# numbers: summaries of simulated cells" in csv
    table = pd.read_csv(io.StringIO(csv), comment="#")
    assert table.groupby("kind")["cells"].first().to_dict() == {
        "control": 60, "predicted": 60, "measured": 36,
    }  # fmt: skip
    assert answer_view.OF_SUMMARIES in str(files["Report (.html)"])
    assert bytes(files["PNG"]).startswith(b"\x89PNG")


def test_pages_turn_to_cells_where_they_are_at_hand(
    open_page: OpenPage, absent: str, tmp_path: Path, small_simulation: Simulation,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    folder = tmp_path / "small"
    header = Run.open(folder).model.header
    recipe = {"prepare": WORDS, "data_hash": header["data_hash"]}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    test = open_page("counterfactual", run=absent)
    assert "summaries of 612 simulated cells" in said(test)
    assert answer_view.OF_SUMMARIES in said(test)
    mirror(small_simulation, tmp_path / "mirror", monkeypatch)
    test.run()
    assert not test.exception
    assert "summaries of" not in said(test)
    assert answer_view.OF_SUMMARIES not in said(test)
    assert "control, 60 cells" in said(test)
    test = open_page("counterfactual", run=absent, cells="one cell")
    assert "single responses are hardly predicted" in said(test)


def test_a_shipped_run_of_real_cells_comes_first(
    open_page: OpenPage, without_cells: Path, tmp_path: Path
):
    real = Path(shutil.copytree(without_cells, tmp_path / "shipped" / "kang2018-ifnb"))
    notes = real / "summaries" / "labels.json"
    told = json.loads(notes.read_text())
    told["meta"] |= {"simulated": False, "title": "Kang 2018"}
    notes.write_text(json.dumps(told))
    (real / "card.md").write_text("# graphVCI quick on Kang 2018\n")
    assert [entry.id for entry in entries()] == ["kang2018-ifnb", "demo"]
    assert home.demo() == "kang2018-ifnb"
    test = open_page("home")
    text = said(test)
    assert "summaries of 612 measured cells" in text
    assert "Real] measured cells; 3 covariate groups. No cell is shipped" in text
    assert "model and network from real cells, shipped" in text
    assert "*STAT1* → " in text
    next(b for b in test.button if b.label.startswith("Start the 3-minute demo")).click().run()
    assert not test.exception
    assert "1 of" in said(test)
    assert "summaries of 612 measured cells" in said(test)


def test_an_edge_asks_for_what_the_model_knows(without_cells: Path):
    run = Run.open(without_cells)
    knock_out = edge_card.asks(run, "STAT1", "IRF1")[0]
    assert knock_out.words == "Knock out STAT1 and predict"
    run.model.treatment_code = TreatmentCode(("IFN-beta",), "control")
    run.scores["ood"]["pairs"][0] |= {"perturbation": "IFN-beta", "n_cells": 10**6}
    (ask,) = edge_card.asks(run, "STAT1", "IRF1")
    assert ask.words == "Predict IRF1 under IFN\\-beta"
    group = run.scores["ood"]["pairs"][0]["group"]
    assert ask.query == {"perturbation": "IFN-beta", "genes": "IRF1", "c_cell_type": group}


def test_damaged_summaries_are_a_sentence(open_page: OpenPage, absent: str, tmp_path: Path):
    (tmp_path / "small" / "summaries" / "answers.json").write_text("{")
    test = open_page("counterfactual", run=absent)
    assert not test.exception
    assert len(test.error) == 1
    assert "are damaged, of another version" in said(test)


def test_what_a_trimmed_network_does_not_list_is_said(open_page: OpenPage):
    kang = register(DEMO.parent / "kang2018-ifnb", "run", "Kang")
    text = said(open_page("network", run=kang, tfs="STAT1", status="removed"))
    assert "Nothing to draw" in text
    assert "all other pairs are counted but not listed" in text
    assert "pairs listed" in said(open_page("network", run=kang, view="Whole network"))


def test_a_heading_says_the_change_that_the_table_says(without_cells: Path):
    found = answer(Run.open(without_cells), Scenario("STAT1", "B cells"))
    table = found.table.set_index("gene")
    for gene in found.genes:
        predicted, measured = answer_view.panels(found, [gene])[0].heading
        assert (predicted, measured) == (table["predicted"][gene], table["measured"][gene])
