"""What training is watched by: R² of means, and whether counterfactuals still differ by cell.

A model that has collapsed to a table of (treatment, covariate) means looks good by R² of
means; its per-cell correlation and its spread ratio are near 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gvci.metrics import average, cell_correlation, r2_mean

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.model import Batch
    from gvci.networks import Cells
    from gvci.prediction.member import Member
    from gvci.training.matching import Matcher

FEWEST_CELLS = 8
COLLAPSED = 0.05


class Monitor:
    """Scores of the validation cells, by stratum and treatment.

    Args:
        data, matcher: the cells.
        rows: the validation cells, in the order of the batch that is watched.
    """

    def __init__(self, data: PerturbationData, matcher: Matcher, rows: np.ndarray) -> None:
        arms = matcher.cell[rows]
        self.arms = [np.flatnonzero(arms == arm) for arm in np.unique(arms)]
        large = [cells for cells in self.arms if len(cells) >= FEWEST_CELLS]
        self.arms = large or [max(self.arms, key=len)]
        names = list(data.treatment_code.levels)
        commonest = max(names, key=lambda name: (data.perturbation == name).sum(), default=None)
        self.treatment = torch.from_numpy(
            data.treatment_code.encode([commonest or data.columns.control])
        )

    def __call__(self, member: Member, batch: Batch | Cells) -> dict[str, float]:
        """`validation_r2`, `cell_correlation` and `spread_ratio`, those that are defined."""
        z = member.latent(batch.expression, batch.covariates, batch.treatment)
        other = self.treatment.expand(len(z), -1)
        factual, counter = member.outcomes(
            z, batch.covariates, [batch.treatment, other], batch.depth
        )
        truth, made = batch.expression.numpy(), factual.mean.numpy()
        scores = {
            "validation_r2": average(
                r2_mean(truth[cells].mean(axis=0), made[cells].mean(axis=0)) for cells in self.arms
            ),
            "cell_correlation": average(
                cell_correlation(truth[cells], made[cells]) for cells in self.arms
            ),
            "spread_ratio": average(
                _spread(counter.mean[cells]) / max(_spread(batch.expression[cells]), 1e-9)
                for cells in self.arms
            ),
        }
        return {name: value for name, value in scores.items() if value is not None}


def _spread(cells: Tensor) -> float:
    """Root mean variance over cells."""
    return float(cells.var(dim=0, unbiased=False).mean().sqrt())


def collapse_warning(row: dict[str, float]) -> str | None:
    """One sentence where counterfactuals have stopped varying over cells."""
    spread = row.get("spread_ratio")
    if spread is None or spread >= COLLAPSED:
        return None
    return (
        f"Counterfactuals hardly vary over cells any more (spread {spread:.3f} of the measured "
        "one): the model has become a table of group means. Lower distribution_weight or kl_weight."
    )
