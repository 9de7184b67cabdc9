"""The check for known weaknesses says what it found, and when it could not look."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import pytest

from tests import advisories

WEAK = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "not found"}


def answered(monkeypatch: pytest.MonkeyPatch, packages: list[dict]) -> None:
    done = SimpleNamespace(stdout=json.dumps({"dependencies": packages}))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


def test_weaknesses_are_told_and_fail_only_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(monkeypatch, [WEAK, SOUND, SKIPPED])
    assert advisories.main() == 0
    said = capsys.readouterr().out
    assert "2 packages were looked up, 1 weaknesses are known." in said
    assert "a 1: CVE-1, repaired in 2." in said
    monkeypatch.setenv("GVCI_AUDIT", "strict")
    assert advisories.main() == 1
    answered(monkeypatch, [SOUND])
    assert advisories.main() == 0


@pytest.mark.parametrize("packages", [[], [SKIPPED]])
def test_no_answer_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], packages: list[dict]
) -> None:
    answered(monkeypatch, packages)
    monkeypatch.setenv("GVCI_AUDIT", "strict")
    assert advisories.main() == 0
    assert "cannot be reached from here" in capsys.readouterr().out
