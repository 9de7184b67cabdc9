"""Training that was stopped: a file from which it goes on as if nothing had happened.

The file stays until the result is saved: a kill in between costs nothing but that saving.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.errors import CheckpointError

PAUSE_SECONDS = 15.0  # a saving takes a tenth of a second


@dataclass(frozen=True)
class Unfinished:
    """Where the state of a training is kept until it ends.

    Attributes:
        path: the file; it is gone once the result has been saved.
        key: what is trained on what (settings and hashes); a file with another key is ignored.
    """

    path: Path
    key: str
    _saved: list[float] = field(default_factory=lambda: [time.monotonic()], repr=False)

    def due(self) -> bool:
        """Whether the last saving is long enough ago."""
        return time.monotonic() - self._saved[0] >= PAUSE_SECONDS

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and the loop's notes of the same training; None where there is nothing usable."""
        if not self.path.is_file():
            return None
        try:
            tensors, header = load_checkpoint(self.path)
        except CheckpointError:
            return None  # damaged: start over
        mine = header.get("key") == self.key and isinstance(header.get("loop"), dict)
        return (tensors, header["loop"]) if mine else None

    def save(self, tensors: dict[str, Tensor], loop: dict[str, Any]) -> None:
        """Replace the file.

        Raises:
            CheckpointError: the disk refuses; the older file is intact.
        """
        save_checkpoint(self.path, tensors, {"key": self.key, "loop": loop})
        self._saved[0] = time.monotonic()

    def forget(self) -> None:
        """The result is kept elsewhere."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Stages:
    """A training of several parts: what has ended is kept until the whole has been saved.

    Attributes:
        folder: where; None to keep nothing.
        key: what is trained on what; files with another key are ignored.
    """

    folder: Path | None
    key: str

    def ended(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and notes of a part that has ended."""
        return None if self.folder is None else self._file(f"{name}.ended").load()

    def end(self, name: str, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Keep a part's result.

        Raises:
            CheckpointError: the disk refuses.
        """
        if self.folder is not None:
            self._file(f"{name}.ended").save(tensors, notes)

    def unfinished(self, name: str) -> Unfinished | None:
        """Where a part is kept while it runs."""
        return None if self.folder is None else self._file(name)

    def _file(self, name: str) -> Unfinished:
        assert self.folder is not None
        return Unfinished(self.folder / f"{name}.safetensors", self.key)


def forget(folder: Path) -> None:
    """What a training left to resume from goes, once its result has been saved; not before."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*.safetensors"):
            file.unlink(missing_ok=True)
        folder.rmdir()


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter, by name."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, kept in state.items() for name, value in kept.items()}


def put_back(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser its memory back."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        i, name = key.split(".")
        state.setdefault(int(i), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
