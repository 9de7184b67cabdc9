"""axe-core finds no serious or critical violation in any view, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from gvci.registry import register
from tests.browser.conftest import Visit, serving
from tests.dosed_run import make_dosed_run

GROUP = "B cells · donor1"
KEPT = [f"perturbation={name}&group={GROUP}" for name in ("STAT1", "IRF1", "JAK2", "MYC")]
# Each view, and the buttons whose popovers are looked into.
VIEWS: dict[str, tuple[str, ...]] = {
    "": (),
    "network?edge=STAT1,IFI35": ("How these weights came about", "Open a network", "Export"),
    "network?view=Heat+map": (),
    "network?view=Free+layout": (),
    "network?view=Precision+and+recall": (),
    "network?view=Whole+network": (),
    "network?tfs=": (),
    "network?tour=1": (),
    "counterfactual": ("How λ works", "Model card", "Copy link"),
    "counterfactual?chart=ecdf": (),
    "counterfactual?cells=one+cell": (),
    f"counterfactual?{urlencode({'view': 'side by side', 'vs': KEPT}, doseq=True)}": (),
    "counterfactual?perturbation=": (),
    "counterfactual?run=DOSED&perturbation=STAT1&dose=0.5": (),
    "counterfactual?tour=3": (),
    "effects": ("What is a robust effect?",),
    "effects?of=STAT1&c_cell_type=B+cells": (),
    "compare": ("Score a predicted h5ad",),
    "compare?show=Training+curves": (),
    "data": (),
    "train": (),
    "jobs": (),
    "about": (),
}
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def furnished(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The address of a server with a run that has doses, and that run's id."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(home))
        dosed = register(make_dosed_run(tmp_path_factory.mktemp("dosed")), "run", "doses")
    with serving(home) as address:
        yield address, dosed


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_grave_in_any_view(furnished: tuple[str, str], chromium: Browser, theme: str):
    address, dosed = furnished
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme=theme)
    context.set_default_timeout(20_000)
    visit, found = Visit(context, address), []
    for name, buttons in VIEWS.items():
        page = visit.open(name.replace("DOSED", dosed))
        found += grave(visit, name)
        for button in buttons:
            page.get_by_role("button", name=button).click()
            expect(page.locator("[data-testid=stPopoverBody]")).to_be_visible()
            found += grave(visit, f"{name}: {button}")
            page.keyboard.press("Escape")
    context.close()
    assert not found


def grave(visit: Visit, name: str) -> list[tuple[str, str, int, str]]:
    """What is serious or critical: view, rule, number of elements, the first of them."""
    return [
        (name, one["id"], len(one["nodes"]), one["nodes"][0]["html"][:160])
        for one in Axe().run(visit.page).response["violations"]
        if one["impact"] in GRAVE
    ]
