"""A checkpoint loads as it was; damaged and foreign ones: tests/faults/test_checkpoints.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

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


def test_genes_are_aligned_by_name_or_counted():
    model = pd.Index(["A", "B", "C"])
    assert align_genes(model, pd.Index(["A", "B", "C"])) is None
    np.testing.assert_array_equal(align_genes(model, pd.Index(["C", "A", "B"])), [1, 2, 0])
    with pytest.raises(CheckpointError, match="2 of the model's 3 genes are not in the data: B, C"):
        align_genes(model, pd.Index(["A", "X"]))
