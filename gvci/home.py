"""The folder where gvci keeps what it makes for its user: notes of runs, and jobs."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_dir


def gvci_home() -> Path:
    """GVCI_HOME, else the user's data folder of this system."""
    return Path(os.environ.get("GVCI_HOME") or user_data_dir("gvci", appauthor=False))
