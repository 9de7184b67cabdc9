"""Gene names of one source among those of another, step by step."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.config import PrepareSettings
from gvci.data.naming import other_names, with_gene_names
from gvci.data.prepare import prepare
from gvci.errors import FileError, SettingsError
from gvci.grn import from_edges
from gvci.grn.kinds import kind_of
from gvci.grn.names import in_names_of, known_ids, match_names


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["STAT1", "HLA-A", "C1orf112"], "symbols"),
        (["Stat1", "Irf1", "H2-K1"], "mouse symbols"),
        (["ENSG00000115415", "ENSG00000125347.12", "MT-CO1"], "Ensembl ids"),
        (["ENSMUSG00000026104"], "Ensembl ids"),
        ([], "symbols"),
    ],
)
def test_kinds_of_names(names: list[str], kind: str) -> None:
    assert kind_of(names) == kind


def test_a_name_that_is_there_is_never_taken_for_another() -> None:
    # IFI56 is an alias of IFIT1, but here it is a gene of its own.
    match = match_names(["IFI56", "IFIT1"], ["IFI56", "IFIT1"])
    assert match.genes == {"IFI56": "IFI56", "IFIT1": "IFIT1"}
    assert set(match.how.values()) == {"exact"}


def test_the_datas_own_ids_come_before_the_shipped_table() -> None:
    match = match_names(["ENSG00000000003"], ["MINE", "TSPAN6"], {"ENSG00000000003": "MINE"})
    assert match.genes == {"ENSG00000000003": "MINE"}
    assert match_names(["ENSG00000000003"], ["TSPAN6"]).genes == {"ENSG00000000003": "TSPAN6"}
    assert match_names(["ENSG99999999999"], ["TSPAN6"]).unmatched == ("ENSG99999999999",)


def test_several_genes_that_fit_are_said_and_left_out() -> None:
    match = match_names(["stat1"], ["STAT1", "Stat1"])
    assert match.ambiguous == ("stat1",)
    assert not match.genes
    assert "1 names could be several genes and are left out: stat1." in match.sentences()
    assert match.table().to_dict("records") == [{"name": "stat1", "gene": "", "how": "ambiguous"}]


def test_the_report_counts_every_step_and_gives_examples() -> None:
    names = ["STAT1", "ENSG00000125347.4", "Mx1", "IFI56", "2-Mar", "NONE"]
    genes = ["STAT1", "ENSG00000125347", "MX1", "IFIT1", "MARCHF2"]
    match = match_names(names, genes)
    assert match.how == {
        "STAT1": "exact",
        "ENSG00000125347.4": "version",
        "Mx1": "case",
        "IFI56": "id or alias",
        "2-Mar": "date",
    }
    assert match.sentences() == [
        "5 of 6 gene names of the network are in the data.",
        "1 of them without the version of the id (ENSG00000125347.4 is ENSG00000125347).",
        "1 of them in other case (Mx1 is MX1).",
        "1 of them by Ensembl id or alias (IFI56 is IFIT1).",
        "1 of them that a spreadsheet had made a date (2-Mar is MARCHF2).",
    ]
    assert match.unmatched == ("NONE",)
    table = match.table().set_index("name")
    assert table.loc["NONE", "how"] == "not found"
    assert table.loc["IFI56", "gene"] == "IFIT1"


@given(st.lists(st.text("ABCab1.-", min_size=1, max_size=4), min_size=1, max_size=8, unique=True))
def test_matching_a_list_with_itself_changes_nothing(names: list[str]) -> None:
    match = match_names(names, names)
    assert match.genes == {name: name for name in names}
    assert not match.unmatched
    assert not match.ambiguous


def test_a_network_is_renamed_and_edges_that_become_one_are_one() -> None:
    rows = [("Stat1", "IFI56", 0.5), ("STAT1", "IFIT1", -2.0), ("STAT1", "OTHER", 1.0)]
    grn = from_edges(pd.DataFrame(rows, columns=["source", "target", "weight"]), "mine")
    renamed, match = in_names_of(grn, ["STAT1", "IFIT1"])
    edges = renamed.edges.set_index(["source", "target"])["weight"].to_dict()
    assert edges == {("STAT1", "IFIT1"): -2.0, ("STAT1", "OTHER"): 1.0}
    assert "1 duplicate edges left out." in renamed.notes
    assert match.genes["Stat1"] == "STAT1"
    same, _ = in_names_of(renamed, ["STAT1", "IFIT1"])
    assert same is renamed


# --- prepared data with Ensembl ids ----------------------------------------------------

IDS = ["ENSG00000115415.20", "ENSG00000125347", "ENSG00000187608", "ENSG00000000003"]
SYMBOLS = ["STAT1", "IRF1", "ISG15", "TSPAN6"]


def cells(genes: list[str], **var: list[str]) -> ad.AnnData:
    rng = np.random.default_rng(0)
    labels = np.array(["control", "STAT1"])[np.arange(60) % 2]
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(60)])
    counts = rng.poisson(6.0, (60, len(genes))).astype(np.float32)
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(var, index=pd.Index(genes)))


def prepared(adata: ad.AnnData, names: str = "keep"):
    settings = PrepareSettings(perturbation="perturbation", control="control", gene_names=names)
    return prepare(adata, settings)


def test_ensembl_ids_are_kept_and_noted() -> None:
    data = prepared(cells(IDS))
    assert list(data.genes) == IDS
    said = [finding.sentence for finding in data.findings if finding.code == "ensembl_ids"]
    assert len(said) == 1
    assert "--gene-names symbols" in said[0]
    assert not [f for f in prepared(cells(SYMBOLS)).findings if f.code == "ensembl_ids"]


def test_symbols_come_from_the_file_where_it_has_them() -> None:
    adata = cells(IDS, feature_name=[*SYMBOLS[:3], ""])
    data = prepared(adata, "symbols")
    assert list(data.genes) == [*SYMBOLS[:3], IDS[3]]
    assert any("3 of 4 genes are named by symbols from var['feature_name']" in line
               for line in data.meta["report"])  # fmt: skip
    assert list(adata.var_names) == IDS
    # The ids are kept beside them: a network in ids is matched without internet.
    assert known_ids(data.adata.var)["ENSG00000115415"] == "STAT1"


def test_symbols_come_from_the_shipped_table_otherwise() -> None:
    data = prepared(cells([*IDS[:3], "ENSG99999999999"]), "symbols")
    assert list(data.genes) == [*SYMBOLS[:3], "ENSG99999999999"]
    assert any("3 of 4 genes are named by symbols from GENCODE" in s for s in data.meta["report"])


def test_symbols_come_from_a_table_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,symbol\nENSG00000000003,TSPAN6\nENSG00000115415,STAT1\n")
    data = prepared(cells(IDS), str(tmp_path / "t.csv"))
    assert list(data.genes) == ["STAT1", IDS[1], IDS[2], "TSPAN6"]


def test_ids_that_share_a_symbol_keep_their_ids() -> None:
    report: list[str] = []
    adata = cells(IDS, gene_symbols=["STAT1", "STAT1", "ISG15", "TSPAN6"])
    named = with_gene_names(adata, "symbols", report)
    assert list(named.var_names) == [IDS[0], IDS[1], "ISG15", "TSPAN6"]
    assert "1 symbols stand for several ids, which keep their ids: STAT1." in report


def test_an_id_that_stands_twice_gets_its_symbol_twice() -> None:
    ids = [IDS[0], IDS[0].split(".")[0], *IDS[2:]]
    named = with_gene_names(cells(ids), "symbols", [])
    assert list(named.var_names) == ["STAT1", "STAT1", "ISG15", "TSPAN6"]


def test_a_symbol_that_another_gene_is_called_by_is_not_given_twice() -> None:
    named = with_gene_names(cells(["STAT1", *IDS[:1], "A", "B"]), "symbols", [])
    assert list(named.var_names) == ["STAT1", IDS[0], "A", "B"]


def test_ids_beside_symbols_are_found(tmp_path: Path) -> None:
    adata = cells(SYMBOLS, gene_ids=IDS)
    assert other_names(adata)["STAT1"] == "ENSG00000115415"
    data = prepared(adata)
    assert known_ids(data.adata.var)["ENSG00000000003"] == "TSPAN6"
    data.write(tmp_path / "d.h5ad")
    assert known_ids(type(data).read(tmp_path / "d.h5ad").adata.var)["ENSG00000000003"] == "TSPAN6"


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ("nowhere.csv", SettingsError, "or a file; there is no 'nowhere.csv'"),
        ("empty.csv", SettingsError, "No symbol is known for any of the 4 genes"),
        ("broken.csv", FileError, "cannot be read"),
    ],
)
def test_tables_that_do_not_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, error: type, words: str
) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "broken.csv").write_bytes(b"\0\0\0")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        with_gene_names(cells(IDS), choice, [])
