"""Matrices, GraphML, gmt regulons and pySCENIC's reg.csv."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gvci.errors import GRNError
from gvci.grn import GRN, read_grn
from gvci.grn.families import factors, share_of_factors
from gvci.grn.gmt import regulon


def weights(grn: GRN) -> dict[tuple[str, str], float]:
    return grn.edges.set_index(["source", "target"])["weight"].to_dict()


# --- names of columns ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "TF,target,importance",  # GRNBoost2
        "regulatoryGene,targetGene,weight",  # GENIE3
        "Gene1,Gene2,score",  # BEELINE
        "tf,target,mor",  # decoupler
        "source_genesymbol,target_genesymbol,weight",  # OmniPath
        "From,To,Weight",
        '"source","target","weight"',  # R
    ],
)
def test_columns_as_other_tools_name_them(tmp_path: Path, header: str) -> None:
    (tmp_path / "n.csv").write_text(f"{header}\nSTAT1,IRF1,0.5\n")
    assert weights(read_grn(tmp_path / "n.csv")) == {("STAT1", "IRF1"): 0.5}


def test_protein_ids_of_omnipath_are_not_the_genes(tmp_path: Path) -> None:
    text = "source\ttarget\tsource_genesymbol\ttarget_genesymbol\nP42224\tP10914\tSTAT1\tIRF1\n"
    (tmp_path / "n.tsv").write_text(text)
    assert weights(read_grn(tmp_path / "n.tsv")) == {("STAT1", "IRF1"): 1.0}


@pytest.mark.parametrize("text", ["tf target\nSTAT1 IRF1\n", "tf|target\nSTAT1|IRF1\n"])
def test_other_separators(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.txt").write_text(text)
    assert weights(read_grn(tmp_path / "n.txt")) == {("STAT1", "IRF1"): 1.0}


# --- matrices -----------------------------------------------------------------------------


def test_a_matrix_is_that_of_to_adjacency(tmp_path: Path, small_simulation) -> None:
    prior = small_simulation.prior
    dense = pd.DataFrame(prior.to_adjacency().toarray(), prior.genes, prior.genes)
    for kind in ("csv", "parquet"):
        path = tmp_path / f"m.{kind}"
        dense.to_csv(path) if kind == "csv" else dense.to_parquet(path)
        again = read_grn(path, orientation="targets-in-rows")
        assert weights(again) == pytest.approx(weights(prior))


def test_a_base_network_of_celloracle(tmp_path: Path) -> None:
    wide = pd.DataFrame({"peak_id": list("pqr"), "gene_short_name": ["A", "A", "B"]})
    wide[["STAT1", "IRF1"]] = [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    wide.to_parquet(tmp_path / "m.parquet")
    grn = read_grn(tmp_path / "m.parquet")
    assert weights(grn) == {("STAT1", "A"): 1.0, ("IRF1", "A"): 1.0}
    assert grn.notes == ("1 duplicate edges left out.",)


def test_a_matrix_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gvci.grn.matrix.MOST_CELLS", 3)
    (tmp_path / "m.csv").write_text("TF,A,B\nC,1,0\nD,0,1\n")
    with pytest.raises(GRNError, match="has 4 cells; at most 3 are read"):
        read_grn(tmp_path / "m.csv")


# --- graphml ------------------------------------------------------------------------------


def test_graphml_of_networkx(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_edge("STAT1", "IRF1", weight=0.5, evidence="ChIP")
    graph.add_edge("IRF1", "GBP1", weight=-2.0)
    nx.write_graphml(graph, tmp_path / "n.graphml")
    assert weights(read_grn(tmp_path / "n.graphml")) == {
        ("STAT1", "IRF1"): 0.5,
        ("IRF1", "GBP1"): -2.0,
    }


def test_nodes_of_cytoscape_go_by_their_names(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("101", **{"shared name": "STAT1", "name": "STAT1"})
    graph.add_node("102", name="IRF1")
    graph.add_edge("101", "102")
    nx.write_graphml(graph, tmp_path / "n.graphml")
    assert weights(read_grn(tmp_path / "n.graphml")) == {("STAT1", "IRF1"): 1.0}


def test_names_after_the_edges_count_too(tmp_path: Path) -> None:
    text = (
        '<graphml><key id="d0" for="node" attr.name="label"/><graph edgedefault="directed">'
        '<edge source="a" target="b"/><node id="a"><data key="d0">STAT1</data></node>'
        '<node id="b"><data key="d0">IRF1</data></node></graph></graphml>'
    )
    (tmp_path / "n.graphml").write_text(text)
    assert weights(read_grn(tmp_path / "n.graphml")) == {("STAT1", "IRF1"): 1.0}


def test_graphml_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = nx.DiGraph((f"G{i}", f"G{i + 1}") for i in range(300))
    nx.write_graphml(graph, tmp_path / "n.graphml")
    monkeypatch.setattr("gvci.grn.graphml.BLOCK", 37)
    assert len(read_grn(tmp_path / "n.graphml")) == 300


# --- regulons -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "source", "sign"),
    [
        ("STAT1(+)", "STAT1", 1),
        ("STAT1(-)", "STAT1", -1),
        ("STAT1 (45g)", "STAT1", 1),
        ("STAT1_extended (120g)", "STAT1", 1),
        ("STAT1_direct_-/+_(12g)", "STAT1", -1),
        ("STAT1_+_(12g)", "STAT1", 1),
        ("STAT1_20625510_CHIPSEQ_HELA_HUMAN", "STAT1", 1),
        ("NKX2-1(+)", "NKX2-1", 1),
    ],
)
def test_regulators_in_the_names_of_sets(label: str, source: str, sign: int) -> None:
    assert regulon(label) == (source, sign)


def test_regulons_as_gmt(tmp_path: Path) -> None:
    (tmp_path / "r.gmt").write_text("STAT1(+)\tgenes=2\tIRF1\tGBP1\nIRF1(-)\tgenes=1\tMYC\n")
    assert weights(read_grn(tmp_path / "r.gmt")) == {
        ("STAT1", "IRF1"): 1.0,
        ("STAT1", "GBP1"): 1.0,
        ("IRF1", "MYC"): -1.0,
    }


HEAD = (
    ",,Enrichment,Enrichment,Enrichment,Enrichment\n,,AUC,NES,Context,TargetGenes\nTF,MotifID,,,,\n"
)
UP = "\"frozenset({'activating', 'weight>75.0%'})\""
DOWN = "\"frozenset({'repressing', 'top50'})\""


def test_regulons_as_pyscenic_writes_them(tmp_path: Path) -> None:
    rows = (
        f"STAT1,m1,0.1,3.2,{UP},\"[('IRF1', 0.5), ('GBP1', 2.0)]\"\n"
        f"STAT1,m2,0.1,3.0,{UP},\"[('IRF1', np.float64(1.5))]\"\n"
        f"IRF1,m3,0.1,3.0,{DOWN},\"[('MYC', 0.7)]\"\n"
    )
    (tmp_path / "reg.csv").write_text(HEAD + rows)
    assert weights(read_grn(tmp_path / "reg.csv")) == {
        ("STAT1", "IRF1"): 1.5,
        ("STAT1", "GBP1"): 2.0,
        ("IRF1", "MYC"): -0.7,
    }


def test_pandas_writes_the_header_that_is_read(tmp_path: Path) -> None:
    columns = pd.MultiIndex.from_tuples(
        [("Enrichment", name) for name in ("AUC", "NES", "Context", "TargetGenes", "RankAtMax")]
    )
    index = pd.MultiIndex.from_tuples([("STAT1", "m1")], names=["TF", "MotifID"])
    values = [[0.1, 3.0, frozenset({"activating"}), [("IRF1", 1.0)], 100]]
    pd.DataFrame(values, index, columns).to_csv(tmp_path / "reg.csv")
    assert weights(read_grn(tmp_path / "reg.csv")) == {("STAT1", "IRF1"): 1.0}


@pytest.mark.parametrize(
    "words",
    [
        "[__import__('os').system('touch canary')]",
        "[('IRF1', open('canary', 'w'))]",
        "[('IRF1',)]",
        "[('IRF1', 'much')]",
        "[1, 2]",
        "[" * 5000,
        "[('IRF1', 1e999999)" * 3,
    ],
)
def test_a_list_of_targets_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reg.csv").write_text(HEAD + f'STAT1,m1,0.1,3.2,{UP},"{words}"\n')
    with pytest.raises(GRNError, match=r"line 4: TargetGenes is not a list of \(gene, weight\)"):
        read_grn(tmp_path / "reg.csv")
    assert not (tmp_path / "canary").exists()


# --- names of transcription factors ---------------------------------------------------------


def test_families_know_factors_and_not_their_targets() -> None:
    known = ["STAT1", "Irf1", "NFKB1", "RELA", "SPI1", "MYC", "TP53", "ZNF143", "HOXA9", "Trp53"]
    assert factors(known) == known
    others = ["ISG15", "GAPDH", "ACTB", "CD86", "IFIT1", "GBP1", "B2M", "PSMB9", "JAK1", "CXCL10"]
    assert not factors(others)
    assert share_of_factors([*known, *others]) == 0.5
    assert share_of_factors([]) == 0.0


def test_an_adjacency_without_any_edge_is_refused(tmp_path: Path) -> None:
    pd.DataFrame(np.zeros((2, 2)), ["A", "B"], ["A", "B"]).to_csv(tmp_path / "m.csv")
    with pytest.raises(GRNError, match="has no usable edge"):
        read_grn(tmp_path / "m.csv", orientation="targets-in-rows")
