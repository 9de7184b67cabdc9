"""Predictions of any other program on the same held-out pairs, beside ours and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.baselines import BASELINES
from gvci.config import PredictMode
from gvci.data.predictions import PredictedCells, read_predictions
from gvci.errors import PredictionError, SettingsError, listed
from gvci.evaluation.contest import Contestant, Row, contest
from gvci.evaluation.evaluate import shares
from gvci.evaluation.judge import Judge, Judged
from gvci.evaluation.pairs import Pair, scorable_pairs
from gvci.evaluation.scoring import Predictor
from gvci.metrics.distances import MOST_COMPARED

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

SPREAD = (
    "The spread ratio is of the file's cells, and for our model of the decoder's means, without "
    "the residual that its cells keep."
)


def evaluate_predictions(
    file: Path,
    data: PerturbationData,
    split: str = "ood",
    *,
    name: str | None = None,
    beside: Predictor | None = None,
    beside_name: str = "graphvci",
    mode: PredictMode = "residual",
    seed: int = 0,
) -> dict[str, Any]:
    """Score predicted cells of another program as `evaluate` scores a model.

    Its mean is that of all its cells of a pair (classic and native are one), cells are compared
    with as many measured ones, and control cells are the measured ones. The correlation per cell
    is undefined, unless the cells of a pair are named as true cells of it, which they then are
    predictions of. Where the file lacks genes, everybody is scored on those that it has; a pair
    that it lacks is left out for everybody.

    Args:
        file: .h5ad; see `read_predictions`.
        data, split, seed: as for `evaluate`.
        name: what the program is called; the file's name by default.
        beside: a model of ours to score on the same pairs and genes.
        beside_name, mode: its name, and how its cells are predicted.

    Returns:
        What `evaluate` does, with "predictions": the file's name, how many cells and genes it
        has of what is asked, and notes on how they were matched.

    Raises:
        FileError, DataError: the file cannot be used, or no pair can be scored.
        SettingsError: the name is that of a baseline or of the model.
    """
    name = file.stem if name is None else name
    if name in (*BASELINES, "ceiling", *(() if beside is None else (beside_name,))):
        message = f"'{name}' is the name of another row of the table. Give another --name."
        raise SettingsError(message)
    pairs = scorable_pairs(data, split)
    predicted = read_predictions(file, data, [(pair.group, pair.perturbation) for pair in pairs])
    every = len(predicted.genes) == len(data.genes)
    genes = None if every else predicted.genes
    contestants: dict[str, Contestant] = {name: lambda judge: _judged(judge, predicted, name)}
    if beside is not None:
        model = beside if genes is None else OnGenes(beside, genes, len(data.genes))
        contestants[beside_name] = lambda judge: judge.model(model, mode)
    answer = contest(data, split, contestants, seed=seed, genes=genes)
    about = {
        "name": name,
        "file": predicted.file,
        "n_cells": len(predicted.pairs),
        "n_genes": len(predicted.genes),
        "notes": [
            *predicted.notes,
            *_few(predicted, pairs),
            *_named(answer["pairs"], name),
            *([] if beside is None else [SPREAD]),
        ],
    }
    gate = None if beside is None else shares(beside, answer["pairs"], beside_name)
    return {**answer, "mode": mode, "gate": gate, "predictions": about}


def _judged(judge: Judge, predicted: PredictedCells, name: str) -> Judged:
    """The file's cells of a pair under its judge.

    Raises:
        PredictionError: it has none.
    """
    pair = judge.pair
    made, names = predicted.of(pair.group, pair.perturbation)
    if not len(made):
        message = f"{name} has no cell of it."
        raise PredictionError(message)
    true = {str(cell): int(row) for row, cell in
            zip(pair.cells, judge.data.adata.obs_names[pair.cells], strict=True)}  # fmt: skip
    same = None
    if len(set(names)) == len(names) and true.keys() >= set(names):
        same = np.array([true[cell] for cell in names])
    return judge.cells(made, same)


def _few(predicted: PredictedCells, pairs: Sequence[Pair]) -> list[str]:
    """Where fewer cells were predicted than are compared."""
    short = []
    for pair in pairs:
        count = len(predicted.of(pair.group, pair.perturbation)[0])
        if 0 < count < min(len(pair.cells) // 2, MOST_COMPARED):
            short.append(f"({pair.group}, {pair.perturbation}) has {count:,}")
    if not short:
        return []
    return [
        f"{len(short)} pairs have fewer predicted cells than are compared: {listed(short, 3)}. So "
        "few cells raise the Wasserstein distance and lower the DES; one alone has neither."
    ]


def _named(rows: Sequence[Row], name: str) -> list[str]:
    """Whether cells could be compared one by one."""
    if all(row["cell_correlation"] is None for row in rows if row["model"] == name):
        return []
    return ["Predicted cells are named as true cells of their pair: they are compared one by one."]


class OnGenes:
    """A model whose answers are cut to some genes; it still reads all of them."""

    def __init__(self, model: Predictor, genes: np.ndarray, n: int) -> None:
        self._model, self._genes, self._n = model, genes, n

    def predict(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """(rows, genes) of the model's cells."""
        return self._model.predict(rows, perturbation, dose, mode)[:, self._genes]

    def predict_mean(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """(genes,) of the model's mean."""
        whole = self._model.predict_mean(rows, perturbation, dose, mode)
        return np.asarray(whole[self._genes])

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """(rows, genes) of the model's reconstruction."""
        return self._model.reconstruct(rows)[:, self._genes]

    def mean_error(self, group: str, perturbation: str, change: np.ndarray) -> np.ndarray | None:
        """(genes,) of the model's standard error; it depends on each gene's own change."""
        error_of = getattr(self._model, "mean_error", None)
        whole = np.zeros(self._n)
        whole[self._genes] = change
        error = None if error_of is None else error_of(group, perturbation, whole)
        return None if error is None else np.asarray(error[self._genes])
