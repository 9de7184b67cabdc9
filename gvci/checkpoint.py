"""One .safetensors file per model: tensors, and a JSON header that names everything.

The header carries format, versions, settings, ordered genes, perturbations, covariate levels,
hashes and a checksum of the tensors. Damaged or foreign files are refused with a sentence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from gvci.atomic import replacing
from gvci.errors import CheckpointError, listed

FORMAT = 1
KEY = "gvci"


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write to a temporary file, fsync, rename: a kill at any moment leaves the old file whole.

    Raises:
        CheckpointError: the disk refuses (full, read-only).
    """
    kept = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
    full = {**header, "format": FORMAT, "checksum": checksum(kept)}
    data = save_tensors(kept, metadata={KEY: json.dumps(full)})
    write_bytes(path, data)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file atomically.

    Raises:
        CheckpointError: the disk refuses; the old file is intact.
    """
    with replacing(path, CheckpointError) as part:
        part.write_bytes(data)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header, checked.

    Raises:
        CheckpointError: missing, damaged, not written by gvci, of a newer format, or with
            values that are not finite.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"The model file {path} cannot be read: {error.strerror}. Train again or copy it."
        raise CheckpointError(message) from None
    header = _header(data, path)
    try:
        tensors = load_tensors(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError):
        raise _damaged(path) from None
    if checksum(tensors) != header.get("checksum"):
        raise _damaged(path)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            message = f"The model file {path.name} holds values that are not finite in {name}."
            raise CheckpointError(message)
    return tensors, header


def _damaged(path: Path) -> CheckpointError:
    message = f"The model file {path.name} is damaged. Copy it again, or train again."
    return CheckpointError(message)


def _header(data: bytes, path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file, read without touching the tensors."""
    size = int.from_bytes(data[:8], "little") if len(data) >= 8 else 0
    if not 2 <= size <= len(data) - 8 or data[8:9] != b"{":
        message = f"{path.name} is not a gvci model file, or it is damaged. Copy it again."
        raise CheckpointError(message)
    try:
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        header = json.loads(metadata[KEY]) if KEY in metadata else None
    except (ValueError, AttributeError, TypeError):
        raise _damaged(path) from None
    if not isinstance(header, dict):
        message = f"{path.name} was not written by gvci: its header has no '{KEY}' entry."
        raise CheckpointError(message)
    if header.get("format") != FORMAT:
        message = (
            f"{path.name} has checkpoint format {header.get('format')}; this version reads "
            f"{FORMAT}. Install the version of gvci that wrote it, or train again."
        )
        raise CheckpointError(message)
    return header


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes, types and values (safetensors has none of its own)."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def align_genes(model: pd.Index, data: pd.Index) -> np.ndarray | None:
    """Positions of the model's genes in the data; None where the order is already the same.

    Raises:
        CheckpointError: genes of the model are missing from the data, with their number.
    """
    if model.equals(data):
        return None
    positions = data.get_indexer(model)
    missing = model[positions < 0]
    if len(missing):
        message = (
            f"{len(missing):,} of the model's {len(model):,} genes are not in the data: "
            f"{listed(missing)}. Use data with the genes that the model was trained on."
        )
        raise CheckpointError(message)
    return np.asarray(positions)
