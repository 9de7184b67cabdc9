"""evaluate: a model beside its baselines and its noise ceiling, in numbers and in words.

The scores are those of gvci/metrics.py. Nothing here trains or selects: held-out cells are
read to score them and for nothing else. `evaluate_edges`, for networks, is gvci/recovery.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.baselines import BASELINES, answers, choice
from gvci.errors import DataError, PredictionError, listed
from gvci.metrics import Score, average
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks
from gvci.recovery import evaluate_edges
from gvci.scoring import N_DE, SCORES, GroupCells, Judge, Pair, Predictor
from gvci.verdict import verdict

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData

__all__ = ["Pair", "Predictor", "evaluate", "evaluate_edges", "scorable_pairs"]
MORE_THAN = 30
SAFE_HALVES = 80
Row = dict[str, Any]


def evaluate(
    predictor: Predictor,
    data: PerturbationData,
    split: str = "ood",
    *,
    name: str = "graphvci",
    mode: PredictMode = "residual",
    seed: int = 0,
) -> dict[str, Any]:
    """Score a model on every pair (group, perturbation) with > 30 true cells in the split.

    Two ways to choose the cells that are transported to the perturbation: `classic`, the
    group's training and validation control cells (r2_all, r2_de, pearson_delta …, mse), and
    `native`, all of the group's training and validation cells (r2_all_native,
    r2_de_native); at most 500 of either, by seeded choice. What the model's and the baselines'
    scores are is said in gvci/scoring.py.

    Args:
        predictor: predict, predict_mean and reconstruct, on positions of `data`. If it has a
            `gate(group, perturbation)` with the network's share "lambda" and the "baseline" of
            the rest, the rows say so.
        data: the cells, log1p CP10k.
        split: whose cells are the truth: "ood" or "test".
        name: what the model is called in the result.
        mode: passed on to `predict` and `predict_mean`.
        seed: of the choice of cells and of the halves.

    Returns:
        {"split", "mode", "pairs": rows of group, perturbation, cells, model, lambda and scores,
        "models": {model: scores averaged over pairs}, "ceiling": the same for two halves of
        the true cells, "gate": average lambda and the baselines behind it (None without a gate),
        "chosen": the baseline that `auto` takes on held-out pairs, with the errors that chose it,
        "n_pairs", "n_de", "notes", "verdict"}. Undefined scores are None.

    Raises:
        DataError: no pair can be scored; says how many cells the largest has.
        PredictionError: the model can answer none of the pairs.
    """
    rows: list[Row] = []
    notes: list[str] = []
    gates: list[Mapping[str, Any]] = []
    groups: dict[str, GroupCells] = {}
    refusal: PredictionError | None = None
    for number, pair in enumerate(scorable_pairs(data, split)):
        if pair.group not in groups:
            own = np.isin(data.split, LEARNING_SPLITS) & (data.groups == pair.group)
            key = [seed, len(groups), 1]
            groups[pair.group] = GroupCells(data, np.flatnonzero(own), pair.controls, key)
        judge = Judge(data, pair, groups[pair.group], np.random.default_rng([seed, number]))
        try:
            scores = judge.model(predictor, mode)
        except PredictionError as error:
            refusal = error
            notes.append(f"{pair.group}, {pair.perturbation} is left out: {error}")
            continue
        gate = _gate(predictor, pair)
        gates += [gate] if gate else []
        said = answers(pseudobulks(data), pair.group, pair.perturbation)
        notes += [answer.note for answer in said.values() if answer.note]
        rivals = judge.baselines([answer.mean for answer in said.values()])
        rows.append(_row(pair, name, scores, gate.get("lambda")))
        rows += [_row(pair, *one) for one in zip(said, rivals, strict=True)]
        rows.append(_row(pair, "ceiling", judge.ceiling()))
    if not rows and refusal is not None:
        raise refusal
    models = {model: _averages(rows, model) for model in (name, *BASELINES, "ceiling")}
    ceiling = models.pop("ceiling")
    n_de = min(N_DE, len(data.genes))
    return {
        "split": split,
        "mode": mode,
        "pairs": rows,
        "models": models,
        "ceiling": ceiling,
        "gate": _averaged(gates),
        "chosen": vars(choice(pseudobulks(data))),
        "n_pairs": sum(row["model"] == name for row in rows),
        "n_de": n_de,
        "notes": list(dict.fromkeys([*notes, *_remarks(rows, split)])),
        "verdict": verdict(models, ceiling, name, n_de, rows),
    }


def scorable_pairs(data: PerturbationData, split: str) -> list[Pair]:
    """The pairs with > 30 true cells in the split and control cells in the learning splits.

    Raises:
        DataError: there is none; says how many cells the largest has and what to do.
    """
    inside = data.split == split
    learning = np.isin(data.split, LEARNING_SPLITS)
    treated = np.flatnonzero(inside & ~data.is_control)
    if not len(treated):
        message = (
            f"The split '{split}' has no treated cells; the dataset's splits are "
            f"{listed(sorted(set(data.split)))}. Hold cells out when preparing (--holdout or "
            "--ood auto), or evaluate another split."
        )
        raise DataError(message)
    members: dict[tuple[str, str], list[int]] = {}
    for cell in treated:
        pair = (str(data.groups[cell]), str(data.perturbation[cell]))
        members.setdefault(pair, []).append(int(cell))
    pairs: list[Pair] = []
    controls = {
        group: np.flatnonzero(learning & data.is_control & (data.groups == group))
        for group in {group for group, _ in members}
    }
    for (group, perturbation), cells in sorted(members.items()):
        if len(cells) > MORE_THAN and len(controls[group]) > 1:
            pairs.append(Pair(group, perturbation, np.array(cells), controls[group]))
    if pairs:
        return pairs
    group, perturbation = max(members, key=lambda pair: len(members[pair]))
    largest = len(members[group, perturbation])
    if largest > MORE_THAN:
        message = (
            f"No pair of group and perturbation in the split '{split}' can be scored: the largest "
            f"({group}, {perturbation}, {largest:,} cells) has fewer than 2 control cells in "
            "training to compare with. Prepare the data so that its group keeps control cells."
        )
    else:
        message = (
            f"No pair of group and perturbation has more than {MORE_THAN} true cells in the split "
            f"'{split}': the largest ({group}, {perturbation}) has {largest}. Hold out larger "
            "groups when preparing, or evaluate another split."
        )
    raise DataError(message)


def _row(pair: Pair, model: str, scores: Mapping[str, Score], share: Score = None) -> Row:
    """One line of the table of pairs."""
    about = {"group": pair.group, "perturbation": pair.perturbation, "n_cells": len(pair.cells)}
    return {**about, "model": model, "lambda": share} | {name: scores[name] for name in SCORES}


def _averages(rows: Sequence[Row], model: str) -> dict[str, Score]:
    """Scores over pairs."""
    own = [row for row in rows if row["model"] == model]
    return {score: average(row[score] for row in own) for score in SCORES}


def _gate(predictor: Predictor, pair: Pair) -> Mapping[str, Any]:
    """The network's share in the prediction of a pair; empty for a model without a gate."""
    gate = getattr(predictor, "gate", None)
    return dict(gate(pair.group, pair.perturbation) or {}) if gate is not None else {}


def _averaged(gates: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The average share of the network, and the baselines that have the rest."""
    if not gates:
        return None
    names = sorted({str(gate["baseline"]) for gate in gates if gate.get("baseline")})
    return {"lambda": average(gate.get("lambda") for gate in gates), "baselines": names}


def _remarks(rows: Sequence[Row], split: str) -> list[str]:
    """What to know about the split and the ceiling."""
    found = []
    if split not in ("ood", *LEARNING_SPLITS):
        found.append(
            f"The baselines leave out a pair's own training cells; on the split '{split}' the "
            "model has seen them."
        )
    smallest = min(row["n_cells"] for row in rows)
    if smallest < SAFE_HALVES:
        found.append(
            f"The smallest pair has {smallest} true cells; halves that small agree less than a "
            "perfect model would."
        )
    return found
