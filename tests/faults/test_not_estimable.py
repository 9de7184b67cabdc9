"""FAULTS F18: a perturbation with one cell, a group without controls: excluded and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvci import cli
from gvci.app import prediction, scenario
from gvci.app.text import delta
from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.findings import check
from gvci.estimator import marginal_effects
from gvci.making import make_run
from gvci.run import Run

NEEDS_BOTH = ["robust", "se", "lower", "upper", "effect", "effect_se", "effect_lower",
              "effect_upper", "p", "p_adjusted"]  # fmt: skip
LONELY, RARE = "CD4 T cells", "IRF1"
TINY = {
    "model": "vci", "latent": 8, "width": 16, "depth": 1, "outcome_embedding": 16, "max_steps": 4,
    "evaluate_every": 2, "inner_folds": 0, "members": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def sparse_data(small_data: PerturbationData) -> PerturbationData:
    """One cell of IRF1 in all, no controls among CD4 T cells, one JAK2 cell among monocytes."""
    data = small_data
    keep = ~(data.is_control & (data.groups == LONELY))
    rare = np.flatnonzero((data.perturbation == RARE) & (data.split == "train"))
    keep[data.perturbation == RARE] = False
    keep[rare[data.groups[rare] == "B cells"][:1]] = True
    few = (data.perturbation == "JAK2") & (data.groups == "CD14+ Monocytes")
    keep[few] = False
    keep[np.flatnonzero(few & (data.split == "train"))[:1]] = True
    return PerturbationData(data.adata[keep].copy(), data.columns, data.meta)


@pytest.fixture(scope="module")
def folder(sparse_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on them."""
    made = tmp_path_factory.mktemp("f18")
    sparse_data.write(made / "cells.h5ad")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(made / "home"))
        settings = TrainSettings.checked(TINY)
        make_run(made / "cells.h5ad", None, settings, "standard", made / "run")
    return made / "run"


def of(table: pd.DataFrame, group: str, perturbation: str) -> pd.DataFrame:
    return table[(table["group"] == group) & (table["perturbation"] == perturbation)]


def test_f18_findings_name_both(sparse_data: PerturbationData) -> None:
    found = {f.code: f for f in check(sparse_data.adata, sparse_data.columns)}
    assert found["single_cell_perturbation"].sentence == (
        "1 perturbations have a single cell: IRF1. Their effects are not estimable: they are "
        "excluded from effects and scores."
    )
    assert found["no_controls_in_group"].sentence == (
        "1 groups have treated but no control cells: CD4 T cells. Effects there are not estimable."
    )
    assert {f.level for f in found.values()} <= {"warning", "note"}


@pytest.mark.parametrize("latent", ["pretreatment", "cell"])
@pytest.mark.parametrize("bands", [False, True])
def test_f18_the_estimator_says_not_identifiable(
    folder: Path, sparse_data: PerturbationData, latent: str, bands: bool
) -> None:
    table = marginal_effects(Run.open(folder), sparse_data, latent=latent, bands=bands, draws=100)
    counts = {
        ("B cells", RARE): (1, 60),
        ("CD14+ Monocytes", "JAK2"): (1, 60),
        (LONELY, "STAT1"): (36, 0),
        (LONELY, RARE): (0, 0),
    }
    more = [name for name in table if "band" in name]
    for pair, (treated, controls) in counts.items():
        rows = of(table, *pair)
        assert set(rows["status"]) == {"not_identifiable"}, pair
        assert set(rows["n_treated"]) == {treated}
        assert (rows["n_control"].iloc[0] > 0) == (controls > 0)
        assert rows[[*NEEDS_BOTH, *more]].isna().all(axis=None)  # missing, never 0
        assert np.isfinite(rows["plug_in"]).all()
    known = table[table["status"] == "estimated"]
    assert len(known)
    assert known[NEEDS_BOTH].notna().all(axis=None)
    assert (known["n_treated"].min(), known["n_control"].min()) >= (2, 2)


def test_f18_a_gene_that_is_estimated_has_an_error(sparse_data: PerturbationData) -> None:
    """Two cells of a kind are enough for a number, and that has an interval."""

    class Zero:
        def predict(self, rows, perturbation, dose=1.0, mode="residual"):
            return np.zeros((len(rows), len(sparse_data.genes)), dtype=np.float32)

    data = sparse_data
    second = np.flatnonzero((data.perturbation == "JAK2") & (data.groups == "B cells"))[:2]
    keep = (data.perturbation != "JAK2") | np.isin(np.arange(data.n_cells), second)
    two = PerturbationData(data.adata[keep].copy(), data.columns, data.meta)
    rows = of(marginal_effects(Zero(), two), "B cells", "JAK2")
    assert set(rows["status"]) == {"estimated"}
    assert set(rows["n_treated"]) == {2}
    assert rows[["effect", "effect_se"]].notna().all(axis=None)


def test_f18_the_command_line_names_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "effects.csv"
    assert cli.main(["effects", str(folder), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Not estimable, so excluded: IRF1 in B cells (1 treated, " in said
    assert "JAK2 in CD14+ Monocytes (1 treated" in said
    assert "An effect takes 2 treated and 2 control cells of a group or more" in said
    words = pd.read_csv(out, dtype=str, keep_default_na=False)
    rows = of(words, "B cells", RARE)
    assert set(rows["status"]) == {"not_identifiable"}
    assert set(rows["effect"]) == {""}  # neither nan nor 0


def test_f18_the_page_shows_no_number_where_there_is_none(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    one = prediction.answer(run, scenario.Scenario(RARE, "B cells"))
    assert one.interval != "influence"
    assert np.isfinite(one.table["predicted"]).all()
    assert np.isfinite(one.table[["low", "high"]]).all(axis=None)
    assert delta(np.nan) == "undefined"
