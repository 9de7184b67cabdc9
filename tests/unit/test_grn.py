"""Networks: orientation, tidying, restriction, and the files they come from."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.errors import GRNError
from gvci.grn import GRN, from_edges, read_gene_list, read_grn


def table(*rows: tuple[object, ...], columns: str = "source target weight") -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split()[: len(rows[0])])


def pairs(grn: GRN) -> list[tuple[str, str, float]]:
    columns = (grn.edges[name] for name in ("source", "target", "weight"))
    return list(zip(*columns, strict=True))


def test_orientation_on_two_genes() -> None:
    # STAT1 regulates IRF1: row = target = IRF1, column = source = STAT1.
    grn = from_edges(table(("STAT1", "IRF1", -2.0)), genes=["STAT1", "IRF1"])
    np.testing.assert_array_equal(grn.to_adjacency().toarray(), [[0, 0], [-2, 0]])
    targets, sources = grn.indices()
    assert (targets.tolist(), sources.tolist()) == ([1], [0])
    assert list(grn.to_networkx().edges) == [("STAT1", "IRF1")]


def test_self_loops_duplicates_and_empty_names_are_dropped_and_counted() -> None:
    grn = from_edges(
        table(("A", "B", 0.5), ("A", "B", -2), ("A", "A", 1), ("", "B", 1), (None, "C", 1))
    )
    assert pairs(grn) == [("A", "B", -2.0)]
    assert grn.notes == (
        "2 edges without a gene name left out.",
        "1 self-connections left out.",
        "1 duplicate edges left out.",
        "1 of those disagree in weight; the largest was kept.",
    )


def test_weights_missing_infinite_or_in_words() -> None:
    rows = [
        ("A", "B", "Activation"),
        ("A", "C", "Repression"),
        ("A", "D", "Unknown"),
        ("A", "E", 3),
    ]
    assert [w for *_, w in pairs(from_edges(table(*rows, columns="tf target mode")))] == [
        1,
        -1,
        1,
        3,
    ]
    rows = [("A", "B", np.nan), ("A", "C", np.inf), ("A", "D", 0.5)]
    assert [w for *_, w in pairs(from_edges(table(*rows)))] == [1, 1, 0.5]
    assert pairs(from_edges(table(("A", "B")))) == [("A", "B", 1.0)]


def test_further_columns_are_kept_and_a_database_column_is_not_the_regulator() -> None:
    grn = from_edges(table(("STAT1", "A", "ChEA"), columns="tf target source"))
    assert pairs(grn) == [("STAT1", "A", 1.0)]
    assert grn.edges["source (file)"].tolist() == ["ChEA"]


def test_cycles_are_fine_and_sources_are_ranked() -> None:
    grn = from_edges(table(("A", "B"), ("B", "A"), ("B", "C")))
    assert grn.sources == ["B", "A"]
    assert len(grn) == 3


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (
            pd.DataFrame({"a": ["x"], "b": ["y"]}),
            "has the columns a, b. It needs 'source' (or 'tf')",
        ),
        (pd.DataFrame({"source": [], "target": []}), "has no usable edge."),
        (pd.DataFrame({"source": ["A"], "target": ["A"]}), "1 self-connections left out."),
    ],
)
def test_unusable_tables(frame: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(GRNError) as caught:
        from_edges(frame)
    assert sentence in str(caught.value)


def test_edges_outside_a_given_order_are_dropped() -> None:
    grn = from_edges(table(("A", "B"), ("A", "Z")), genes=["B", "A"])
    assert grn.to_adjacency().toarray().tolist() == [[0, 1], [0, 0]]
    assert grn.notes == ("1 edges with a gene outside the list left out.",)


def test_restriction_keeps_the_data_order_and_counts() -> None:
    grn = from_edges(table(("A", "B"), ("B", "C"), ("A", "X")), name="n").restricted(
        ["C", "B", "A", "Q"]
    )
    assert list(grn.genes) == ["C", "B", "A", "Q"]
    assert pairs(grn) == [("A", "B", 1.0), ("B", "C", 1.0)]
    assert grn.notes == ("1 of 3 edges have a gene outside the data.",)
    assert grn.to_adjacency().shape == (4, 4)


def test_no_shared_gene_shows_both_kinds_of_names() -> None:
    grn = from_edges(table(("STAT1", "IRF1")), name="prior")
    with pytest.raises(GRNError) as caught:
        grn.restricted(["ENSG00000115415", "ENSG00000125347"])
    assert str(caught.value) == (
        "The network prior shares 0 of its 2 genes and 0 edges with the data (network: STAT1, "
        "IRF1; the data: ENSG00000115415, ENSG00000125347). The data use Ensembl ids, the network "
        "uses symbols. Use a network with the same kind of "
        "gene names."
    )
    with pytest.raises(GRNError, match="shares 1 of its 2 genes and 0 edges"):
        grn.restricted(["STAT1", "B"])


def test_too_many_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gvci.grn.edges.MOST_EDGES", 2)
    with pytest.raises(GRNError, match="has 3 edges; at most 2 are taken"):
        from_edges(table(("A", "B"), ("B", "C"), ("A", "C")), name="big")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABCDE"), st.sampled_from("ABCDE"), st.floats(-9, 9).filter(bool)
        ),
        min_size=1,
    )
)
def test_tidying_is_idempotent_and_order_does_not_change_the_fingerprint(
    rows: list[tuple[str, str, float]],
) -> None:
    if all(source == target for source, target, _ in rows):
        with pytest.raises(GRNError):
            from_edges(table(*rows))
        return
    grn = from_edges(table(*rows), genes=list("ABCDE"))
    again = from_edges(grn.edges, genes=list("ABCDE"))
    assert pairs(again) == pairs(grn)
    assert not again.notes
    mirrored = from_edges(grn.edges.iloc[::-1], genes=list("ABCDE"))
    assert mirrored.fingerprint() == grn.fingerprint()
    adjacency = grn.to_adjacency().toarray()
    for source, target, weight in pairs(grn):
        assert adjacency["ABCDE".index(target), "ABCDE".index(source)] == weight


# --- files ---------------------------------------------------------------------------------

EDGES = table(("STAT1", "IRF1", 1.0), ("IRF1", "NA", -1.0))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n.csv", "source,target,weight\nSTAT1,IRF1,1\nIRF1,NA,-1\n"),
        ("n.csv", "﻿tf,target,sign\r\nSTAT1,IRF1,1\r\nIRF1,NA,-1\r\n"),
        ("n.tsv", "TF\tTarget\tmode\nSTAT1\tIRF1\tActivation\nIRF1\tNA\tRepression\n"),
        ("n.txt", "source;target;weight\nSTAT1;IRF1;1\nIRF1;NA;-1\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_tables(tmp_path: Path, name: str, text: str, packed: bool) -> None:
    path = tmp_path / (name + ".gz" if packed else name)
    content = text.encode("utf-8")
    path.write_bytes(gzip.compress(content) if packed else content)
    # A gene called NA is a gene.
    assert pairs(read_grn(path)) == [("STAT1", "IRF1", 1.0), ("IRF1", "NA", -1.0)]


def test_parquet_and_gmt(tmp_path: Path) -> None:
    EDGES.to_parquet(tmp_path / "n.parquet")
    assert pairs(read_grn(tmp_path / "n.parquet")) == pairs(from_edges(EDGES))
    (tmp_path / "n.gmt").write_text("STAT1_20625510_HELA_HUMAN\t\tA\tB,1.0\nIRF1 x\tna\tA\n")
    assert [(s, t) for s, t, _ in pairs(read_grn(tmp_path / "n.gmt"))] == [
        ("STAT1", "A"),
        ("STAT1", "B"),
        ("IRF1", "A"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("n.csv", b""),
        ("n.csv", "source,target\nA,B\n".encode("utf-16")[2:]),
        ("n.csv", "source,target\nA,B\n".encode("utf-32")),
        ("n.csv", b"source,target\nA,B,C,D\nA\n"),
        ("n.csv.gz", b"not packed"),
        ("n.csv.gz", gzip.compress(b"source,target\nA,B\n" * 99, mtime=0)[:-20]),
        ("n.gmt.gz", gzip.compress(b"STAT1\t\tA\n" * 99, mtime=0)[:30]),
        ("n.gmt", b"\xff\xfe\x00"),
        ("n.parquet", b"PAR1 is not enough"),
        ("n.xlsx", b"PK"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GRNError) as caught:
        read_grn(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_row_names_of_r_are_not_a_column(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("source\ttarget\n1\tA\tB\n2\tB\tC\n")
    assert pairs(read_grn(tmp_path / "r.tsv")) == [("A", "B", 1.0), ("B", "C", 1.0)]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(GRNError, match="There is no file"):
        read_grn(tmp_path / "n.csv")


def test_gene_lists(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("STAT1\nIRF1, GBP1\n\nSTAT1\n")
    assert read_gene_list(tmp_path / "a.txt") == ["STAT1", "IRF1", "GBP1"]
    (tmp_path / "b.gmt").write_text("X_ALPHA\turl\tA\tB\nX_BETA\turl\tB\tC\n")
    assert read_gene_list(tmp_path / "b.gmt") == ["A", "B", "C"]
    assert read_gene_list(tmp_path / "b.gmt", "alpha") == ["A", "B"]
    with pytest.raises(GRNError, match="names no gene"):
        read_gene_list(tmp_path / "b.gmt", "gamma")
    with pytest.raises(GRNError, match="cannot be read"):
        read_gene_list(tmp_path / "none.txt")


def test_an_edge_of_weight_zero_is_no_edge() -> None:
    table = pd.DataFrame({"source": list("AAB"), "target": list("BCC"), "weight": [1.0, 0.0, 2.0]})
    grn = from_edges(table, "dense")
    assert list(zip(grn.edges["source"], grn.edges["target"], strict=True)) == [
        ("A", "B"),
        ("B", "C"),
    ]
