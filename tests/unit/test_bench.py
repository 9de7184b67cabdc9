"""The speed table as one command: parts, resuming, and what is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bench, bench_report, growth, scale
from benchmarks.bench_curves import curves
from benchmarks.process import watched


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A README and results of our own."""
    monkeypatch.setattr(bench, "FILE", tmp_path / "bench.json")
    monkeypatch.setattr(bench_report, "README", tmp_path / "README.md")
    monkeypatch.setattr(bench_report, "CURVES", tmp_path / "growth.svg")
    monkeypatch.setattr(bench_report, "POINTS", tmp_path / "growth.md")
    text = f"before\n{bench_report.BEGIN}\nold\n{bench_report.END}\nafter\n"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    return tmp_path


def answer(module: str, *words: str, threads: int = 1) -> dict[str, Any]:
    """What a part might give; the literal forms take twelve times as long."""
    slow = bool({"literal", "dense", "literal regression"} & set(words))
    found = {"seconds": 0.24 if slow else 0.02, "clock_s": 0.5 / threads, "peak_gib": 1.5}
    if module == "benchmarks.growth":
        size = int(words[-1])
        found |= {f"{w}_s": size**1.5 / 1e4 for w in growth.WORKS} | {"libraries_anon": 0.3}
        found |= {"start_anon": 0.4, "step_anon": 0.4, "refine_anon": 0.6}
    if module == "benchmarks.scale":
        found |= {"cells": 1_000_000, "values": 2_000, "file_gib": 1.5, "anon_gib": 2.0}
        found |= {"mapped_gib": 1.6, "libraries_anon": 0.3, "start_anon": 0.72, "mapped": 1.6}
        found |= {"step_clock_s": 0.05, "step_s": 0.04, "read_s": 4.0, "start_s": 61.0}
        found |= {"step_anon": 0.5}
    if module == "benchmarks.scores":
        found |= {"literal_s": 700.0, "ratio": 50.0, "memory_gib": 0.2}
    return found


def test_all_parts_are_measured_once_and_published(folder: Path, monkeypatch, capsys):
    asked: list[tuple[str, ...]] = []

    def apart(*words: str, threads: int = 1) -> dict[str, Any]:
        asked.append(words)
        return answer(*words, threads=threads)

    monkeypatch.setattr(bench, "apart", apart)
    monkeypatch.setattr("sys.argv", ["bench", "growth/cells", "demo"])
    assert bench.main() == 0
    assert len(asked) == len(set(asked)) == len(growth.AXES["cells"]) + len(bench.compared("demo"))
    monkeypatch.setattr("sys.argv", ["bench"])
    assert bench.main() == 0
    assert len(asked) == len(bench.parts())
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- bench: begin -->\n`make bench`")
    assert text.endswith("<!-- bench: end -->\nafter\n")
    assert "old" not in text
    line = "| step, `paper` (decoder att) | 0.020 | 0.24 | 12 | 1.50 (1.50) | 0.50, 0.25 "
    assert f"{line}| 0.020, 0.24 | 12 |" in text
    assert "| genes 500 → 20,000 | cells 1,000 → 1,000,000 |" in text
    assert "| 1.50 (3.2 → 100,000) |" in text
    assert "| own memory training, GiB | 0.10 → 0.10 |" in text
    points = (folder / "growth.md").read_text(encoding="utf-8")
    assert "| cells | 1,000 | 10,000 | 100,000 | 1,000,000 |" in points
    assert "| mapped file | 0.050 | 0.040 | 4 | 61 | 0.72 | 0.50 | 1.60 |" in text
    assert (folder / "growth.svg").read_text(encoding="utf-8").count("<polyline") == 20
    monkeypatch.setattr("sys.argv", ["bench", "--list"])
    capsys.readouterr()
    bench.main()
    assert f"0 of {len(asked)} parts to run" in capsys.readouterr().out


def test_what_was_measured_otherwise_is_measured_again(folder: Path, monkeypatch):
    kept = {"scores": {"key": ["another"], "day": "2026-01-01", "minutes": 1, "found": {}}}
    (folder / "bench.json").write_text(json.dumps(kept), encoding="utf-8")
    monkeypatch.setattr(bench, "apart", answer)
    monkeypatch.setattr("sys.argv", ["bench", "scores"])
    assert bench.main() == 0
    found = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    assert found["scores"]["found"]["ratio"] == 50.0


def test_a_part_that_fails_is_named_and_the_others_are_kept(folder: Path, monkeypatch, capsys):
    def apart(module: str, *words: str, threads: int = 1) -> dict[str, Any]:
        if words[-1] == "1000":
            message = "no object"
            raise ValueError(message)
        return answer(module, *words)

    monkeypatch.setattr(bench, "apart", apart)
    monkeypatch.setattr("sys.argv", ["bench", "growth/cells"])
    assert bench.main() == 1
    assert "growth/cells/1000 failed: no object" in capsys.readouterr().err
    assert len(json.loads((folder / "bench.json").read_text(encoding="utf-8"))) == 3


def test_the_readme_has_the_markers_and_is_one_page():
    text = bench_report.README.read_text(encoding="utf-8")
    assert text.count(bench_report.BEGIN) == text.count(bench_report.END) == 1
    assert len(text.splitlines()) < 200


def test_the_exponent_is_that_of_the_larger_sizes():
    sizes = [10.0, 100.0, 1000.0, 10_000.0]
    assert growth.exponent(sizes, [1.0, 1.0, 5.0, 500.0]) == pytest.approx(2.0)


@pytest.mark.parametrize("axis", list(growth.AXES))
def test_a_point_varies_its_axis_and_keeps_the_others(axis: str):
    value = growth.AXES[axis][1]
    size = growth.size_of(axis, value)
    count = growth.GROUPS * (size.controls + size.treated * size.perturbations)
    wanted = {"genes": 2_000, "cells": 20_000, "edges": 10_000, "perturbations": 20, axis: value}
    assert size.genes == wanted["genes"]
    assert size.edges == wanted["edges"]
    assert size.perturbations == wanted["perturbations"]
    assert count == pytest.approx(wanted["cells"], rel=0.05)


def test_a_watch_sees_what_is_allocated():
    import numpy as np

    took, made = watched("work", lambda: np.ones(2**24).sum())
    before, _ = watched("rest", lambda: None)
    assert made == 2**24
    assert took["work_anon"] - before["rest_anon"] > 0.1


def test_a_small_stream_trains_from_the_file_and_from_memory(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(scale, "ROOT", tmp_path)
    monkeypatch.setattr(scale, "STEPS", 2)
    monkeypatch.setattr(scale, "COLD_STEPS", 2)
    monkeypatch.setattr("gvci.data.laid.LARGE", 1)
    monkeypatch.setattr(scale, "PERTURBATIONS", 4)
    made = scale.make(1_000, 300)
    assert made["cells"] >= 1_000
    for how in scale.WAYS:
        found = scale.way(how, 1_000, 300)
        assert found["step_s"] > 0
    assert curves({"cells": {1: {f"{w}_s": 1.0 for w in growth.WORKS},
                             9: {f"{w}_s": 3.0 for w in growth.WORKS}}})  # fmt: skip
