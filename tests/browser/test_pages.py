"""Opening pages: cold deep links, the demo's path, offline, both themes, small windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Visit, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PAGES = (
    "", "network", "counterfactual", "effects", "compare", "data", "train", "jobs", "about",
)  # fmt: skip


def test_check_01_cold_deep_link_to_network(context: BrowserContext, tmp_path: Path):
    """Check 1: on a fresh server the first request is not for Home."""
    with serving(tmp_path) as address:
        _cold_deep_link(Visit(context, address))


def _cold_deep_link(visit: Visit):
    page = visit.open("network?tfs=STAT1&k=10")
    expect(page.get_by_role("link", name="Counterfactual")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_text(re.compile(r"Showing 10 of \d+ edges"))).to_be_visible()
    assert "→" in visit.text()
    assert "IRF1 →" not in visit.text()


def test_check_02_home_to_violins_in_five_clicks(visit: Visit):
    """Check 2, on the real cells that a first visitor sees: two clicks, in fact."""
    page = visit.open(run=None)
    page.get_by_role("button", name="Start the 3-minute demo").click()
    expect(page.get_by_text(re.compile(r"Showing \d+ of \d+ edges"))).to_be_visible()
    visit.settled()
    page.get_by_role("button", name=re.compile("Predict .* under IFN-beta")).first.click()
    expect(page.get_by_text("Control, predicted and measured cells")).to_be_visible()
    violins = page.locator(".js-plotly-plot").first.locator("path.js-fill")
    expect(violins.first).to_be_attached()


def test_check_08_no_request_leaves_this_computer(visit: Visit):
    """Check 8, on all pages; and no page scrolls sideways at 1280 × 720 (check 12)."""
    for name in PAGES:
        page = visit.open(name)
        page.wait_for_timeout(400)
        width = page.evaluate(
            "() => document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
        )
        assert width <= 0, name
        assert "Error id" not in visit.text(), name
    assert visit.outside == []
    assert visit.dialogs == []


@pytest.mark.parametrize("name", PAGES)
def test_check_12_dark_mode_has_no_white_box(chromium: Browser, server: str, name: str):
    """Few pixels of a dark page are as light as paper."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 720}, color_scheme="dark", device_scale_factor=1
    )
    context.set_default_timeout(20_000)
    visit = Visit(context, server)
    page = visit.open(name)
    page.wait_for_timeout(500)
    light = _share_of_light_pixels(page.screenshot())
    context.close()
    assert light < 0.06


def _share_of_light_pixels(png: bytes) -> float:
    import io

    import numpy as np
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(png), format="png")[..., :3]
    return float((np.asarray(pixels).min(axis=-1) > 0.85).mean())


def test_unknown_parameters_are_ignored_with_a_note(visit: Visit):
    """FAULTS F41."""
    page = visit.open("counterfactual?run=../../etc&perturbation=<svg onload=alert(1)>&cells=x")
    expect(page.get_by_text("There is no run")).to_be_visible()
    expect(page.get_by_text("has not seen the perturbation")).to_be_visible()
    assert visit.dialogs == []
    assert "Traceback" not in visit.text()
