"""One version, written once, and everything that states it agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import gvci
from gvci.app import about
from gvci.cli import main

ROOT = Path(__file__).resolve().parents[2]


def citation(key: str) -> str:
    """A plain value at the top of CITATION.cff."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = re.search(rf'^{key}: "?([^"\n]+)"?$', text, flags=re.MULTILINE)
    assert found is not None, key
    return found[1]


def test_the_version_is_written_in_the_package_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "gvci.__version__"}


def test_changelog_and_citation_name_this_version_and_one_day() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE)
    assert released[0] == (gvci.__version__, citation("date-released"))
    assert citation("version") == gvci.__version__


def test_the_command_line_and_about_say_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"gvci {gvci.__version__}\n"
    assert f"gvci {gvci.__version__}" in about.CITE_TOO
    assert about.versions().set_index("Library").loc["gvci", "Version"] == gvci.__version__


def test_about_and_citation_name_the_same_paper() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    names = re.findall(r"family-names: (.+)\n\s+given-names: (.+)", text)
    short = [f"{last} {''.join(word[0] for word in first.split())}" for last, first in names]
    assert len(short) == 8
    assert about.CITATION.startswith(", ".join(short) + ".")
    title = re.search(r"^  title: (.+)$", text, flags=re.MULTILINE)
    assert title is not None
    assert title[1].lower() in about.CITATION.lower()
