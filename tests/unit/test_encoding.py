"""Labels to numbers: one-hot, doses, combinations, unknown labels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.errors import CheckpointError, PredictionError


def test_one_hot_times_dose() -> None:
    code = TreatmentCode.of(["B", "control", "A"], "control")
    assert code.levels == ("A", "B")
    assert code.width == 3
    made = code.encode(["control", "A", "B"], [5.0, 2.0, 0.5])
    np.testing.assert_array_equal(made, [[1, 0, 0], [0, 2, 0], [0, 0, 0.5]])
    assert made.dtype == np.float32


def test_combinations_add_up_and_an_unseen_pair_of_seen_parts_is_answered() -> None:
    code = TreatmentCode.of(["ctrl", "A", "B", "A+C"], "ctrl")
    assert code.levels == ("A", "B", "C")
    np.testing.assert_array_equal(code.encode(["A+B"]), [[0, 1, 1, 0]])
    np.testing.assert_array_equal(code.encode(["B + ctrl"]), [[0, 0, 1, 0]])


def test_a_plus_in_a_name_is_not_a_combination() -> None:
    code = TreatmentCode.of(["control", "Ca2+ ionophore", "A"], "control")
    assert code.levels == ("A", "Ca2+ ionophore")
    np.testing.assert_array_equal(code.encode(["Ca2+ ionophore"]), [[0, 0, 1]])


def test_pairs_with_the_control_are_singles() -> None:
    assert TreatmentCode.of(["ctrl", "A+ctrl", "ctrl+B"], "ctrl").levels == ("A", "B")


def test_unknown_perturbation_suggests_known_ones() -> None:
    code = TreatmentCode.of(["control", "STAT1", "IRF1"], "control")
    with pytest.raises(PredictionError) as caught:
        code.encode(["STAT11"])
    assert str(caught.value) == (
        "The model has not seen the perturbation 'STAT11', so it cannot predict it. "
        "Did you mean STAT1? It knows 2: IRF1, STAT1."
    )


@given(labels=st.lists(st.sampled_from(["control", "A", "B", "A+B"]), min_size=1, max_size=20))
def test_rows_do_not_depend_on_the_batch(labels: list[str]) -> None:
    code = TreatmentCode.of(["control", "A", "B"], "control")
    whole = code.encode(labels)
    np.testing.assert_array_equal(whole, np.concatenate([code.encode([x]) for x in labels]))


def test_covariates() -> None:
    code = CovariateCode({"type": ("B", "T"), "donor": ("1", "2", "3")})
    assert code.width == 5
    made = code.encode({"donor": ["3", "1"], "type": ["T", "B"]})
    np.testing.assert_array_equal(made, [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0]])
    assert made.dtype == np.float32
    with pytest.raises(PredictionError, match="The covariate 'donor' is missing"):
        code.encode({"type": ["T"]})
    with pytest.raises(PredictionError, match=r"has not seen type = NK\. It knows B, T\."):
        code.encode({"type": ["NK"], "donor": ["1"]})
    assert code.to_json() == {"levels": {"type": ["B", "T"], "donor": ["1", "2", "3"]}, "real": {}}


MIXED = CovariateCode({"type": ("B", "T")}, {"age": (40.0, 10.0), "score": (0.0, 0.5)})


def test_real_covariates_are_standardised_behind_the_one_hot_ones() -> None:
    assert MIXED.width == 4
    made = MIXED.encode({"age": [50, 35], "type": ["T", "B"], "score": np.array([0, -1])})
    np.testing.assert_array_equal(made, [[0, 1, 1, 0], [1, 0, -0.5, -2]])
    assert made.dtype == np.float32
    with pytest.raises(PredictionError, match=r"'score' is missing\. .* needs type, age, score\."):
        MIXED.encode({"type": ["T"], "age": [1]})
    with pytest.raises(PredictionError, match=r"2 values of age are not finite numbers\."):
        MIXED.encode({"type": ["T"] * 3, "age": [1, np.nan, np.inf], "score": [0, 0, 0]})


def test_one_real_covariate_alone() -> None:
    code = CovariateCode({}, {"age": (40.0, 10.0)})
    assert code.width == 1
    np.testing.assert_array_equal(code.encode({"age": [20]}), [[-2]])


@pytest.mark.parametrize("code", [MIXED, CovariateCode({"levels": ("a",)}), CovariateCode({})])
def test_codes_survive_json(code: CovariateCode) -> None:
    again = CovariateCode.from_json(json.loads(json.dumps(code.to_json())))
    assert again == code
    assert list(again.levels) == list(code.levels)


@pytest.mark.parametrize("name", ["type", "levels", "real"])
def test_headers_of_the_first_form_are_read(name: str) -> None:
    code = CovariateCode.from_json({name: ["B", "T"], "donor": ["1"]})
    assert code == CovariateCode({name: ("B", "T"), "donor": ("1",)})
    assert code.width == 3


@pytest.mark.parametrize(
    "stored",
    [
        None, [], {"levels": {"a": ["b"]}}, {"levels": {}, "real": []}, {"type": 3},
        {"levels": {}, "real": {"age": [1]}}, {"levels": {}, "real": {"age": ["x", 1]}},
        {"levels": {}, "real": {"age": [0, 0]}}, {"levels": {}, "real": {"age": [float("nan"), 1]}},
    ],
)  # fmt: skip
def test_headers_that_lie(stored: Any) -> None:
    with pytest.raises(CheckpointError, match="The covariates of the model file cannot be read"):
        CovariateCode.from_json(stored)


def test_dose_zero_is_the_control():
    code = TreatmentCode(("A", "B"), "ctrl")
    got = code.encode(["A", "A", "ctrl"], [0.0, 2.0, 0.0])
    np.testing.assert_array_equal(got, [[1, 0, 0], [0, 2, 0], [1, 0, 0]])
