"""Simple predictions that every model must be shown beside.

Each predicts the mean expression of one pair (group, perturbation) from pseudobulks of the
splits `train` and `validation`, as if the pair itself had not been measured. On held-out pairs
that is so by construction; on the split `test` the pair's own training cells exist and are left
out all the same, so there these baselines answer the held-out question while the model has seen
the pair.
"""

from gvci.baselines.answer import Baseline, Predict, no_change
from gvci.baselines.auto import Choice, answers, auto, best, choice, chosen, leave_level_out
from gvci.baselines.carried import additive, additive_counts, similar
from gvci.baselines.inner import SIMPLE, InnerPair
from gvci.baselines.perturbed import perturbed_mean
from gvci.baselines.ridge import ridge
from gvci.baselines.stack import stack

__all__ = [
    "BASELINES",
    "Baseline",
    "Choice",
    "InnerPair",
    "additive",
    "additive_counts",
    "answers",
    "auto",
    "best",
    "choice",
    "chosen",
    "leave_level_out",
    "no_change",
    "perturbed_mean",
    "ridge",
    "similar",
    "stack",
]

BASELINES: dict[str, Predict] = {**SIMPLE, "stack": stack, "auto": auto}
