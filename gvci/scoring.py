"""One pair (group, perturbation) under the scores: its measured cells, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gvci import estimator
from gvci.metrics import (
    Score,
    cell_correlation,
    e_distances,
    mean_scores,
    split_half,
    spread_ratio,
)
from gvci.metrics.cells import MOST_COMPARED

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData
    from gvci.data.genes import Moments

MOST_CELLS = 500
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
    "e_distance",
    "spread_ratio",
)
Scores = dict[str, Score]


class Predictor(estimator.Predictor, Protocol):
    """What can be evaluated: a Run, or anything that also predicts means and reconstructs."""

    def predict_mean(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """(genes,) float64 mean of these cells under the perturbation, at least 0.

        The mean of what `predict` says before it is clipped at 0: clipping every cell would
        raise the mean of genes that go down.
        """

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """(rows, genes) the decoder's mean of these cells as they are."""


class GroupCells:
    """The learning cells of one group: where predictions start from; read once for all its pairs.

    Attributes:
        controls: positions of its control cells.
        classic, native: control cells and cells to transport, at most 500 of each.
        compared: control cells whose transported selves are compared with measured cells, at most
            200, in random order.
    """

    def __init__(
        self, data: PerturbationData, learning: np.ndarray, controls: np.ndarray, seed: Any
    ) -> None:
        rng = np.random.default_rng(seed)
        self.data, self.controls = data, controls
        self.classic, self.native = some(controls, rng), some(learning, rng)
        self.compared = rng.permutation(controls)[:MOST_COMPARED]

    @cached_property
    def moments(self) -> Moments:
        """Mean, variance and number of the control cells."""
        from gvci.data.genes import moments

        return moments(self.data.expression[self.controls])

    @property
    def mean(self) -> np.ndarray:
        """(genes,) mean of the control cells, log1p CP10k."""
        return self.moments[0]

    @cached_property
    def cells(self) -> np.ndarray:
        """The compared control cells, (cells, genes) float32."""
        return self.data.dense(self.compared)


@dataclass(frozen=True)
class Pair:
    """A group and a perturbation with its true cells and the group's control cells."""

    group: str
    perturbation: str
    cells: np.ndarray
    controls: np.ndarray


class Judge:
    """Scores what is said of one pair against its measured cells.

    DE genes: the 50 most changed of the true cells against the group's controls, found here and
    used nowhere else. Dose: the median over the true cells.
    """

    def __init__(
        self, data: PerturbationData, pair: Pair, group: GroupCells, rng: np.random.Generator
    ) -> None:
        from gvci.data.genes import moments, most_changed

        self.pair, self.group, self._rng = pair, group, rng
        self._measured = data.expression[pair.cells]
        changed = moments(self._measured)
        self.truth, self.control = changed[0], group.mean
        self.de = most_changed(changed, group.moments, N_DE)
        self.dose = float(np.median(data.dose[pair.cells]))
        seen = np.arange(len(pair.cells))
        self._seen = pair.cells[some(seen, rng)]
        self._cells = data.dense(self._seen)
        n = min(len(self._cells), len(group.compared))
        self._compared = self._cells[rng.permutation(len(self._cells))[:n]]

    def model(self, predictor: Predictor, mode: PredictMode) -> Scores:
        """The scores of a model's transported cells.

        Raises:
            PredictionError: the model cannot answer.
        """
        label, dose = self.pair.perturbation, self.dose
        classic, native = (
            self._of_mean(predictor.predict_mean(rows, label, dose, mode))
            for rows in (self.group.classic, self.group.native)
        )
        rows = self.group.compared[: len(self._compared)]
        made = predictor.predict(rows, label, dose, mode)
        means = made if mode == "mean" else predictor.predict(rows, label, dose, "mean")
        return {
            **classic,
            "r2_all_native": native["r2_all"],
            "r2_de_native": native["r2_de"],
            "cell_correlation": cell_correlation(self._cells, predictor.reconstruct(self._seen)),
            "e_distance": e_distances(self._compared, [made])[0],
            "spread_ratio": spread_ratio(self._cells, means),
        }

    def baselines(self, means: Sequence[np.ndarray]) -> list[Scores]:
        """The scores of predicted means, whose cells are the control cells, shifted.

        Classic and native agree, for no cell is transported; all cells get one profile, so cell
        correlation and spread ratio are 0 by definition. For the E-distance, control cells are
        moved by the predicted change of the mean and clipped at 0.
        """
        distinct = {mean.tobytes(): mean for mean in means}  # a fallback, or what `auto` chose
        cells = self.group.cells[: len(self._compared)]
        shifts = [(mean - self.control).astype(np.float32) for mean in distinct.values()]
        apart = e_distances(self._compared, [np.maximum(cells + s, 0.0) for s in shifts])
        known: dict[bytes, Scores] = {}
        for (key, mean), distance in zip(distinct.items(), apart, strict=True):
            scores = self._of_mean(mean)
            known[key] = {
                **scores,
                "r2_all_native": scores["r2_all"],
                "r2_de_native": scores["r2_de"],
                "cell_correlation": 0.0,
                "e_distance": distance,
                "spread_ratio": 0.0,
            }
        return [known[mean.tobytes()] for mean in means]

    def ceiling(self) -> Scores:
        """The scores of one half of the true cells against the other."""
        seed = int(self._rng.integers(2**31))
        halves = split_half(self._measured, self.control, self.de, seed=seed)
        native = {"r2_all_native": halves["r2_all"], "r2_de_native": halves["r2_de"]}
        return {**halves, **native, "cell_correlation": None}

    def _of_mean(self, mean: np.ndarray) -> Scores:
        return mean_scores(self.truth, mean, self.control, self.de)


def some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most 500 of the rows, in order."""
    if len(rows) <= MOST_CELLS:
        return rows
    return np.sort(rng.choice(rows, MOST_CELLS, replace=False))
