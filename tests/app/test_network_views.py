"""The Network page's further views: heat map, free layout, whole tables, evidence on the card."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from gvci.app import (
    edge_card,
    edges,
    evidence,
    free_view,
    heat_map,
    interactive,
    layout,
    recovered,
    whole,
)
from gvci.app.theme import DARK, LIGHT
from gvci.grn import from_edges
from gvci.refiner.result import RefinedGRN
from gvci.run import Run
from gvci.spreadsheet import safe_cell
from tests.app.conftest import DEMO, OpenPage, sound

VIEWS = ("Graph", "Heat map", "Free layout", "Precision and recall", "Whole network")
HOSTILE = [
    "<script>window.__pwned=1</script>", '"><img src=x onerror=alert(1)>', "</script>", "$x$",
    "[a](http://b.c)", ":material/home:", "\u202eGENE", "=1+1", "🧬", "nul\x00",
]  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(DEMO)


@pytest.fixture(scope="module")
def network(run: Run) -> edges.Network:
    return edges.from_refined(run.grn)


def hostile() -> edges.Network:
    """A refined network whose genes have hostile names."""
    genes = pd.Index(["A", *HOSTILE])
    status = ["kept", "added", "removed"]
    table = pd.DataFrame(
        {
            "source": "A",
            "target": HOSTILE,
            "weight": np.linspace(0.9, 0.2, len(HOSTILE)),
            "prior": 1,
            "status": [status[i % 3] for i in range(len(HOSTILE))],
            "sign": 1,
            "evidence": 1.0,
            "stability": 1.0,
        }
    )
    return edges.from_refined(RefinedGRN(genes, table, 0.5, 0.1, {"name": "<b>n</b>"}))


# --- every view in every state ---------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_from_its_link(open_page: OpenPage, view: str):
    test = open_page("network", view=view, tfs="STAT1,IRF7")
    text = sound(test)
    assert test.button_group(key="view").value == view
    assert "Prior supported" in text
    assert len(test.dataframe[0].value) > 3


@pytest.mark.parametrize("view", VIEWS[:4])
def test_nothing_chosen_offers_a_way_back(open_page: OpenPage, view: str):
    test = open_page("network", view=view, tfs="")
    assert re.search("Nothing to draw|Choose a regulator", sound(test))
    next(b for b in test.button if "Reset" in b.label).click().run()
    sound(test)
    assert test.multiselect(key="tfs").value == ["STAT1", "IRF1"]
    assert len(test.dataframe) == 1


@pytest.mark.parametrize("view", VIEWS)
def test_uploaded_list_in_each_view(open_page: OpenPage, view: str):
    test = open_page("network", view=view)
    content = b"tf,target\nSTAT1,IRF1\nSTAT1,GBP1\nIRF1,GBP1\n"
    test.file_uploader(key="edge_list").upload("mine.csv", content, "text/csv").run()
    text = sound(test)
    assert "3 of 3 edges are in this run" in text
    assert "by refinement" not in text


@pytest.mark.parametrize("view", VIEWS)
def test_unknown_gene_is_explained_in_each_view(open_page: OpenPage, view: str):
    text = sound(open_page("network", view=view, gene="STAT11"))
    assert "No gene is called 'STAT11' here. Near: STAT1" in text
    assert "It is absent from the data, the graph and the model" in text


def test_unknown_view_and_table_are_said(open_page: OpenPage):
    assert "The view '<b>' of the link is not known here" in sound(open_page("network", view="<b>"))
    text = sound(open_page("network", view="Whole network", part="Nope"))
    assert "The table 'Nope' of the link is not known here" in text


# --- heat map --------------------------------------------------------------------------


def test_cells_are_the_adjacency_before_and_after(network: edges.Network):
    shown = edges.choose(network, edges.Choice(("STAT1", "IRF1"), 10, ("kept", "added"), 0.5))
    drawn = heat_map.matrices(network, shown)
    assert drawn.panels["Original"].shape == (len(drawn.targets), 2)
    rows = network.judged.set_index(["target", "source"])
    for i, target in enumerate(drawn.targets):
        for j, source in enumerate(drawn.regulators):
            if target == source:
                assert np.isnan(drawn.panels["Refined"][i, j])
                continue
            row = rows.loc[(target, source)]
            assert drawn.panels["Original"][i, j] == row["prior"]
            assert drawn.panels["Refined"][i, j] == pytest.approx(row["weight"])
            assert drawn.marks[i, j] == {"added": "+", "removed": "−"}.get(row["status"], "")
    assert len(drawn.pairs) == np.isfinite(drawn.panels["Refined"]).sum()


def test_what_has_no_room_is_said(network: edges.Network):
    names = tuple(network.regulators[:14])
    shown = edges.choose(network, edges.Choice(names, 20, ("kept", "added")))
    drawn = heat_map.matrices(network, shown)
    assert len(drawn.targets) == heat_map.MOST_TARGETS
    assert len(drawn.regulators) <= heat_map.MOST_REGULATORS
    words = heat_map.words(network, drawn)
    assert f"{drawn.left_out[1]} targets of weaker edges had no room" in words
    # Each regulator's strongest target has a row.
    first = shown.edges.groupby("source", sort=False).head(1).set_index("source")["target"]
    assert {first[name] for name in drawn.regulators} <= set(drawn.targets)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_figure_has_one_scale_and_italic_names(network: edges.Network, colours):
    shown = edges.choose(network, edges.Choice(("STAT1", "IRF1"), 10, ("kept", "added")))
    drawn = heat_map.matrices(network, shown)
    before, after = heat_map.figure(drawn, colours).data
    assert (before.zmin, before.zmax) == (after.zmin, after.zmax) == (0, 1)
    axis = heat_map.figure(drawn, colours).layout.yaxis
    assert axis.ticktext[0] == f"<i>{drawn.targets[0]}</i>"
    assert "STAT1, IRF1" in heat_map.alt_text(drawn)


# --- whole network ---------------------------------------------------------------------


def test_hubs_count_what_the_network_has(network: edges.Network):
    table = whole.hubs(network).set_index("Gene")
    counts = network.counts()
    assert table[["Kept", "Added", "Removed"]].sum().tolist() == list(counts.values())
    assert table["Targets"].is_monotonic_decreasing
    adopted = network.table[network.table["status"].isin(["kept", "added"])]
    assert table.loc["STAT1", "Regulated by"] == (adopted["target"] == "STAT1").sum()
    for part, status in ((whole.ADDED, "added"), (whole.REMOVED, "removed")):
        assert len(whole.table(network, part)) == counts[status]
    assert "9,269 pairs judged" in whole.summary(network)


def test_a_tick_keeps_the_order_of_the_others():
    table = pd.DataFrame({"Gene": ["A", "B", "C"]})
    assert whole.joined(table, [0, 1, 2], ["C"]) == ["C", "A", "B"]
    assert whole.joined(table, [1, 9], ["C", "B"]) == ["B"]
    assert whole.ticked(table, ["C", "X"]) == [2]


def test_files_of_the_whole_network(run: Run, network: edges.Network):
    files = {file.label: file.make() for file in whole.downloads(run, network)}
    table = pd.read_csv(io.StringIO(str(files["All edges (CSV)"])), comment="#")
    assert len(table) == sum(network.counts().values())
    assert "<graphml" in bytes(files["All edges (GraphML)"]).decode()  # type: ignore[arg-type]


# --- free layout -----------------------------------------------------------------------


def page_of(address: str) -> str:
    return base64.b64decode(address.removeprefix("data:text/html;charset=utf-8;base64,")).decode()


def test_free_layout_stands_still_and_asks_nobody(run: Run, network: edges.Network):
    choice = edges.Choice(tuple(network.regulators), 100, ("kept", "added", "removed"))
    shown = edges.choose(network, choice, free_view.MOST_DRAWN)
    made = free_view.exhibit(run, network, shown, choice, DARK)
    assert len(made.table) == 300
    assert made.claim.startswith("**678 edges match, drawing the strongest 300")
    text = page_of(str(made.figure))
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
    assert re.search(r'"physics":\s*\{\s*"enabled":\s*false', text)


def test_the_strongest_of_all_regulators_are_drawn(network: edges.Network):
    choice = edges.Choice(tuple(network.regulators), 100, ("kept", "added"))
    shown = edges.choose(network, choice, 50)
    every = edges.choose(network, choice, 5000)
    assert not every.capped
    assert shown.edges["weight"].min() >= every.edges["weight"].nlargest(51).iloc[-1]


# --- evidence --------------------------------------------------------------------------


def sets() -> dict[str, object]:
    def grn(rows: str, **more: list[str]) -> object:
        pairs = [pair.split(">") for pair in rows.split()]
        table = pd.DataFrame(pairs, columns=["source", "target"]).assign(**more)
        return from_edges(table)

    return {
        "collectri": grn("STAT1>GBP1 IRF1>GBP1"),
        "trrust": grn("STAT1>IRF1"),
        "chea2015": grn("STAT1>IRF1"),
        "chea2016": grn("STAT1>GBP1"),
        "stat1-irf1": grn("STAT1>GBP1", sources=["ChEA_2016;ENCODE_2015"]),
        "stat1-irf1-curated": grn("STAT1>GBP1", sources=["ChEA_2016"]),
    }


def test_each_database_says_its_own_once():
    known = sets()
    found = evidence.records(list(known), known.get, "STAT1", "GBP1")  # type: ignore[arg-type]
    assert {record.database: record.says for record in found} == {
        "CollecTRI": "recorded", "TRRUST": "no record", "ChEA": "recorded", "ENCODE": "recorded",
        "ReMap": "no record", "TF knock-outs": "no record",
    }  # fmt: skip
    found = evidence.records(list(known), known.get, "IRF1", "GBP1")  # type: ignore[arg-type]
    assert {record.database: record.says for record in found} == {
        "CollecTRI": "recorded", "TRRUST": "regulator not in it", "ChEA": "regulator not in it",
    }  # fmt: skip
    assert ":gray-badge[TRRUST: regulator not in it]" in [record.badge for record in found]


def test_no_target_set_is_said_in_words(network: edges.Network):
    card = edge_card.card(network, network.table.iloc[0], [])
    assert "No target set is on this machine" in card.evidence
    assert evidence.records(["x"], lambda name: None, "A", "B") == []


def test_card_of_the_demo_has_its_known_truth(open_page: OpenPage):
    assert "Outside evidence :blue-badge[:material/check: Simulations truth]" in sound(
        open_page("network")
    ).replace("'", "")


def test_nothing_here_is_never_slow(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(recovered, "load", lambda *_: pytest.fail("a set was read"))
    names = [name for name in recovered.candidates(run) if name != "demo-truth"]
    assert evidence.records(names, lambda n: recovered.load(n, []), "STAT1", "GBP1") == []


# --- hostile names (F21) ---------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Glyph")
def test_hostile_names_in_the_new_views(run: Run):
    bad = hostile()
    choice = edges.Choice(("A",), 20, ("kept", "added", "removed"))
    shown = edges.choose(bad, choice)
    drawn = heat_map.exhibit(run, bad, shown, choice, LIGHT)
    ticks = list(drawn.figure.layout.yaxis.ticktext)  # type: ignore[union-attr]
    assert not any(re.search(r"<(?!/?i>)", tick) for tick in ticks)
    for file in (*drawn.files, *whole.downloads(run, bad)):
        content = file.make()
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if file.name.endswith(".svg"):
            names = {e.tag.split("}")[-1] for e in ElementTree.fromstring(text).iter()}
            assert not names & {"script", "img", "image"}
        if file.name.endswith(".csv"):
            assert "\n=1+1" not in text
            assert ",=1+1" not in text
    text = interactive.page(shown.edges, layout.free(shown.edges), {}, DARK)
    assert "<script>window.__pwned" not in text
    assert "<img src=x" not in text
    assert safe_cell("=1+1") == "'=1+1"


def test_hostile_names_on_the_card():
    bad = hostile()
    for at in range(len(bad.table)):
        edge = bad.table.iloc[at]
        card = edge_card.card(bad, edge, [evidence.Record("<b>$x$</b>", "recorded")])
        for text in (card.title, card.evidence, card.links):
            assert not re.search(r"(?<!\\)<", text)
            assert not re.search(r"(?<!\\)\$", text)
            assert ":material/home:" not in text
