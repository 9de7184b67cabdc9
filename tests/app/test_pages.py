"""Every page in its states: each says what is the case, and none shows a fault."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gvci.app import home, prediction
from gvci.data.dataset import PerturbationData
from gvci.gate.words import gate_sentence, shares
from gvci.registry import Entry, entries, register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, said, sound


@pytest.mark.parametrize(
    "name", ["home", "network", "counterfactual", "effects", "compare", "data"]
)
def test_opens(open_page: OpenPage, name: str):
    text = sound(open_page(name))
    assert "simulated" in text.lower()
    assert "4,428 simulated cells" in text


def test_home_shows_rivals_beside_the_model(open_page: OpenPage):
    test = open_page("home")
    sound(test)
    assert [m.label for m in test.metric][:6] == [
        "Cells", "Genes", "Perturbations", "Model R²", "Best baseline", "Ceiling",
    ]  # fmt: skip


# --- network ---------------------------------------------------------------------------


def test_network_starts_with_stat1_and_irf1(open_page: OpenPage):
    test = open_page("network")
    text = sound(test)
    assert test.multiselect(key="tfs").value == ["STAT1", "IRF1"]
    assert "Showing 50 of" in text
    assert "Knock out STAT1 and predict" in text
    assert len(test.dataframe[0].value) == 50


@pytest.mark.parametrize(
    "tfs", ["IRF1,JAK2", ["IRF1", "JAK2"], "irf1, ENSG00000096968.20", "IRF1,JTK10"]
)
def test_regulators_of_a_link(open_page: OpenPage, tfs: str | list[str]):
    test = open_page("network", tfs=tfs)
    sound(test)
    assert test.multiselect(key="tfs").value == ["IRF1", "JAK2"]


def test_edge_of_a_link_is_on_the_card(open_page: OpenPage):
    target = open_page("network", tfs="STAT1").dataframe[0].value["Target"].iloc[4]
    text = sound(open_page("network", tfs="STAT1", edge=f"STAT1,{target}"))
    assert f"*STAT1* → *{target}*" in text
    assert "Nothing to draw" not in sound(open_page("network", edge="X,<script>"))


def test_unknown_regulator_of_a_link(open_page: OpenPage):
    test = open_page("network", tfs="STAT11")
    assert "No gene is called 'STAT11' here. Near: STAT1" in sound(test)
    assert test.multiselect(key="tfs").value == ["STAT1", "IRF1"]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("stat1", "STAT1 has"),
        ("ENSG00000115415", "ENSG00000115415 is STAT1."),
        ("ISG56", "ISG56 is IFIT1. IFIT1 regulates nothing here."),
        ("STAT11", "Near: STAT1"),
        ("IFNB1", "It is absent from the data, the graph and the model"),
    ],
)
def test_gene_lookup(open_page: OpenPage, query: str, answer: str):
    assert answer in sound(open_page("network", gene=query))


def test_lookup_offers_bring_regulators(open_page: OpenPage):
    test = open_page("network", gene="ISG56")
    next(b for b in test.button if b.label.startswith("Show what regulates")).click().run()
    sound(test)
    chosen = test.multiselect(key="tfs").value
    assert set(chosen) > {"STAT1", "IRF1"}
    assert test.text_input(key="gene").value == ""


def test_nothing_to_draw_and_reset(open_page: OpenPage):
    test = open_page("network", tfs="")
    assert "Nothing to draw" in sound(test)
    next(b for b in test.button if b.label == "Reset the filters").click().run()
    assert "Showing 50 of" in sound(test)


def test_removed_edges_are_shown_when_asked(open_page: OpenPage):
    test = open_page("network")
    test.multiselect(key="tfs").set_value(test.multiselect(key="tfs").options).run()
    test.slider(key="k").set_value(100).run()
    assert "483 edges match, drawing the strongest 400" in sound(test)
    test.pills(key="status").set_value(["removed"]).run()
    assert "removed (dashed)" in sound(test)


@pytest.mark.parametrize(
    ("name", "content", "answer"),
    [
        ("mine.csv", b"tf,target\nSTAT1,IRF1\nIRF1,GBP1\nX,Y\n", "2 of 3 edges"),
        ("mine.csv", b"a,b\nSTAT1,IRF1\n", "It needs 'source' (or 'tf') and 'target'"),
        ("mine.csv", b"tf,target\nAAA,BBB\n", "shares 0 of its 2 genes"),
        ("mine.csv", b"tf,target\n", "has no usable edge"),
        ("mine.exe", b"MZ", "is not csv, tsv, parquet, graphml or gmt"),
        ("mine.parquet", b"PAR1 nothing", "cannot be read as parquet"),
        ("<b>x</b>.tsv", b"\xff\xfe\x00", "<b>x</b>.tsv"),
    ],
)
def test_uploaded_network(open_page: OpenPage, name: str, content: bytes, answer: str):
    test = open_page("network")
    test.file_uploader(key="edge_list").upload(name, content, "text/csv").run()
    assert answer in sound(test)


# --- counterfactual --------------------------------------------------------------------


def test_prediction_without_a_click(open_page: OpenPage):
    test = open_page("counterfactual")
    text = sound(test)
    assert "two halves of the measured cells agree at" in text
    assert "from errors on held-out inner pairs; cells included" in text
    assert "lie within, of the 50 largest" in text
    assert "graphVCI standard · GRN: demo-prior" in text
    assert len(test.get("plotly_chart")) == 3
    assert "Chosen baseline" in text
    scored = next(table.value for table in test.dataframe if "R² all" in table.value)
    assert sum(name.endswith(" (chosen)") for name in scored[""]) == 1
    assert "Additive" in " ".join(scored[""])
    assert scored[""].iloc[0] == "graphVCI standard"


def test_seen_pair_has_influence_intervals(open_page: OpenPage):
    test = open_page("counterfactual", perturbation="JAK2")
    text = sound(test)
    assert "influence function" in text
    assert "A fit, no test: training saw these cells. graphVCI" in text


def test_combination_of_two_without_measured_cells(open_page: OpenPage):
    test = open_page("counterfactual", perturbation=["JAK2", "STAT3"])
    text = sound(test)
    assert "this is a prediction only" in text
    assert "Control and predicted cells" in text
    assert len(test.get("plotly_chart")) == 2


@pytest.mark.parametrize("cells", ["all cells", "one cell"])
@pytest.mark.parametrize("mode", ["mean", "sample"])
def test_other_cells_and_readouts(open_page: OpenPage, cells: str, mode: str):
    sound(open_page("counterfactual", cells=cells, mode=mode, chart="ecdf"))


def test_unknown_perturbation_names_others(open_page: OpenPage):
    text = sound(open_page("counterfactual", perturbation="FOXP3"))
    assert "has not seen the perturbation 'FOXP3'" in text
    assert "It knows" in text


def test_no_perturbation_chosen(open_page: OpenPage):
    test = open_page("counterfactual")
    test.multiselect(key="perturbation").set_value([]).run()
    assert "Choose a perturbation" in sound(test)


def test_genes_of_a_link(open_page: OpenPage):
    test = open_page("counterfactual", genes="ISG56,NOPE")
    text = sound(test)
    assert "The gene 'NOPE' of the link is not in this dataset" in text
    assert test.session_state["genes"] == ["IFIT1"]


def test_unforeseen_fault_shows_an_id_only(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object) -> None:
        message = "/secret/path"
        raise RuntimeError(message)

    monkeypatch.setattr(prediction, "answer", fail)
    test = open_page("counterfactual")
    assert not test.exception
    assert "Error id" in said(test)
    assert "/secret/path" not in said(test)
    fault = said(test).split("Error id `")[1].split("`")[0]
    assert any(fault in record.getMessage() for record in caplog.records)


# --- λ ---------------------------------------------------------------------------------

OpenGate = Callable[..., str]


@pytest.fixture
def with_gate(tmp_path: Path) -> OpenGate:
    """The demo with another gate, or another line of the header; its id."""

    def made(header: dict[str, object] | None = None, **changes: object) -> str:
        folder = tmp_path / "gated"
        shutil.copytree(DEMO, folder)
        model = Run.open(folder).model
        model.gate = dataclasses.replace(model.gate, **changes)
        model.header |= header or {}
        model.save(folder / "model.safetensors")
        name = register(folder, "run", "gated")
        assert name is not None
        return name

    return made


def test_the_mixture_is_in_words_beside_the_verdict(open_page: OpenPage):
    gate = Run.open(DEMO).model.gate
    text = sound(open_page("counterfactual"))
    assert gate_sentence(gate) in text
    assert "the network's share, base the simple baseline" in text  # how the mean is made
    assert "tells cells apart: correlation" in text  # the model card
    assert f"its mean: {shares(gate.share, gate.baseline)}" in sound(open_page("home"))


def test_a_mixture(open_page: OpenPage, with_gate: OpenGate):
    run = with_gate(share=0.25, baseline="ridge", pairs=32, ratio=0.9, ratio_se=0.02)
    text = sound(open_page("counterfactual", run=run))
    assert (
        "Predicted mean: 25 % network, 75 % ridge regression (chosen on 32 held-out inner pairs, "
        "where the mixture's squared error is 0.90 ± 0.02 of the baseline's)."
    ) in text
    assert "its mean 25 % network, 75 % ridge regression" in text


def test_a_measured_pair_is_the_networks_alone(open_page: OpenPage):
    text = sound(open_page("counterfactual", perturbation="JAK2"))
    assert "This pair was in the training data: the network answers alone." in text
    assert "its mean the network alone" in text


def test_a_shut_gate(open_page: OpenPage, with_gate: OpenGate):
    run = with_gate(share=0.0, baseline="ridge", pairs=32, ratio=1.02)
    text = sound(open_page("counterfactual", run=run))
    assert "The network was not clearly better than ridge regression on 32" in text
    assert "its mean ridge regression alone" in text


def test_a_wide_open_gate(open_page: OpenPage, with_gate: OpenGate):
    text = sound(open_page("counterfactual", run=with_gate(share=1.0, pairs=32)))
    assert "Predicted mean: the network alone (chosen on 32" in text


def test_no_inner_evidence(open_page: OpenPage, with_gate: OpenGate):
    none = np.zeros((0, 0, 300), dtype=np.float32)
    run = with_gate(
        share=1.0, groups=(), perturbations=(), corrections=none, error=None, pairs=0,
        ratio=None, ratio_se=None,
    )  # fmt: skip
    text = sound(open_page("counterfactual", run=run))
    assert "so the network answers alone, untested out of distribution" in text
    assert "over cells; model error not included" in text


@pytest.mark.parametrize("page", ["home", "counterfactual"])
def test_a_collapse_is_an_amber_note(open_page: OpenPage, with_gate: OpenGate, page: str):
    warning = "Counterfactuals hardly vary over cells any more (spread 0.012 of the measured one)."
    test = open_page(page, run=with_gate({"warnings": [warning]}))
    sound(test)
    assert any("hardly vary over cells" in note.value for note in test.warning)
    assert not any("hardly vary" in note.value for note in open_page(page).warning)


# --- runs ------------------------------------------------------------------------------


def test_malformed_run_is_ignored_with_a_note(open_page: OpenPage):
    text = sound(open_page("network", run="../../etc/passwd"))
    assert "There is no run '../../etc/passwd'" in text
    assert "Showing 50 of" in text


def test_network_without_a_model(open_page: OpenPage, tmp_path: Path):
    folder = tmp_path / "grn"
    shutil.copytree(DEMO / "grn", folder)
    shutil.copy(DEMO / "data.h5ad", folder / "data.h5ad")
    name = register(folder, "grn", "A network <b>alone</b>")
    assert name is not None
    assert "without a model" in sound(open_page("counterfactual", run=name))
    text = sound(open_page("network", run=name))
    assert "Showing 50 of" in text
    assert "Knock out" not in text
    assert "A network <b>alone</b>" in sound(open_page("home", run=name))


@pytest.fixture
def exchanged(tmp_path: Path) -> str:
    """A run whose cells are not those of its training any more."""
    folder = tmp_path / "exchanged"
    shutil.copytree(DEMO, folder)
    data = PerturbationData.read(folder / "data.h5ad")
    splits = data.adata.obs["split"].astype(str)
    data.adata.obs["split"] = splits.where(splits != "test", "train").to_numpy()
    PerturbationData(data.adata, data.columns, data.meta).write(folder / "data.h5ad")
    name = register(folder, "run", "exchanged <b>cells</b>")
    assert name is not None
    return name


@pytest.mark.parametrize(("page", "shown"), [("data", "Catalogue"), ("home", "Recent results")])
def test_a_run_that_cannot_be_opened_leaves_the_page(
    open_page: OpenPage, exchanged: str, page: str, shown: str
):
    test = open_page(page, run=exchanged)
    text = sound(test)
    assert len(test.error) == 1
    assert "their checksum differs" in test.error[0].value
    assert shown in text
    assert "exchanged <b>cells</b> cannot be opened." in text


def test_the_demo_starts_whatever_run_is_open(open_page: OpenPage, exchanged: str):
    test = open_page("home", run=exchanged)
    next(b for b in test.button if b.label.startswith("Start the 3-minute demo")).click().run()
    assert "Showing 50 of" in sound(test)
    assert not test.error


@pytest.mark.parametrize("page", ["network", "counterfactual"])
def test_a_run_that_cannot_be_opened_ends_a_page_of_its_own(
    open_page: OpenPage, exchanged: str, page: str
):
    test = open_page(page, run=exchanged)
    assert len(test.error) == 1
    assert "their checksum differs" in sound(test)
    assert not test.dataframe


def test_damaged_notes_do_not_hide_the_demo(open_page: OpenPage, own_runs: Path):
    own_runs.mkdir(parents=True)
    (own_runs / "half.json").write_text('{"path": "/x", "ki')
    (own_runs / "gone.json").write_text(json.dumps({"path": "/nowhere", "kind": "run"}))
    assert "4,428 simulated cells" in sound(open_page("home"))


def test_a_model_without_a_network_is_called_so(tmp_path: Path):
    bare = Entry("bare", "Bare", "run", tmp_path, shipped=False, created="")
    assert home.about(bare) == "model without a network, made on this computer"
    assert home.about(entries()[0]).startswith("model and network")
