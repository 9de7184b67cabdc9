"""Of the twelve checks those that have no file of their own: 10 and 12; and the report offline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit

MOST_TABS = 60


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the thing with these words has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => /^(BUTTON|A|INPUT)$/.test(document.activeElement?.tagName)"
            " ? document.activeElement.innerText || document.activeElement.ariaLabel || '' : ''"
        )
        if re.search(words, focused):
            return
    pytest.fail(f"'{words}' is not reached by the Tab key")


def test_check_10_what_the_model_lacks_is_explained(visit: Visit):
    """A gene that is no perturbation: the reason, what would work, and no traceback."""
    page = visit.open("counterfactual?perturbation=NOSUCHGENE")
    expect(page.get_by_text(re.compile("NOSUCHGENE")).first).to_be_visible()
    text = visit.text()
    assert re.search(r"STAT1|IRF1|JAK2", text)
    assert "Traceback" not in text
    assert "Error id" not in text
    expect(page.get_by_text("Control, predicted and measured cells")).to_be_visible()


def test_check_12_home_to_prediction_by_keyboard(visit: Visit):
    """Check 2 without a mouse."""
    page = visit.open(run=None)
    tab_to(page, "Start the 3-minute demo")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"Showing \d+ of \d+ edges"))).to_be_visible()
    visit.settled()
    tab_to(page, "Predict .* under IFN-beta")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Control, predicted and measured cells")).to_be_visible()


def test_check_12_an_edge_by_keyboard_is_on_the_card(visit: Visit):
    """Check 3 without a mouse: every edge of the graph is in the list above the card."""
    page = visit.open("network?tfs=STAT1&k=8")
    card = page.locator("p", has_text="→").first
    first = card.inner_text()
    tab_to(page, "Edge on the card")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(card).not_to_have_text(first)


@pytest.mark.parametrize(
    ("view", "heading", "figures"),
    [
        ("counterfactual", "Distributions", 1),
        ("network?tfs=STAT1&k=10", "The network", 1),
        ("effects", "Volcano", 3),
        ("effects?of=STAT1&c_cell_type=B+cells", "The first genes", 2),
        ("compare", "The same scores, drawn", 1),
        ("compare?show=Training+curves", "As training goes on", 1),
    ],
)
def test_check_07_the_report_opens_offline(
    visit: Visit, chromium: Browser, tmp_path: Path, view: str, heading: str, figures: int
):
    page = visit.open(view)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report (.html)").click()
    file = tmp_path / "report.html"
    waiting.value.save_as(file)
    context = chromium.new_context(offline=True)
    opened, asked = context.new_page(), []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    expect(opened.get_by_role("heading", name=heading)).to_be_visible()
    drawn = opened.locator("figure svg")
    assert drawn.count() == figures
    for at in range(figures):
        box = drawn.nth(at).bounding_box()
        assert box is not None
        assert box["height"] > 150
    assert asked == [file.as_uri()]
    context.close()
