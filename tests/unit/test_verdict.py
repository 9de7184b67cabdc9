"""The verdict, word for word."""

from __future__ import annotations

import pytest

from gvci.metrics import Score
from gvci.verdict import number, verdict

CEILING: dict[str, Score] = {"r2_de": 0.99, "r2_all": 0.999}


def sentence(model: Score, additive: Score, mean: Score = 0.2, none: Score = -0.8) -> str:
    """The verdict for these scores on the DE genes."""
    scores = {"graphvci": model, "additive": additive, "perturbed_mean": mean, "no_change": none}
    models = {name: {"r2_de": score, "r2_all": 0.9} for name, score in scores.items()}
    return verdict(models, CEILING, "graphvci", 50)


def test_a_win() -> None:
    assert sentence(0.87, 0.64) == (
        "graphVCI beats the additive baseline on the 50 most changed genes: R² 0.87 against 0.64; "
        "two halves of the measured cells agree at 0.99."
    )


def test_a_loss_is_said_as_plainly() -> None:
    assert sentence(0.5, 0.64) == (
        "The additive baseline is ahead of graphVCI on the 50 most changed genes: R² 0.64 against "
        "0.50; two halves of the measured cells agree at 0.99."
    )


def test_a_tie_is_within_five_thousandths() -> None:
    assert "tie on the 50 most changed genes: R² 0.64 and 0.64" in sentence(0.642, 0.64)
    assert "beats" in sentence(0.6452, 0.64)


def paired(differences: list[float]) -> str:
    """The verdict where the model is ahead of the additive baseline by these, pair by pair."""
    rows = [
        {"group": "A", "perturbation": f"P{i}", "model": model, "r2_de": score, "r2_all": 0.9}
        for i, difference in enumerate(differences)
        for model, score in (("graphvci", 0.5 + difference), ("additive", 0.5))
    ]
    own = 0.5 + sum(differences) / len(differences)
    models: dict[str, dict[str, Score]] = {
        "graphvci": {"r2_de": own, "r2_all": 0.9}, "additive": {"r2_de": 0.5, "r2_all": 0.9}
    }  # fmt: skip
    return verdict(models, CEILING, "graphvci", 50, rows)


def test_a_difference_within_a_standard_error_over_pairs_is_a_tie() -> None:
    # mean .03; standard error .07 / sqrt(2) = .05, then .01 / sqrt(2)
    assert paired([0.08, -0.02]) == (
        "graphVCI and the additive baseline tie on the 50 most changed genes: R² 0.53 and 0.50, a "
        "difference within the scatter of the pairs; two halves of the measured cells agree at "
        "0.99."
    )
    assert "beats the additive baseline" in paired([0.035, 0.025])
    assert "is ahead of graphVCI" in paired([-0.035, -0.025])
    assert "beats" in paired([0.08])


def test_the_strongest_baseline_is_the_rival() -> None:
    assert "The perturbed mean is ahead of graphVCI" in sentence(0.7, 0.64, mean=0.8)
    assert "graphVCI beats no change" in sentence(0.7, 0.64, none=0.66)


def test_a_difference_that_two_decimals_hide_gets_three() -> None:
    assert "R² 0.874 against 0.866" in sentence(0.874, 0.866)


def test_negative_scores_have_true_minus_signs() -> None:
    assert "R² −0.83 against −0.90" in sentence(-0.83, -0.9, mean=None, none=None)
    assert number(-0.001) == "0.00"
    assert number(-1.5) == "−1.50"


def test_undefined_scores() -> None:
    assert "on all genes: R² 0.90 and 0.90" in sentence(None, None)
    assert "no baseline is defined" in sentence(0.5, None, None, None)
    models: dict[str, dict[str, Score]] = {
        name: {"r2_de": None, "r2_all": None}
        for name in ("graphvci", "additive", "perturbed_mean", "no_change")
    }
    assert verdict(models, CEILING, "graphvci", 50).startswith("R² is undefined for graphVCI")
    models["graphvci"]["r2_de"] = 0.5
    assert "ceiling is undefined" in verdict(models, {"r2_de": None}, "graphvci", 50)


@pytest.mark.parametrize(("name", "title"), [("vci", "VCI"), ("my model", "my model")])
def test_titles(name: str, title: str) -> None:
    models: dict[str, dict[str, Score]] = {
        n: {"r2_de": 0.1, "r2_all": 0.1} for n in ("additive", "perturbed_mean", "no_change")
    }
    models[name] = {"r2_de": 0.9, "r2_all": 0.9}
    assert verdict(models, CEILING, name, 50).startswith(f"{title} beats")
