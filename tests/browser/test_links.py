"""Check 6: a copied link shows the same view in another browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def copied(visit: Visit) -> str:
    """What "Copy link" offers, as a path below the server's address."""
    visit.page.get_by_role("button", name="Copy link").click()
    code = visit.page.locator("[data-testid=stCode] code")
    expect(code).to_contain_text("http")
    link = code.inner_text().replace("\n", "").strip()
    expect(visit.page.get_by_text("on this computer only")).to_be_visible()
    return link.split("/", 3)[3]


def second_look(chromium: Browser, server: str, path: str) -> tuple[str, Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(20_000)
    visit = Visit(context, server)
    visit.open(path)
    return visit.text(), visit


def test_check_06_network_link(visit: Visit, chromium: Browser, server: str):
    page = visit.open("network?tfs=IRF1,STAT1&k=7")
    shown = page.get_by_text(re.compile(r"Showing \d+ of \d+ edges"))
    before = shown.inner_text()
    page.get_by_role("button", name="removed").click()
    expect(page).to_have_url(re.compile("status=removed"))
    expect(shown).not_to_have_text(before)  # the address changes before the script runs
    visit.settled()
    line = shown.inner_text()
    text, other = second_look(chromium, server, copied(visit))
    assert line in text
    assert "IRF1 →" in text
    assert "status=removed" in other.page.url
    other.page.context.close()


def test_check_06_counterfactual_link(visit: Visit, chromium: Browser, server: str):
    page = visit.open("counterfactual?perturbation=IRF1&chart=ecdf")
    page.get_by_label("Add a gene").fill("ISG56")
    page.get_by_label("Add a gene").press("Enter")
    expect(page).to_have_url(re.compile("genes=IFIT1"))
    visit.settled()
    _, other = second_look(chromium, server, copied(visit))
    expect(other.page.get_by_role("button", name="Remove IRF1")).to_be_attached()
    expect(other.page.locator(".js-plotly-plot").first).to_contain_text("IFIT1")
    other.page.context.close()


def test_a_comparison_outlives_a_look_at_another_page(visit: Visit):
    page = visit.open("counterfactual")
    page.get_by_role("button", name="Add to comparison").click()
    expect(page).to_have_url(re.compile("vs="))
    visit.settled()
    for name in ("About", "Counterfactual"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        visit.settled()
    expect(page.get_by_text("1 scenario kept")).to_be_visible()
    expect(page).to_have_url(re.compile("vs="))


def test_comparison_link(visit: Visit, chromium: Browser, server: str):
    page = visit.open("counterfactual")  # STAT1 is what it begins with
    page.get_by_role("button", name="Add to comparison").click()
    expect(page).to_have_url(re.compile("vs="))
    visit.settled()
    page = visit.open(f"{page.url.split('/', 3)[3]}&perturbation=JAK2")
    page.get_by_role("button", name="Add to comparison").click()
    expect(page.get_by_text("2 scenarios kept")).to_be_visible()
    page.get_by_role("radio", name="side by side").click()
    expect(page).to_have_url(re.compile("layout=side"))
    visit.settled()
    text, other = second_look(chromium, server, copied(visit))
    assert "A STAT1 in B cells" in " ".join(text.split())
    assert "B JAK2 in B cells" in " ".join(text.split())
    expect(other.page.get_by_role("button", name="Remove", exact=True)).to_have_count(2)
    expect(other.page.locator(".js-plotly-plot")).to_have_count(1)
    other.page.context.close()


def test_a_page_leaves_nothing_of_its_own_in_the_next_ones_link(visit: Visit):
    page = visit.open("network?view=Whole+network&part=Added+edges")
    for name in ("Compare", "Effects", "Network", "Counterfactual", "Compare"):
        page.get_by_test_id("stTopNav").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        visit.settled()
        visit.open(page.url.split("/", 3)[3])
        assert "of the link is not" not in visit.text()
