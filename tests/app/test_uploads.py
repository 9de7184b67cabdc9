"""The Data page: bad files are one sentence each, good ones end in commands."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import OpenPage, sound

HOSTILE = '"><img src=x onerror=alert(1)>'
NAMES = ["control", "STAT1", "control", "IRF1"] * 10


def h5ad(folder: Path, columns: dict[str, list[str] | list[float]]) -> bytes:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(columns, index=[f"cell{i}" for i in range(40)])
    var = pd.DataFrame(index=[f"gene{i}" for i in range(12)])
    cells = ad.AnnData(rng.poisson(2.0, (40, 12)).astype(np.float32), obs=obs, var=var)
    cells.write_h5ad(folder / "made.h5ad")
    return (folder / "made.h5ad").read_bytes()


def upload(open_page: OpenPage, name: str, content: bytes) -> AppTest:
    test = open_page("data")
    return (
        test.file_uploader(key="cells_file").upload(name, content, "application/octet-stream").run()
    )


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "y")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"not cells", b"", zipped(), b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_what_is_not_hdf5(open_page: OpenPage, content: bytes):
    """FAULTS F01."""
    assert "mine.h5ad is not an .h5ad file" in sound(upload(open_page, "mine.h5ad", content))


def test_cut_short(open_page: OpenPage, tmp_path: Path):
    content = h5ad(tmp_path, {"perturbation": NAMES})
    text = sound(upload(open_page, "mine.h5ad", content[: len(content) // 2]))
    assert "mine.h5ad is cut short or damaged" in text
    assert str(tmp_path) not in text


def test_no_perturbation_column(open_page: OpenPage, tmp_path: Path):
    content = h5ad(tmp_path, {"batch": ["a", "b"] * 20})
    text = sound(upload(open_page, "mine.h5ad", content))
    assert "No column of obs is plainly the perturbation" in text
    assert "gvci prepare" not in text


def test_no_control_cells_then_a_choice(open_page: OpenPage, tmp_path: Path):
    """FAULTS F15: the labels found are named and one can be picked."""
    content = h5ad(tmp_path, {"perturbation": ["zero", "STAT1"] * 20})
    test = upload(open_page, "mine.h5ad", content)
    column = next(box for box in test.selectbox if box.label == "Perturbation column")
    column.set_value("perturbation").run()
    text = sound(test)
    assert "No cells are labelled 'control'" in text
    assert "STAT1, zero" in text or "zero, STAT1" in text
    label = next(box for box in test.selectbox if box.label == "Control label")
    label.set_value("zero").run()
    assert "Nothing stands in the way" in sound(test)


def test_commands_of_a_good_file(open_page: OpenPage, tmp_path: Path):
    types = ["B cells"] * 20 + ["T cells"] * 20
    content = h5ad(tmp_path, {"perturbation": NAMES, "cell_type": types})
    test = upload(open_page, "my cells.h5ad", content)
    sound(test)
    split = next(box for box in test.selectbox if box.label == "Treated cells to hold out")
    split.set_value("cell_type=B cells").run()
    sound(test)
    code = test.code[-1].value
    assert "python -m gvci prepare 'my cells.h5ad'" in code
    assert "--holdout 'cell_type=B cells'" in code
    assert "python -m gvci train my-cells-prepared.h5ad" in code


def test_real_covariates_are_offered_among_the_numbers(open_page: OpenPage, tmp_path: Path):
    types = ["B cells"] * 20 + ["T cells"] * 20
    ages = [20.5 + i for i in range(40)]
    content = h5ad(tmp_path, {"perturbation": NAMES, "cell_type": types, "age": ages})
    test = upload(open_page, "mine.h5ad", content)
    sound(test)
    real = next(box for box in test.multiselect if box.label == "Real-valued covariates")
    assert real.options == ["age"]
    real.set_value(["age"]).run()
    sound(test)
    assert "--real-covariates age" in test.code[-1].value
    covariates = next(box for box in test.multiselect if box.label == "Covariates")
    covariates.set_value(["cell_type", "age"]).run()
    text = sound(test)
    assert "name it with --real-covariates" in text
    assert "named for two purposes" not in text
    assert not [box for box in test.multiselect if box.label == "Real-valued covariates"]


def test_hostile_labels_are_shown_literally(open_page: OpenPage, tmp_path: Path):
    """FAULTS F21."""
    labels = ["control", HOSTILE, "[a](javascript:b)", ":material/home:"] * 10
    columns = {"perturbation": labels, "$x$ `y`": ["1"] * 20 + ["2"] * 20}
    test = upload(open_page, f"{HOSTILE}.h5ad", h5ad(tmp_path, columns))
    text = sound(test)
    assert f"{HOSTILE}.h5ad: 40 cells" in text.replace("**", "")
    for element in [*test.markdown, *test.caption, *test.warning, *test.info]:
        assert not re.search(r"(?<!\\)<img", element.value)
        assert not re.search(r"(?<!\\)\]\(javascript", element.value)
        assert not element.allow_html
