"""Splits: named hold-outs, the paper's rule, and the shares of the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.config import PrepareSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import Simulation
from gvci.data.split import parse_word, split_cells
from gvci.errors import SettingsError

Cells = Callable[..., ad.AnnData]


def report_of(data: PerturbationData) -> str:
    return " ".join(data.meta["report"])


def test_a_named_holdout_takes_exactly_the_treated_cells(toy: Cells) -> None:
    data = prepare(toy(), PrepareSettings(holdout=("cell_type=T",)))
    obs = data.adata.obs
    expected = ((obs["cell_type"] == "T") & (obs["condition"] != "ctrl")).to_numpy()
    np.testing.assert_array_equal(data.split == "ood", expected)
    assert data.meta["holdout"] == {"rule": "named", "cells": int(expected.sum())}


def test_and_inside_a_word_or_between_words(toy: Cells) -> None:
    words = ("cell_type=T,condition=A", "cell_type=M,condition=B")
    data = prepare(toy(), PrepareSettings(holdout=words))
    obs = data.adata.obs
    first = (obs["cell_type"] == "T") & (obs["condition"] == "A")
    second = (obs["cell_type"] == "M") & (obs["condition"] == "B")
    np.testing.assert_array_equal(data.split == "ood", (first | second).to_numpy())


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cell_type=CD14+ Monocytes", {"cell_type": "CD14+ Monocytes"}),
        ("a=x y, b = z", {"a": "x y", "b": "z"}),
        ("drug=2,4-D,dose=1", {"drug": "2,4-D", "dose": "1"}),
    ],
)
def test_words(word: str, expected: dict[str, str]) -> None:
    assert parse_word(word) == expected


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"holdout": ("cell_typ=T",)}, "no column 'cell_typ'. Did you mean cell_type?"),
        ({"holdout": ("cell_type=X",)}, "No cell has cell_type = 'X'. Values found: M, T."),
        ({"holdout": ("B cells",)}, "'B cells' does not say which cells"),
        ({"holdout": ("condition=ctrl",)}, "matches no treated cell"),
        ({"holdout": ("cell_type=T", "cell_type=M")}, "leaves no treated cell to learn from"),
        ({"holdout": ("cell_type=T",), "ood": "auto"}, "exclude each other"),
        ({"holdout": ("cell_type=T",), "ood": "none"}, "exclude each other"),
        ({"ood": "none", "ood_level": "cell_type=T"}, "has no meaning with ood = none"),
        ({"ood": "auto", "ood_level": "condition=A"}, "must be one covariate's level"),
        ({"ood": "auto", "covariates": ()}, "Nothing can be held out by the rule"),
    ],
)  # fmt: skip
def test_holdouts_that_make_no_sense(settings: dict[str, Any], sentence: str, toy: Cells) -> None:
    with pytest.raises(SettingsError) as caught:
        prepare(toy(), PrepareSettings(**settings))
    assert sentence in str(caught.value)


def test_a_perturbation_held_out_everywhere_is_reported(toy: Cells) -> None:
    data = prepare(toy(), PrepareSettings(holdout=("condition=A",)))
    assert "1 perturbation is then seen nowhere in training: A." in report_of(data)


def test_a_combination_held_out_everywhere_may_have_known_parts(toy: Cells) -> None:
    cells = toy()
    treated = np.flatnonzero(cells.obs["condition"].astype(str) == "A")
    labels = cells.obs["condition"].astype(str).to_numpy(dtype=object)
    labels[treated[::2]], labels[treated[1::4]] = "A+B", "B+C"
    labels[labels == "C"] = "B"
    cells.obs["condition"] = labels.astype(str)
    data = prepare(cells, PrepareSettings(holdout=("condition=A+B",)))
    whole = "1 perturbation is then seen nowhere in training (the parts of all are): A+B."
    assert whole in report_of(data)
    data = prepare(cells, PrepareSettings(holdout=("condition=A+B", "condition=B+C")))
    assert "2 perturbations are then seen nowhere in training (the parts of 1 are)" in report_of(
        data
    )


def test_auto_holds_out_the_perturbations_farthest_from_the_rest(toy: Cells) -> None:
    data = prepare(toy(), PrepareSettings(ood="auto", ood_level="cell_type=M"))
    obs = data.adata.obs
    held = obs[data.split == "ood"]
    assert set(held["condition"]) == {"A"}
    assert set(held["cell_type"]) == {"M"}
    # Still seen elsewhere.
    assert ((obs["condition"] == "A") & (data.split == "train")).any()
    # The rule, literally (C.2).
    values = data.expression.toarray()
    labels = data.perturbation
    distance = {
        p: np.linalg.norm(values[labels == p].mean(axis=0) - values[labels != p].mean(axis=0))
        for p in ("A", "B")
    }
    assert distance["A"] > distance["B"]


def test_auto_is_the_default_where_feasible_and_takes_a_third_at_most(
    small_simulation: Simulation, toy: Cells
) -> None:
    plain = prepare(toy(), PrepareSettings())
    assert plain.meta["holdout"]["rule"] == "auto"
    settings = PrepareSettings(covariates=("cell_type",))
    data = prepare(small_simulation.adata, settings)
    assert len(set(data.perturbation[data.split == "ood"])) == 1  # a third of 4
    alone = prepare(toy(), PrepareSettings(covariates=()))
    assert alone.meta["holdout"]["rule"] == "none"
    assert "No cells are held out: no covariate has a level" in report_of(alone)
    switched_off = prepare(toy(), PrepareSettings(ood="none"))
    assert not (switched_off.split == "ood").any()


def test_shares_of_the_splits_hold_in_every_stratum(toy: Cells) -> None:
    data = prepare(toy(1200), PrepareSettings(holdout=("cell_type=T,condition=A",)))
    table = pd.crosstab(data.groups + data.perturbation, data.split)
    free = table[table["ood"] == 0]
    assert (free["validation"].between(19, 21)).all()
    assert (free["test"].between(19, 21)).all()


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    validation=st.floats(0.01, 0.49),
    test=st.floats(0.0, 0.49),
    seed=st.integers(0, 9),
)
def test_every_stratum_keeps_a_training_cell(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    strata = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    held_out = np.zeros(len(strata), dtype=bool)
    settings = PrepareSettings(validation=validation, test=test, seed=seed)
    split = split_cells(strata, held_out, settings)
    assert set(split) <= {"train", "validation", "test"}
    assert set(strata[split == "train"]) == set(strata)
    np.testing.assert_array_equal(split, split_cells(strata, held_out, settings))


def test_seed_changes_the_split_only(toy: Cells) -> None:
    one, two = (prepare(toy(), PrepareSettings(seed=seed)) for seed in (0, 1))
    assert (one.split != two.split).any()
    np.testing.assert_array_equal(one.split == "ood", two.split == "ood")
    assert (one.expression != two.expression).nnz == 0
