"""What is wrong with data that are well-formed: said in a sentence that names, counts, advises."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.config import PrepareSettings
from gvci.data.columns import find_columns
from gvci.data.findings import Finding, check
from gvci.data.naming import with_gene_names
from gvci.data.prepare import prepare
from gvci.data.roles import Columns
from gvci.errors import DataError, SettingsError

Toy = Callable[..., ad.AnnData]


def findings(cells: ad.AnnData, columns: Columns) -> dict[str, Finding]:
    return {finding.code: finding for finding in check(cells, columns)}


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ([f"ENSG{i:011d}" for i in range(12)], 12),
        ([f"ENSG{i:011d}.{i}" for i in range(12)], 12),
        ([f"ENSMUSG{i:011d}" for i in range(12)], 12),
        ([f"ENSG{i:011d}" for i in range(7)] + list("ABCDE"), 7),
        ([f"ENSG{i:011d}" for i in range(6)] + list("ABCDEF"), 0),
        (["Trp53", "TP53", *"ABCDEFGHIJ"], 0),
    ],
)
def test_f14_ensembl_ids(toy: Toy, names: list[str], count: int) -> None:
    cells = toy()
    cells.var_names = names
    found = findings(cells, Columns("condition", "ctrl"))
    if not count:
        assert "ensembl_ids" not in found
        return
    assert found["ensembl_ids"].count == count
    assert f"{count} of 12 genes are named by Ensembl ids, networks by symbols." in (
        found["ensembl_ids"].message
    )
    assert "--gene-names symbols" in found["ensembl_ids"].fix
    cells.var["feature_name"] = [f"G{i}" for i in range(12)]
    fix = findings(cells, Columns("condition", "ctrl"))["ensembl_ids"].fix
    assert "--gene-names feature_name" in fix


def test_f14_genes_are_named_by_a_column_of_var(toy: Toy) -> None:
    cells = toy()
    cells.var["symbol"] = pd.Categorical(["STAT1", None, "IRF1", "", *(f"S{i}" for i in range(8))])
    settings = PrepareSettings(perturbation="condition", control="ctrl", gene_names="symbol")
    assert {"STAT1", "G1", "IRF1", "G3"} <= set(prepare(cells, settings).genes)
    with pytest.raises(SettingsError) as caught:
        with_gene_names(cells, "symbool", [])
    assert str(caught.value) == (
        "gene_names is 'keep', 'symbols', a column of var (symbol) or a file; there is no "
        "'symbool'. Did you mean symbol?"
    )


def test_f14_dates_for_genes(toy: Toy) -> None:
    cells = toy()
    dates = ["1-Mar", "2-Sep", "Dec-01", "2023-03-01", "3/1/2019", "1-DEC"]
    cells.var_names = [*dates, "MARCHF1", "SEPTIN2", "DEC1", "HLA-A", "7SK", "MAR1"]
    finding = findings(cells, Columns("condition", "ctrl"))["dates_for_genes"]
    assert (finding.level, finding.count) == ("warning", 6)
    assert "6 gene names look like dates: 1-Mar, 2-Sep, Dec-01" in finding.message
    assert "take the names from the source" in finding.fix


@pytest.mark.parametrize("label", ["Control ", "ctrl", "NT", "non-targeting", "DMSO_2"])
def test_f15_controls_by_other_names_are_recognised(toy: Toy, label: str) -> None:
    cells = toy()
    cells.obs["condition"] = cells.obs["condition"].replace("ctrl", label)
    columns, _ = find_columns(cells.obs, PrepareSettings())
    assert columns.control == label


def test_f15_no_control_cells(toy: Toy) -> None:
    finding = findings(toy(), Columns("condition", "control"))["no_control_cells"]
    assert finding.message == (
        "No cells are labelled 'control' in obs['condition']. Labels found: ctrl, A, B."
    )
    cells = toy()
    cells.obs["condition"] = cells.obs["condition"].replace("ctrl", "zero")
    with pytest.raises(DataError, match=r"Labels found: A, B, zero\. Name the control label"):
        find_columns(cells.obs, PrepareSettings(perturbation="condition"))


def test_f16_one_level(toy: Toy) -> None:
    cells = toy()
    cells.obs["condition"] = "ctrl"
    finding = findings(cells, Columns("condition", "ctrl"))["one_level"]
    assert finding.sentence == (
        "All 240 cells are 'ctrl'. There is nothing to learn: at least one perturbation is needed."
    )
    assert not [f for f in check(toy()[toy().obs["condition"] != "B"].copy(),
                                 Columns("condition", "ctrl")) if f.level == "error"]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code", "level", "gist"),
    [
        (lambda o: "one", "single_level_covariate", "note", "has one level, 'one'"),
        (lambda o: o["condition"], "confounded", "error", "the two cannot be told apart"),
        (lambda o: o.index, "identifier", "error", "is different in every cell"),
    ],
)
def test_f17_covariates_that_carry_nothing_or_everything(
    toy: Toy, values: Callable[[pd.DataFrame], object], code: str, level: str, gist: str
) -> None:
    cells = toy()
    cells.obs["batch"] = values(cells.obs)
    finding = findings(cells, Columns("condition", "ctrl", ("batch",)))[code]
    assert finding.level == level
    assert gist in finding.message


def test_f26_logarithms_declared_as_counts(toy: Toy) -> None:
    cells = toy()
    cells.X = np.log1p(cells.X.toarray())
    settings = PrepareSettings(perturbation="condition", control="ctrl")
    report = " ".join(prepare(cells, settings).meta["report"])
    assert "The values look log-transformed" in report
    scaled = toy()
    scaled.X = scaled.X.toarray() - scaled.X.toarray().mean(axis=0)
    found = findings(scaled, Columns("condition", "ctrl"))["negative_values"]
    assert "The data look scaled. Give raw counts" in found.fix
