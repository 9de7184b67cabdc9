"""axe-core finds no serious or critical violation on any page, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import Visit

VIEWS = (
    "", "network", "network?view=Precision+and+recall", "counterfactual",
    "counterfactual?chart=ecdf",
    "effects", "compare", "data", "train", "jobs", "about", "network?tour=1",
)  # fmt: skip
GRAVE = ("serious", "critical")


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=request.param
    )
    context.set_default_timeout(20_000)
    yield context
    context.close()


def test_nothing_grave_on_any_page(themed: BrowserContext, server: str):
    visit, found = Visit(themed, server), []
    for name in VIEWS:
        page = visit.open(name)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in GRAVE:
                first = violation["nodes"][0]
                found.append((name, violation["id"], len(violation["nodes"]), first["html"][:160]))
    assert not found
