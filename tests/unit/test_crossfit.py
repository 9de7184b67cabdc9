"""Cross-fitting: who sees which cell, who answers, and what is kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pytest
import torch

from gvci import crossfit
from gvci.config import TrainSettings
from gvci.crossfit import NO_FOLD, cross_fit, cross_fitted, deal, hiding
from gvci.data.dataset import PerturbationData
from gvci.errors import GRNError, PredictionError, SettingsError
from gvci.estimator import marginal_effects
from gvci.training.ensemble import train

SETTINGS = TrainSettings(
    model="vci", latent=8, width=16, depth=1, outcome_embedding=16, graph_latent=8, max_steps=6,
    evaluate_every=3, inner_folds=0, members=1,
)  # fmt: skip


def test_folds_are_equal_within_every_group_and_perturbation(held_out: PerturbationData) -> None:
    folds = deal(held_out, 4, seed=0)
    outside = held_out.split == "ood"
    assert (folds[outside] == NO_FOLD).all()
    assert set(folds[~outside]) == {0, 1, 2, 3}
    pairs = list(zip(held_out.groups[~outside], held_out.perturbation[~outside], strict=True))
    for pair in set(pairs):
        mine = np.array([p == pair for p in pairs])
        counts = Counter(folds[~outside][mine])
        assert max(counts.values()) - min(counts[k] for k in range(4)) <= 1
    np.testing.assert_array_equal(deal(held_out, 4, seed=0), folds)
    assert (deal(held_out, 4, seed=1) != folds).any()


@pytest.mark.parametrize("folds", [0, 1, 10_000])
def test_a_number_of_folds_that_makes_no_sense_is_refused(
    folds: int, held_out: PerturbationData
) -> None:
    with pytest.raises(SettingsError, match=rf"takes 2 to 430 folds.*{folds:,} were asked for"):
        deal(held_out, folds, seed=0)


def test_a_model_learns_nothing_of_hidden_cells(held_out: PerturbationData) -> None:
    gone = deal(held_out, 3, seed=0) == 1
    adata = held_out.adata.copy()
    values = adata.X.toarray()
    values[gone] = 9 - values[gone]
    adata.X = values
    other = PerturbationData(adata, held_out.columns)
    one, two = (train(hiding(data, gone), None, SETTINGS) for data in (held_out, other))
    seeing = train(other, None, SETTINGS)
    first = one.members[0].core.state_dict()
    second, third = (m.members[0].core.state_dict() for m in (two, seeing))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_each_cell_is_answered_by_its_own_folds_model(held_out: PerturbationData) -> None:
    fitted = cross_fitted(held_out, None, SETTINGS, 2)
    rows = np.flatnonzero(held_out.split != "ood")[::7]
    answer = fitted.predict(rows, "KO", 2.0, "mean")
    for fold, run in enumerate(fitted.runs):
        mine = fitted.folds[rows] == fold
        expected = run.predict(rows[mine], "KO", 2.0, "mean")
        np.testing.assert_allclose(answer[mine], expected, atol=1e-6)
        assert np.abs(answer[~mine] - run.predict(rows[~mine], "KO", 2.0, "mean")).max() > 1e-3
    with pytest.raises(PredictionError, match="2 of 3 cells are held out"):
        fitted.predict(np.array([*np.flatnonzero(held_out.split == "ood")[:2], 0]), "KO")
    table = marginal_effects(fitted, held_out, latent="cell")
    assert (table["status"] == "estimated").sum() == 5 * 24


def test_finished_folds_are_kept_and_foreign_or_damaged_ones_made_again(
    held_out: PerturbationData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def counted(data, grn, settings, header, *rest):
        trained.append(header["fold"])
        return train(data, grn, settings, header, *rest)

    monkeypatch.setattr(crossfit, "train", counted)
    rows = np.flatnonzero(held_out.split != "ood")[:9]

    def answer(settings: TrainSettings = SETTINGS) -> np.ndarray:
        trained.clear()
        return cross_fitted(held_out, None, settings, 2, tmp_path / "c").predict(rows, "KO2")

    first = answer()
    assert trained == [1, 2]
    np.testing.assert_array_equal(answer(), first)
    assert trained == []
    (tmp_path / "c" / "fold 2.safetensors").write_bytes(b"damaged")
    np.testing.assert_array_equal(answer(), first)
    assert trained == [2]
    answer(SETTINGS.model_copy(update={"seed": 5}))
    assert trained == [1, 2]
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "fold 1.safetensors",
        "fold 2.safetensors",
    ]


def test_a_stopped_cross_fitting_goes_on(held_out: PerturbationData, tmp_path: Path) -> None:
    whole = cross_fitted(held_out, None, SETTINGS, 2, tmp_path / "whole")

    def stop(done: int, planned: int, words: str) -> None:
        if done > planned / 2 + 1:  # within the second fold
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_fitted(held_out, None, SETTINGS, 2, tmp_path / "cut", stop)
    assert (tmp_path / "cut" / "fold 1.safetensors").is_file()
    again = cross_fitted(held_out, None, SETTINGS, 2, tmp_path / "cut")
    rows = np.flatnonzero(held_out.split != "ood")
    np.testing.assert_array_equal(again.predict(rows, "KO"), whole.predict(rows, "KO"))


def test_a_network_that_the_run_does_not_hold_is_named(tmp_path: Path) -> None:
    header = {"settings": SETTINGS.model_dump(), "grn_hash": "abc"}
    run = SimpleNamespace(model=SimpleNamespace(header=header), grn=None, path=tmp_path)
    with pytest.raises(GRNError, match="trained on a network that it does not hold"):
        cross_fit(run, 2)


def test_hidden_cells_keep_their_labels_and_layers(held_out: PerturbationData) -> None:
    adata = held_out.adata.copy()
    adata.layers["counts"] = adata.X
    data = PerturbationData(adata, held_out.columns, {"name": "x"})
    gone = np.zeros(data.n_cells, dtype=bool)
    gone[::5] = True
    seen = hiding(data, gone)
    assert isinstance(seen.adata, ad.AnnData)
    assert seen.name == "x"
    assert set(seen.split[gone]) == {"hidden"}
    np.testing.assert_array_equal(seen.split[~gone], data.split[~gone])
    assert seen.treatment_code == data.treatment_code
    assert seen.counts.shape == data.counts.shape
    assert "hidden" not in set(data.split)
