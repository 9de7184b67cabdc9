"""Check 11: bad files get a clear message each; nothing in a name or a label is ever run."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
HOSTILE = "<img src=x onerror=alert(1)>"


def cells(columns: dict[str, list[str]]) -> ad.AnnData:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(columns, index=[f"cell{i}" for i in range(40)])
    var = pd.DataFrame(index=[f"gene{i}" for i in range(12)])
    return ad.AnnData(rng.poisson(2.0, (40, 12)).astype(np.float32), obs=obs, var=var)


def test_check_11_bad_uploads(visit: Visit, tmp_path: Path):
    text = tmp_path / "notes.h5ad"
    text.write_text("these are not cells")
    bare = tmp_path / "bare.h5ad"
    cells({"batch": ["a", "b"] * 20}).write_h5ad(bare)
    hostile = tmp_path / f"{HOSTILE}.h5ad"
    labels = [HOSTILE, "[x](javascript:alert(1))"] * 20
    cells({"perturbation": labels, "$x$ `y`": ["t1"] * 20 + ["t2"] * 20}).write_h5ad(hostile)
    page = visit.open("data")
    upload = page.locator("input[type=file]")
    upload.set_input_files(text)
    expect(page.get_by_text("is not an .h5ad file")).to_be_visible()
    upload.set_input_files(bare)
    expect(page.get_by_text("plainly the perturbation")).to_be_visible()
    upload.set_input_files(hostile)
    expect(page.get_by_text(f"{HOSTILE}.h5ad: 40 cells")).to_be_visible()
    visit.settled()
    assert page.locator("img[src=x]").count() == 0
    assert visit.dialogs == []
    assert "Error id" not in visit.text()
    upload.set_input_files(text)
    expect(page.get_by_text("is not an .h5ad file")).to_be_visible()


def test_good_upload_ends_in_commands(visit: Visit, tmp_path: Path):
    file = tmp_path / "mine.h5ad"
    labels = ["control", "STAT1", "control", "IRF1"] * 10
    types = ["B cells"] * 20 + ["T cells"] * 20
    cells({"perturbation": labels, "cell_type": types}).write_h5ad(file)
    page = visit.open("data")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("Nothing stands in the way")).to_be_visible()
    page.get_by_text("The same on the command line").click()
    expect(page.locator("code", has_text="gvci prepare mine.h5ad")).to_be_visible()
    page.reload()
    expect(page.get_by_text("mine.h5ad: 40 cells × 12 genes")).to_be_visible()
