"""One .safetensors file per model: tensors, and a JSON header that names everything.

The header carries format, versions, settings, ordered genes, perturbations, covariate levels,
hashes, and a checksum of the tensors and of itself (format 1: of the tensors alone). From format 3
on tensors may be packed into fewer bits (`packing.py`). Damaged or foreign files are refused with a
sentence, and nothing in them is ever run.
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
from gvci.grn.kinds import kind_of
from gvci.packing import pack, unpack

FORMAT = 3
READ = (1, 2, 3)
KEY = "gvci"
PACKED = "packed"
LARGEST_HEAD = 100_000_000  # bytes, what the safetensors library takes


def save_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    header: Mapping[str, Any],
    bits: Mapping[str, int] | None = None,
) -> None:
    """Write to a temporary file, fsync, rename: a kill at any moment leaves the old file whole.

    Args:
        path: the file.
        tensors, header: what it holds.
        bits: tensors that are stored in fewer bits, as for `pack`.

    Raises:
        CheckpointError: the disk refuses (full, read-only).
    """
    kept = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
    full = {**header, "format": FORMAT}
    if bits:
        kept, full[PACKED] = pack(kept, bits)
    full["checksum"] = checksum(kept, full)
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
        CheckpointError: missing, damaged, not written by gvci, of a newer or older format, or
            with values that are not finite.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"The model file {path} cannot be read: {error.strerror}. Train again or copy it."
        raise CheckpointError(message) from None
    header = _header(data, path)
    try:
        tensors = load_tensors(data)
        found = checksum(tensors, header if header["format"] > 1 else None)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError):
        raise _damaged(path) from None  # types that numpy does not know are not ours either
    if found != header.get("checksum"):
        raise _damaged(path)
    try:
        tensors = unpack(tensors, header.pop(PACKED, {}))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise _damaged(path) from None
    for name, tensor in tensors.items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            message = (
                f"The model file {path.name} holds {bad:,} values that are not finite in {name}. "
                "Train again, with a lower learning rate."
            )
            raise CheckpointError(message)
    return tensors, header


def _damaged(path: Path) -> CheckpointError:
    message = f"The model file {path.name} is damaged. Copy it again, or train again."
    return CheckpointError(message)


def _header(data: bytes, path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file, read without touching the tensors."""
    size = int.from_bytes(data[:8], "little") if len(data) >= 8 else 0
    if not 2 <= size <= min(len(data) - 8, LARGEST_HEAD) or data[8:9] != b"{":
        message = f"{path.name} is not a gvci model file, or it is damaged. Copy it again."
        raise CheckpointError(message)
    try:
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        header = json.loads(metadata[KEY]) if KEY in metadata else None
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(header, dict):
        message = f"{path.name} was not written by gvci: its header has no '{KEY}' entry."
        raise CheckpointError(message)
    _require_readable(header.get("format"), path)
    return header


def _require_readable(written: object, path: Path) -> None:
    """Refuse formats that this version does not read."""
    if not isinstance(written, int) or isinstance(written, bool):
        raise _damaged(path)
    if written > FORMAT:
        message = (
            f"{path.name} has checkpoint format {written}, of a newer gvci; this version reads up "
            f"to {FORMAT}. Update gvci, or train again."
        )
        raise CheckpointError(message)
    if written not in READ:
        message = (
            f"{path.name} has checkpoint format {written}, of an older gvci; this version reads "
            f"from {READ[0]} on. Train again, or use the version that wrote it."
        )
        raise CheckpointError(message)


def checksum(tensors: Mapping[str, Tensor], header: Mapping[str, Any] | None) -> str:
    """SHA-256 over names, shapes, types and values (safetensors has none of its own).

    Args:
        tensors: of the file.
        header: what stands in it besides the checksum; None in format 1.
    """
    digest = hashlib.sha256()
    if header is not None:
        said = {name: value for name, value in header.items() if name != "checksum"}
        digest.update(json.dumps(said, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def require_scale(model: str, data: str) -> None:
    """Refuse cells of another unit.

    Raises:
        CheckpointError: the units differ.
    """
    if model != data:
        message = (
            f"The model was trained on {model}, these cells are in {data}. "
            "Prepare them again with the target_sum of the training."
        )
        raise CheckpointError(message)


def align_genes(model: pd.Index, data: pd.Index) -> np.ndarray | None:
    """Positions of the model's genes in the data; None where the order is already the same.

    Raises:
        CheckpointError: genes of the model are missing from the data, with their number; or
            model and data go by different kinds of names (species, ids).
    """
    if model.equals(data):
        return None
    positions = data.get_indexer(model)
    missing = model[positions < 0]
    if len(missing):
        kinds = kind_of(model), kind_of(data)
        if kinds[0] != kinds[1]:
            message = (
                f"The model's {len(model):,} genes are named by {_species(kinds[0])}, the data's "
                f"{len(data):,} by {_species(kinds[1])}, and {len(missing):,} are not found. "
                "Use data of the same species and the same kind of names."
            )
            raise CheckpointError(message)
        message = (
            f"{len(missing):,} of the model's {len(model):,} genes are not in the data: "
            f"{listed(missing)}. Use data with the genes that the model was trained on."
        )
        raise CheckpointError(message)
    return np.asarray(positions)


def _species(kind: str) -> str:
    return {"symbols": "human symbols"}.get(kind, kind)
