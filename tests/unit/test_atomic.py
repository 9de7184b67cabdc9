"""A file is replaced whole, or the old one stays as it was."""

from __future__ import annotations

import pytest

from gvci.atomic import replacing
from gvci.errors import DataError, GvciError


def test_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "deep" / "scores.json"
    for text in ("one", "two"):
        with replacing(path) as part:
            assert part.suffix == ".json"
            part.write_text(text)
        assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["scores.json"]


def test_an_error_inside_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_a_sentence(tmp_path):
    def full(part):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.txt"
    path.write_text("old")
    with (
        pytest.raises(DataError, match=r"a\.txt could not be written: No space left on device"),
        replacing(path, DataError) as part,
    ):
        full(part)
    assert path.read_text() == "old"
    blocked = path / "b.txt"
    with pytest.raises(GvciError, match="could not be written"), replacing(blocked) as part:
        part.write_text("x")
