"""What is scored, and what can be: the scores of gvci/metrics by name, and who answers for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gvci import estimator
from gvci.metrics import Score

if TYPE_CHECKING:
    from gvci.config import PredictMode

N_DE = 50
SCORES = (
    "r2_all",
    "r2_de",
    "r2_all_native",
    "r2_de_native",
    "pearson_delta",
    "pearson_delta_top20",
    "pearson_delta_de",
    "systema_delta",
    "centroid_accuracy",
    "pds",
    "rank",
    "mse",
    "mae",
    "e_distance",
    "mmd",
    "wasserstein",
    "des",
    "cell_correlation",
    "spread_ratio",
    "coverage",
    "cell_truth",
    "response_truth",
)
Scores = dict[str, Score]
# (perturbation, positions of cells) → (cells, genes), what these cells would express under it.
Truth = Callable[[str, np.ndarray], np.ndarray]


class Predictor(estimator.Predictor, Protocol):
    """What can be evaluated: a Run, or anything that also predicts means and reconstructs.

    One that also has `mean_error(group, perturbation, change)`, the (genes,) standard error of a
    predicted change or None, has the coverage of its intervals scored.
    """

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
