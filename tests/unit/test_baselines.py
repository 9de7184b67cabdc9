"""Baselines against means written out by hand, and what they may not look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gvci.baselines import BASELINES, additive, no_change, perturbed_mean
from gvci.data.dataset import PerturbationData
from gvci.errors import DataError
from gvci.pseudobulk import Pseudobulks


def mean(data: PerturbationData, group: str, perturbation: str) -> np.ndarray:
    """The mean of the training and validation cells, cell by cell."""
    chosen = [
        i
        for i in range(data.n_cells)
        if data.groups[i] == group
        and data.perturbation[i] == perturbation
        and data.split[i] in ("train", "validation")
    ]
    return np.mean([data.dense(np.array([i]))[0].astype(np.float64) for i in chosen], axis=0)


def test_no_change_is_the_mean_of_control_cells(held_out: PerturbationData) -> None:
    answer = no_change(Pseudobulks.of(held_out), "C", "KO")
    np.testing.assert_allclose(answer.mean, mean(held_out, "C", "ctrl"), rtol=1e-6)
    assert answer.note == ""


def test_perturbed_mean_is_the_mean_of_centroids_not_of_cells(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray]
) -> None:
    collector = cells()
    for group in "AB":
        collector.add(20, group, "ctrl", "train", profile(0))
    collector.add(50, "A", "K1", "train", profile(1))
    collector.add(5, "A", "K2", "validation", profile(2))
    collector.add(40, "A", "K3", "ood", profile(3)).add(9, "B", "K3", "train", profile(3))
    data = collector.data()
    expected = (mean(data, "A", "K1") + mean(data, "A", "K2")) / 2
    np.testing.assert_allclose(
        perturbed_mean(Pseudobulks.of(data), "A", "K3").mean, expected, rtol=1e-6
    )


def test_perturbed_mean_without_other_perturbations_is_that_of_the_other_groups(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray]
) -> None:
    collector = cells()
    for seed, group in enumerate("ABC"):
        collector.add(20, group, "ctrl", "train", profile(seed))
        split = "ood" if group == "C" else "train"
        collector.add(10 + 20 * seed, group, "stim", split, profile(seed) + 1)
    data = collector.data()
    answer = perturbed_mean(Pseudobulks.of(data), "C", "stim")
    expected = (mean(data, "A", "stim") + mean(data, "B", "stim")) / 2
    np.testing.assert_allclose(answer.mean, expected, rtol=1e-6)
    assert answer.note == (
        "C has no other perturbation: the perturbed mean is that of stim in 2 other groups."
    )


def test_additive_is_control_plus_the_unweighted_mean_change(held_out: PerturbationData) -> None:
    changes = [mean(held_out, g, "KO") - mean(held_out, g, "ctrl") for g in "AB"]
    expected = np.maximum(mean(held_out, "C", "ctrl") + sum(changes) / 2, 0)
    answer = additive(Pseudobulks.of(held_out), "C", "KO")
    np.testing.assert_allclose(answer.mean, expected, rtol=1e-5)
    assert answer.note == ""


def test_additive_leaves_the_own_group_out(held_out: PerturbationData) -> None:
    # A has KO in training: asking about A on a test split must not use A's own KO cells.
    assert Pseudobulks.of(held_out).donors("KO", besides="A") == ["B"]
    change = mean(held_out, "B", "KO") - mean(held_out, "B", "ctrl")
    expected = np.maximum(mean(held_out, "A", "ctrl") + change, 0)
    np.testing.assert_allclose(
        additive(Pseudobulks.of(held_out), "A", "KO").mean, expected, rtol=1e-5
    )


def test_additive_is_clipped_at_zero(cells: Callable[..., Any]) -> None:
    high, low = np.full(24, 3.0), np.full(24, 0.5)
    collector = cells().add(20, "A", "ctrl", "train", high).add(20, "A", "K", "train", low)
    collector.add(20, "B", "ctrl", "train", low).add(20, "B", "K", "ood", low)
    answer = additive(Pseudobulks.of(collector.data()), "B", "K").mean
    assert (answer == 0).all()


def test_additive_without_another_group_is_no_change_and_says_so(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray]
) -> None:
    collector = cells().add(20, "A", "ctrl", "train", profile(0))
    # B has the perturbation but no control cells, so it has no change to add.
    collector.add(20, "A", "K", "test", profile(1)).add(20, "B", "K", "train", profile(1))
    collector.add(5, "B", "ctrl", "test", profile(0))
    data = collector.data()
    answer = additive(Pseudobulks.of(data), "A", "K")
    np.testing.assert_array_equal(answer.mean, no_change(Pseudobulks.of(data), "A", "K").mean)
    assert "carry changes over from other groups are the control mean" in answer.note
    assert (
        "the perturbed mean is the control mean"
        in perturbed_mean(Pseudobulks.of(data), "A", "K").note
    )


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_no_baseline_sees_held_out_or_test_cells(name: str, held_out: PerturbationData) -> None:
    before = BASELINES[name](Pseudobulks.of(held_out), "C", "KO").mean
    adata = held_out.adata.copy()
    hidden = np.isin(held_out.split, ("ood", "test"))
    assert hidden.any()
    changed = adata.X.toarray()
    changed[hidden] = 100.0
    adata.X = changed
    after = PerturbationData(adata, held_out.columns)
    np.testing.assert_array_equal(BASELINES[name](Pseudobulks.of(after), "C", "KO").mean, before)


def test_a_group_without_training_controls_is_one_sentence(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray]
) -> None:
    collector = cells().add(20, "A", "ctrl", "train", profile(0))
    collector.add(20, "A", "K", "train", profile(1)).add(20, "B", "K", "ood", profile(1))
    collector.add(5, "B", "ctrl", "ood", profile(1))
    with pytest.raises(DataError, match="B has no cells of 'ctrl' in the training"):
        no_change(Pseudobulks.of(collector.data()), "B", "K")
