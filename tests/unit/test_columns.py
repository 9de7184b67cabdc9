"""Which obs columns mean what, guessed where plain, refused where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pytest

from gvci.config import PrepareSettings
from gvci.data.columns import find_columns, looks_like_control
from gvci.data.prepare import prepare
from gvci.errors import DataError, FindingsError

Cells = Callable[..., ad.AnnData]


@pytest.mark.parametrize(
    "label",
    ["control", "Control ", "ctrl", "CTRL", "NT", "non-targeting", "Non_Targeting", "Vehicle",
     "DMSO", "NTC", "NT3", "unstimulated", "safe-targeting"],
)  # fmt: skip
def test_control_labels_are_recognised(label: str) -> None:
    assert looks_like_control(label)


@pytest.mark.parametrize("label", ["STAT1", "CTRL-like", "NTRK1", "stim", "IFN-beta", "12"])
def test_other_labels_are_not(label: str) -> None:
    assert not looks_like_control(label)


def test_columns_are_guessed_where_plain(toy: Cells) -> None:
    columns, said = find_columns(toy().obs, PrepareSettings())
    assert (columns.perturbation, columns.control) == ("condition", "ctrl")
    assert columns.covariates == ("cell_type",)
    assert "The control cells are those labelled 'ctrl'." in said


def test_a_covariate_that_leaves_a_group_without_controls_is_not_guessed(toy: Cells) -> None:
    cells = toy()
    cells.obs["donor"] = np.where(cells.obs["condition"] == "ctrl", "d1", "d2")
    columns, _ = find_columns(cells.obs, PrepareSettings())
    assert columns.covariates == ("cell_type",)


def test_unclear_control_names_the_labels_found(toy: Cells) -> None:
    cells = toy()
    cells.obs["condition"] = cells.obs["condition"].replace({"ctrl": "plain"})
    with pytest.raises(DataError) as caught:
        prepare(cells, PrepareSettings(perturbation="condition"))
    assert str(caught.value) == (
        "No label is plainly the control in obs['condition']. Labels found: A, B, plain. "
        "Name the control label."
    )
    cells.obs["condition"] = cells.obs["condition"].replace({"plain": "NT", "B": "DMSO"})
    with pytest.raises(DataError, match="More than one label could be the control: DMSO, NT in"):
        prepare(cells, PrepareSettings(perturbation="condition"))


def test_no_perturbation_column_lists_the_columns(toy: Cells) -> None:
    cells = toy()
    cells.obs = cells.obs.rename(columns={"condition": "something"})
    with pytest.raises(DataError, match=r"the columns are something, cell_type\. Name the column"):
        prepare(cells, PrepareSettings())


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"perturbation": "conditio"}, "Did you mean condition?"),
        ({"perturbation": "condition", "control": "Control"}, "No cells are labelled 'Control'"),
        ({"covariates": ("tissue",)}, "obs has no column 'tissue'"),
    ],
)
def test_named_columns_that_are_wrong_are_findings(
    given_settings: dict[str, Any], sentence: str, toy: Cells
) -> None:
    with pytest.raises(FindingsError) as caught:
        prepare(toy(), PrepareSettings(**given_settings))
    assert sentence in str(caught.value)
