"""The estimator's benchmarks: cells with the truth they claim, whole answers, one literal loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import coverage, coverage_cells
from benchmarks import estimator as speed
from gvci.estimator import marginal_effects


def test_the_truth_is_the_mean_of_many_cells_under_the_treatment() -> None:
    drawn = [coverage_cells.draw(i) for i in range(40)]
    for group in range(2):
        rows = [np.flatnonzero((c.group == group) & c.treated) for c in drawn]
        assert {len(r) for r in rows} == {40}
        outcomes = np.concatenate([c.data.dense(r) for c, r in zip(drawn, rows, strict=True)])
        error = outcomes.std(axis=0) / np.sqrt(len(outcomes))
        assert (np.abs(outcomes.mean(axis=0) - drawn[0].truth[group]) < 4 * error).all()
    # The state is of before the treatment: arms differ by chance alone.
    states = np.concatenate([c.state[c.treated] for c in drawn])
    assert (np.abs(states.mean(axis=0)) < 4 / np.sqrt(len(states))).all()
    assert np.unique([c.state[0, 0] for c in drawn]).size == 40


def test_the_right_model_is_right_and_the_biased_one_is_not() -> None:
    cells = coverage_cells.draw(3)
    rows = np.flatnonzero(cells.treated)
    said = {b: coverage_cells.TrueState(cells, b).predict(rows, "KO") for b in (False, True)}
    residuals = {b: cells.data.dense(rows) - mu for b, mu in said.items()}
    assert abs(residuals[False].mean()) < 0.1
    assert residuals[False].std() == pytest.approx(0.6, rel=0.1)
    assert residuals[True].mean() == pytest.approx(0.5, abs=0.15)


def test_separability_and_balance_see_a_difference_and_see_none() -> None:
    rng = np.random.default_rng(0)
    treated = rng.random(400) < 0.3
    z = rng.normal(size=(400, 5))
    moved = z + np.where(treated, 1.0, 0.0)[:, None] * np.array([1, 0, 0, 0, 0])
    assert coverage.separability(moved, treated, 0) > 0.7
    assert coverage.separability(z, treated, 0) < 0.6
    assert coverage.standardised_differences(moved, treated)[0] == pytest.approx(1, abs=0.3)
    assert coverage.standardised_differences(z, treated).max() < 0.35


def test_coverage_prints_one_json_object_last_and_writes_the_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    few = {"true": 4, "encoder": 3, "crossfit": 2, "joint": 2}
    monkeypatch.setattr(coverage, "REPLICATIONS", few)
    monkeypatch.setattr(coverage, "SMALL", coverage.SMALL | {"max_steps": 4, "evaluate_every": 4})
    monkeypatch.setattr(coverage, "JOINT", {"heads": "joint", "max_steps": 4})
    monkeypatch.setattr(coverage, "FOLDS", 2)
    assert coverage.main(["--json", "--out", str(tmp_path / "c.md")]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = ("coverage", "bias", "sd_robust", "sd_treated_mean", "replications")
    for suffix in ("", "_encoder", "_encoder_cell"):
        assert {f"{name}{suffix}" for name in names} <= set(answer)
        assert 0 <= answer[f"coverage{suffix}"] <= 1
    assert answer["replications"] == 4
    assert answer["replications_encoder"] == 3
    text = (tmp_path / "c.md").read_text(encoding="utf-8")
    for words in ("encoder, pretreatment", "2 folds, cell", "Balance of Z", "by chance"):
        assert words in text


def test_the_speed_benchmark_compares_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "CELLS", 300)
    monkeypatch.setattr(speed, "GENES", 5)
    monkeypatch.setattr(speed, "PERTURBATIONS", 3)
    data = speed.cohort(2)
    frames: list[Any] = []
    monkeypatch.setattr("pandas.concat", lambda found: frames.append(list(found)) or found[0])
    speed.literal(data, speed.Cheap(data), data.perturbations)
    (parts,) = frames
    table = marginal_effects(speed.Cheap(data), data, latent="cell")
    for name in ("plug_in", "treated_mean", "robust", "se", "effect", "effect_se"):
        literal = np.concatenate([part[name].to_numpy() for part in parts])
        np.testing.assert_allclose(table[name], literal, rtol=1e-6)


def test_the_speed_benchmark_reports_every_case() -> None:
    one = {
        "seconds": 2.0, "processor_s": 3.0, "predicting_s": 1.0, "peak_gib": 0.1, "table_gib": 0.2,
    }  # fmt: skip
    found = {case: dict(one) for case in (*speed.CASES, *speed.LITERAL)}
    found["literal", 4]["processor_s"] = 12.0
    assert speed.answer(found)["ratio"] == 4
    text = speed.report(found, "x")
    assert "4.0 times as long" in text
    assert text.count("\n| ") == 2 + len(found)
