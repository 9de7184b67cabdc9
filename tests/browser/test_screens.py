"""Every page in light and dark at 1280 × 800: fits without sideways scrolling.

`make screens` runs this file with GVCI_SCREENS set and so makes docs/screens/ again.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Visit

PAGES = {
    "home": "",
    "network": "network?tfs=STAT1,IRF1&k=18",
    "heat_map": "network?view=Heat+map",
    "free_layout": "network?view=Free+layout",
    "recovery": "network?view=Precision+and+recall",
    "whole_network": "network?view=Whole+network",
    "counterfactual": "counterfactual",
    "effects": "effects",
    "compare": "compare",
    "curves": "compare?show=Training+curves",
    "data": "data",
    "train": "train?what=Train+a+model",
    "jobs": "jobs",
    "about": "about",
}

FIRST_SEEN = ("home", "network", "counterfactual", "effects", "compare")  # of real cells


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits(chromium: Browser, server: str, tmp_path: Path, name: str, scheme: str):
    folder = Path(os.environ.get("GVCI_SCREENS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    visit = Visit(context, server)
    page = visit.open(PAGES[name], run=None if name in FIRST_SEEN else "demo")
    page.wait_for_timeout(3000)  # tables and charts draw themselves after the script has run
    page.screenshot(path=folder / f"{name}_{scheme}.png")
    widths = page.evaluate(
        "() => { const e = document.querySelector('[data-testid=stMain]');"
        " return [e.scrollWidth, e.clientWidth]; }"
    )
    context.close()
    assert widths[0] <= widths[1]
