"""evaluate() against scores put together by hand, its honesty, and its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gvci.baselines import BASELINES
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import differential_genes
from gvci.errors import DataError, PredictionError
from gvci.evaluation.evaluate import evaluate, scorable_pairs
from gvci.evaluation.pairs import MOST_CELLS
from gvci.evaluation.scoring import SCORES
from gvci.metrics import e_distance, pearson_delta, r2_mean, spread_ratio
from gvci.pseudobulk import pseudobulks

CHANGE = np.linspace(-1.5, 1.5, 24)


@pytest.fixture
def result(held_out: PerturbationData, oracle: type[Any]) -> dict[str, Any]:
    return evaluate(oracle(held_out, CHANGE), held_out)


def test_the_json_of_the_contract(result: dict[str, Any]) -> None:
    assert set(result["models"]) == {"graphvci", *BASELINES}
    for scores in (*result["models"].values(), result["ceiling"]):
        assert set(scores) == set(SCORES)
    assert (result["split"], result["mode"], result["n_pairs"]) == ("ood", "residual", 1)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_only_pairs_with_more_than_thirty_cells(
    result: dict[str, Any], held_out: PerturbationData
) -> None:
    assert {(row["group"], row["perturbation"]) for row in result["pairs"]} == {("C", "KO")}
    assert {row["n_cells"] for row in result["pairs"]} == {50}
    assert len(scorable_pairs(held_out, "ood")) == 1


def test_thirty_cells_are_too_few_and_thirty_one_are_not(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray]
) -> None:
    for count, expected in ((30, 0), (31, 1)):
        collector = cells().add(40, "A", "ctrl", "train", profile(0))
        collector.add(count, "A", "K", "ood", profile(1)).add(40, "A", "L", "train", profile(2))
        data = collector.data()
        if expected:
            assert len(scorable_pairs(data, "ood")) == 1
            continue
        with pytest.raises(
            DataError,
            match=r"more than 30 true cells in the split 'ood', .* has 30, and pairs are not",
        ):
            scorable_pairs(data, "ood")


def test_classic_scores_by_hand(held_out: PerturbationData, oracle: type[Any]) -> None:
    predictor = oracle(held_out, 0.5 * CHANGE)
    scores = evaluate(predictor, held_out, name="half")["models"]["half"]
    own = (held_out.groups == "C") & np.isin(held_out.split, ("train", "validation"))
    controls = np.flatnonzero(own & held_out.is_control)
    true = np.flatnonzero((held_out.groups == "C") & (held_out.perturbation == "KO"))
    truth, control = held_out.mean(true), held_out.mean(controls)
    prediction = predictor.predict(controls, "KO").mean(axis=0, dtype=np.float64)
    de = differential_genes(held_out.dense(true), held_out.dense(controls), 50)
    assert scores["r2_all"] == pytest.approx(r2_mean(truth, prediction))
    assert scores["r2_de"] == pytest.approx(r2_mean(truth, prediction, de))
    assert scores["pearson_delta"] == pytest.approx(pearson_delta(truth, prediction, control))
    native = predictor.predict(np.flatnonzero(own), "KO").mean(axis=0, dtype=np.float64)
    assert scores["r2_all_native"] == pytest.approx(r2_mean(truth, native))


def test_classic_transports_controls_and_native_the_whole_group_at_the_pairs_dose(
    held_out: PerturbationData, oracle: type[Any]
) -> None:
    predictor = oracle(held_out, CHANGE)
    evaluate(predictor, held_out)
    (classic, *asked), (native, *_), compared, collapse = predictor.asked
    assert asked == ["KO", 2.0, "residual"]
    assert [compared[3], collapse[3]] == ["residual", "mean"]
    for rows in (classic, compared[0], collapse[0]):
        assert set(held_out.perturbation[rows]) == {"ctrl"}
    assert set(held_out.perturbation[native]) == {"ctrl", "KO2"}
    for rows in (classic, native, compared[0]):
        assert set(held_out.groups[rows]) == {"C"}
        assert set(held_out.split[rows]) == {"train", "validation"}


def test_distances_and_spreads_by_hand(held_out: PerturbationData, oracle: type[Any]) -> None:
    predictor = oracle(held_out, 0.5 * CHANGE)
    models = evaluate(predictor, held_out)["models"]
    *_, (rows, *_), _ = predictor.asked
    true = np.flatnonzero((held_out.groups == "C") & (held_out.perturbation == "KO"))
    truth, made = held_out.dense(true), predictor.predict(rows, "KO")
    assert len(rows) == len(true) == 50
    assert models["graphvci"]["e_distance"] == pytest.approx(e_distance(truth, made), rel=1e-4)
    assert models["graphvci"]["spread_ratio"] == pytest.approx(spread_ratio(truth, made))
    own = (held_out.groups == "C") & np.isin(held_out.split, ("train", "validation"))
    control = held_out.mean(own & held_out.is_control)
    for name, predict in BASELINES.items():
        change = predict(pseudobulks(held_out), "C", "KO").mean - control
        shifted = np.maximum(held_out.dense(rows) + change, 0)
        assert models[name]["e_distance"] == pytest.approx(e_distance(truth, shifted), rel=1e-4)
        assert models[name]["spread_ratio"] == 0


def test_a_mean_is_clipped_as_a_mean_and_not_cell_by_cell(
    held_out: PerturbationData, oracle: type[Any]
) -> None:
    class Low(oracle):  # type: ignore[misc, valid-type]
        def predict_mean(self, rows: np.ndarray, *asked: Any, **more: Any) -> np.ndarray:
            return self.data.mean(held_out.perturbation == "KO")

        def predict(self, rows: np.ndarray, *asked: Any, **more: Any) -> np.ndarray:
            return np.full((len(rows), 24), 9.0, dtype=np.float32)

    models = evaluate(Low(held_out, CHANGE), held_out)["models"]
    assert models["graphvci"]["r2_all"] > 0.5 > 0 < models["graphvci"]["e_distance"]


def test_the_share_of_the_network_stands_beside_its_scores(
    held_out: PerturbationData, oracle: type[Any], result: dict[str, Any]
) -> None:
    class Gated(oracle):  # type: ignore[misc, valid-type]
        def gate(self, group: str, perturbation: str) -> dict[str, Any]:
            return {"lambda": 0.25, "baseline": "ridge"}

    gated = evaluate(Gated(held_out, CHANGE), held_out)
    assert gated["gate"] == {"lambda": 0.25, "baselines": ["ridge"]}
    assert {row["model"]: row["lambda"] for row in gated["pairs"]} == {
        "graphvci": 0.25, "ceiling": None, **dict.fromkeys(BASELINES)
    }  # fmt: skip
    assert result["gate"] is None
    assert {row["lambda"] for row in result["pairs"]} == {None}


def test_at_most_500_cells_are_transported_by_seeded_choice(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], oracle: type[Any]
) -> None:
    collector = cells().add(700, "A", "ctrl", "train", profile(0))
    data = collector.add(600, "A", "KO", "ood", profile(0) + 1).data()
    first, again, other = (oracle(data, CHANGE) for _ in range(3))
    one = evaluate(first, data, seed=1)
    assert [len(rows) for rows, *_ in first.asked] == [MOST_CELLS, MOST_CELLS, 200, 200]
    assert evaluate(again, data, seed=1) == one
    assert evaluate(other, data, seed=2) != one


def test_a_perfect_model_a_collapsed_one_and_the_baselines(
    held_out: PerturbationData, oracle: type[Any], result: dict[str, Any]
) -> None:
    models = result["models"]
    assert models["graphvci"]["r2_all"] > 0.99
    assert models["graphvci"]["cell_correlation"] == pytest.approx(1)
    collapsed = evaluate(oracle(held_out, CHANGE, collapsed=True), held_out)
    assert collapsed["models"]["graphvci"]["cell_correlation"] == 0
    assert collapsed["models"]["graphvci"]["r2_all"] == models["graphvci"]["r2_all"]
    for baseline in BASELINES:
        assert models[baseline]["cell_correlation"] == 0
        assert models[baseline]["r2_all"] == models[baseline]["r2_all_native"]
    assert models["additive"]["r2_all"] > 0.99 > models["no_change"]["r2_all"]
    assert models["no_change"]["pearson_delta"] is None
    assert result["ceiling"]["r2_all"] > 0.99
    assert result["ceiling"]["cell_correlation"] is None
    assert collapsed["models"]["graphvci"]["spread_ratio"] == pytest.approx(0, abs=1e-6)
    assert models["graphvci"]["spread_ratio"] == pytest.approx(1, abs=0.1)
    assert result["ceiling"]["spread_ratio"] == pytest.approx(1, abs=0.1)
    assert abs(result["ceiling"]["e_distance"]) < 0.02 < models["no_change"]["e_distance"]


def test_a_tie_with_the_strongest_baseline_is_called_a_tie(result: dict[str, Any]) -> None:
    first, *_ = result["verdict"].split(" tie on the 24 most changed genes: R² 1.00 and 1.00; ")
    assert first.startswith("graphVCI and ")
    assert result["verdict"].endswith("two halves of the measured cells agree at 1.00.")


def test_predictions_that_are_not_finite_are_undefined_and_said_so(
    held_out: PerturbationData, oracle: type[Any]
) -> None:
    class Diverged(oracle):  # type: ignore[misc, valid-type]
        def predict(self, rows: np.ndarray, *asked: Any, **more: Any) -> np.ndarray:
            return np.full((len(rows), 24), np.nan, dtype=np.float32)

    result = evaluate(Diverged(held_out, CHANGE), held_out)
    for score in ("r2_all", "e_distance", "spread_ratio"):
        assert result["models"]["graphvci"][score] is None
    assert result["verdict"].startswith("R² is undefined for graphVCI")
    json.dumps(result, allow_nan=False)


def test_scores_are_averaged_over_pairs(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], oracle: type[Any]
) -> None:
    collector = cells()
    for seed, group in enumerate("AB"):
        collector.add(40, group, "ctrl", "train", profile(seed))
        collector.add(40 + 40 * seed, group, "KO", "ood", profile(seed) + (1 + seed) * CHANGE)
    data = collector.data()
    result = evaluate(oracle(data, CHANGE), data)
    rows = [row["r2_all"] for row in result["pairs"] if row["model"] == "graphvci"]
    assert len(rows) == result["n_pairs"] == 2
    assert result["models"]["graphvci"]["r2_all"] == pytest.approx(np.mean(rows))
    assert any("other groups are the control mean" in note for note in result["notes"])


def test_on_the_test_split_it_says_what_the_baselines_do_not_use(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], oracle: type[Any]
) -> None:
    collector = cells()
    for seed, group in enumerate("AB"):
        collector.add(40, group, "ctrl", "train", profile(seed))
        collector.add(40, group, "KO", "train", profile(seed) + CHANGE)
        collector.add(40, group, "KO", "test", profile(seed) + CHANGE)
    data = collector.data()
    result = evaluate(oracle(data, CHANGE), data, "test")
    assert result["n_pairs"] == 2
    assert any("leave out a pair's own training cells" in note for note in result["notes"])


class Refusing:
    """A model that knows only some perturbations."""

    def __init__(self, inner: Any, unknown: str) -> None:
        self.inner, self.unknown = inner, unknown

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
    ) -> Any:
        if perturbation == self.unknown:
            message = f"The model has not seen the perturbation '{perturbation}'."
            raise PredictionError(message)
        return self.inner.predict(rows, perturbation, dose=dose, mode=mode)

    def predict_mean(self, *asked: Any) -> Any:
        return self.predict(*asked).mean(axis=0)

    def reconstruct(self, rows: np.ndarray) -> Any:
        return self.inner.reconstruct(rows)


def test_a_pair_that_the_model_cannot_answer_is_left_out_for_all(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], oracle: type[Any]
) -> None:
    collector = cells().add(40, "A", "ctrl", "train", profile(0))
    collector.add(40, "A", "KO", "ood", profile(0) + CHANGE)
    data = collector.add(40, "A", "NEW", "ood", profile(1)).data()
    result = evaluate(Refusing(oracle(data, CHANGE), "NEW"), data)
    assert result["n_pairs"] == 1
    assert {row["perturbation"] for row in result["pairs"]} == {"KO"}
    assert any(note.startswith("A, NEW is left out: The model has") for note in result["notes"])
    only = cells().add(40, "A", "ctrl", "train", profile(0)).add(40, "A", "NEW", "ood", profile(1))
    with pytest.raises(PredictionError, match="not seen the perturbation 'NEW'"):
        evaluate(Refusing(oracle(only.data(), CHANGE), "NEW"), only.data())


def test_no_pair_says_how_many_cells_the_largest_has(
    held_out: PerturbationData, oracle: type[Any]
) -> None:
    with pytest.raises(DataError) as caught:
        evaluate(oracle(held_out, CHANGE), held_out, "test")
    assert str(caught.value) == (
        "The split 'test' has no treated cells; the dataset's splits are ood, train, validation. "
        "Hold cells out when preparing (--holdout or --ood auto), or evaluate another split."
    )


@pytest.mark.parametrize(
    ("count", "advice"),
    [
        (20, r"Prepare with a larger share of test cells \(--set test=0.16, now 0.1\), or"),
        (3, r"The pairs are too small .* fewer covariates, .* --split ood\."),
    ],
)
def test_small_test_pairs_say_what_would_help(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], count: int, advice: str
) -> None:
    collector = cells().add(40, "A", "ctrl", "train", profile(0))
    data = collector.add(count, "A", "KO", "test", profile(1)).data()
    with pytest.raises(DataError, match=f"has {count}, and pairs are not pooled. {advice}"):
        scorable_pairs(data, "test")


def test_a_group_without_training_controls_cannot_be_scored(
    cells: Callable[..., Any], profile: Callable[[int], np.ndarray], oracle: type[Any]
) -> None:
    collector = cells().add(40, "A", "ctrl", "train", profile(0))
    collector.add(40, "A", "KO", "train", profile(0))
    data = collector.add(40, "B", "KO", "ood", profile(0)).data()
    with pytest.raises(DataError, match=r"\(B, KO, 40 cells\) has fewer than 2 control cells"):
        evaluate(oracle(data, CHANGE), data)
