"""The edge rivals against literal forms, and on planted edges."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.edges.rivals import genie3, pearson, pearson_within, tie_break


@pytest.fixture
def planted() -> PerturbationData:
    """G0 → G2 and G1 → G3 (not linear) within types; types shift G0 and G4 together."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0.0, 3.0], 150)
    values = rng.normal(4, 1, (300, 8))
    values[:, 2] = 0.9 * values[:, 0] + rng.normal(0, 0.4, 300)
    values[:, 3] = 2 * (values[:, 1] - 4) ** 2 + rng.normal(0, 0.4, 300)
    values[:, 0] += kind
    values[:, 4] += kind
    values[:, 7] = 1.0
    obs = pd.DataFrame(
        {
            "p": np.where(np.arange(300) % 3, "ctrl", "A"),
            "type": np.where(kind > 0, "T", "B"),
            "split": np.where(np.arange(300) % 10, "train", "validation"),
        },
        index=[f"c{i}" for i in range(300)],
    )
    var = pd.DataFrame(index=[f"G{i}" for i in range(8)])
    adata = ad.AnnData(np.maximum(values, 0).astype(np.float32), obs=obs, var=var)
    return PerturbationData(adata, Columns("p", "ctrl", ("type",)))


def test_correlations_are_numpys(planted: PerturbationData) -> None:
    values = planted.dense(np.arange(300)).astype(np.float64)
    centred = values.copy()
    for group in set(planted.groups):
        centred[planted.groups == group] -= values[planted.groups == group].mean(axis=0)
    genes = ["G4", "G2", "G0", "G3"]
    for rival, cells in ((pearson, values), (pearson_within, centred)):
        found = rival(planted, ["G0", "G1"], genes)
        for source in (0, 1):
            for gene in genes:
                slow = abs(np.corrcoef(cells[:, source], cells[:, int(gene[1])])[0, 1])
                assert found.loc[f"G{source}", gene] == pytest.approx(slow, abs=1e-6)


def test_types_that_differ_correlate_only_until_their_means_are_out(
    planted: PerturbationData,
) -> None:
    over, within = (f(planted, ["G0"], ["G2", "G4"]).loc["G0"] for f in (pearson, pearson_within))
    assert over["G4"] > 0.6 > 0.2 > within["G4"]
    assert within["G2"] > 0.85


def test_flat_and_unmeasured_genes_score_nothing(planted: PerturbationData) -> None:
    for rival in (pearson, pearson_within, genie3):
        table = rival(planted, ["G0", "TP53"], ["G2", "G7", "MYC"])
        assert list(table.index) == ["G0", "TP53"]
        assert (table.loc["TP53"] == 0).all()
        assert (table[["G7", "MYC"]].to_numpy() == 0).all()
        assert table.loc["G0", "G2"] > 0


def test_genie3_finds_the_planted_edges_and_their_bends(planted: PerturbationData) -> None:
    sources, genes = ["G0", "G1", "G5", "G6"], ["G0", "G2", "G3", "G5"]
    table = genie3(planted, sources, genes, trees=30)
    assert table["G3"].idxmax() == "G1"
    assert table["G2"].idxmax() == "G0"
    assert table.loc["G1", "G3"] > 2 * pearson(planted, ["G1"], ["G3"]).loc["G1", "G3"]
    assert table.loc["G0", "G0"] == table.loc["G5", "G5"] == 0
    # A decrease of variance cannot exceed the variance, which is 1.
    assert (table.sum() <= 1 + 1e-9).all()
    pd.testing.assert_frame_equal(table, genie3(planted, sources, genes, trees=30))


def test_genie3_draws_no_more_cells_than_told(planted: PerturbationData) -> None:
    few = genie3(planted, ["G0", "G1"], ["G2"], trees=10, cells=60)
    assert few["G2"].idxmax() == "G0"


def test_the_tie_break_never_crosses_the_prior() -> None:
    prior = pd.DataFrame([[1, 0, 1, 0]])
    assert tie_break(prior, pd.DataFrame([[0.2, 0.9, 0.1, 0.3]])).loc[0].tolist() == [
        1.2, 0.9, 1.1, 0.3,
    ]  # fmt: skip
    large = tie_break(prior, pd.DataFrame([[0.0, 80.0, 8.0, 4.0]])).loc[0]
    assert large.rank().tolist() == [2.5, 2.5, 4, 1]
