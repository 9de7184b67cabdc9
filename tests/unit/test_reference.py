"""`make docs`: the reference builds without a warning, is complete, and fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gvci
from gvci import commands

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """Every page of the reference, by its file."""
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "docs.reference", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return {file: file.read_text(encoding="utf-8") for file in folder.rglob("*.html")}


def named(pages: dict[Path, str], name: str) -> str:
    return next(text for file, text in pages.items() if file.name == name)


def test_every_public_name_and_every_verb_is_there(pages: dict[Path, str]) -> None:
    reference = named(pages, "gvci.html")
    missing = [name for name in gvci.__all__ if f'<section id="{name}">' not in reference]
    assert not missing
    known = set(re.findall(r'<h2 id="([a-z]+)">', named(pages, "verbs.html")))
    verbs = {name for name in dir(commands) if name in known}
    assert verbs == known
    assert {"prepare", "refine", "train", "predict", "effects", "evaluate"} <= known


def test_sections_of_docstrings_become_lists(pages: dict[Path, str]) -> None:
    for file, text in pages.items():
        left = re.findall(r"<p>\s*(?:Args|Raises|Returns|Attributes):.*", text)
        assert not left, file.name
        assert " object at 0x" not in text


def test_links_lead_somewhere_and_nothing_is_fetched(pages: dict[Path, str]) -> None:
    for file, text in pages.items():
        assert not re.search(r'(?:src|<link[^>]*href)="https?:', text)
        for link in re.findall(r'href="([^"#]+)', text):
            assert link.startswith("https://") or (file.parent / link).is_file(), (file.name, link)
