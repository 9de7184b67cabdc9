"""What the Counterfactual page says of one question: λ, interval, files."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

from gvci.app import answer_files, answer_view, prediction
from gvci.app.text import number
from gvci.counterfactual.answer import Answer, answer
from gvci.counterfactual.scenario import Scenario
from gvci.estimator import Z_95
from gvci.run import Run
from tests.app.conftest import DEMO

GROUP = "B cells · donor1"
HELD_OUT = Scenario("STAT1", GROUP)


@pytest.fixture
def run() -> Run:
    return Run.open(DEMO)


def by_gene(found: Answer) -> pd.DataFrame:
    return found.table.set_index("gene").loc[list(found.genes)]


def test_a_held_out_interval_has_cells_and_inner_errors(run: Run):
    inner = answer(run, HELD_OUT)
    assert inner.interval == "inner"
    error = run.model.gate.error
    assert error is not None
    run.model.gate = dataclasses.replace(run.model.gate, error=None)
    cells = answer(run, HELD_OUT)
    assert cells.interval == "cells"
    assert "model error not included" in answer_view.interval_words(cells)
    wide, narrow = by_gene(inner), by_gene(cells)
    half = ((narrow["high"] - narrow["low"]) / 2).to_numpy()
    growing = run.model.gate.growth * wide["predicted"].to_numpy()
    squares = (half / Z_95) ** 2 + error.astype(np.float64) ** 2 + growing**2
    expected = Z_95 * np.sqrt(squares)
    np.testing.assert_allclose((wide["high"] - wide["low"]) / 2, expected, rtol=1e-9)
    np.testing.assert_allclose(wide["predicted"], (wide["high"] + wide["low"]) / 2, atol=1e-9)
    assert (expected > half).all()


def test_the_interval_holds_on_held_out_pairs(run: Run):
    """Measured changes of pairs that nothing was trained on; the page says the true share."""
    pairs = {(p["group"], p["perturbation"]) for p in run.scores["ood"]["pairs"]}
    shares = []
    for group, perturbation in sorted(pairs):
        found = answer(run, Scenario(perturbation, group))
        table = found.table
        inside = (table["measured"] >= table["low"]) & (table["measured"] <= table["high"])
        held = answer_view.coverage(found)
        assert held is not None
        assert held[0] == pytest.approx(inside.mean())
        assert f"{100 * held[0]:.0f} % lie within" in answer_view.table_caption(found)
        assert f"{held[2]} largest {100 * held[1]:.0f} %" in answer_view.table_caption(found)
        shares.append(inside.mean())
    assert len(shares) == 8
    assert 0.85 < np.mean(shares) < 0.99


def test_seen_pairs_and_single_cells_keep_their_own_intervals(run: Run):
    assert answer(run, Scenario("JAK2", GROUP)).interval == "influence"
    cell = run.data.adata.obs_names[(run.data.groups == GROUP) & run.data.is_control][0]
    assert answer(run, Scenario("STAT1", GROUP, "one cell", cell)).interval == "none"


def test_further_out_than_the_inner_pairs_is_said(run: Run):
    run.model.gate = dataclasses.replace(run.model.gate, share=0.5)
    found = answer(run, Scenario("JAK2+STAT3", GROUP))
    assert (found.support, found.interval, found.share) == ("held_out", "beyond", 1.0)
    assert "The baseline has no share" in found.mean_words
    assert "the error may be larger" in answer_view.interval_words(found)


def test_share_is_that_of_the_run(run: Run):
    found, seen = answer(run, HELD_OUT), answer(run, Scenario("JAK2", GROUP))
    assert (found.share, found.rest) == (run.model.gate.share, run.model.gate.baseline)
    assert seen.share == 1.0
    assert seen.mean_words.startswith("This pair was in the training data")


def test_files_carry_share_baseline_grn_and_unit(run: Run):
    found = answer(run, HELD_OUT)
    files = {f.label: f.make() for f in answer_files.downloads(run, found, ["IRF1"], "violin")}
    head = [line for line in str(files["CSV of genes"]).splitlines() if line.startswith("#")]
    told = dict(line[2:].split(": ", 1) for line in head)
    assert float(told["network_share"]) == run.model.gate.share
    assert told["baseline_of_the_rest"] == run.model.gate.baseline
    assert told["mean"] == found.mean_words
    assert told["GRN"] == run.card["grn"]
    assert told["unit"] == "log1p CP10k"
    assert "inner pairs" in told["interval"]
    assert f"network_share: {found.share}" in bytes(files["SVG"]).decode()
    table = pd.read_csv(io.StringIO(str(files["CSV of genes"])), comment="#")
    assert len(table) == len(run.data.genes)


def test_another_unit_reaches_table_and_axes(run: Run):
    run.data.meta["settings"]["target_sum"] = 1e5
    found = answer(run, HELD_OUT)
    assert "mean log1p counts per 100,000." in answer_view.table_caption(found)
    assert {panel.unit for panel in answer_view.panels(found, ["IRF1", "MYC"])} == {run.data.unit}


def test_a_scored_pair_has_one_score_on_every_page(run: Run):
    told = run.scores["ood"]["pairs"]
    for row in [row for row in told if row["model"] == run.model.name]:
        found = prediction.answer(run, Scenario(row["perturbation"], row["group"]))
        assert found.scores["model"]["r2_de"] == row["r2_de"]
        assert any(number(row["r2_de"], digits) in found.verdict for digits in (2, 3))
    whole = prediction.answer(run, Scenario(row["perturbation"], row["group"], "all cells"))
    assert whole.scores["model"]["r2_de"] != row["r2_de"]


def test_a_ceiling_that_is_passed_is_explained(run: Run):
    found = answer(run, HELD_OUT)
    rows = {name: {**row, "r2_all": 0.5} for name, row in found.scores.items()}
    low = dataclasses.replace(found, scores=rows | {"ceiling": {**rows["ceiling"], "r2_all": 0.4}})
    assert "half as many cells make it low, and some pass it" in answer_view.score_caption(low)
    ones = {"r2_all": 1.0, "r2_de": 1.0, "pearson_delta": 1.0}
    high = dataclasses.replace(found, scores=rows | {"ceiling": ones})
    assert "against the other. The chosen" in answer_view.score_caption(high)


def test_where_no_change_is_as_good_it_is_said(run: Run):
    row = run.scores["ood"]["pairs"][0]
    found = prediction.answer(run, Scenario(row["perturbation"], row["group"]))
    scores = {**found.scores, "no_change": {**found.scores["model"], "r2_de": 0.99}}
    equal = dataclasses.replace(found, scores=scores, support="held_out")
    assert answer_view.notes(equal)[0].startswith("No change at all scores R² 0.99")
    assert not [note for note in answer_view.notes(found) if note.startswith("No change")]
    seen = dataclasses.replace(equal, support="seen")
    assert answer_view.claim(seen).startswith("A fit, no test: training saw these cells. ")
    assert not [note for note in answer_view.notes(seen) if note.startswith("No change")]
