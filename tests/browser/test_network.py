"""The Network page: graph, card and table in step; lookups; files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
EDGES = ".stEChartsChart svg path[fill=none]"


def card(page: Page) -> str:
    """The edge on the card, "STAT1 → GBP1"."""
    return page.locator("p", has_text="→").first.inner_text().strip()


def click_an_edge(page: Page, at: int) -> str:
    """Click the middle of the drawn edge number `at`; its name in the drawing."""
    line = page.locator(EDGES).nth(at)
    name = line.get_attribute("stroke-opacity") or ""
    click_on(page, line)
    return name


def click_on(page: Page, line: Locator) -> None:
    """Click the middle of a line."""
    middle = line.evaluate(
        "p => { p.scrollIntoView({block: 'center'});"
        " const m = p.getPointAtLength(p.getTotalLength() * 0.6);"
        " const q = m.matrixTransform(p.getScreenCTM()); return [q.x, q.y]; }"
    )
    page.mouse.click(*middle)


def test_check_03_edge_card_and_table_in_step(visit: Visit):
    """Check 3: an edge clicked in the graph is on the card; a row is, too."""
    page = visit.open("network?tfs=STAT1&k=8")
    first = card(page)
    click_an_edge(page, 5)
    expect(page.locator("p", has_text="→").first).not_to_have_text(first)
    visit.settled()
    clicked = card(page)
    assert clicked.startswith("STAT1 →")
    grid = page.locator("[data-testid=stDataFrame] canvas").first
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 2 + 17)
    expect(page.locator("p", has_text="→").first).not_to_have_text(clicked)
    visit.settled()
    assert "edge=" in page.url


def spread(page: Page) -> float:
    """Height in pixels that the names in the graph take: it grows with the zoom."""
    return page.evaluate(
        "() => { const y = [...document.querySelectorAll('.stEChartsChart svg text')]"
        ".map(e => e.getBoundingClientRect().y); return Math.max(...y) - Math.min(...y); }"
    )


def marked(page: Page) -> int:
    """How many edges of the graph are drawn as the edge on the card."""
    return page.evaluate(
        "edges => [...document.querySelectorAll(edges)]"
        ".filter(e => getComputedStyle(e).strokeWidth === '5px').length",
        EDGES,
    )


def test_check_05_zoom_survives_every_choice_of_an_edge(visit: Visit):
    """Check 5: by a click in the graph, by a row, by the list; the edge on the card is marked."""
    page = visit.open("network?tfs=STAT1&k=8")
    title = page.locator("p", has_text="→").first
    hub = page.locator(".stEChartsChart svg text", has_text="STAT1").first
    box = hub.bounding_box()
    assert box is not None
    before = spread(page)
    assert marked(page) == 1, "the edge that is on the card at first"
    page.mouse.move(box["x"] + 10, box["y"] - 60)
    page.wait_for_timeout(1200)
    for _ in range(3):
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(150)
    zoomed = spread(page)
    assert zoomed > 1.1 * before

    clicked = []

    def in_graph() -> None:
        clicked.append(click_an_edge(page, 3))

    def in_table() -> None:
        grid = page.locator("[data-testid=stDataFrame] canvas").first
        grid.scroll_into_view_if_needed()
        place = grid.bounding_box()
        assert place is not None
        page.mouse.click(place["x"] + 18, place["y"] + 35 * 6 + 17)

    def in_list() -> None:
        page.get_by_role("combobox", name="Edge on the card").focus()
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            page.keyboard.press(key)

    seen = [title.inner_text()]
    for choose in (in_graph, in_table, in_list):
        choose()
        expect(title).not_to_have_text(seen[-1])
        visit.settled()
        seen.append(title.inner_text())
        assert spread(page) == pytest.approx(zoomed, rel=0.02), choose.__name__
        assert marked(page) == 1, choose.__name__
    # What ECharts still holds for chosen is clicked again.
    click_on(page, page.locator(f'{EDGES}[stroke-opacity="{clicked[0]}"]'))
    expect(title).to_have_text(seen[1])


def test_check_04_edges_per_regulator(visit: Visit):
    """Check 4: what is shown is what is listed, and of the chosen regulator only."""
    counts = []
    for k in (5, 20):
        page = visit.open(f"network?tfs=STAT1&k={k}")
        line = page.get_by_text(re.compile(r"Showing \d+ of \d+ edges")).inner_text()
        shown = int(re.search(r"Showing (\d+)", line).group(1))  # type: ignore[union-attr]
        rows = page.locator("[data-testid=stDataFrame] table[aria-rowcount]").first
        counts.append((shown, int(rows.get_attribute("aria-rowcount") or 0) - 1))
    assert counts == [(5, 5), (20, 20)]
    assert "IRF1 →" not in visit.text()


@pytest.mark.parametrize(
    ("query", "answer"),
    [("STAT11", "Near:"), ("ENSG00000115415", "is STAT1."), ("ISGF3", "is STAT1.")],
)
def test_check_09_gene_lookup(visit: Visit, query: str, answer: str):
    """Check 9: near symbols, Ensembl ids and aliases."""
    page = visit.open("network?tfs=MYC&k=5")
    box = page.get_by_label("Find a gene")
    box.fill(query)
    box.press("Enter")
    expect(page.get_by_text(answer)).to_be_visible()
    visit.settled()
    page.get_by_role("button", name="Show STAT1", exact=True).click()
    expect(page.get_by_text(re.compile("Showing 10 of"))).to_be_visible()
    visit.settled()
    assert "tfs=STAT1" in page.url


def test_nothing_to_draw(visit: Visit):
    """No edge passes: words and a way back."""
    page = visit.open("network?tfs=&k=5")
    expect(page.get_by_text("Nothing to draw")).to_be_visible()
    page.get_by_role("button", name="Reset the filters").click()
    expect(page.get_by_text(re.compile("Showing 50 of"))).to_be_visible()


def test_check_07_interactive_page_draws_offline(visit: Visit, tmp_path: Path):
    """Check 7: the exported page draws by itself and asks nobody for anything."""
    page = visit.open("network?tfs=STAT1&k=10")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Interactive page").click()
    file = tmp_path / "network.html"
    started.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
    page.goto(file.as_uri())
    page.wait_for_function(
        "() => { const c = document.querySelector('canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 3; i < d.length; i += 4) if (d[i] > 0 && d[i - 1] < 200) n++;"
        " return n > 500; }"
    )
    assert visit.outside == []


@pytest.mark.parametrize(("label", "head"), [("CSV", b"# made by: gvci"), ("SVG", b"<?xml")])
def test_check_07_files(visit: Visit, tmp_path: Path, label: str, head: bytes):
    """Downloads begin as they should and carry provenance."""
    page = visit.open("network?tfs=STAT1&k=10")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name=label, exact=True).click()
    file = tmp_path / "file"
    started.value.save_as(file)
    content = file.read_bytes()
    assert content.startswith(head)
    assert b"fingerprint" in content


def test_tables_leave_the_page_by_our_export_only(visit: Visit):
    """A table's own download would hand a gene named "=cmd()" to a spreadsheet as it is."""
    page = visit.open("network?tfs=STAT1&k=10")
    table = page.locator("[data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    table.hover()
    expect(page.get_by_role("button", name=re.compile("Search")).first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Download as CSV"))).to_have_count(0)


def test_precision_and_recall(visit: Visit, tmp_path: Path):
    """The second view: words, figure, table, files; its choice is in the URL, and the way back."""
    page = visit.open("network")
    page.get_by_text("Precision and recall", exact=True).click()
    expect(page.get_by_text(re.compile("Refined is ahead of its best rival"))).to_be_visible()
    visit.settled()
    assert "view=Precision" in page.url
    drawn = page.locator(".js-plotly-plot").first
    expect(drawn).to_be_visible()
    expect(drawn.get_by_text("chance 0.12")).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Curves (CSV)").click()
    file = tmp_path / "curves.csv"
    started.value.save_as(file)
    assert b'"rival","recall","precision","low","high"' in file.read_bytes()
    page.keyboard.press("Escape")
    page.get_by_text("Graph", exact=True).click()
    expect(page.get_by_text(re.compile("Showing 50 of"))).to_be_visible()
    visit.settled()
    assert "view=" not in page.url


def test_how_the_weights_came_about(visit: Visit):
    """Level, support and the caveat of the false-discovery estimate are words on the page."""
    page = visit.open("network")
    expect(page.get_by_text("Prior supported")).to_be_visible()
    page.get_by_role("button", name="How these weights came about").click()
    expect(page.get_by_text(re.compile("up to three times higher"))).to_be_visible()


def test_heat_map_and_its_table(visit: Visit):
    """Original beside refined with italic names, the same cells as rows, the choice in the URL."""
    page = visit.open("network?tfs=STAT1&k=10")
    page.get_by_text("Heat map", exact=True).click()
    drawn = page.locator(".js-plotly-plot").first
    expect(drawn.get_by_text("Original", exact=True)).to_be_visible()
    expect(drawn.get_by_text("Refined", exact=True)).to_be_visible()
    visit.settled()
    assert "view=Heat" in page.url
    assert drawn.locator(".yaxislayer-above tspan[style*=italic]").count() == 10
    rows = page.locator("[data-testid=stDataFrame] table[aria-rowcount]").first
    assert int(rows.get_attribute("aria-rowcount") or 0) == 11


def test_free_layout_draws_in_a_frame_of_no_site(visit: Visit):
    """Check 8 for pyvis: it draws, asks nobody, and cannot reach the page around it."""
    page = visit.open("network?view=Free+layout&tfs=STAT1&k=20")
    element = page.locator("iframe[title^='Free layout']").element_handle()
    assert element is not None
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_function(
        "() => { const c = document.querySelector('canvas'); if (!c) return false;"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 3; i < d.length; i += 4) if (d[i] > 0 && d[i - 1] < 200) n++;"
        " return n > 500; }"
    )
    assert frame.evaluate("() => window.origin") == "null"
    assert visit.outside == []


def test_a_ticked_hub_is_a_regulator(visit: Visit):
    """The whole network's hubs: a tick adds a regulator, and the link has it."""
    page = visit.open("network?view=Whole+network")
    expect(page.get_by_text(re.compile("9,269 pairs judged"))).to_be_visible()
    grid = page.locator("[data-testid=stDataFrame] canvas").first
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 2 + 14)
    page.wait_for_url(re.compile("tfs=STAT1(,|%2C)IRF1(,|%2C)IRF7"))
    visit.settled()
    page.get_by_text("Graph", exact=True).click()
    expect(page.get_by_text(re.compile("Showing .* of .* edges"))).to_be_visible()
    visit.settled()
    assert "IRF7" in visit.text()
