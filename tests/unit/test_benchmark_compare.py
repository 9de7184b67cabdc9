"""Paired differences, verdicts and tables, on results with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gvci.benchmark.compare import Gain, Table
from gvci.benchmark.report import report
from gvci.benchmark.spec import Dataset, Model, Spec
from gvci.benchmark.tidy import tidy
from gvci.benchmark.verdicts import contrast, explained, first_and_next, standing
from gvci.benchmark.words import gain_cell, labelled, signed, spread
from gvci.evaluation.scoring import SCORES

OURS, THEIRS = "ours, residual", "theirs, decoder's mean"


def row(model: str, pair: str = "p", way: str | None = None, **scores: float | None) -> Any:
    usual = dict.fromkeys(SCORES) | {"r2_all": 0.9, "r2_de": 0.8}
    about = {"group": "g", "perturbation": pair, "n_cells": 40, "model": model, "lambda": None}
    return {**about, **usual, **scores, **({} if way is None else {"predicted": way})}


def result(model: str, seed: int | None, rows: list[Any], **changes: Any) -> dict[str, Any]:
    about = {
        "dataset": "d", "problem": "auto", "holdout": "auto", "seed": seed, "model": model,
        "failure": None, "rows": rows, "notes": [], "steps": 50, "seconds": 90.0, "work_s": 60.0,
        "cells": 100, "genes": 10,
    }  # fmt: skip
    return {**about, **changes}


def table(*results: dict[str, Any]) -> Table:
    return Table(labelled(tidy(results)))


def ours(seed: int | None, values: dict[str, float], **more: Any) -> dict[str, Any]:
    rows = [row("ours", pair, "residual", r2_all=value) for pair, value in values.items()]
    return result("ours", seed, rows, **more)


def ridge(seed: int | None, values: dict[str, float], **more: Any) -> dict[str, Any]:
    rows = [row("ridge", pair, r2_all=value) for pair, value in values.items()]
    return result("baselines", seed, rows, **more)


def test_means_are_over_pairs_and_then_over_seeds() -> None:
    made = table(
        ours(0, {"p": 0.2, "q": 0.4}), ours(0, {"p": 0.9}, problem="B"), ours(1, {"p": 0.7})
    )
    assert made.by_seed(OURS, "r2_all") == pytest.approx([0.5, 0.7])
    assert made.by_seed(OURS, "r2_all", "auto") == pytest.approx([0.3, 0.7])
    assert made.mean(OURS, "r2_all") == pytest.approx(0.6)
    assert made.by_seed("nobody", "r2_all") == []
    assert spread([0.5, 0.7]) == "0.600 ± 0.141"
    assert spread([0.5]) == "0.500"
    assert made.pairs == 3


def test_an_undefined_score_counts_neither_as_0_nor_in_a_difference() -> None:
    mine = [row("ours", "p", "residual", r2_de=0.6), row("ours", "q", "residual", r2_de=None)]
    others = [row("ridge", "p", r2_de=None), row("ridge", "q", r2_de=0.1)]
    made = table(result("ours", 0, mine), result("baselines", None, others))
    assert made.by_seed(OURS, "r2_de") == [0.6]
    assert made.gain(OURS, "ridge regression", "r2_de") is None


def test_a_pair_with_many_seeds_is_one_pair() -> None:
    """Seeds of one pair are averaged: they do not make the interval over pairs narrower."""
    made = table(
        *(ours(seed, {"p": 0.5 + 0.1 * seed, "q": 0.1}) for seed in range(3)),
        ridge(None, {"p": 0.4, "q": 0.4}),
    )
    gain = made.gain(OURS, "ridge regression", "r2_all")
    assert gain is not None
    assert (gain.difference, gain.pairs, gain.seeds) == (pytest.approx(-0.05), 2, 3)
    assert (gain.low, gain.high) == (pytest.approx(-0.3), pytest.approx(0.2))
    assert gain.spread == pytest.approx(0.05)  # of −0.1, −0.05, 0


def test_seeds_with_cells_of_their_own_are_paired_with_their_own_baselines() -> None:
    made = table(
        ours(0, {"p": 0.5}, problem="seed 0"), ridge(0, {"p": 0.1}, problem="seed 0"),
        ours(1, {"p": 0.9}, problem="seed 1"), ridge(1, {"p": 0.7}, problem="seed 1"),
    )  # fmt: skip
    gain = made.gain(OURS, "ridge regression", "r2_all")
    assert gain is not None
    assert gain.difference == pytest.approx(0.3)
    assert gain.spread == pytest.approx(0.2 / 2**0.5)
    assert gain.pairs == 2
    back = made.gain("ridge regression", OURS, "r2_all")
    assert back is not None
    assert back.difference == pytest.approx(-0.3)


def test_the_interval_is_the_normal_one_where_pairs_are_many() -> None:
    differences = np.random.default_rng(3).normal(0.05, 0.2, 400)
    values = {str(i): float(d) for i, d in enumerate(differences)}
    gain = table(ours(0, values), ridge(None, dict.fromkeys(values, 0.0))).gain(
        OURS, "ridge regression", "r2_all"
    )
    assert gain is not None
    assert gain.low is not None
    assert gain.high is not None
    half = 1.96 * differences.std(ddof=1) / 20
    assert gain.low == pytest.approx(differences.mean() - half, abs=0.1 * half)
    assert gain.high == pytest.approx(differences.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize(
    ("difference", "low", "high", "seeds", "lower", "side"),
    [
        (0.15, 0.1, 0.2, 0.01, False, "ahead"), (-0.15, -0.2, -0.1, 0.01, False, "behind"),
        (0.15, 0.1, 0.2, 0.01, True, "behind"), (-0.15, -0.2, -0.1, 0.01, True, "ahead"),
        (0.15, -0.1, 0.4, 0.01, False, "tied"), (0.15, 0.1, 0.2, 0.2, False, "tied"),
        (0.15, None, None, 0.01, False, "tied"), (0.15, 0.1, 0.2, None, False, "ahead"),
        (1e-9, 1e-9, 1e-9, 0.0, False, "tied"),
    ],
)  # fmt: skip
def test_a_difference_counts_beyond_both_seeds_and_pairs(
    difference: float,
    low: float | None,
    high: float | None,
    seeds: float | None,
    lower: bool,
    side: str,
) -> None:
    assert Gain(difference, low, high, seeds, 5, 3, lower).side == side


def test_the_verdict_names_who_is_first_and_what_the_difference_is_worth() -> None:
    rng = np.random.default_rng(0)
    pairs = [f"p{i}" for i in range(8)]
    made = table(
        *(ours(s, {p: 0.8 + 0.002 * s for p in pairs}) for s in range(3)),
        ridge(None, {p: 0.7 + 0.001 * rng.normal() for p in pairs}),
    )
    groups = [[OURS], ["ridge regression"]]
    said = first_and_next(made, "r2_all", groups)
    assert said is not None
    assert said.startswith(f"{OURS} is first with 0.802 ± 0.002, ridge regression next with 0.700")
    assert "more than the seeds' spread (0.0020), beyond the scatter of the 8 pairs" in said
    assert "tie" not in said
    ranking = standing(made, OURS, ["ridge regression"], "simple baselines", "r2_all")
    assert ranking == f"{OURS} is ahead of 1 of 1 simple baselines."
    behind = standing(made, "ridge regression", [OURS], "trained models", "r2_all")
    assert behind is not None
    assert f"0 of 1 trained models; **ahead of it**: {OURS} (−0.10" in behind
    against = contrast(made, "ridge regression", OURS, "r2_all")
    assert against is not None
    assert f"ridge regression (0.700) **is behind** {OURS} (0.802 ± 0.002): −0.10" in against


def test_ways_of_predicting_one_model_are_no_rivals_of_each_other() -> None:
    made = table(
        result("ours", 0, [row("ours", "p", w, r2_all=v) for w, v in (("residual", 0.9),
                                                                     ("mean", 0.8))]),
        ridge(None, {"p": 0.5}),
    )  # fmt: skip
    said = first_and_next(made, "r2_all", [[OURS, "ours, decoder's mean"], ["ridge regression"]])
    assert said is not None
    assert "ridge regression next with 0.500" in said
    assert "one pair only" in said


def test_a_smaller_distance_is_better_in_ranks_too() -> None:
    rows = [row("ours", p, "residual", e_distance=0.1) for p in "pqr"]
    others = [row("ridge", p, e_distance=3.0) for p in "pqr"]
    made = table(result("ours", 0, rows), result("baselines", None, others))
    assert made.ranked("e_distance", ["ridge regression", OURS]) == [OURS, "ridge regression"]
    gain = made.gain(OURS, "ridge regression", "e_distance")
    assert gain is not None
    assert gain.side == "ahead"
    assert gain_cell(gain) == "−2.9000 [−2.9000, −2.9000] ✓"
    assert "one seed only" in explained(gain)


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "+0.1235"), (-0.5, "−0.5000"), (-1e-9, "+0.0000"), (0, "+0.0000")]
)
def test_a_difference_has_a_true_sign(value: float, text: str) -> None:
    assert signed(value) == text


# --- the tidy table and the report ---------------------------------------------------------


@pytest.fixture
def spec() -> Spec:
    from pathlib import Path

    data = Dataset.read({"name": "d", "data": "sim", "paper": "Marson"}, Path())
    models = [
        Model.read({"name": "ours", "max_steps": 50}),
        Model.read({"name": "theirs", "model": "vci", "predict": "mean"}),
    ]
    return Spec.checked(
        {"kind": "table1", "title": "T", "datasets": (data,), "models": models, "own": "ours",
         "about": "Beware."}
    )  # fmt: skip


def everything() -> list[dict[str, Any]]:
    mine = [row("ours", p, "residual", **{"lambda": 0.5}) for p in "pq"]
    failed = result("theirs", 1, [], failure="No edge is shared.", work_s=1.0)
    ceiling = [row("ceiling", p, r2_all=0.99) for p in "pq"]
    return [
        result("baselines", None, [*(row("ridge", p, r2_all=0.7) for p in "pq"), *ceiling]),
        result("ours", 0, mine, notes=["A note."]), result("ours", 1, mine),
        result("theirs", 0, [row("theirs", p, "mean", r2_all=0.6) for p in "pq"]), failed,
    ]  # fmt: skip


def test_the_tidy_table_has_a_row_per_pair_and_one_per_failure() -> None:
    made = tidy(everything())
    keys = ["dataset", "holdout", "seed", "model", "predicted", "group", "perturbation"]
    assert not made.duplicated(keys).any()
    assert len(made) == 2 + 2 + 2 * 2 + 2 + 1
    assert set(SCORES) <= set(made.columns)
    (failure,) = made[made["failure"].notna()].to_dict("records")
    assert (failure["model"], failure["seed"], failure["failure"]) == (
        "theirs", 1, "No edge is shared.",
    )  # fmt: skip
    assert pd.isna(failure["r2_all"])
    assert made.loc[made["role"] == "baseline", "seed"].isna().all()
    assert set(made["role"]) == {"model", "baseline", "ceiling"}


def test_the_report_shows_models_rivals_ceiling_failures_and_the_papers_figures(spec: Spec) -> None:
    found = everything()
    made = report(spec, tidy(found), found, {"L008": "There is no file."}, "the command", 120.0)
    text = made.text
    assert text.startswith("# T\n\n`the command`, ")
    assert "This run took 2.0 min" in text
    assert "All parts together: 4.0 min of one core" in text
    assert "Beware." in text
    assert "| **ours, residual** | 0.900 ± 0.000 | 0.800 ± 0.000 |" in text
    assert "| ridge regression | 0.700 | 0.800 |" in text
    assert text.index("ridge regression |") < text.index("ceiling (split halves) | 0.990")
    assert "| ours | standard | 50 | 50 | 60 ± 0 | 0.50 ± 0.00 |" in text
    assert "- L008: There is no file." in text
    assert "- d, theirs (auto, seed 1): No edge is shared." in text
    assert "| graphVCI | 0.892 ± 0.003 | 0.642 ± 0.016 |" in text  # as the paper prints it
    assert "- A note." in text
    assert made.scores["d"]["ridge regression"]["r2_all"] == {"mean": 0.7, "sd": None}
    assert made.scores["d"][OURS]["r2_all"]["sd"] == 0
    assert made.verdicts[0].startswith(f"d: **R² all**: {OURS} is first")


def test_the_paper_is_quoted_as_it_is_printed() -> None:
    """Against the digits of its text, where they stand in the same order."""
    from gvci.benchmark.paper import TABLE_1

    assert [list(models) for models in TABLE_1.values()] == [
        ["AE", "CEVAE", "GANITE", "CPA", "VCI", "graphVCI"]
    ] * 3
    best = {name: max(models, key=lambda m: models[m][1]) for name, models in TABLE_1.items()}
    assert best == {"Sciplex": "graphVCI", "Marson": "graphVCI", "L008": "VCI"}
