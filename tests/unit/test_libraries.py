"""The libraries are there before the first viewer, and the collector is spared them."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from gvci.app import libraries

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import sys
from gvci.app import libraries
libraries.load("gvci.app", "pages.parts")
there = set(sys.modules)
from streamlit.testing.v1 import AppTest
for page in ("home", "network", "counterfactual"):
    script = f"import dashboard\\ndashboard.navigate(first={page!r})\\n"
    assert not AppTest.from_string(script, default_timeout=120).run().exception
late = {name for name in set(sys.modules) - there if name.startswith(("gvci", "pages"))}
assert not late, late
assert not {"torch_geometric", "scanpy", "matplotlib"} & set(sys.modules)
"""


def test_no_page_waits_for_a_module_of_ours() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_libraries_are_frozen_when_modules_have_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_frozen", 0)
    try:
        libraries.freeze()
        assert gc.get_freeze_count() > 10_000
        gc.unfreeze()
        libraries.freeze()  # nothing new: left alone
        assert gc.get_freeze_count() == 0
    finally:
        gc.unfreeze()
