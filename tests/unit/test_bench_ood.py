"""The held-out benchmark: its arithmetic on results with known answers, and what it resumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import ood
from benchmarks.ood_report import RIVALS, Gain, Table, report, verdicts
from gvci.baselines import BASELINES
from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.errors import CatalogueError

USUAL = {"r2_all": 0.9, "r2_de": 0.8, "e_distance": 1.0}


def part(
    problem: str, seed: int, model: str, rows: list[dict[str, Any]], **changes: Any
) -> dict[str, Any]:
    """A constructed result."""
    about = {
        "dataset": "kang", "problem": problem, "seed": seed, "model": model, "cells": 100,
        "genes": 10, "steps": 50, "best_step": 40, "work_s": 60.0, "seconds": 90.0,
        "gate": {"lambda": 0.5, "baselines": ["stack"]}, "rows": rows, "notes": [],
    }  # fmt: skip
    return {**about, **changes}


def row(model: str, pair: str = "p", **scores: float | None) -> dict[str, Any]:
    return {"group": "g", "perturbation": pair, "model": model, "lambda": None, **USUAL, **scores}


def table(values: dict[tuple[str, int, str], tuple[float, float]]) -> Table:
    """(problem, seed, pair) → R² all of standard and of ridge."""
    parts = [
        part(f, s, "standard", [row("standard", p, r2_all=a), row("ridge", p, r2_all=b)])
        for (f, s, p), (a, b) in values.items()
    ]
    return Table(parts)


def test_means_are_over_pairs_and_then_over_seeds() -> None:
    made = table(
        {("A", 0, "p"): (0.2, 0), ("A", 0, "q"): (0.4, 0), ("B", 0, "p"): (0.9, 0),
         ("A", 1, "p"): (0.7, 0)}
    )  # fmt: skip
    assert made.by_seed("standard", "r2_all") == pytest.approx([0.5, 0.7])
    assert made.by_seed("standard", "r2_all", "A") == pytest.approx([0.3, 0.7])
    assert made.by_seed("paper", "r2_all") == []
    assert f"| {0.6:.3f} ± {0.1414:.3f} |" in report(made.parts, [], "the command", 1.0)


def test_an_undefined_score_counts_neither_as_0_nor_in_a_difference() -> None:
    rows = [row("standard", "p", r2_de=0.6), row("standard", "q", r2_de=None)]
    rows += [row("ridge", "p", r2_de=None), row("ridge", "q", r2_de=0.1)]
    made = Table([part("A", 0, "standard", rows)])
    assert made.by_seed("standard", "r2_de") == [0.6]
    assert made.gain("ridge", "r2_de") is None


def test_a_pair_with_many_seeds_is_one_pair() -> None:
    """Seeds of one pair are averaged: they do not make the interval narrower."""
    values = {("A", seed, "p"): (0.5 + 0.1 * seed, 0.4) for seed in range(3)}
    values |= {("B", 0, "p"): (0.1, 0.4)}
    made = table(values)
    assert sorted(made.differences("ridge", "r2_all")) == pytest.approx([-0.3, 0.2])
    gain = made.gain("ridge", "r2_all")
    assert gain is not None
    assert (gain.difference, gain.pairs) == (pytest.approx(-0.05), 2)
    assert (gain.low, gain.high) == (pytest.approx(-0.3), pytest.approx(0.2))


def test_the_interval_is_the_normal_one_where_pairs_are_many() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal(0.05, 0.2, 400)
    made = table({("A", 0, str(i)): (d, 0.0) for i, d in enumerate(differences)})
    gain = made.gain("ridge", "r2_all")
    assert gain is not None
    assert gain.low is not None
    assert gain.high is not None
    half = 1.96 * differences.std(ddof=1) / 20
    assert gain.low == pytest.approx(differences.mean() - half, abs=0.1 * half)
    assert gain.high == pytest.approx(differences.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize(
    ("score", "low", "high", "side"),
    [
        ("r2_all", 0.1, 0.2, "ahead"), ("r2_all", -0.2, -0.1, "behind"),
        ("e_distance", 0.1, 0.2, "behind"), ("e_distance", -0.2, -0.1, "ahead"),
        ("r2_all", -0.1, 0.2, "tied"), ("r2_all", 0.0, 0.0, "tied"),
        ("e_distance", -0.1, 0.2, "tied"), ("r2_all", None, None, "tied"),
    ],
)  # fmt: skip
def test_a_smaller_distance_is_better(
    score: str, low: float | None, high: float | None, side: str
) -> None:
    assert Gain(0.0, low, high, 5).side(score) == side


def test_the_verdict_names_who_is_ahead_and_who_ties() -> None:
    rows = []
    for i in range(6):
        noise = 0.01 * (-1) ** i
        rows += [
            row("standard", str(i)),
            row("no_change", str(i), r2_all=0.5, r2_de=0.1, e_distance=3.0),
            row("ridge", str(i), r2_all=0.95, r2_de=0.8 + noise, e_distance=0.5),
            row("paper", str(i), r2_all=0.8, r2_de=0.7, e_distance=2.0),
        ]
    all_genes, de, distance = verdicts(Table([part("A", 0, "standard", rows)]))
    assert "ahead of 1 of 2 simple rivals; **ahead of it**: ridge regression (-0.0500" in all_genes
    assert "ahead of 1 of 2 simple rivals; tied with it: ridge regression" in de
    assert "**ahead of it**: ridge regression (+0.5000" in distance
    assert "no change" not in all_genes + de + distance
    for said in (all_genes, de, distance):
        assert "ahead of 1 of 1 trained rivals; the nearest is graphVCI `paper`, residual" in said


def test_the_verdict_of_a_clear_win_names_the_nearest_rival() -> None:
    rows = [
        row(model, str(i), r2_all=value, e_distance=1 - value)
        for i in range(4)
        for model, value in (("standard", 0.9), ("similar", 0.8), ("auto", 0.7))
    ]
    said = verdicts(Table([part("A", 0, "standard", rows)]))
    assert "2 of 2 simple rivals; the nearest is the similarity-weighted baseline (+0.1" in said[0]
    assert "2 of 2 simple rivals; the nearest is the similarity-weighted baseline (-0.1" in said[2]


def test_without_the_model_or_a_rival_the_verdict_says_so() -> None:
    assert verdicts(Table([part("A", 0, "paper", [row("paper"), row("ridge")])])) == [
        "R² all was not measured beside any rival.",
        "R² DE was not measured beside any rival.",
        "E-distance ↓ was not measured beside any rival.",
    ]


def test_the_report_shows_lambda_missing_parts_and_where_paper_ended() -> None:
    parts = [
        part("B cells", 0, "standard", [row("standard", **{"lambda": 0.5}), row("ridge")]),
        part("B cells", 0, "paper", [row("paper"), row("ridge", r2_all=0.1)], gate=None),
    ]
    text = report(parts, ["sim: no file."], "the command", 120.0, 2000)
    assert "`the command`" in text
    assert "This run took 2.0 min" in text
    assert "2.0 min of one core" in text
    assert "cut short at 2,000 steps" in text
    assert "- sim: no file." in text
    assert "0.5 (rest: stack)" in text
    assert "0.900 / 0.800" in text
    assert "0.100 / " not in text  # a rival's rows come from one part only


# --- running -------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Parts without training; what was run."""
    ran: list[str] = []

    def one(case: ood.Case, unfinished: Path) -> dict[str, Any]:
        ran.append(case.name)
        if case.dataset == "kang":
            message = "Put x.h5ad into a folder."
            raise CatalogueError(message)
        about = {"dataset": case.dataset, "work_s": 1.0}
        return part(case.problem, case.seed, case.model, [row(case.model)], **about)

    monkeypatch.setattr(ood, "one", one)
    return lambda: ran


def test_a_finished_part_is_not_run_again_and_a_missing_one_is_named(
    counted: Callable[[], list[str]], tmp_path: Path, pool: Executor
) -> None:
    given = list(ood.cases(["sim", "kang"], ["standard"], quick=True))
    first, missing = ood.run(given, tmp_path, pool, 2, say=lambda _: None)
    assert missing == ["kang, CD14+ Monocytes, standard: Put x.h5ad into a folder."]
    again, _ = ood.run(given, tmp_path, pool, 2, say=lambda _: None)
    assert again == first
    assert counted() == [given[0].name, given[1].name, given[1].name]


@pytest.mark.parametrize("change", ["code", "settings", "cut short"])
def test_a_part_of_other_code_or_settings_or_cut_short_is_run_again(
    counted: Callable[[], list[str]],
    tmp_path: Path,
    pool: Executor,
    change: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (case,) = ood.cases(["sim"], ["standard"], quick=True)
    ood.run([case], tmp_path, pool, 1, say=lambda _: None)
    if change == "code":
        monkeypatch.setattr(ood, "code", lambda: "other")
    if change == "cut short":
        file = next(tmp_path.glob("*.json"))
        file.write_text(file.read_text()[:100])
    if change == "settings":
        case = replace(case, settings=TrainSettings(max_steps=21, seed=11))
    ood.run([case], tmp_path, pool, 1, say=lambda _: None)
    assert len(counted()) == 2


def test_the_time_left_is_judged_by_parts_alike() -> None:
    done = [
        part("A", 0, "standard", [], seconds=100), part("A", 0, "paper", [], seconds=10),
        part("A", 0, "standard", [], seconds=40, dataset="sim"),
    ]  # fmt: skip
    left = list(ood.cases(["kang", "sim"], ["standard", "paper", "vci"], quick=True))
    assert ood.remaining(left, done) == pytest.approx(100 + 10 + 50 + 40 + 10 + 50)
    assert ood.remaining(left, []) is None
    assert ood.remaining([], done) == 0


def test_the_table_has_three_seeds_of_each_problem() -> None:
    names = [case.name for case in ood.cases(["sim", "kang"], ood.TABLE)]
    assert len(set(names)) == len(names) == 2 * (3 + 4 * 3)
    assert names[:2] == ["sim-auto-11-standard", "sim-auto-11-paper"]


def test_every_variant_has_its_row_in_the_report() -> None:
    variants = {name for scored in ood.VARIANTS.values() for name, *_ in scored}
    assert variants - {"standard"} <= set(RIVALS)


# --- the truth -----------------------------------------------------------------------


class Knows:
    """Predicts what the simulator knows, by names; or the same profile for all cells."""

    def __init__(self, data: PerturbationData, simulation: Simulation, *, collapsed: bool) -> None:
        self.data, self.simulation, self.collapsed = data, simulation, collapsed

    def predict(self, rows: np.ndarray, perturbation: str, mode: str) -> np.ndarray:
        assert mode == "mean"
        names = self.data.adata.obs_names[rows]
        cells = [list(self.simulation.adata.obs_names).index(name) for name in names]
        genes = [list(self.simulation.adata.var_names).index(name) for name in self.data.genes]
        made = self.simulation.counterfactual(perturbation, np.array(cells))[:, genes]
        return np.repeat(made[:1], len(made), axis=0) if self.collapsed else made


@pytest.mark.parametrize(("collapsed", "score"), [(False, 1.0), (True, 0.0)])
def test_the_simulators_own_answer_scores_1_whatever_the_order_of_cells_and_genes(
    small_data: PerturbationData, small_simulation: Simulation, collapsed: bool, score: float
) -> None:
    rng = np.random.default_rng(0)
    cells, genes = (rng.permutation(n) for n in small_data.adata.shape)
    shuffled = small_data.adata[cells, genes[:50]].copy()
    data = PerturbationData(shuffled, small_data.columns, small_data.meta)
    rows = [{"group": "B cells", "perturbation": "STAT1", "model": "m"}]
    known = ood.Truth(data, small_simulation)
    known.judge(Knows(data, small_simulation, collapsed=collapsed), rows)
    assert rows[0]["cell_truth"] == pytest.approx(score, abs=1e-6)
    assert rows[0]["response_truth"] == pytest.approx(score, abs=1e-6)
    (shifted,) = known.shifted()
    assert 0.05 < shifted["cell_truth"] < 0.95


def test_a_cell_that_was_not_simulated_is_refused(
    small_data: PerturbationData, small_simulation: Simulation
) -> None:
    other = small_data.adata.copy()
    other.obs_names = [f"other {name}" for name in other.obs_names]
    with pytest.raises(ValueError, match="does not have"):
        ood.Truth(PerturbationData(other, small_data.columns, small_data.meta), small_simulation)


def test_a_part_scores_gate_network_and_every_baseline(
    small_data: PerturbationData,
    small_simulation: Simulation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = ood.Problem(small_data, small_simulation.prior, small_simulation)
    monkeypatch.setattr(ood, "sim", lambda seed: problem)
    (case,) = ood.cases(["sim"], ["standard"], quick=True)
    words = {"max_steps": 4, "evaluate_every": 2, "inner_folds": 1, "width": 8}
    case = replace(case, settings=case.settings.model_copy(update=words))
    made = ood.one(case, tmp_path / "unfinished")
    rows = {row["model"]: row for row in made["rows"]}
    assert set(rows) == {"standard", "network", "shifted", "ceiling", *BASELINES}
    assert rows["network"]["lambda"] == 1
    assert rows["standard"]["lambda"] == made["gate"]["lambda"]
    if made["gate"]["lambda"] == 1:
        assert rows["network"]["r2_all"] == rows["standard"]["r2_all"]
    else:
        assert rows["network"]["r2_all"] != rows["standard"]["r2_all"]
    assert made["steps"] <= 4
    assert not list(tmp_path.rglob("*.safetensors"))
