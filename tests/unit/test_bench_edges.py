"""The edge benchmark: parts that are finished stay, what is missing is named, nothing lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import edges
from benchmarks.edges_report import report, verdicts
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.errors import CatalogueError


@pytest.fixture
def toy_case(
    small_data: PerturbationData, small_simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> edges.Case:
    """The small simulation; GENIE3 with three trees."""
    monkeypatch.setattr(edges, "genie3", lambda *words: GENIE3(*words, trees=3, cells=60))
    problem = edges.Problem(small_data, small_simulation.prior, small_simulation.truth)
    return edges.Case("sim", 7, lambda seed: problem)


GENIE3 = edges.genie3


def test_a_finished_part_is_not_run_again(
    toy_case: edges.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    first, missing = edges.run([toy_case], ["quick"], tmp_path, 20, say=said.append)
    assert said == ["sim, seed 7, quick …"]
    assert not missing
    assert len(list(tmp_path.glob("*.json"))) == len(list(tmp_path.glob("genie3-*.csv"))) == 1

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(edges, "refine", never)
    monkeypatch.setattr(edges, "genie3", never)
    again, _ = edges.run([toy_case], ["quick"], tmp_path, 20, say=said.append)
    assert again == first
    assert len(said) == 1


@pytest.mark.parametrize("change", ["code", "settings", "cut short"])
def test_a_part_of_other_code_or_settings_or_cut_short_is_run_again(
    toy_case: edges.Case, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges.run([toy_case], ["quick"], tmp_path, 5, say=lambda _: None)
    if change == "code":
        monkeypatch.setattr(edges, "code", lambda: "other")
    if change == "cut short":
        file = next(tmp_path.glob("*.json"))
        file.write_text(file.read_text()[:100])
    said: list[str] = []
    edges.run([toy_case], ["quick"], tmp_path, 6 if change == "settings" else 5, say=said.append)
    assert len(said) == 1


def test_a_dataset_that_is_not_there_is_named_and_the_rest_goes_on(
    toy_case: edges.Case, tmp_path: Path
) -> None:
    def absent(seed: int) -> edges.Problem:
        message = "Put x.h5ad into a folder."
        raise CatalogueError(message)

    cases = [edges.Case("kang", 0, absent), toy_case]
    done, missing = edges.run(cases, ["quick"], tmp_path, 5, with_genie3=False, say=lambda _: None)
    assert missing == ["kang: Put x.h5ad into a folder."]
    text = report(done, missing, "the command", 1.0)
    assert "- kang: Put x.h5ad into a folder." in text
    assert "| prior |" in text
    assert "GENIE3 |" not in text


def test_the_report_says_what_the_parts_say(toy_case: edges.Case, tmp_path: Path) -> None:
    done, _ = edges.run([toy_case], ["quick"], tmp_path, 30, say=lambda _: None)
    text = report(done, [], "the command", 90.0)
    answer = json.loads(next(tmp_path.glob("*.json")).read_text())["answer"]
    assert "`the command`" in text
    assert "1.5 min" in text
    for name in ("refined", "prior", "genie3", "prior_genie3", "correlation_within"):
        for view, score in (("all", "auprc"), ("prior", "auroc"), ("novel", "auprc")):
            assert f"{answer['views'][view][name][score]:.3f}" in text
    gain = answer["differences"]["prior"]["auprc"]
    assert f"{gain['difference']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" in text
    assert str(tmp_path) not in text


def test_without_files_only_the_simulator_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = list(edges.cases(edges.DATASETS, [1, 2]))
    assert [(c.dataset, c.seed) for c in chosen] == [
        ("sim", 1), ("sim", 2), ("sergio", 1), ("sergio", 2), ("kang", 0), ("papalexi", 0),
    ]  # fmt: skip


def test_seeds_make_other_problems() -> None:
    one, other = edges.sim(1), edges.sim(2)
    assert one.truth.fingerprint() != other.truth.fingerprint()
    assert one.data.fingerprint != other.data.fingerprint
    true = set(zip(one.truth.edges["source"], one.truth.edges["target"], strict=True))
    believed = set(zip(one.prior.edges["source"], one.prior.edges["target"], strict=True))
    assert len(believed) == len(true)
    assert len(believed & true) / len(true) == pytest.approx(0.7, abs=0.01)
    assert one.sources == edges.sim(1).sources


def test_the_short_answer_names_who_is_ahead(toy_case: edges.Case, tmp_path: Path) -> None:
    done, _ = edges.run([toy_case], ["quick"], tmp_path, 5, say=lambda _: None)
    for view in done[0]["answer"]["views"].values():
        for gains in view["differences"].values():
            gains["auprc"] = gains["auroc"] = {"difference": 0.2, "low": 0.1, "high": 0.3}
    assert verdicts(done)[-1] == "| sim, quick | 7 of 7 | 7 of 7 | 7 of 7 | none |"
    views = done[0]["answer"]["views"]
    views["novel"]["differences"]["genie3"]["auprc"] = {"difference": -1, "low": -2, "high": -0.1}
    views["prior"]["differences"]["prior"]["auroc"] = {"difference": 0, "low": 0, "high": 0}
    assert verdicts(done)[-1] == "| sim, quick | 7 of 7 | 6 of 7 | 6 of 7 | prior, GENIE3 |"
