"""FAULTS F14, F22, F23: names, edges and orientation of a network that a person brings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvci import cli
from gvci.data.catalogue import load_network
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.edges.recovery import evaluate_edges
from gvci.errors import GRNError
from gvci.grn import GRN, from_edges, read_grn
from gvci.grn.direction import reversal
from gvci.grn.names import match_names
from gvci.priors import find_prior

# --- F14: the same genes under other names ---------------------------------------------

MATCHES = [
    ("ENSG00000115415", "STAT1", "STAT1", "id or alias"),
    ("ENSG00000115415.12", "STAT1", "STAT1", "id or alias"),
    ("STAT1", "ENSG00000115415", "ENSG00000115415", "id or alias"),
    ("STAT1", "ENSG00000115415.3", "ENSG00000115415.3", "id or alias"),
    ("ENSG00000115415.12", "ENSG00000115415", "ENSG00000115415", "version"),
    ("ENSG00000115415", "ENSG00000115415.12", "ENSG00000115415.12", "version"),
    ("Stat1", "STAT1", "STAT1", "case"),
    ("STAT1", "Stat1", "Stat1", "case"),
    ("Trp53", "TP53", "TP53", "id or alias"),
    ("TP53", "Trp53", "Trp53", "id or alias"),
    ("IFI56", "IFIT1", "IFIT1", "id or alias"),
    ("IFIT1", "IFI56", "IFI56", "id or alias"),
    ("MIG", "CXCL9", "CXCL9", "id or alias"),
    ("1-Mar", "MARCH1", "MARCH1", "date"),
    ("1-Mar", "MAR1", "MAR1", "date"),
    ("Mar-01", "MARCHF1", "MARCHF1", "date"),
    ("2023-03-01", "MARCH1", "MARCH1", "date"),
    ("01.03.2023", "MARCH1", "MARCH1", "date"),
    ("2-Sep", "SEPTIN2", "SEPTIN2", "date"),
    ("1-Dec", "DELEC1", "DELEC1", "date"),
    ("MARCH1", "1-Mar", "1-Mar", "date"),
]


@pytest.mark.parametrize(("name", "in_data", "gene", "how"), MATCHES)
def test_f14_a_name_is_found_among_the_datas_genes(
    name: str, in_data: str, gene: str, how: str
) -> None:
    match = match_names([name], ["GAPDH", in_data, "ACTB"])
    assert match.genes == {name: gene}
    assert match.how == {name: how}


@pytest.mark.parametrize(
    ("name", "genes"),
    [
        ("1-Mar", ["MARCH1", "MARC1"]),  # either may have been meant
        ("1-Jan", ["MARCH1"]),
        ("ENSG00000999999", ["STAT1"]),
        ("STAT", ["STAT1"]),
        ("99-Mar", ["MARCH9"]),
    ],
)
def test_f14_a_name_that_is_not_certain_is_not_matched(name: str, genes: list[str]) -> None:
    assert not match_names([name], genes).genes


def test_f14_dates_of_a_spreadsheet_are_counted() -> None:
    said = match_names(["1-Jan", "2-Feb", "STAT1"], ["STAT1"]).sentences()
    assert any("2 names of the network are dates that a spreadsheet made" in s for s in said)


def test_f14_data_in_ids_and_network_in_symbols_is_said() -> None:
    ids = ["ENSG00000115415", "ENSG00000125347", "ENSG00000999999"]
    match = match_names(["STAT1", "IRF1", "GAPDH"], ids)
    assert match.genes == {"STAT1": ids[0], "IRF1": ids[1]}
    assert "The data use Ensembl ids, the network uses symbols." in match.sentences()
    grn = from_edges(pd.DataFrame({"source": ["GAPDH"], "target": ["ACTB"]}), "mine")
    with pytest.raises(GRNError, match="data use Ensembl ids, the network uses symbols"):
        grn.restricted(ids)


def test_f14_a_mouse_network_on_human_data_is_said_to_be_one(
    small_data: PerturbationData, small_simulation: Simulation, tmp_path: Path
) -> None:
    edges = small_simulation.prior.edges.assign(
        source=small_simulation.prior.edges["source"].str.capitalize(),
        target=small_simulation.prior.edges["target"].str.capitalize(),
    )
    edges.to_csv(tmp_path / "mouse.csv", index=False)
    prior = find_prior(str(tmp_path / "mouse.csv"), small_data)
    said = " ".join(prior.notes)
    assert "The data use symbols, the network uses mouse symbols." in said
    assert "need not be the same gene's ortholog" in said
    assert "in other case" in said
    assert len(prior.restricted(small_data.genes)) == len(small_simulation.prior)


def test_f14_refining_prints_how_names_were_matched(
    small_data: PerturbationData,
    small_simulation: Simulation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    small_data.write(tmp_path / "data.h5ad")
    edges = small_simulation.prior.edges.replace({"STAT1": "ENSG00000115415.20"})
    edges.to_csv(tmp_path / "prior.csv", index=False)
    words = ["refine", str(tmp_path / "data.h5ad"), "--prior", str(tmp_path / "prior.csv")]
    assert cli.main([*words, "--preset", "quick", "--out", str(tmp_path / "grn")]) == 0
    said = capsys.readouterr().out
    assert "1 of them by Ensembl id or alias (ENSG00000115415.20 is STAT1)." in said


# --- F22: what may be wrong with edges --------------------------------------------------


def read(tmp_path: Path, text: str) -> GRN:
    (tmp_path / "n.csv").write_text(text)
    return read_grn(tmp_path / "n.csv")


def test_f22_every_kind_of_bad_edge_is_counted(tmp_path: Path) -> None:
    grn = read(
        tmp_path,
        "source,target,weight\nA,A,1\nB,B,2\nA,B,1\nA,B,1\nA,C,0.5\nA,C,-3\n,D,1\nA,,1\nA,D,nan\n"
        "A,E,\nA,F,inf\nA,G,about 2\nB,C,0\n",
    )
    assert grn.notes == (
        "4 edges without a usable weight count as 1.",
        "2 edges without a gene name left out.",
        "2 self-connections left out.",
        "2 duplicate edges left out.",
        "1 of those disagree in weight; the largest was kept.",
    )
    weights = grn.edges.set_index(["source", "target"])["weight"].to_dict()
    assert weights == {
        ("A", "B"): 1.0, ("A", "C"): -3.0, ("A", "D"): 1.0, ("A", "E"): 1.0, ("A", "F"): 1.0,
        ("A", "G"): 1.0,
    }  # fmt: skip
    assert np.isfinite(grn.to_adjacency().data).all()


def test_f22_cycles_are_fine(tmp_path: Path) -> None:
    grn = read(tmp_path, "source,target\nA,B\nB,C\nC,A\nB,A\n")
    assert len(grn) == 4
    assert not grn.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as csv"),
        ("source,target\n", "has no usable edge"),
        ("source,target\nA,A\n", "has no usable edge. 1 self-connections left out."),
        ("source,target,weight\nA,B,0\n", "has no usable edge"),
        ("one,two\nA,B\n", "has the columns one, two. It needs 'source' (or 'tf') and 'target'"),
    ],
)
def test_f22_nothing_usable_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GRNError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("edge", "shared"), [(("X", "Y"), 0), (("STAT1", "Y"), 1)])
def test_f22_below_two_shared_genes_it_stops_with_numbers(
    small_data: PerturbationData, edge: tuple[str, str], shared: int
) -> None:
    grn = from_edges(pd.DataFrame([edge], columns=["source", "target"]), "mine")
    with pytest.raises(GRNError, match=f"mine shares {shared} of its 2 genes and 0 edges"):
        grn.restricted(small_data.genes)


# --- F23: which end is which ------------------------------------------------------------


def reversed_(grn: GRN) -> GRN:
    edges = grn.edges[["source", "target", "weight"]]
    return from_edges(edges.rename(columns={"source": "target", "target": "source"}), "turned")


NETWORKS = ("demo", "demo-truth")
REAL = ("dorothea", "collectri", "trrust", "chea2015", "chea2016", "stat1-irf1", "sergio-ds1-truth")


@pytest.mark.parametrize("name", NETWORKS)
def test_f23_a_transposed_copy_is_flagged_and_the_original_is_not(name: str) -> None:
    grn = load_network(name)
    assert not reversal(grn)
    assert "The edges look reversed" in reversal(reversed_(grn))


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_f23_a_transposed_copy_of_a_public_network_is_flagged(name: str) -> None:
    if not os.environ.get("GVCI_DATA_DIR"):
        pytest.skip("GVCI_DATA_DIR is not set")
    grn = load_network(name)
    assert not reversal(grn)
    assert "The edges look reversed" in reversal(reversed_(grn))


def test_f23_the_warning_is_in_the_notes_of_a_file(tmp_path: Path) -> None:
    reversed_(load_network("demo")).edges.to_csv(tmp_path / "turned.csv", index=False)
    grn = read_grn(tmp_path / "turned.csv")
    assert grn.notes[0].startswith("The edges look reversed: 83% of the 29 targets are named like")


def test_f23_the_score_of_a_transposed_copy_differs() -> None:
    prior, truth = load_network("demo"), load_network("demo-truth")
    right = evaluate_edges(prior, truth, resamples=0)["views"]["all"]["refined"]["auprc"]
    turned = from_edges(
        prior.edges.rename(columns={"source": "target", "target": "source"}), "turned", prior.genes
    )
    wrong = evaluate_edges(turned, truth, resamples=0)["views"]["all"]["refined"]["auprc"]
    assert right > 0.5
    assert wrong < right / 2


# STAT1 regulates IRF1 and GBP1, IRF1 regulates GBP1.
ROWS_ARE_TARGETS = "{0},STAT1,IRF1\nSTAT1,0,0\nIRF1,1,0\nGBP1,1,1\n"
ROWS_ARE_SOURCES = "{0},STAT1,IRF1,GBP1\nSTAT1,0,1,1\nIRF1,0,0,1\n"
EDGES = {("STAT1", "IRF1"), ("STAT1", "GBP1"), ("IRF1", "GBP1")}


def pairs(grn: GRN) -> set[tuple[str, str]]:
    return set(zip(grn.edges["source"], grn.edges["target"], strict=True))


@pytest.mark.parametrize(
    ("text", "orientation"),
    [
        (ROWS_ARE_TARGETS.format("gene"), "targets-in-rows"),
        (ROWS_ARE_SOURCES.format(""), "sources-in-rows"),
        (ROWS_ARE_TARGETS.format("gene_short_name"), None),
        (ROWS_ARE_SOURCES.format("TF"), None),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_f23_a_matrix_is_read_as_it_is_stated(
    tmp_path: Path, text: str, orientation: str | None, kind: str
) -> None:
    path = tmp_path / f"m.{kind}"
    if kind == "parquet":
        (tmp_path / "m.csv").write_text(text)
        pd.read_csv(tmp_path / "m.csv").to_parquet(path)
    else:
        path.write_text(text.replace(",", "\t") if kind == "tsv" else text)
    assert pairs(read_grn(path, orientation=orientation)) == EDGES


def test_f23_without_an_orientation_a_matrix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(ROWS_ARE_TARGETS.format(""))
    with pytest.raises(GRNError) as caught:
        read_grn(tmp_path / "m.csv")
    said = str(caught.value)
    assert "State the orientation: targets-in-rows" in said
    assert "3 × 2 names" in said
    assert "67% of the rows and 100% of the columns are named like transcription factors" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("STAT1,IRF1,GBP1\n0,0,0\n1,0,0\n1,1,0\n", "names its columns only: its rows have no"),
        (",STAT1,IRF1,GBP1\n0,0,0,0\n1,1,0,0\n2,1,1,0\n", "names its columns only"),
        ("gene,0,1,2\nSTAT1,0,0,0\nIRF1,1,0,0\nGBP1,1,1,0\n", "names its rows only: its columns"),
        ("0,1,2\n0,0,0\n1,0,0\n1,1,0\n", "names neither axis"),
        ("g,A,B,C\nA,0,1,\nB,x,0,1\nC,1,1,0\n", "2 cells without a number; the first in row A"),
    ],
)
def test_f23_a_matrix_without_its_names_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(GRNError) as caught:
        read_grn(tmp_path / "m.csv", orientation="targets-in-rows")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_f23_a_matrix_read_the_wrong_way_is_flagged(tmp_path: Path) -> None:
    prior = load_network("demo")
    adjacency = prior.to_adjacency().toarray()
    regulators = np.isin(prior.genes, prior.sources)
    wide = pd.DataFrame(adjacency[:, regulators], prior.genes, prior.genes[regulators])
    wide.to_csv(tmp_path / "m.csv")
    right = read_grn(tmp_path / "m.csv", orientation="targets-in-rows")
    assert pairs(right) == pairs(prior)
    assert not right.notes
    wrong = read_grn(tmp_path / "m.csv", orientation="sources-in-rows")
    assert wrong.notes[0].startswith("The edges look reversed")


def test_f23_refine_takes_the_orientation(
    small_data: PerturbationData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small_data.write(tmp_path / "data.h5ad")
    (tmp_path / "m.csv").write_text(ROWS_ARE_TARGETS.format(""))
    words = ["refine", str(tmp_path / "data.h5ad"), "--prior", str(tmp_path / "m.csv")]
    assert cli.main([*words, "--out", str(tmp_path / "grn")]) == 2
    assert "State the orientation" in capsys.readouterr().err
    prior = find_prior(str(tmp_path / "m.csv"), small_data, "targets-in-rows")
    assert pairs(prior) == EDGES


def test_f23_a_list_of_edges_is_no_list_of_genes_to_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edges.csv").write_text("source,target,weight\nSTAT1,IRF1,1\n")
    out = str(tmp_path / "d.h5ad")
    words = ["prepare", "demo", "--out", out, "--keep-genes", str(tmp_path / "edges.csv")]
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert (
        "edges.csv is a list of edges (its columns: source, target, weight), not of genes" in said
    )
