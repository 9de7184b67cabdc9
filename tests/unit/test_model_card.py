"""The model card says what the checkpoint and the scores hold, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from gvci.gate.words import gate_sentence
from gvci.model_card import facts, grn_name, title, warnings
from gvci.run import Run
from gvci.shipped.card import card
from gvci.verdict import number

DEMO = Path(__file__).parents[2] / "pretrained" / "demo"


@pytest.fixture
def run() -> Run:
    return Run.open(DEMO)


def test_figures_are_those_of_the_scores(run: Run):
    said = dict(facts(run))
    own = run.scores["ood"]["models"]["graphvci"]
    for label, names in {
        "Held-out mean": ("r2_all", "r2_de"),
        "Held-out distribution": ("e_distance",),
        "Single cells": ("cell_correlation", "spread_ratio"),
    }.items():
        for name in names:
            assert number(own[name], 3) in said[label]
    rivals = {n: s for n, s in run.scores["ood"]["models"].items() if n != "graphvci"}
    assert number(max(r["r2_de"] for r in rivals.values()), 3) in said["Held-out mean"]
    assert number(min(r["e_distance"] for r in rivals.values()), 3) in said["Held-out distribution"]
    assert said["Unmeasured pairs"] == gate_sentence(run.model.gate)


def test_model_preset_and_grn_are_named(run: Run):
    assert title(run) == f"graphVCI standard · GRN: {run.card['grn']}"
    run.model.header["settings"]["graph"] = "random"
    assert grn_name(run).startswith("random, with as many edges as ")
    run.model.header["settings"]["model"] = "vci"
    assert title(run) == "VCI standard · GRN: none"


def test_a_changed_setting_is_told(run: Run):
    settings = run.model.members[0].core.settings
    run.model.members[0].core.settings = settings.model_copy(update={"kl_weight": 0.7})
    assert "Unlike the preset: " in dict(facts(run))["Model"]
    assert "kl_weight 0.7" in dict(facts(run))["Model"]


def test_an_unscored_run_is_judged_on_validation_cells(run: Run):
    run.scores.pop("ood")
    said = dict(facts(run))
    assert said["Held-out pairs"] == "No held-out pair has been scored for this run."
    assert said["Single cells"].endswith("validation cells")
    assert number(run.card["watched"]["cell_correlation"], 3) in said["Single cells"]


def test_a_collapse_is_told(run: Run):
    assert warnings(run) == []
    run.model.header["warnings"] = ["Counterfactuals hardly vary over cells any more."]
    assert warnings(run) == ["Counterfactuals hardly vary over cells any more."]
    assert "- Warning: Counterfactuals hardly vary" in card(run)


def test_notes_that_differ_in_a_perturbation_only_are_told_once(run: Run):
    run.scores["ood"]["notes"] = ["STAT1 is left out.", "IRF1 is left out.", "It is small."]
    assert dict(facts(run))["Note"] == "STAT1 is left out. (And 1 more like it.) It is small."
