"""What a calibrated network says of itself, in its table, its record and its files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.edges.recovery import evaluate_edges
from gvci.errors import GRNError
from gvci.refiner.result import COLUMNS, RefinedGRN
from gvci.refiner.trimmed import trimmed
from gvci.training.loop import refine


@pytest.fixture(scope="module")
def refined(small_data, small_simulation) -> RefinedGRN:
    return refine(small_data, small_simulation.prior, RefineSettings(halves=3))


def test_result_states_what_it_is(refined, small_simulation, small_data):
    table, meta = refined.table, refined.meta
    assert list(table) == COLUMNS
    assert (table["weight"].diff().dropna() <= 1e-15).all()
    assert refined.alpha == 0.5
    assert ((table["weight"] > 0.5) == table["status"].isin(["kept", "added"])).all()
    assert set(table["sign"]) <= {-1, 0, 1}
    assert table["stability"].between(0, 1).all()
    assert np.isfinite(table["evidence"]).all()
    outside = table["prior"] == 0
    assert refined.background == pytest.approx(table["weight"][outside].median())
    assert refined.background == meta["floors"]["background"]
    adopted = table["weight"][table["weight"] > 0.5]
    assert meta["false_discovery"]["estimate"] == pytest.approx(1 - adopted.mean())
    assert "optimistic" in meta["false_discovery"]["caveat"]
    assert meta["data_hash"] == small_data.fingerprint
    assert refined.sentences()[1] == meta["support"]
    json.dumps(meta, allow_nan=False)
    truth = small_simulation.truth.edges.set_index(["source", "target"])["weight"]
    strong = table.head(30).set_index(["source", "target"])["sign"]
    both = strong.index.intersection(truth.index)
    assert len(both) > 20
    assert (np.sign(truth[both]) == strong[both]).mean() > 0.9


def test_equal_seeds_give_identical_tables(refined, small_data, small_simulation):
    again = refine(small_data, small_simulation.prior, RefineSettings(halves=3))
    pd.testing.assert_frame_equal(again.table, refined.table, check_exact=True)


def test_files_keep_all_of_it_and_older_files_can_still_be_read(refined, tmp_path):
    refined.save(tmp_path, "data.h5ad")
    again = RefinedGRN.load(tmp_path)
    pd.testing.assert_frame_equal(again.table, refined.table, check_exact=True)
    assert again.meta["hidden"] == refined.meta["hidden"]
    old = refined.table[["source", "target", "weight", "prior", "status"]]
    old.to_parquet(tmp_path / "edges.parquet", index=False)
    notes = json.loads((tmp_path / "grn.json").read_text())
    del notes["format"], notes["checksum"]  # as in the first format
    (tmp_path / "grn.json").write_text(json.dumps(notes))
    read = RefinedGRN.load(tmp_path)
    assert list(read.table) == COLUMNS
    assert read.table["evidence"].isna().all()
    assert len(read.adopted()) == len(refined.adopted())


def test_a_floor_above_alpha_is_said(small_data, small_simulation):
    """With α low, or effects invisible, the adopted network is the whole prior."""
    rng = np.random.default_rng(0)
    adata = small_data.adata.copy()
    adata.X = small_data.expression[rng.permutation(small_data.n_cells)].copy()
    values = adata.X.toarray()
    adata.X = rng.permuted(values, axis=0)
    noise = PerturbationData(adata, Columns("perturbation", "control", ("cell_type",)))
    grn = refine(noise, small_simulation.prior, RefineSettings(halves=0, alpha=0.2))
    assert grn.meta["floors"]["prior_floor"] > 0.2
    assert grn.counts()["removed"] == 0
    assert any("removes no edge of the prior" in note for note in grn.meta["thresholding"])


def test_level_can_be_fixed(small_data, small_simulation):
    settings = RefineSettings.preset("quick", level=0)
    assert refine(small_data, small_simulation.prior, settings, "quick").meta["level"] == 0


def test_seeds_are_shares_of_whole_refinements(small_data, small_simulation):
    """Strong edges are adopted in every seed, edges near α in some, and others in none."""
    settings = RefineSettings(halves=0, seeds=4, highest_level=1)
    table = refine(small_data, small_simulation.prior, settings).table
    assert set(table["seeds"]) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    adopted = table["status"].isin(["kept", "added"])
    assert table["seeds"][adopted].mean() > 0.8
    assert (table["seeds"].head(20) == 1).all()
    assert table["seeds"][table["weight"] < 0.1].mean() < 0.02
    assert table["seeds"].between(0.1, 0.9).any()
    again = refine(small_data, small_simulation.prior, settings).table
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    other = refine(small_data, small_simulation.prior, settings.model_copy(update={"seed": 1}))
    merged = table.merge(other.table, on=["source", "target"], suffixes=("", "_other"))
    assert (merged["seeds"] != merged["seeds_other"]).any()


def test_without_seeds_the_column_is_not_known(refined):
    assert refined.table["seeds"].isna().all()


def test_a_trimmed_network_lists_what_the_data_speak_for_and_counts_the_rest(refined, tmp_path):
    few = trimmed(refined, "dorothea", most=3)
    assert set(few.table["status"]) <= {"kept", "added"}
    assert (few.table["evidence"] > 0).all()
    assert few.table["source"].value_counts().max() == 3
    assert few.counts() == refined.counts()
    assert few.meta["trimmed"]["counts"]["absent"] == (refined.table["status"] == "absent").sum()
    assert few.adopted_hash() == refined.adopted().fingerprint()
    strongest = refined.table[refined.table["status"].isin(["kept", "added"])]
    first = strongest.sort_values("evidence", ascending=False).groupby("source").head(3)
    assert len(few.table.merge(first, on=["source", "target"])) == len(few.table)
    few.save(tmp_path, "data.h5ad")
    read = RefinedGRN.load(tmp_path)
    pd.testing.assert_frame_equal(read.table, few.table, check_exact=True)
    assert "3 a regulator" in read.sentences()[-1]
    left_out = refined.table[refined.table["status"] == "removed"]
    assert len(left_out) > 0
    assert not set(map(tuple, left_out[["source", "target"]].to_numpy())) & set(
        map(tuple, read.table[["source", "target"]].to_numpy())
    )


def test_what_needs_every_pair_of_a_trimmed_network_is_refused(refined, small_simulation):
    few = trimmed(refined, "dorothea")
    with pytest.raises(GRNError, match=r"Fetch the prior \(dorothea\) .* GVCI_DATA_DIR"):
        few.adopted()
    with pytest.raises(GRNError, match="A score of recovered edges needs all its pairs"):
        evaluate_edges(few, small_simulation.truth, resamples=0)
