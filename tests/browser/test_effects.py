"""Effects and Compare in a browser: plot, card and table in step; links; downloads; an upload."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_click_in_the_volcano_moves_card_and_link(visit: Visit, context: BrowserContext):
    page = visit.open("effects?marked=STAT1")
    expect(page.get_by_role("heading", name="STAT1 in every group")).to_be_visible()
    points = page.locator(".js-plotly-plot").first.locator("path.point")
    expect(points.nth(20)).to_be_attached()
    points.nth(2).dispatch_event("mousemove")
    box = points.nth(2).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", name="STAT1 in every group")).to_have_count(0)
    visit.settled()
    marked = re.search(r"marked=(\w+)", page.url)
    assert marked is not None
    expect(page.get_by_role("heading", name=f"{marked[1]} in every group")).to_be_visible()
    again = Visit(context, visit.address)
    again.open(page.url.split("/")[-1])
    heading = again.page.get_by_role("heading", name=f"{marked[1]} in every group")
    expect(heading).to_be_visible()


def test_compare_files_and_a_bad_upload(visit: Visit, tmp_path: Path):
    page = visit.open("compare?table=table1-kang&score=R²,+all+genes")
    expect(page.get_by_text("Table 1 on Kang 2018").first).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Table (CSV)").click()
    assert "# judged on: R², all genes" in given.value.path().read_text(encoding="utf-8")
    page = visit.open("compare")
    bad = tmp_path / "<img src=x onerror=alert(1)>.h5ad"
    bad.write_text("no cells")
    page.get_by_role("button", name="Score a predicted h5ad").click()
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text("does not begin like an HDF5 file")).to_be_visible()
    assert visit.dialogs == []
    assert visit.outside == []
    assert "Traceback" not in visit.text()
