"""The first page opens without the slow imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from streamlit.testing.v1 import AppTest
for page in ("home", "network", "counterfactual", "data", "train", "jobs"):
    script = f"import dashboard\\ndashboard.navigate(first={page!r})\\n"
    test = AppTest.from_string(script, default_timeout=120).run()
    assert not test.exception
    slow = {"torch_geometric", "scanpy", "matplotlib", "pyvis", "lightning"} & set(sys.modules)
    assert not slow, (page, slow)
"""


def test_no_page_imports_what_is_slow():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", CODE], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
