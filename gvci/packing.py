"""Tensors in fewer bits: float16, or whole numbers times a scale per block of 64 values.

What several members of an ensemble have alike is stored once.
Which tensor bears how few bits is not known here: `shipped/compact.py` finds out by the answers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

BLOCK = 64
HALF = 16  # float16; fewer bits are whole numbers
SCALE = ".scale"
Notes = dict[str, dict[str, Any]]


def pack(tensors: Mapping[str, Tensor], bits: Mapping[str, int]) -> tuple[dict[str, Tensor], Notes]:
    """What is stored, and how it is to be read.

    Args:
        tensors: name → tensor.
        bits: name → 16 or fewer, of float32 tensors; others stay as they are.

    Returns:
        Tensors, whole numbers as a row of bytes beside the scales of their blocks; and name →
        bits, and of whole numbers the shape and the axis that the blocks run along; or the name of
        another tensor that is the same.
    """
    stored: dict[str, Tensor] = {}
    notes: Notes = {}
    twins = same(tensors)
    for name, tensor in tensors.items():
        few = bits.get(name, 32)
        if few <= HALF and name in twins:
            notes[name] = {"same": twins[name]}
        elif few < HALF:
            axis = int(np.argmax(tensor.shape))
            codes, scales = _codes(_blocks(tensor.numpy(), axis), few)
            stored[name] = torch.from_numpy(_bytes(codes.ravel(), few))
            stored[name + SCALE] = torch.from_numpy(scales)
            notes[name] = {"bits": few, "shape": list(tensor.shape), "axis": axis}
        elif few == HALF:
            stored[name], notes[name] = tensor.half(), {"bits": HALF}
        else:
            stored[name] = tensor
    return stored, notes


def same(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Name → the first tensor of the same content."""
    first: dict[tuple[tuple[int, ...], bytes], str] = {}
    twins = {}
    for name, tensor in tensors.items():
        digest = hashlib.sha256(tensor.contiguous().numpy().tobytes()).digest()
        other = first.setdefault((tuple(tensor.shape), digest), name)
        if other != name:
            twins[name] = other
    return twins


def unpack(stored: Mapping[str, Tensor], notes: Notes) -> dict[str, Tensor]:
    """The tensors again, float32 where they were packed.

    Raises:
        IndexError, KeyError, TypeError, ValueError: the notes do not fit; said before anything
            is allocated.
    """
    tensors = dict(stored)
    for name, note in notes.items():
        if "same" in note:
            tensors[name] = tensors[note["same"]].clone()
        elif note["bits"] == HALF:
            if tensors[name].dtype != torch.float16:
                message = f"{name} is not float16"
                raise ValueError(message)
            tensors[name] = tensors[name].float()
        else:
            tensors[name] = _whole(tensors[name], tensors.pop(name + SCALE), **note)
    return tensors


def _whole(stored: Tensor, scales: Tensor, bits: int, shape: list[int], axis: int) -> Tensor:
    """Whole numbers times their scales."""
    moved = [*shape[:axis], *shape[axis + 1 :]]
    rows, blocks = math.prod(moved), -(-shape[axis] // BLOCK)
    count = rows * blocks * BLOCK
    sizes = (-(-count * bits // 8), rows * blocks)
    if not 2 <= bits < HALF or (stored.numel(), scales.numel()) != sizes:
        message = "sizes differ"
        raise ValueError(message)
    largest = 2 ** (bits - 1) - 1
    codes = _numbers(stored.numpy(), count, bits).reshape(-1, BLOCK) - largest
    values = codes.astype(np.float32) * scales.float().numpy()[:, None]
    cut = values.reshape(*moved, blocks * BLOCK)[..., : shape[axis]]
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(cut, -1, axis)))


def _blocks(values: np.ndarray, axis: int) -> np.ndarray:
    """(blocks, 64), filled up with zeros at the end of each row."""
    moved = np.moveaxis(values, axis, -1)
    missing = -moved.shape[-1] % BLOCK
    return np.pad(moved.reshape(-1, moved.shape[-1]), ((0, 0), (0, missing))).reshape(-1, BLOCK)


def _codes(blocks: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from 0, and the float16 scale of each block; a block of zeros has scale 0."""
    largest = 2 ** (bits - 1) - 1
    needed = np.abs(blocks).max(axis=1) / largest
    scales = needed.astype(np.float16)
    short = scales < needed  # the largest value of a block must not be cut
    scales[short] = np.nextafter(scales[short], np.float16(np.inf))
    steps = scales.astype(np.float32)[:, None]
    whole = np.divide(blocks, steps, out=np.zeros_like(blocks), where=steps > 0)
    return np.rint(whole).clip(-largest, largest).astype(np.int64) + largest, scales


def _bytes(codes: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of so many bits each, one after the other."""
    planes = (codes[:, None] >> np.arange(bits)) & 1
    return np.packbits(planes.astype(np.uint8).ravel())


def _numbers(packed: np.ndarray, count: int, bits: int) -> np.ndarray:
    """What `_bytes` was given."""
    planes = np.unpackbits(packed, count=count * bits).reshape(count, bits)
    numbers: np.ndarray = planes @ (1 << np.arange(bits))
    return numbers
