"""evaluate: a model beside its baselines and its noise ceiling, in numbers and in words.

The scores are those of gvci/metrics. Nothing here trains or selects: held-out cells are
read to score them and for nothing else. `evaluate_edges`, for networks, is gvci/edges/recovery.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gvci.edges.recovery import evaluate_edges
from gvci.evaluation.contest import Row, contest
from gvci.evaluation.pairs import MORE_THAN, Pair, scorable_pairs
from gvci.evaluation.scoring import Predictor, Truth
from gvci.metrics import average

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData

__all__ = [
    "MORE_THAN",
    "Pair",
    "Predictor",
    "evaluate",
    "evaluate_baselines",
    "evaluate_edges",
    "scorable_pairs",
]


def evaluate(
    predictor: Predictor,
    data: PerturbationData,
    split: str = "ood",
    *,
    name: str = "graphvci",
    mode: PredictMode = "residual",
    seed: int = 0,
    baselines: bool = True,
    truth: Truth | None = None,
) -> dict[str, Any]:
    """Score a model on every pair (group, perturbation) with > 30 true cells in the split.

    Two ways to choose the cells that are transported to the perturbation: `classic`, the
    group's training and validation control cells (r2_all, r2_de, pearson_delta …, mse), and
    `native`, all of the group's training and validation cells (r2_all_native,
    r2_de_native); at most 500 of either, by seeded choice. What the model's and the baselines'
    scores are is said in gvci/evaluation/judge.py.

    Args:
        predictor: predict, predict_mean and reconstruct, on positions of `data`. If it has a
            `gate(group, perturbation)` with the network's share "lambda" and the "baseline" of
            the rest, the rows say so; if it has a `mean_error`, its intervals are scored.
        data: the cells, log1p CP10k.
        split: whose cells are the truth: "ood" or "test".
        name: what the model is called in the result.
        mode: passed on to `predict` and `predict_mean`.
        seed: of the choice of cells and of the halves.
        baselines: score the simple baselines too.
        truth: (perturbation, positions of cells) → (cells, genes), what these cells would express
            under it, where a simulation knows (`true_counterfactuals`): scores `cell_truth` and
            `response_truth`.

    Returns:
        {"split", "mode", "pairs": rows of group, perturbation, cells, model, lambda and scores,
        "models": {model: scores averaged over pairs}, "ceiling": the same for two halves of
        the true cells, "gate": average lambda and the baselines behind it (None without a gate),
        "chosen": the baseline that `auto` takes on held-out pairs, with the errors that chose it
        (None without baselines), "n_pairs", "n_de", "notes", "verdict"}. Undefined scores are
        None.

    Raises:
        DataError: no pair can be scored; says how many cells the largest has.
        PredictionError: the model can answer none of the pairs.
    """
    contestants = {name: lambda judge: judge.model(predictor, mode)}
    answer = contest(data, split, contestants, seed=seed, baselines=baselines, truth=truth)
    return {**answer, "mode": mode, "gate": shares(predictor, answer["pairs"], name)}


def evaluate_baselines(
    data: PerturbationData, split: str = "ood", *, seed: int = 0, truth: Truth | None = None
) -> dict[str, Any]:
    """What `evaluate` returns, of the simple baselines and the ceiling alone.

    Raises:
        DataError: no pair can be scored; says how many cells the largest has.
    """
    return contest(data, split, {}, seed=seed, truth=truth)


def shares(predictor: Predictor, rows: list[Row], name: str) -> dict[str, Any] | None:
    """Say in a model's rows which share the network has in them, and return the average share.

    None for a model without a gate.
    """
    gate = getattr(predictor, "gate", None)
    if gate is None:
        return None
    found: list[Mapping[str, Any]] = []
    for row in rows:
        if row["model"] == name:
            found.append(dict(gate(row["group"], row["perturbation"]) or {}))
            row["lambda"] = found[-1].get("lambda")
    if not any(found):
        return None
    names = sorted({str(share["baseline"]) for share in found if share.get("baseline")})
    return {"lambda": average(share.get("lambda") for share in found), "baselines": names}
