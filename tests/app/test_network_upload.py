"""A person's own network on the Network page: matrices, other names, the mapping in words."""

from __future__ import annotations

import pytest

from gvci.app import export, network_files
from gvci.errors import GRNError
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound

MATRIX = b",STAT1,IRF1\nIRF1,1,0\nGBP1,1,1\nISG15,1,0\n"
EDGES = {("STAT1", "IRF1"), ("STAT1", "GBP1"), ("IRF1", "GBP1"), ("STAT1", "ISG15")}


@pytest.fixture(scope="module")
def run() -> Run:
    """The shipped demo."""
    return Run.open(DEMO)


def test_a_matrix_asks_for_its_orientation_and_is_read_by_it(open_page: OpenPage) -> None:
    test = open_page("network")
    test.file_uploader(key="edge_list").upload("m.csv", MATRIX, "text/csv").run()
    assert "State the orientation: targets-in-rows (a column per regulator)" in sound(test)
    test.selectbox(key="edge_list_way").select("A matrix with a column per regulator").run()
    assert "4 of 4 edges are in this run; 2 regulators." in sound(test)


def test_other_names_are_matched_and_counted(run: Run) -> None:
    content = b"tf,target\nENSG00000115415.3,IRF1\nStat1,Gbp1\nSTAT1,NOPE\n"
    grn, words = network_files.matched(network_files.read_upload("mine.csv", content), run)
    assert set(grn.edges["source"]) == {"STAT1"}
    assert "2 of 3 edges are in this run; 1 regulators." in words
    assert "(ENSG00000115415.3 is STAT1)" in words
    assert "in other case (Stat1 is STAT1, Gbp1 is GBP1)" in words


def test_reversed_edges_are_flagged_in_the_words(run: Run) -> None:
    edges = [f"{t},{s}\n" for s, t in run.grn.adopted().edges[["source", "target"]].to_numpy()]
    content = "source,target\n" + "".join(edges)
    grn = network_files.read_upload("turned.csv", content.encode())
    assert "The edges look reversed" in network_files.matched(grn, run)[1]


def test_our_own_exports_are_read_back(run: Run) -> None:
    edges = run.grn.adopted().edges.head(50)
    about = {"model": "a; b, c", "network": "#1"}
    expected = set(zip(edges["source"], edges["target"], strict=True))
    for name, content in (
        ("ours.csv", export.csv(edges, about).encode()),
        ("ours.graphml", export.graphml(edges, about)),
    ):
        grn = network_files.read_upload(name, content)
        assert set(zip(grn.edges["source"], grn.edges["target"], strict=True)) == expected
        weights = grn.edges.set_index(["source", "target"])["weight"]
        for (source, target), weight in weights.items():
            row = edges[(edges["source"] == source) & (edges["target"] == target)]
            assert weight == pytest.approx(row["weight"].item(), rel=1e-4)


def test_too_little_in_common_is_one_sentence(run: Run) -> None:
    grn = network_files.read_upload("mine.csv", b"tf,target\nAAA,BBB\n")
    with pytest.raises(GRNError, match="shares 0 of its 2 genes"):
        network_files.matched(grn, run)
