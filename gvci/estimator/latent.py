"""What μ may see of a cell: all that the model's Z holds, or pre-treatment covariates alone.

Eq. 14 is unbiased under a wrong μ, and eq. 23 is its whole variance, where Z does not depend on
T given X. The encoder's Z_k = enc(Y_k, X_k, T_k) is made from the treated cell's own outcome by
a model whose shift D̂[T] was learned from the same cells. Z may then look balanced between arms
because D̂ was fitted so, and what eq. 14 takes for information about Y is the error of D̂, whose
variance σ²/n_treated eq. 23 does not count. Cross-fitting does not help: the shifts of all
folds together have the same error. Given categorical covariates alone the treated mean is
efficient, so no honest interval from the same cells is narrower.

`pretreatment` is the design that holds: within a group μ is projected on what was there before
the treatment,

    μ̃_k = W_k β,    β = argmin Σ_k |μ(Z_k, a) − W_k β|²,    W = (1, real-valued covariates)

By randomisation W is independent of T, and β enters the error only times the difference of W
between arms: its own error is of second order, however it was learned. Without real-valued
covariates μ̃ is constant, and the robust estimate is the treated mean with its standard error.
The mean of μ̃ is that of μ, so the plug-in is the same. Measured in benchmarks/coverage.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from gvci.estimator.sums import Group, Mu

Latent = Literal["pretreatment", "cell"]
CONSTANT = 1e-10


def projected(group: Group, labels: Sequence[str], mu: Mu) -> Mu:
    """μ̃ of the group's cells under these labels; a covariate without spread adds nothing."""
    data, rows = group.data, group.rows
    covariates = np.stack([np.ones(data.n_cells), *data.real_covariates.values()], axis=1)
    centre, scale = covariates[rows].mean(axis=0), covariates[rows].std(axis=0)
    centre[0], scale[0] = 0.0, 1.0
    scale[scale < CONSTANT * np.abs(centre)] = np.inf

    def features(cells: np.ndarray) -> np.ndarray:
        return np.asarray((covariates[cells] - centre) / scale)

    sums = {label: np.zeros((len(centre), len(data.genes))) for label in labels}
    gram = np.zeros((len(centre), len(centre)))
    for chunk in group.chunks():
        own = features(rows[chunk])
        gram += own.T @ own
        for label, total in sums.items():
            total += own.T @ mu(rows[chunk], label)
    inverse = np.linalg.pinv(gram, rcond=CONSTANT, hermitian=True)
    beta = {label: inverse @ total for label, total in sums.items()}
    return lambda cells, label: features(cells) @ beta[label]
