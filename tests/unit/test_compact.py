"""A packed model answers as before, to half precision, and takes less room."""

from __future__ import annotations

import numpy as np
import pytest

from gvci.prediction.trained_model import TrainedModel
from gvci.run import MODEL, Run
from gvci.shipped.compact import GATE, SMALLEST, TOLERANCE, fewest_bits


@pytest.fixture(scope="module")
def run(small_run) -> Run:
    return Run.open(small_run)


@pytest.fixture(scope="module")
def bits(run) -> dict[str, int]:
    return fewest_bits(run)


def test_answers_stay_to_half_precision_also_of_other_cells(run, bits, tmp_path):
    run.model.save(tmp_path / MODEL, bits)
    packed = Run.of(TrainedModel.load(tmp_path / MODEL), run.data)
    rows = np.arange(1, run.data.n_cells, 3)  # not the cells that the search looked at
    labels = run.model.treatment_code.levels
    pairs = [(packed.predict(rows, label), run.predict(rows, label)) for label in labels]
    pairs.append((packed.reconstruct(rows), run.reconstruct(rows)))
    for now, before in pairs:
        changed = np.sqrt(((now - before) ** 2).mean() / (before**2).mean())
        assert 0 < changed < 1.5 * TOLERANCE


def test_a_quarter_of_the_room_is_enough(run, bits, tmp_path):
    run.model.save(tmp_path / "whole")
    run.model.save(tmp_path / "packed", bits)
    assert (tmp_path / "packed").stat().st_size < 0.45 * (tmp_path / "whole").stat().st_size


def test_small_tensors_and_the_gate_keep_half_precision(run, bits):
    for name, tensor in run.model.tensors().items():
        if tensor.numel() < SMALLEST or name.startswith(GATE):
            assert bits[name] == 16
    assert min(bits.values()) < 12


def test_the_search_gives_the_same_twice(run, bits):
    assert fewest_bits(run) == bits


def test_where_half_precision_already_changes_answers_nothing_is_packed(run, monkeypatch):
    monkeypatch.setattr("gvci.shipped.compact.TOLERANCE", 1e-9)
    assert fewest_bits(run) == {}
