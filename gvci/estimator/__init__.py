"""Marginal effects with standard errors (paper §2.4 and appendix B).

Ψ(c, a) = E[Y′ | X = c, T′ = a]. The model alone gives the plug-in mean of μ_k = E[Y′ | Z_k,
T′ = a]; eq. 14 adds the mean residual of the cells that were really treated, so a biased model
no longer biases the answer. Standard errors, intervals, bands and tests come from the influence
function, eq. 23. Read on in this order:

    influence.py   eqs. 14 and 23 on arrays, as they are printed
    sums.py        the same from sums over cells, so that no prediction is kept
    latent.py      what μ may see of a cell, and why that decides whether intervals hold
    bands.py       simultaneous bands over genes
    effects.py     every group, perturbation and gene of a dataset
    table.py       intervals, p, and the table
"""

from gvci.estimator.effects import Predictor, control_means, marginal_effects
from gvci.estimator.influence import robust_mean, standard_error
from gvci.estimator.latent import Latent
from gvci.estimator.table import Z_95, beside_plain, not_estimable

__all__ = [
    "Z_95", "Latent", "Predictor", "beside_plain", "control_means", "marginal_effects",
    "not_estimable", "robust_mean", "standard_error",
]  # fmt: skip
