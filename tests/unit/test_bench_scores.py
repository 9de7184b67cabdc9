"""The benchmark of the scores, in small."""

from __future__ import annotations

import pytest

from benchmarks import scores


def test_all_scores_are_measured_beside_the_literal_form(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"GENES": 40, "PERTURBATIONS": 3, "CELLS": 35, "CONTROLS": 40}
    for name, size in sizes.items():
        monkeypatch.setattr(scores, name, size)
    found = scores.measure()
    assert (found["cells"], found["perturbations"]) == (105, 3)
    assert found["scores"] == len(scores.SCORES) - 3  # no interval, no simulator
    assert found["seconds"] > 0
    assert found["process_gib"] > found["memory_gib"] >= 0
    text = scores.report(found, "the command")
    assert f"| ratio | {found['ratio']} |" in text
    assert "`the command`" in text
