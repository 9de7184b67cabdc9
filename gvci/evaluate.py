"""evaluate: a model beside its baselines and its noise ceiling, in numbers and in words.

The scores are those of gvci/metrics.py. Nothing here trains or selects: held-out cells are
read to score them and for nothing else. `evaluate_edges`, for networks, is gvci/recovery.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gvci import estimator
from gvci.baselines import BASELINES
from gvci.errors import DataError, PredictionError, listed
from gvci.metrics import Score, average, cell_correlation, mean_scores, split_half
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks
from gvci.recovery import evaluate_edges
from gvci.verdict import verdict

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData

__all__ = ["Pair", "Predictor", "evaluate", "evaluate_edges", "scorable_pairs"]
MORE_THAN = 30
MOST_CELLS = 500
SAFE_HALVES = 80
N_DE = 50
SCORES = (
    "r2_all",
    "r2_de",
    "r2_all_native",
    "r2_de_native",
    "pearson_delta",
    "pearson_delta_de",
    "cell_correlation",
    "mse",
)


class Predictor(estimator.Predictor, Protocol):
    """What can be evaluated: a Run, or anything that also reconstructs cells."""

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """(rows, genes) the decoder's mean of these cells as they are."""


@dataclass(frozen=True)
class Pair:
    """A group and a perturbation with its true cells and the group's control cells."""

    group: str
    perturbation: str
    cells: np.ndarray
    controls: np.ndarray


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
    r2_de_native); at most 500 of either, by seeded choice. The baselines predict means
    without transporting cells, so their two ways agree and their cell correlation is 0 by
    definition. Doses: the median over the pair's true cells. DE genes: the 50 most changed
    of the pair's true cells against the group's controls, found here and used nowhere else.

    Args:
        predictor: predict and reconstruct, on positions of `data`.
        data: the cells, log1p CP10k.
        split: whose cells are the truth: "ood" or "test".
        name: what the model is called in the result.
        mode: passed on to `predict`.
        seed: of the choice of cells and of the halves.

    Returns:
        {"split", "mode", "pairs": rows of group, perturbation, cells, model and scores,
        "models": {model: scores averaged over pairs}, "ceiling": the same for two halves of
        the true cells, "n_pairs", "n_de", "notes", "verdict"}. Undefined scores are None.

    Raises:
        DataError: no pair can be scored; says how many cells the largest has.
        PredictionError: the model can answer none of the pairs.
    """
    pairs = scorable_pairs(data, split)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    refusal: PredictionError | None = None
    scored = 0
    for number, pair in enumerate(pairs):
        rng = np.random.default_rng([seed, number])
        try:
            found, said = _score_pair(predictor, data, pair, name, mode, rng)
        except PredictionError as error:
            refusal = error
            notes.append(f"{pair.group}, {pair.perturbation} is left out: {error}")
            continue
        scored += 1
        rows += found
        notes += said
    if not scored and refusal is not None:
        raise refusal
    models = {
        model: {
            score: average(row[score] for row in rows if row["model"] == model) for score in SCORES
        }
        for model in (name, *BASELINES, "ceiling")
    }
    ceiling = models.pop("ceiling")
    if split not in ("ood", *LEARNING_SPLITS):
        notes.append(
            f"The baselines leave out a pair's own training cells; on the split '{split}' the "
            "model has seen them."
        )
    smallest = min(row["n_cells"] for row in rows)
    if smallest < SAFE_HALVES:
        notes.append(
            f"The smallest pair has {smallest} true cells; halves that small agree less than a "
            "perfect model would."
        )
    n_de = min(N_DE, len(data.genes))
    return {
        "split": split,
        "mode": mode,
        "pairs": rows,
        "models": models,
        "ceiling": ceiling,
        "n_pairs": scored,
        "n_de": n_de,
        "notes": list(dict.fromkeys(notes)),
        "verdict": verdict(models, ceiling, name, n_de),
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
    for (group, perturbation), cells in sorted(members.items()):
        controls = np.flatnonzero(learning & data.is_control & (data.groups == group))
        if len(cells) > MORE_THAN and len(controls) > 1:
            pairs.append(Pair(group, perturbation, np.array(cells), controls))
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


def _score_pair(
    predictor: Predictor,
    data: PerturbationData,
    pair: Pair,
    name: str,
    mode: PredictMode,
    rng: np.random.Generator,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the model, the baselines and the ceiling for one pair, and what to note."""
    from gvci.data.prepare import differential_genes

    measured = data.expression[pair.cells]
    truth, control = data.mean(pair.cells), data.mean(pair.controls)
    de = differential_genes(measured, data.expression[pair.controls], N_DE)
    dose = float(np.median(data.dose[pair.cells]))

    def transported(cells: np.ndarray) -> dict[str, Score]:
        chosen = _some(cells, rng)
        made = predictor.predict(chosen, pair.perturbation, dose=dose, mode=mode)
        return mean_scores(truth, made.mean(axis=0, dtype=np.float64), control, de)

    group = np.flatnonzero(np.isin(data.split, LEARNING_SPLITS) & (data.groups == pair.group))
    seen = _some(pair.cells, rng)
    classic, native = transported(pair.controls), transported(group)
    correlation = cell_correlation(data.dense(seen), predictor.reconstruct(seen))

    def row(model: str, scores: dict[str, Score], native: dict[str, Score], cell: Score) -> Any:
        both = {"r2_all_native": native["r2_all"], "r2_de_native": native["r2_de"]}
        values = {**scores, **both, "cell_correlation": cell}
        about = {"group": pair.group, "perturbation": pair.perturbation}
        return {**about, "n_cells": len(pair.cells), "model": model} | {
            score: values[score] for score in SCORES
        }

    rows, notes = [row(name, classic, native, correlation)], []
    for model, baseline in BASELINES.items():
        answer = baseline(pseudobulks(data), pair.group, pair.perturbation)
        scores = mean_scores(truth, answer.mean, control, de)
        rows.append(row(model, scores, scores, 0.0))
        notes += [answer.note] if answer.note else []
    halves = split_half(measured, control, de, seed=int(rng.integers(2**31)))
    rows.append(row("ceiling", halves, halves, None))
    return rows, notes


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most 500 of the rows, in order."""
    if len(rows) <= MOST_CELLS:
        return rows
    return np.sort(rng.choice(rows, MOST_CELLS, replace=False))
