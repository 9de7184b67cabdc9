"""Genes of a foreign file among a dataset's: by name, never by position, never by a guess."""

from __future__ import annotations

import pandas as pd
import pytest

from gvci.data.gene_match import match_genes
from gvci.errors import DataError

GENES = pd.Index(["STAT1", "IRF1", "HLA-A", "NKX2-1"])


def matched(names: list[str], **columns: list[object]) -> tuple[dict[str, int], list[str]]:
    """Gene → position in the file, and what is said."""
    match = match_genes(GENES, pd.DataFrame(columns, index=pd.Index(names)), "a.h5ad")
    found = {GENES[i]: int(j) for i, j in zip(match.wanted, match.found, strict=True)}
    return found, match.sentences


def test_by_name_in_any_order_with_further_genes() -> None:
    found, said = matched(["NKX2-1", "X", "HLA-A", "IRF1", "STAT1"])
    assert found == {"STAT1": 4, "IRF1": 3, "HLA-A": 2, "NKX2-1": 0}
    assert said == [
        "4 of 4 genes are found by name in var_names.",
        "1 further genes of the file are not used.",
    ]


def test_case_separators_and_missing_genes_are_said() -> None:
    found, said = matched(["stat1", "HLA.A", "IRF1"])
    assert found == {"STAT1": 0, "IRF1": 2, "HLA-A": 1}
    assert said == [
        "3 of 4 genes are found by name in var_names, 2 of them but for case, separators or the "
        "version of an Ensembl id (stat1 is taken for STAT1).",
        "1 genes are missing: NKX2-1. Every model, every baseline and the ceiling are scored on "
        "the other 3.",
    ]


def test_versions_of_ensembl_ids() -> None:
    genes = pd.Index(["ENSG00000115415", "ENSG00000125347.4"])
    file = pd.DataFrame(index=pd.Index(["ENSG00000125347.13", "ENSG00000115415.20"]))
    match = match_genes(genes, file, "a.h5ad")
    assert match.wanted.tolist() == [0, 1]
    assert match.found.tolist() == [1, 0]


def test_names_in_a_column_where_the_index_has_ids() -> None:
    ids = [f"ENSG{i:011d}" for i in range(4)]
    found, said = matched(ids, n_cells=[1, 2, 3, 4], gene_symbol=["IRF1", "STAT1", "HLA-A", "X"])
    assert found == {"STAT1": 1, "IRF1": 0, "HLA-A": 2}
    assert said[0] == "3 of 4 genes are found by name in var['gene_symbol']."


def test_a_name_that_could_be_two_genes_is_none() -> None:
    found, _ = matched(["Stat1", "STAT1 ", "IRF1", "HLA-A"])
    assert found == {"IRF1": 2, "HLA-A": 3}
    # An exact name wins over a like one.
    found, _ = matched(["Stat1", "STAT1", "IRF1", "HLA-A"])
    assert found["STAT1"] == 1


def test_a_gene_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 genes occur more than once in var_names .*: IRF1\."):
        matched(["STAT1", "IRF1", "IRF1", "HLA-A"])


def test_twice_what_is_not_asked_for_does_not_matter() -> None:
    assert len(matched(["STAT1", "IRF1", "X", "X"])[0]) == 2


def test_too_few() -> None:
    with pytest.raises(DataError) as caught:
        matched(["STAT1", "A", "B"])
    assert str(caught.value) == (
        "Only 1 of the 4 genes of the data are in a.h5ad, and half of them are needed: the data "
        "have names such as STAT1, IRF1 and 2 more, the file names such as STAT1, A and 1 more. "
        "Put the same names into var_names, or into a column of var."
    )
