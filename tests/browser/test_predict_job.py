"""More cells than a page transports: the job that predicts them all, and its file."""

from __future__ import annotations

import re
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from gvci.registry import register
from tests.browser.conftest import Visit, serving
from tests.dosed_run import make_dosed_run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
CONTROLS = 2600  # of each of two donors


def test_all_cells_are_predicted_by_a_job_and_taken_home(
    context: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home, crowd, file = tmp_path / "home", tmp_path / "crowd", tmp_path / "predicted.h5ad"
    home.mkdir()
    crowd.mkdir()
    monkeypatch.setenv("GVCI_HOME", str(home))
    run = register(make_dosed_run(crowd, CONTROLS), "run", "crowd")
    with serving(home) as address:
        visit = Visit(context, address)
        page = visit.open(f"counterfactual?run={run}&perturbation=JAK2&dose=0.5")
        expect(page.get_by_text(f"{2 * CONTROLS:,} cells, too many for a page")).to_be_visible()
        page.get_by_role("button", name="Predict all as a job").click()
        expect(page).to_have_url(re.compile(r"/jobs\?.*job="))
        ready = page.get_by_role("button", name="Download the predicted cells")
        expect(ready).to_be_visible(timeout=120_000)
        with page.expect_download() as waiting:
            ready.click()
        waiting.value.save_as(file)
        assert "Error id" not in visit.text()
        assert visit.outside == []
    cells = ad.read_h5ad(file)
    assert waiting.value.suggested_filename.endswith(".h5ad")
    assert cells.n_obs == 2 * CONTROLS
    assert set(cells.obs["perturbation"]) == {"JAK2"}
    assert set(cells.obs["cell_type"]) == {"B cells"}
    values = cells.X.toarray() if hasattr(cells.X, "toarray") else cells.X
    assert np.isfinite(values).all()
    assert cells.uns["gvci"]["dose"] == 0.5
