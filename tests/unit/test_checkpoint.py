"""A checkpoint loads as it was, or is refused with a sentence."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save

from gvci.checkpoint import align_genes, load_checkpoint, save_checkpoint
from gvci.errors import CheckpointError

TENSORS = {"b": torch.arange(6.0).view(2, 3), "a": torch.tensor([1, 2])}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, TENSORS, {"genes": ["STAT1"]})
    return path


def test_round_trip(file):
    tensors, header = load_checkpoint(file)
    assert header["genes"] == ["STAT1"]
    for name, tensor in TENSORS.items():
        torch.testing.assert_close(tensors[name], tensor)
    assert [p.name for p in file.parent.iterdir()] == ["model.safetensors"]


def test_same_content_same_bytes(file, tmp_path):
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, dict(reversed(TENSORS.items())), {"genes": ["STAT1"]})
    assert other.read_bytes() == file.read_bytes()


def test_every_flipped_byte_is_refused_or_changes_nothing(file):
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(len(whole), size=150, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        file.write_bytes(bytes(damaged))
        try:
            tensors, _ = load_checkpoint(file)
        except CheckpointError:
            continue
        for name, tensor in TENSORS.items():
            torch.testing.assert_close(tensors[name], tensor)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_is_refused(file, share):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"damaged|not a gvci model file"):
        load_checkpoint(file)


def test_foreign_newer_and_not_finite_files_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(save(TENSORS))
    with pytest.raises(CheckpointError, match="not written by gvci"):
        load_checkpoint(path)
    path.write_bytes(save(TENSORS, metadata={"gvci": json.dumps({"format": 99})}))
    with pytest.raises(CheckpointError, match="format 99; this version reads 1"):
        load_checkpoint(path)
    save_checkpoint(path, {"w": torch.tensor([1.0, float("nan")])}, {})
    with pytest.raises(CheckpointError, match="not finite in w"):
        load_checkpoint(path)
    path.write_text("this is text")
    with pytest.raises(CheckpointError, match="not a gvci model file"):
        load_checkpoint(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_genes_are_aligned_by_name_or_counted():
    model = pd.Index(["A", "B", "C"])
    assert align_genes(model, pd.Index(["A", "B", "C"])) is None
    np.testing.assert_array_equal(align_genes(model, pd.Index(["C", "A", "B"])), [1, 2, 0])
    with pytest.raises(CheckpointError, match="2 of the model's 3 genes are not in the data: B, C"):
        align_genes(model, pd.Index(["A", "X"]))
