"""FAULTS F21 in a browser: hostile names open no dialog, run nothing and fetch nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from gvci.registry import register
from gvci.run import Run
from tests.browser.conftest import Visit, context, serving
from tests.faults.hostile import CANARY, NAMES, PERTURBED

__all__ = ["context"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.flaky(reruns=1)]


@pytest.fixture(scope="module")
def served(hostile_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server that lists the hostile run, and the run's id."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(home))
        name = register(hostile_run.path, "run", NAMES["handler"] + NAMES["icon"])
        assert name is not None
        with serving(home) as address:
            yield address, name


@pytest.fixture
def visit(chromium: Browser, served: tuple[str, str]) -> Iterator[Visit]:
    """A visitor whose browser notes dialogs and requests that leave."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    opened.set_default_timeout(40_000)
    yield Visit(opened, served[0])
    opened.close()


def unharmed(visit: Visit, page: Page) -> None:
    """Nothing of a name was run, built or fetched."""
    assert page.evaluate(f"() => window.{CANARY}") is None
    assert visit.dialogs == []
    assert visit.outside == []
    for selector in ("img[src=x]", "a[href^='javascript']", "svg[onload]", "img[src*=evil]"):
        assert page.locator(selector).count() == 0, selector


def test_f21_a_canary_that_sings_is_heard(visit: Visit) -> None:
    """The check can fail."""
    page = visit.open()
    unharmed(visit, page)
    page.evaluate(
        "() => { document.body.insertAdjacentHTML('beforeend', "
        "'<img src=x onerror=\"window.__pwned=1\">'); }"
    )
    page.wait_for_function("() => window.__pwned === 1")
    with pytest.raises(AssertionError):
        unharmed(visit, page)


@pytest.mark.parametrize("where", ["", "network", "counterfactual", "data", "train", "jobs"])
def test_f21_pages(visit: Visit, served: tuple[str, str], where: str) -> None:
    # Train is about the cells that it would train on.
    cells = f"&cells={served[1]}" if where == "train" else ""
    page = visit.open(f"{where}?run={served[1]}{cells}")
    assert "Error id" not in visit.text()
    # The title of the cells is in the strip, as it was typed.
    expect(page.get_by_text("<script>window.__pwned=1</script>").first).to_be_attached()
    unharmed(visit, page)


@pytest.mark.parametrize("kind", PERTURBED)
def test_f21_predictions_and_their_files(
    visit: Visit, served: tuple[str, str], tmp_path: Path, kind: str
) -> None:
    words = {"run": served[1], "perturbation": NAMES[kind], "genes": NAMES["script"]}
    page = visit.open(f"counterfactual?{urlencode(words)}")
    assert "Error id" not in visit.text()
    unharmed(visit, page)
    page.get_by_role("button", name=re.compile("Export")).click()
    with page.expect_download() as loading:
        page.get_by_role("button", name="SVG", exact=True).click()
    file = tmp_path / "figure.svg"
    loading.value.save_as(file)
    page.goto(file.as_uri())
    assert NAMES["script"] in (page.locator("svg").text_content() or "")
    unharmed(visit, page)


def test_f21_the_network_and_its_page(
    visit: Visit, served: tuple[str, str], tmp_path: Path
) -> None:
    page = visit.open(f"network?run={served[1]}&{urlencode({'gene': NAMES['script'][:60]})}")
    unharmed(visit, page)
    page.get_by_role("button", name=re.compile("Export")).click()
    with page.expect_download() as loading:
        page.get_by_role("button", name="Interactive page").click()
    file = tmp_path / "network.html"
    loading.value.save_as(file)
    page.goto(file.as_uri())
    page.wait_for_function("() => typeof network !== 'undefined'")
    ids = page.evaluate("() => nodes.getIds()")
    assert len(set(ids) & set(NAMES.values())) >= 2
    page.mouse.move(640, 400)
    unharmed(visit, page)


@pytest.mark.parametrize("kind", ["script", "handler", "link", "icon", "direction", "formula"])
def test_f21_an_upload_of_hostile_names(
    visit: Visit, served: tuple[str, str], tmp_path: Path, kind: str
) -> None:
    hostile = NAMES[kind]
    rng, labels = np.random.default_rng(0), ["control", hostile, "control", NAMES["entity"]] * 10
    obs = pd.DataFrame({"perturbation": labels}, index=[f"{hostile} {i}" for i in range(40)])
    var = pd.DataFrame(index=[*NAMES.values(), "plain"])
    values = rng.poisson(3.0, (40, len(var))).astype(np.float32)
    ad.AnnData(values, obs=obs, var=var).write_h5ad(tmp_path / "made.h5ad")
    page = visit.open("data")
    given = {"name": f"{hostile}.h5ad", "mimeType": "application/x-hdf5",
             "buffer": (tmp_path / "made.h5ad").read_bytes()}  # fmt: skip
    page.locator("input[type=file]").set_input_files(given)
    expect(page.get_by_text(re.compile(r"h5ad: 40 cells"))).to_be_visible()
    visit.settled()
    assert "Error id" not in visit.text()
    unharmed(visit, page)
