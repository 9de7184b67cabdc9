"""Training that was stopped: a file from which it goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.errors import CheckpointError


@dataclass(frozen=True)
class Unfinished:
    """Where the state of a training is kept until it ends.

    Attributes:
        path: the file; it is gone once training has ended.
        key: what is trained on what (settings and hashes); a file with another key is ignored.
    """

    path: Path
    key: str

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and the loop's notes of the same training; None where there is nothing usable."""
        if not self.path.is_file():
            return None
        try:
            tensors, header = load_checkpoint(self.path)
        except CheckpointError:
            return None  # damaged: start over
        return (tensors, header["loop"]) if header.get("key") == self.key else None

    def save(self, tensors: dict[str, Tensor], loop: dict[str, Any]) -> None:
        """Replace the file.

        Raises:
            CheckpointError: the disk refuses; the older file is intact.
        """
        save_checkpoint(self.path, tensors, {"key": self.key, "loop": loop})

    def forget(self) -> None:
        """Training has ended."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
