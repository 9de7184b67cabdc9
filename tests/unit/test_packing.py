"""Fewer bits: what comes back is near, or exactly what was packed; notes that lie are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.errors import CheckpointError
from gvci.packing import BLOCK, pack, unpack


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"wide": torch.randn(5, 150), "deep": torch.randn(2, 70, 3), "row": torch.randn(7)}


@pytest.mark.parametrize("bits", [2, 4, 7, 12, 15])
def test_whole_numbers_are_off_by_half_a_step_at_most(tensors, bits):
    again = unpack(*pack(tensors, dict.fromkeys(tensors, bits)))
    for name, tensor in tensors.items():
        assert again[name].shape == tensor.shape
        assert again[name].dtype == torch.float32
        step = float(tensor.abs().max()) / (2 ** (bits - 1) - 1)
        assert float((again[name] - tensor).abs().max()) <= 0.51 * step


def test_half_precision_is_that_of_torch(tensors):
    again = unpack(*pack(tensors, {"wide": 16}))
    torch.testing.assert_close(again["wide"], tensors["wide"].half().float(), rtol=0, atol=0)
    torch.testing.assert_close(again["row"], tensors["row"], rtol=0, atol=0)


def test_what_is_packed_again_stays(tensors):
    bits = {"wide": 6, "deep": 16}
    once = unpack(*pack(tensors, bits))
    twice = unpack(*pack(once, bits))
    for name in once:
        torch.testing.assert_close(twice[name], once[name], rtol=1e-3, atol=1e-6)


def test_zeros_stay_zeros():
    again = unpack(*pack({"a": torch.zeros(3, BLOCK + 1)}, {"a": 4}))
    assert float(again["a"].abs().max()) == 0


def test_size_is_the_bits(tensors):
    stored, _ = pack({"wide": torch.randn(16, 640)}, {"wide": 4})
    assert stored["wide"].numel() == 16 * 640 // 2
    assert stored["wide.scale"].numel() == 16 * 10


def test_a_checkpoint_gives_float32_back(tensors, tmp_path):
    file = tmp_path / "model.safetensors"
    save_checkpoint(file, tensors, {"genes": ["STAT1"]}, {"wide": 8, "deep": 16})
    read, header = load_checkpoint(file)
    assert "packed" not in header
    assert {name: t.dtype for name, t in read.items()} == dict.fromkeys(tensors, torch.float32)
    expected = unpack(*pack(tensors, {"wide": 8, "deep": 16}))
    for name in tensors:
        np.testing.assert_array_equal(read[name].numpy(), expected[name].numpy())


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": [5, 10**9]},
        {"shape": [5, -150]},
        {"shape": [150]},
        {"bits": 3},
        {"bits": 64},
        {"axis": 7},
        {"more": 1},
        {"bits": "8"},
    ],
)
def test_notes_that_lie_are_refused_before_anything_is_allocated(tensors, tmp_path, lie):
    stored, notes = pack(tensors, {"wide": 8})
    file = tmp_path / "model.safetensors"
    notes["wide"] |= lie
    save_checkpoint(file, stored, {"packed": notes})
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(file)


def test_a_missing_scale_is_refused(tensors, tmp_path):
    stored, notes = pack(tensors, {"wide": 8})
    del stored["wide.scale"]
    file = tmp_path / "model.safetensors"
    save_checkpoint(file, stored, {"packed": notes})
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(file)
