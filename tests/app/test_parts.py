"""The parts behind the pages: numbers, names, layouts, densities, files."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.app import charts, edges, export, genes, interactive, layout, network_view, text, vector
from gvci.app.density import density
from gvci.app.theme import DARK, LIGHT
from gvci.counterfactual.sample import Sample
from gvci.grn import from_edges
from gvci.grn.aliases import aliases, gencode

ABOUT = {"model": "graphVCI", "dataset": "=cmd()|' /C calc'!A0"}
HOSTILE = "<script>alert(1)</script>"
UNIT = "log1p CP10k"


def table(hubs: list[str], each: int, shared: int = 0) -> pd.DataFrame:
    """Edges of hubs, `each` of their own and `shared` in common."""
    rows = [(hub, f"{hub}-{i}", 0.9 - i / 1000, 1, "kept") for hub in hubs for i in range(each)]
    rows += [(hub, f"both{i}", 0.5, 0, "added") for hub in hubs for i in range(shared)]
    return pd.DataFrame(rows, columns=["source", "target", "weight", "prior", "status"])


# --- text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1.274, "−1.27"),
        (0.5, "+0.50"),
        (-0.001, "0.00"),
        (np.nan, "undefined"),
        (None, "undefined"),
    ],
)
def test_delta(value: float | None, shown: str):
    assert text.delta(value) == shown


def test_numbers():
    assert text.number(12345.6, 1) == "12,345.6"
    assert text.score(0.9951) == "0.995"
    assert text.interval(-1, 2) == "−1.00 to 2.00"
    assert text.count(1, "cell") == "1 cell"
    assert text.day("2026-11-22T10:00:00+00:00") == "22 Nov 2026"


@given(st.text(max_size=60))
def test_literal_leaves_no_markdown(raw: str):
    shown = text.literal(raw)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]$`*_:]", shown)
    assert "\n" not in shown


# --- genes -----------------------------------------------------------------------------


def test_every_alias_is_a_row_of_facts():
    known = aliases()
    assert known["IFI56"] == ("IFIT1",)
    assert known["G1P2"] == ("ISG15",)
    assert all(symbols and all(symbols) for symbols in known.values())


def test_every_human_gene_is_found_by_its_id():
    known = gencode()
    assert len(known) > 40_000
    assert known["ENSG00000115415"] == "STAT1"
    assert all(re.fullmatch(r"ENSG\d{11}", name) for name in known)
    assert genes.look_up("ENSG00000115415.20", ["STAT1"]).symbol == "STAT1"
    assert genes.look_up("ENSG00000000003", ["STAT1"]).known_as == ("TSPAN6",)


def test_a_name_that_is_here_beats_its_alias_meaning():
    assert genes.look_up("WARS", ["WARS", "WARS1"]).symbol == "WARS"
    assert genes.look_up("WARS", ["WARS1"]).symbol == "WARS1"
    assert genes.look_up("RIGI", ["DDX58"]).symbol == "DDX58"
    assert genes.explain(genes.look_up("rigi", ["DDX58"])) == "rigi is DDX58."


# --- edges and layout ------------------------------------------------------------------


def network(frame: pd.DataFrame) -> edges.Network:
    names = pd.Index(pd.unique(pd.concat([frame["source"], frame["target"]])))
    return edges.Network("net", frame, names, alpha=0.2, background=0.16)


def test_k_strongest_of_each_regulator():
    frame = table(["A", "B"], 30)
    frame.loc[frame["source"] == "B", "weight"] -= 0.3
    shown = edges.choose(network(frame), edges.Choice(("A", "B"), 7, ("kept", "added"), 0.2))
    assert shown.edges["source"].value_counts().to_dict() == {"A": 7, "B": 7}
    assert shown.matching == 60
    weights = shown.edges.groupby("source")["weight"].min()
    assert weights["A"] == pytest.approx(0.9 - 6 / 1000)


def test_removed_edges_pass_below_the_smallest_weight():
    frame = table(["A"], 3)
    frame.loc[0, ["weight", "status"]] = [0.05, "removed"]
    shown = edges.choose(network(frame), edges.Choice(("A",), 5, ("kept", "removed"), 0.2))
    assert set(shown.edges["status"]) == {"kept", "removed"}
    without = edges.choose(network(frame), edges.Choice(("A",), 5, ("kept",), 0.2))
    assert set(without.edges["status"]) == {"kept"}


@pytest.mark.parametrize(("hubs", "each", "shared"), [
    (1, 1, 0), (1, 100, 0), (2, 25, 0), (2, 18, 7), (2, 100, 60), (3, 25, 5), (4, 60, 10),
    (6, 20, 4),
])  # fmt: skip
def test_every_node_has_its_own_place(hubs: int, each: int, shared: int):
    names = [f"hub{i}" for i in range(hubs)]
    frame = table(names, each, shared)
    plan = layout.lay_out(frame, names)
    assert set(plan.positions) == set(network_view.nodes(frame))
    places = np.array(list(plan.positions.values()))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() > (7 if hubs <= 4 else 0)
    assert places[:, 1].min() >= 0
    assert places[:, 1].max() <= plan.height


def test_labels_on_one_arc_do_not_touch():
    frame = table(["A", "B"], 25)
    plan = layout.lay_out(frame, ["A", "B"])
    for side in ("left", "right"):
        heights = sorted(plan.positions[n][1] for n, s in plan.sides.items() if s == side)
        assert np.diff(heights).min() > 14


def test_option_and_clicks_agree():
    frame = table(["A", "B"], 3, 2)
    option = network_view.option(network(frame), frame, layout.lay_out(frame, ["A", "B"]), LIGHT)
    series = option["series"][0]
    assert [link["target"] for link in series["links"]] == list(frame["target"])
    assert [node["name"] for node in series["data"]] == network_view.nodes(frame)
    click = [{"data_type": "edge", "data_indices": [4]}]
    assert network_view.clicked(frame, click, None) == ("B", "B-1")
    node = [{"data_type": "node", "data_indices": [network_view.nodes(frame).index("A-2")]}]
    assert network_view.clicked(frame, node, None) == ("A", "A-2")
    assert network_view.clicked(frame, [], ("A", "A-1")) == ("A", "A-1")
    assert network_view.clicked(frame, [{"data_type": "edge", "data_indices": [99]}], None) is None


def test_the_edge_on_the_card_is_marked_without_a_change_of_the_chart():
    frame = table(["A", "B"], 3, 2)
    frame.loc[4, "status"] = "removed"
    option = network_view.option(network(frame), frame, layout.lay_out(frame, ["A", "B"]), LIGHT)
    series = option["series"][0]
    links = [link["lineStyle"]["opacity"] for link in series["links"]]
    points = {node["name"]: node["itemStyle"]["opacity"] for node in series["data"]}
    assert len({*links, *points.values()}) == len(links) + len(points), "each has its own"
    for at, row in frame.iterrows():
        style = network_view.highlight("graph-1", frame, at, DARK)
        named = {float(value) for value in re.findall(r'opacity="([\d.]+)"', style)}
        assert named == {links[at], points[row["source"]], points[row["target"]]}


def test_uploaded_list_is_restricted_and_strongest_first():
    grn = from_edges(
        pd.DataFrame({"tf": ["A", "A", "X"], "target": ["B", "C", "B"], "weight": [1, -3, 9]})
    )
    opened = edges.from_edge_list(grn, ["A", "B", "C"])
    assert list(opened.table["target"]) == ["C", "B"]
    assert not opened.refined


# --- figures ---------------------------------------------------------------------------


def samples(**cells: np.ndarray) -> dict[str, Sample]:
    """Kind → its cells, of one gene."""
    return {kind: Sample.of(values) for kind, values in cells.items()}


@given(st.lists(st.floats(0, 10), min_size=3, max_size=60))
def test_density_is_finite_and_within_the_data(values: list[float]):
    grid, height = density(np.array(values))
    assert np.isfinite(height).all()
    assert height.max() == pytest.approx(1)
    assert grid[0] == pytest.approx(min(values))


def test_density_is_the_kernel_sum():
    values = np.array([2.0, 2.5, 4.0, 5.0, 5.5])
    grid, height = density(values)
    spread = min(values.std(), np.subtract(*np.percentile(values, [75, 25])) / 1.34)
    h = 0.9 * spread * len(values) ** -0.2
    reflected = np.concatenate([values, -values[values < 4 * h]])
    literal = np.array([sum(np.exp(-0.5 * ((x - v) / h) ** 2) for v in reflected) for x in grid])
    assert np.allclose(height, literal / literal.max())


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("draw", [charts.violins, charts.ecdfs])
@pytest.mark.parametrize("cells", [1, 40])
def test_figures_of_any_number_of_cells(colours, draw, cells: int):
    rng = np.random.default_rng(0)
    values = samples(control=rng.poisson(1, 50).astype(float), predicted=rng.random(cells))
    figure = draw([charts.Panel(f"{HOSTILE}{i}", values, UNIT) for i in range(7)], colours)
    said = figure.to_json()
    assert "<script" not in said
    assert "predicted" in said


def test_share_of_cells_above_zero_is_printed_for_zero_heavy_genes():
    panel = charts.Panel(
        "G", samples(control=np.r_[np.zeros(30), np.ones(10)], predicted=np.ones(9)), UNIT
    )
    figure = charts.violins([panel], LIGHT)
    assert list(figure.layout.xaxis.ticktext) == ["control<br>25 % > 0", "predicted<br>100 % > 0"]


# --- files -----------------------------------------------------------------------------


def test_csv_head_is_comments():
    made = export.csv(table(["A"], 2), ABOUT)
    assert made.startswith("# model: graphVCI\n# dataset: =cmd")
    assert len(pd.read_csv(io.StringIO(made), comment="#")) == 2


def test_graphml_reads_back():
    frame = table([HOSTILE, "B\x00"], 2)
    graph = nx.read_graphml(io.BytesIO(export.graphml(frame, ABOUT)))
    assert graph.number_of_edges() == 4
    assert HOSTILE in graph
    assert graph.graph["model"] == "graphVCI"


def test_interactive_page_loads_nothing_and_runs_no_name():
    frame = table([HOSTILE, '"><img src=x onerror=alert(1)>'], 3)
    page = interactive.page(frame, layout.lay_out(frame, list(frame["source"].unique())), ABOUT)
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert "bootstrap" not in page.split("<body", 1)[0].split("<style", 1)[0]
    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert '"physics": {\n' not in page or '"enabled": false' in page


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_vector_files(kind: vector.Kind):
    frame = table(["A$x$", "B"], 6, 2)
    frame.loc[0, "status"] = "removed"
    drawn = vector.network(frame, layout.lay_out(frame, ["A$x$", "B"]), HOSTILE, ABOUT, kind)
    values = samples(control=np.zeros(20), predicted=np.linspace(0, 3, 20), measured=np.ones(2))
    panels = [charts.Panel("G_1", values, UNIT), charts.Panel("$a$", values, UNIT)]
    for content in (
        drawn,
        *(vector.distributions(panels, s, "t", ABOUT, kind) for s in ("violin", "ecdf")),
    ):
        if kind == "svg":
            root = ElementTree.fromstring(content)
            assert root.tag.endswith("svg")
            assert b"graphVCI" in content
        else:
            assert content.startswith(b"\x89PNG")
            assert b"graphVCI" in content


def test_file_names_hold_no_path():
    assert export.file_name("a/../../b", "é ?", kind="csv") == "a-b.csv"
