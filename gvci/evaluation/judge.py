"""What is said of one pair (group, perturbation), scored against its measured cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gvci.estimator import Z_95
from gvci.evaluation.pairs import GroupCells, Pair, some, target_genes
from gvci.evaluation.scoring import N_DE, SCORES, Predictor, Scores, Truth
from gvci.metrics import (
    Score,
    TrueCells,
    average,
    cell_correlation,
    coverage,
    mean_scores,
    split_half,
    spread_ratio,
)
from gvci.metrics.distances import MOST_COMPARED
from gvci.metrics.expression import overlap, significant
from gvci.metrics.score import finite, number
from gvci.metrics.sorted_cells import SortedCells, wasserstein_by_gene

if TYPE_CHECKING:
    from gvci.config import PredictMode
    from gvci.data.dataset import PerturbationData


@dataclass(frozen=True)
class Judged:
    """Scores of one pair, and the means that `rank` needs of all pairs: said, and true."""

    scores: Scores
    mean: np.ndarray
    truth: np.ndarray


class Judge:
    """Scores what is said of one pair against its measured cells.

    DE genes: the 50 most changed of the true cells against the group's controls, found here and
    used nowhere else. Dose: the median over the true cells. At most 200 true cells are compared
    with as many predicted ones. The Wasserstein distance and the DES depend on the numbers of
    cells, so these are of either half of them, and the ceiling is of one half against the other.
    """

    def __init__(
        self,
        data: PerturbationData,
        pair: Pair,
        group: GroupCells,
        others: np.ndarray,
        rng: np.random.Generator,
        truth: Truth | None = None,
    ) -> None:
        from gvci.data.genes import moments, most_changed

        self.data, self.pair, self.group, self.others = data, pair, group, others
        self._rng, self._known = rng, truth
        changed = moments(data.expression, pair.cells)
        self.truth, self.control = changed[0], group.mean
        self.de = most_changed(changed, group.moments, N_DE)
        self.targets = target_genes(pair.perturbation, list(data.genes))
        self.dose = float(np.median(data.dose[pair.cells]))
        seen = np.arange(len(pair.cells))
        self._seen = pair.cells[some(seen, rng)]
        self._cells = data.dense(self._seen)
        order = rng.permutation(len(self._cells))
        self.most = min(len(self._cells), len(group.compared))
        self._compared = TrueCells(self._cells[order[: self.most]])
        self._half = min(len(order) // 2, MOST_COMPARED)
        self._halves = order[: self._half], order[self._half : 2 * self._half]

    # --- who is judged -----------------------------------------------------------------

    def model(self, predictor: Predictor, mode: PredictMode) -> Judged:
        """The scores of a model's transported cells.

        Raises:
            PredictionError: the model cannot answer.
        """
        label, dose = self.pair.perturbation, self.dose
        classic, native = (
            predictor.predict_mean(rows, label, dose, mode)
            for rows in (self.group.classic, self.group.native)
        )
        rows = self.group.compared[: self.most]
        made = predictor.predict(rows, label, dose, mode)
        means = made if mode == "mean" else predictor.predict(rows, label, dose, "mean")
        whole = self._of_mean(native)
        scores = {
            **self._of_mean(classic),
            "r2_all_native": whole["r2_all"],
            "r2_de_native": whole["r2_de"],
            **self._of_cells(made),
            "cell_correlation": cell_correlation(self._cells, predictor.reconstruct(self._seen)),
            "spread_ratio": spread_ratio(self._cells, means),
            "coverage": self._coverage(predictor, classic, made),
            **self._of_counterfactuals(predictor),
        }
        return self._judged(scores, classic)

    def cells(self, made: np.ndarray, same: np.ndarray | None = None) -> Judged:
        """The scores of cells that another program predicted, (cells, genes), all of the pair's.

        Args:
            same: positions of the true cells that the predicted ones are of, one for one; None
                where it is not known, and the correlation per cell undefined.
        """
        mean = made.mean(axis=0, dtype=np.float64)
        classic = self._of_mean(mean)
        order = np.random.default_rng(0).permutation(len(made))
        paired = None if same is None else cell_correlation(self.data.dense(same), made)
        scores = {
            **classic,
            "r2_all_native": classic["r2_all"],
            "r2_de_native": classic["r2_de"],
            **self._of_cells(made[order[: self.most]]),
            "cell_correlation": paired,
            "spread_ratio": spread_ratio(self._cells, made),
        }
        return self._judged(scores, mean)

    def baselines(self, means: Sequence[np.ndarray]) -> list[Judged]:
        """The scores of predicted means, whose cells are the control cells, shifted.

        Classic and native agree, for no cell is transported; all cells get one profile, so cell
        correlation and spread ratio are 0 by definition. Where cells are compared, control cells
        are moved by the predicted change of the mean and clipped at 0; all of them respond alike,
        so `response_truth` is 0.
        """
        known: dict[bytes, Judged] = {}
        for mean in means:  # several are one: a fallback, or what `auto` chose
            if mean.tobytes() in known:
                continue
            scores, shift = self._of_mean(mean), (mean - self.control).astype(np.float32)
            moved = np.maximum(self.group.cells[: self.most] + shift, 0.0)
            scores |= {
                "r2_all_native": scores["r2_all"],
                "r2_de_native": scores["r2_de"],
                **self._of_cells(moved),
                "cell_correlation": 0.0,
                "spread_ratio": 0.0,
            }
            if self._known is not None:
                start = self.data.dense(self.group.classic)
                told = cell_correlation(self._true[0], np.maximum(start + shift, 0.0))
                scores |= {"cell_truth": told, "response_truth": 0.0}
            known[mean.tobytes()] = self._judged(scores, mean)
        return [known[mean.tobytes()] for mean in means]

    def ceiling(self) -> Judged:
        """The scores of one half of the true cells against the other."""
        seed = int(self._rng.integers(2**31))
        expression, cells = self.data.expression, self.pair.cells
        halves = split_half(
            expression, self.control, self.de, self.others, self.targets, rows=cells, seed=seed
        )
        (one, first), (other, second) = self._true_halves
        scores = {
            **halves,
            "r2_all_native": halves["r2_all"],
            "r2_de_native": halves["r2_de"],
            "wasserstein": number(wasserstein_by_gene(one, other).mean()),
            "des": average([overlap(first, second), overlap(second, first)]),
        }
        order = self._rng.permutation(len(cells))
        said, true = (self.data.mean(cells[half]) for half in np.array_split(order, 2))
        return Judged(dict.fromkeys(SCORES) | scores, said, true)

    # --- how ---------------------------------------------------------------------------

    def _judged(self, scores: Scores, mean: np.ndarray) -> Judged:
        return Judged(dict.fromkeys(SCORES) | scores, mean, self.truth)

    def _of_mean(self, mean: np.ndarray) -> Scores:
        return mean_scores(self.truth, mean, self.control, self.de, self.others, self.targets)

    def _of_cells(self, made: np.ndarray) -> Scores:
        scores = self._compared.scores(made)
        made = made[: self._half]
        if len(made) < 2 or not finite(made):
            return {**scores, "wasserstein": None, "des": None}
        predicted = SortedCells.of(made)
        found = significant(predicted, self.group.tested)
        return {
            **scores,
            "wasserstein": average(
                number(wasserstein_by_gene(half, predicted).mean()) for half, _ in self._true_halves
            ),
            "des": average(overlap(true, found) for _, true in self._true_halves),
        }

    @cached_property
    def _true_halves(self) -> list[tuple[SortedCells, np.ndarray]]:
        """Either half of the compared true cells, and the genes by which it differs."""
        sides = [SortedCells.of(self._cells[half]) for half in self._halves]
        return [(side, significant(side, self.group.tested)) for side in sides]

    def _coverage(self, predictor: Predictor, mean: np.ndarray, made: np.ndarray) -> Score:
        """Of the model's interval: its error on such pairs, and the scatter over its cells."""
        mean_error = getattr(predictor, "mean_error", None)
        if mean_error is None or len(made) < 2:
            return None
        change = mean - self.control
        error = mean_error(self.pair.group, self.pair.perturbation, change)
        if error is None:
            return None
        moved = (made - self.group.cells[: len(made)]).var(axis=0, ddof=1, dtype=np.float64)
        width = Z_95 * np.sqrt(error**2 + moved / len(self.group.classic))
        return coverage(self.truth, mean - width, mean + width)

    @cached_property
    def _true(self) -> tuple[np.ndarray, np.ndarray]:
        """True counterfactuals of the classic control cells, and their true change."""
        assert self._known is not None
        rows = self.group.classic
        after = self._known(self.pair.perturbation, rows)
        return after, after - self._known(self.data.columns.control, rows)

    def _of_counterfactuals(self, predictor: Predictor) -> Scores:
        """μ(Z, T′), and its change from μ(Z, control), against what the cells would have done."""
        if self._known is None:
            return {}
        rows, (after, change) = self.group.classic, self._true
        made = predictor.predict(rows, self.pair.perturbation, self.dose, "mean")
        before = predictor.predict(rows, self.data.columns.control, mode="mean")
        return {
            "cell_truth": cell_correlation(after, made),
            "response_truth": cell_correlation(change, made - before),
        }
