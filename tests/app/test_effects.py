"""Effects in its states: estimated, not identifiable, few cells, unknown genes, long work."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvci.app import effects_chart, effects_files, effects_view, estimates
from gvci.app.estimates import Asked, Estimate
from gvci.app.theme import DARK, LIGHT
from gvci.data.dataset import SPLIT
from gvci.estimator import marginal_effects
from gvci.registry import register
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound

GROUP = "CD14+ Monocytes · donor1"
HELD_OUT = Asked("STAT1", "B cells · donor1")


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(DEMO)


@pytest.fixture(scope="module")
def found(run: Run) -> Estimate:
    return estimates.estimate(run, Asked("STAT1", GROUP))


# --- the page -------------------------------------------------------------------------------


def test_opens_on_a_pair_that_can_be_estimated(open_page: OpenPage, found: Estimate):
    test = open_page("effects")
    text = sound(test)
    assert "Estimated" in text
    assert effects_view.claim(found, 0.05) in text
    assert "42 treated cells, 150 control cells" in text
    assert "the robust effect is the plain difference" in text
    assert "(eq. 14)" in text
    assert len(test.get("plotly_chart")) == 3
    ranked, groups = (table.value for table in test.dataframe)
    assert list(ranked["Gene"])[:3] == list(found.table["gene"].head(3))
    assert list(groups["Robust"]).count("plug-in only") == 2
    assert set(groups["Treated, control"]) == {"0, 150", "42, 150"}


def test_held_out_pair_is_not_identifiable(open_page: OpenPage):
    test = open_page("effects", of="STAT1", c_cell_type="B cells")
    text = sound(test)
    assert "Not identifiable: no treated cells here, plug-in only" in text
    assert "no p, and so no volcano" in text
    assert len(test.get("plotly_chart")) == 2
    assert set(test.dataframe[0].value["Robust"]) == {"not identifiable"}
    next(b for b in test.button if b.label.startswith("STAT1 in CD14")).click().run()
    assert "Estimated" in sound(test)
    assert test.selectbox(key="c_cell_type").value == "CD14+ Monocytes"


def test_the_rate_decides_how_many_pass(open_page: OpenPage, found: Estimate):
    counts = []
    for rate in ("0.01", "0.2"):
        text = sound(open_page("effects", fdr=rate))
        counts.append(effects_view.significant(found, float(rate)).sum())
        assert f"{counts[-1]} of 300 genes pass" in text
    assert counts[0] < counts[1]


def test_whole_cell_is_warned_of(open_page: OpenPage):
    assert "these intervals are too narrow" in sound(open_page("effects", sees="Whole cell"))


def test_bands_are_wider(open_page: OpenPage, found: Estimate):
    test = open_page("effects", interval="All at once", marked="STAT1")
    assert "95 % interval of all genes at once" in sound(test)
    at = test.dataframe[0].value.set_index("Gene").loc["STAT1", "95 % interval"]
    low, high = (float(end.replace("−", "-")) for end in at.split(" to "))
    one = found.row("STAT1")
    assert low < one["effect_lower"] < one["effect_upper"] < high


@pytest.mark.parametrize(
    ("query", "gene", "words"),
    [
        ("ISG56", "IFIT1", ""),
        ("ENSG00000115415", "STAT1", ""),
        ("STAT11", "DTX3L", "No gene is called 'STAT11' here. Near: STAT1"),
        ("<svg onload=alert(1)>", "DTX3L", "No gene is called '<svg onload=alert(1)>'"),
    ],
)
def test_gene_of_a_link(open_page: OpenPage, query: str, gene: str, words: str):
    test = open_page("effects", marked=query)
    text = sound(test)
    assert words in text
    assert f"*{gene}* in every group" in text
    assert test.session_state["marked"] == [gene]


def test_a_typed_gene_is_marked_or_explained(open_page: OpenPage):
    test = open_page("effects")
    test.text_input(key="find").set_value("isg56").run()
    assert "*IFIT1* in every group" in sound(test)
    test.text_input(key="find").set_value("STAT11").run()
    assert "Near: STAT1" in sound(test)
    assert test.session_state["marked"] == ["IFIT1"]


def test_wrong_parameters_are_ignored_with_a_note(open_page: OpenPage):
    text = sound(open_page("effects", of="FOXP3", c_cell_type="../..", fdr="x", sees="all"))
    assert "The perturbation 'FOXP3' of the link is not known here" in text
    assert "cell_type '../..' of the link is not known here" in text


def test_long_work_is_said_and_asked_for(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(estimates, "seconds_per_cell", lambda run: 0.02)
    test = open_page("effects")
    text = sound(test)
    assert "About 30 s of work" in text
    words = next(c.value for c in test.code if not c.value.startswith("http"))
    assert words.startswith("python -m gvci effects RUN --perturbation STAT1 --where")
    assert not test.get("plotly_chart")
    next(b for b in test.button if b.label == "Do it here").click().run()
    assert "85 of 300 genes pass" in sound(test)
    assert "About 164 s of work" in sound(test)
    assert len(test.get("plotly_chart")) == 2


def test_network_without_a_model(open_page: OpenPage, tmp_path: Path, own_runs: Path):
    folder = tmp_path / "only-grn"
    grn = Run.open(DEMO).grn
    assert grn is not None
    grn.save(folder, "data.h5ad")
    (folder / "data.h5ad").write_bytes((DEMO / "data.h5ad").read_bytes())
    entry = register(folder, "grn", "mine")
    assert entry is not None
    assert "a refined network without a model" in sound(open_page("effects", run=entry))


# --- what it says and draws -----------------------------------------------------------------


def test_numbers_are_the_estimators_own(run: Run, found: Estimate):
    direct = marginal_effects(run, run.data, ["STAT1"], [GROUP]).set_index("gene")
    own = found.table.set_index("gene").loc[direct.index]
    np.testing.assert_array_equal(own["effect"], direct["effect"])
    assert found.table["p"].is_monotonic_increasing
    rows = np.flatnonzero((run.data.groups == GROUP) & run.data.is_control)
    np.testing.assert_allclose(own["control_mean"], run.data.mean(rows))
    np.testing.assert_allclose(own["plain_difference"], own["treated_mean"] - own["control_mean"])
    everywhere = estimates.in_groups(run, Asked("STAT1", GROUP))
    here = everywhere[everywhere["group"] == GROUP].set_index("gene")
    np.testing.assert_allclose(here["effect"], own.loc[here.index, "effect"], atol=1e-6)


def test_threshold_parts_those_that_pass(found: Estimate):
    for rate in (0.01, 0.05, 0.2):
        passed = effects_view.significant(found, rate)
        p, level = found.table["p"].to_numpy(), effects_chart.threshold(found, rate)
        assert passed.any()
        assert (p[passed] <= level).all()
        assert (p[~passed] > level).all()


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_interval_is_drawn_inside_the_axes(found: Estimate, colours):
    rows = effects_chart.of_genes(found, "STAT1")
    drawn = effects_chart.forest(rows, found.unit, colours)
    low, high = drawn.layout.xaxis.range
    lines = next(t for t in drawn.data if t.mode == "lines")
    assert len(lines.x) == 3 * len(rows.names)
    assert low < min(rows.low)
    assert max(rows.high) < high
    volcano = effects_chart.volcano(found, 0.05, "STAT1", colours)
    assert len(volcano.data[0].x) == found.table["p"].notna().sum()
    assert volcano.data[2].x[0] == found.row("STAT1")["effect_lower"]
    assert "STAT1" in effects_chart.forest_alt(rows, "genes")


def test_held_out_pair_has_no_interval_anywhere(run: Run):
    found = estimates.estimate(run, HELD_OUT)
    assert not found.identifiable
    rows = effects_chart.of_genes(found, "STAT1")
    assert set(rows.notes) == {"not identifiable"}
    assert np.isnan(rows.robust).all()
    assert np.isfinite(rows.plug_in).all()
    assert estimates.alternatives(run, HELD_OUT)[0] == (GROUP, "STAT1")
    assert np.isnan(effects_chart.threshold(found, 0.05))


def test_f18_one_treated_cell_has_a_plug_in_only(run: Run):
    other = Run.of(
        run.model, type(run.data)(run.data.adata.copy(), run.data.columns, run.data.meta)
    )
    mine = np.flatnonzero((run.data.groups == GROUP) & (run.data.perturbation == "STAT1"))
    split = run.data.split.astype(object)
    split[mine[1:]] = "ood"
    other.data.adata.obs[SPLIT] = split
    found = estimates.estimate(other, Asked("STAT1", GROUP))
    assert found.n_treated == 1
    badge = effects_view.badge(found)
    assert badge.words == "Not identifiable: one treated cell here, plug-in only"
    assert "0 of" not in effects_view.claim(found, 0.05)
    assert effects_chart.forest(effects_chart.of_genes(found, "STAT1"), "u", LIGHT).data


def test_p_is_written_as_people_write_it():
    words = [effects_view.p_words(p) for p in (0.5, 0.0012, 3.4e-32, 0.0, float("nan"))]
    assert words == ["0.500", "0.001", "3.4 × 10⁻³²", "< 10⁻³⁰⁰", "undefined"]


def test_files(run: Run, found: Estimate):
    groups = estimates.in_groups(run, found.asked)
    rows = effects_chart.of_groups(groups, "STAT1", bands=False, group=GROUP)
    files = effects_files.downloads(run, found, 0.05, "STAT1", groups, rows)
    made = {file.label: file.make() for file in files}
    assert list(made) == [
        "CSV of genes", "Volcano (SVG)", "Forest of genes (SVG)", "Volcano (PNG)",
        "Forest of genes (PNG)", "CSV of groups", "Forest of groups (SVG)",
        "Forest of groups (PNG)", "Report (.html)",
    ]  # fmt: skip
    text = str(made["CSV of genes"])
    assert "# model_sees: pretreatment" in text
    assert "# cells: 42 treated cells, 150 control cells" in text
    table = pd.read_csv(io.StringIO(text), comment="#")
    np.testing.assert_allclose(table["effect"], found.table["effect"], rtol=1e-5)
    assert len(pd.read_csv(io.StringIO(str(made["CSV of groups"])), comment="#")) == 6
    svg = bytes(made["Volcano (SVG)"]).decode()
    assert "false_discovery_rate: 0.05" in svg
    assert ">STAT1<" in svg
    assert bytes(made["Volcano (PNG)"]).startswith(b"\x89PNG")
    assert "not identifiable" in bytes(made["Forest of groups (SVG)"]).decode()


def test_files_are_safe_in_a_spreadsheet(run: Run, found: Estimate):
    table = found.table.assign(gene=["=cmd()", *found.table["gene"].iloc[1:]])
    hostile = Estimate(**{**vars(found), "table": table})
    files = effects_files.downloads(run, hostile, 0.05, "=cmd()", None, None)
    made: dict[str, Callable] = {file.label: file.make for file in files}
    back = pd.read_csv(io.StringIO(str(made["CSV of genes"]())), comment="#")
    assert back["gene"].iloc[0] == "'=cmd()"
    assert "=cmd()" in bytes(made["Volcano (SVG)"]()).decode()
    assert json.dumps(effects_chart.volcano(hostile, 0.05, "=cmd()", LIGHT).to_dict(), default=str)
