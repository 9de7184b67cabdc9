"""Benchmarks of many parts: each finished one is a file."""

from __future__ import annotations

import json
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
