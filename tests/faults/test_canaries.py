"""Across the rows: what is in one file, or with one person, is nowhere else.

After every test of the pages its folder and the log are swept as well (tests/app/conftest.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gvci.home import gvci_home
from tests.app.conftest import OpenPage, open_page, own_runs, sound, swept
from tests.app.test_uploads import NAMES, h5ad, in_link
from tests.faults import door_files as make
from tests.faults.hostile import texts
from tests.faults.test_hostile_names import _walk

__all__ = ["open_page", "own_runs"]  # fixtures
OWN = "CANARYofoneperson"


def rendered(test: object) -> str:
    """Every text that a page sends to the browser, tables included."""
    found: list[str] = [sound(test)]  # type: ignore[arg-type]
    for element in _walk(test._tree):  # type: ignore[attr-defined]
        proto = getattr(element, "proto", None)
        if hasattr(proto, "ListFields"):
            found += [text for _, text in texts(proto)]
        if getattr(element, "type", "") == "arrow_data_frame":
            found.append(element.value.to_csv())
    return "\n".join(found)


def test_f04_f32_a_sweep_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "x.bin").write_bytes(b"\0" + OWN.encode())
    assert swept(tmp_path, f"so {OWN}", OWN) == [str(tmp_path / "deep" / "er" / "x.bin"), "log"]
    assert swept(tmp_path, "") == []


def test_f04_what_a_file_points_to_is_nowhere(
    open_page: OpenPage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = make.external_names(tmp_path).read_bytes()
    test = open_page("data")
    test.file_uploader(key="cells_file").upload("mine.h5ad", content, "application/x-hdf5").run()
    assert "keeps its values in another file" in sound(test)
    assert make.CANARY not in rendered(test)
    assert swept(gvci_home(), caplog.text) == []


def test_f32_cells_of_one_person_are_nowhere_with_another(
    open_page: OpenPage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An upload's labels, on every page of a second visitor, in the folders and in the log."""
    labels = [name if name == "control" else f"{OWN}{name}" for name in NAMES]
    content = h5ad(tmp_path, {"perturbation": labels, OWN: ["a", "b"] * 20})
    first = open_page("data")
    first.file_uploader(key="cells_file").upload(f"{OWN}.h5ad", content, "application/x").run()
    assert OWN in rendered(first)
    for where in ("home", "network", "counterfactual", "data", "train", "jobs"):
        assert OWN not in rendered(open_page(where))
    own = gvci_home() / "workspaces" / in_link(first, "workspace")
    assert own.is_dir()
    shutil.rmtree(own)
    assert swept(gvci_home(), caplog.text, OWN) == []
