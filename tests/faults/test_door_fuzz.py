"""FAULTS F03: whatever a file holds, the door gives cells or one sentence, and soon."""

from __future__ import annotations

import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults import door_files as make
from tests.faults.door_fuzz import hostile, outcome


@cache
def good() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make.good_file(Path(folder)).read_bytes()


flips = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=64
)


@given(flips)
@settings(max_examples=30)
def test_f03_flipped_bytes(changes: list[tuple[float, int]]) -> None:
    """Hypothesis chooses where and which bits; survivors are checked, computed with, prepared."""
    content = bytearray(good())
    for at, bits in changes:
        content[int(at * len(content))] ^= bits
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        path.write_bytes(content)
        began = time.monotonic()
        assert outcome(path) in ("refused", "accepted")
        assert time.monotonic() - began < 40


@pytest.mark.parametrize("block", range(4))
def test_f03_seeded_damage_of_every_format(block: int) -> None:
    """The first files of `make fuzz`."""
    for seed in range(10 * block, 10 * block + 10):
        with tempfile.TemporaryDirectory() as folder:
            assert outcome(hostile(seed, Path(folder))) in ("refused", "accepted"), seed


def test_f03_the_seeds_hold_every_kind_of_file(tmp_path: Path) -> None:
    """So that the fuzz above tests what it says: same seed, same file; many kinds among them."""
    names = set()
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        names.add(hostile(seed, folder).name)
    assert names == {"cells.h5ad", "cells.csv", "matrix", "filtered.h5", "cells.h5ad.gz"}
    again = tmp_path / "again"
    again.mkdir()
    same = hostile(0, again).read_bytes(), hostile(0, tmp_path / "0").read_bytes()
    assert np.array_equal(*(np.frombuffer(content, np.uint8) for content in same))
