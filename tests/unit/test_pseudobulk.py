"""Pseudobulks against means taken cell by cell, the task covariate, and what hiding hides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns
from gvci.errors import DataError
from gvci.pseudobulk import Pseudobulks, pseudobulks, task_covariate


def test_means_and_counts_are_those_of_the_learning_cells(held_out: PerturbationData) -> None:
    bulks = Pseudobulks.of(held_out)
    learning = np.isin(held_out.split, ("train", "validation"))
    seen = set(zip(held_out.groups[learning], held_out.perturbation[learning], strict=True))
    assert set(bulks.pairs) == set(bulks.row) == seen
    for group, label in bulks.pairs:
        cells = learning & (held_out.groups == group) & (held_out.perturbation == label)
        literal = np.mean([held_out.dense(np.array([i]))[0] for i in np.flatnonzero(cells)], axis=0)
        np.testing.assert_allclose(bulks.mean(group, label), literal, rtol=1e-5)
        assert bulks.counts[bulks.row[group, label]] == cells.sum()
    np.testing.assert_allclose(
        bulks.delta("A", "KO"), bulks.mean("A", "KO") - bulks.mean("A", "ctrl")
    )
    assert bulks.genes == 24
    assert bulks.perturbations("A") == ["KO", "KO2"]
    assert bulks.perturbations("C") == ["KO2"]


def test_they_are_made_once_per_dataset(held_out: PerturbationData) -> None:
    assert pseudobulks(held_out) is pseudobulks(held_out)


def labelled(rows: list[tuple[str, str, str, str]]) -> PerturbationData:
    """Cells of (cell_type, donor, perturbation, split), four of each, without expression."""
    obs = pd.DataFrame(rows * 4, columns=["cell_type", "donor", "perturbation", "split"])
    obs.index = pd.Index([f"c{i}" for i in range(len(obs))])
    values = np.random.default_rng(0).uniform(1, 2, (len(obs), 3)).astype(np.float32)
    adata = ad.AnnData(values, obs=obs, var=pd.DataFrame(index=["a", "b", "c"]))
    return PerturbationData(adata, Columns("perturbation", "ctrl", ("cell_type", "donor")))


ALL = [(t, d, p) for t in "AB" for d in "12" for p in ("ctrl", "P", "Q")]


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        (lambda t, d, p: t == "B" and p == "P", "cell_type"),
        (lambda t, d, p: d == "2" and p == "P", "donor"),
        (lambda t, d, p: t == "B" and d == "2" and p == "P", "cell_type"),  # neither: the first
        (lambda t, d, p: False, "cell_type"),
    ],
)
def test_the_task_covariate_is_the_one_that_hides_most_held_out_cells(
    hidden: Callable[[str, str, str], bool], expected: str
) -> None:
    data = labelled([(t, d, p, "ood" if hidden(t, d, p) else "train") for t, d, p in ALL])
    assert task_covariate(data) == expected
    bulks = Pseudobulks.of(data)
    place = 0 if expected == "cell_type" else 1
    assert all(bulks.level(group) == group.split(" · ")[place] for group in set(data.groups))


def test_a_covariate_with_one_level_hides_nothing() -> None:
    data = labelled([("A", d, p, "train") for t, d, p in ALL])
    assert task_covariate(data) == "donor"
    alone = labelled([("A", "1", p, "train") for _, _, p in ALL])
    assert task_covariate(alone) is None
    assert Pseudobulks.of(alone).level("A · 1") == "A · 1"


def test_hiding_takes_one_label_from_every_group_of_a_level() -> None:
    bulks = Pseudobulks.of(labelled([(t, d, p, "train") for t, d, p in ALL]))
    hidden = bulks.without("B", "P")
    assert set(bulks.row) - set(hidden.row) == {("B · 1", "P"), ("B · 2", "P")}
    assert hidden.donors("P", besides="B · 1") == ["A · 1", "A · 2"]
    assert bulks.donors("P", besides="B · 1") == ["A · 1", "A · 2", "B · 2"]
    assert hidden.means is bulks.means
    twice = hidden.without("A", "Q")
    assert len(twice.row) == len(bulks.row) - 4
    assert twice.whole is hidden.whole is bulks
    assert bulks.without("B", "nothing") is bulks


def test_donors_have_the_perturbation_and_control_cells() -> None:
    rows = [(t, d, p, "train") for t, d, p in ALL if (t, d, p) != ("A", "1", "ctrl")]
    assert Pseudobulks.of(labelled(rows)).donors("P", besides="B · 1") == ["A · 2", "B · 2"]


def test_parts_of_combinations() -> None:
    rows = [("A", "1", p, "train") for p in ("ctrl", "P", "Q", "P+Q", "ctrl+P")]
    bulks = Pseudobulks.of(labelled(rows))
    assert bulks.parts("P+Q") == ("P", "Q")
    assert bulks.parts("Q+P") == ("Q", "P")
    assert bulks.parts("ctrl+P") == ("P",)
    assert bulks.parts("ctrl") == bulks.parts("unheard of") == ()


def test_what_was_not_measured_is_one_sentence(cells: Callable[..., Any]) -> None:
    collector = cells().add(20, "A", "ctrl", "train", np.ones(24))
    collector.add(20, "B", "ctrl", "test", np.ones(24))
    bulks = Pseudobulks.of(collector.add(20, "B", "KO", "train", np.ones(24)).data())
    with pytest.raises(DataError, match="B has no cells of 'ctrl' in the training and validation"):
        bulks.control_mean("B")
    with pytest.raises(DataError, match="A has no cells of 'KO'"):
        bulks.without("A", "KO").delta("A", "KO")
