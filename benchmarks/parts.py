"""Benchmarks of many parts: each finished one is a file, and the report says where it was made."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gvci.atomic import replacing

Part = dict[str, Any]


def finished(file: Path, key: Part) -> Part | None:
    """A part of the same code and settings; None where it must be run."""
    try:
        part: Part = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return part if part.get("key") == key else None


def write(file: Path, text: str) -> None:
    """Whole or not at all: a stopped run leaves no half part."""
    with replacing(file) as half:
        half.write_text(text, encoding="utf-8")


def made_by(command: str) -> str:
    """The command, the day, the machine and the libraries behind the figures."""
    used = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")}
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, " + ", ".join(f"{n} {v}" for n, v in used.items()) + "."
    )
