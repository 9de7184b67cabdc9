"""What of an unfinished training is kept: read from the head of its newest checkpoint alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvci.jobs.folder import CHECKPOINT

LARGEST_HEAD = 1 << 26
KEY = "gvci"


@dataclass(frozen=True)
class Kept:
    """From where a training goes on.

    Attributes:
        stage: the part, e.g. "member 1"; "" where there is but one.
        step: steps of this part that need not be done again.
        epoch: the same in epochs, where the training counts them.
    """

    stage: str
    step: int
    epoch: float | None

    @property
    def words(self) -> str:
        """E.g. "epoch 12 (step 150 of member 1)"."""
        step = f"step {self.step:,}" + (f" of {self.stage}" if self.stage else "")
        return step if self.epoch is None else f"epoch {int(self.epoch)} ({step})"


def kept(folder: Path) -> Kept | None:
    """The newest readable checkpoint of a job; None where it would start again."""
    try:
        files = sorted(
            (folder / CHECKPOINT).glob("[!.]*.safetensors"),
            key=lambda file: file.stat().st_mtime_ns,
            reverse=True,
        )
    except OSError:
        return None
    return next((found for found in map(_of, files) if found is not None), None)


def _of(file: Path) -> Kept | None:
    try:
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            head = json.loads(opened.read(size)) if 2 <= size <= LARGEST_HEAD else {}
        row = _rows(json.loads(head["__metadata__"][KEY])["loop"])[-1]
        epoch = row.get("epoch")
        stage = file.stem.removesuffix(".ended")
        return Kept("" if stage == "refine" else stage, int(row["step"]), epoch)
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def _rows(loop: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = loop["rows"]
    return rows
