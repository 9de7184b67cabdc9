"""Cells whose mean under the perturbation is known, and predictors for them.

Within each of two groups a tenth of the cells is treated at random. A cell has a state of before
the treatment, (u₁, u₂, w), of which w is measured and u is not, and

    Y_i(a) = b_gi + a (d_i + c_i w) + u·l_i + k_i w + e_i,        so Ψ(g, a) = b_g + a d.

The law is one; each replication draws states, treatments and noise anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns

GENES, GROUP_CELLS, TREATED = 12, 400, 0.1
GROUPS = ("A", "B")
TREATMENT, CONTROL = "KO", "control"


@dataclass(frozen=True)
class Law:
    """b (groups, genes); d, c, k (genes,); l (2, genes); the same in all replications."""

    base: np.ndarray
    change: np.ndarray
    interaction: np.ndarray
    slope: np.ndarray
    loadings: np.ndarray

    def mean(self, group: np.ndarray, state: np.ndarray, treated: bool) -> np.ndarray:
        """E[Y(a) | group, state], (cells, genes)."""
        w = state[:, 2:]
        mean = self.base[group] + state[:, :2] @ self.loadings + w * self.slope
        return mean + w * self.interaction + self.change if treated else mean


def law(seed: int = 7) -> Law:
    """Levels far above 0, where expression would be cut."""
    rng = np.random.default_rng(seed)
    return Law(
        rng.uniform(6, 8, (len(GROUPS), GENES)),
        rng.normal(0, 0.6, GENES),
        rng.normal(0, 0.3, GENES),
        rng.normal(0, 0.6, GENES),
        rng.normal(0, 0.5, (2, GENES)),
    )


@dataclass(frozen=True)
class Cells:
    """One replication.

    Attributes:
        data: the dataset; w is a real-valued covariate.
        law: what the cells were drawn from.
        state: (cells, 3), u₁, u₂, w.
        group: (cells,) index of the group.
    """

    data: PerturbationData
    law: Law
    state: np.ndarray
    group: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """Ψ of the treatment, (groups, genes)."""
        return self.law.base + self.law.change

    @property
    def treated(self) -> np.ndarray:
        """(cells,) bool."""
        return ~self.data.is_control


def draw(replication: int) -> Cells:
    """The cells of one replication."""
    rng = np.random.default_rng([replication, 17])
    known, n = law(), GROUP_CELLS * len(GROUPS)
    group = np.repeat(np.arange(len(GROUPS)), GROUP_CELLS)
    # Exactly a tenth of each group, at random.
    treated = np.concatenate([rng.permutation(GROUP_CELLS) for _ in GROUPS])
    treated = treated < TREATED * GROUP_CELLS
    state = rng.normal(size=(n, 3))
    means = [known.mean(group, state, arm) for arm in (False, True)]
    values = np.where(treated[:, None], means[1], means[0]) + rng.normal(0, 0.6, (n, GENES))
    obs = pd.DataFrame(
        {
            "perturbation": np.where(treated, TREATMENT, CONTROL),
            "group": np.array(GROUPS)[group],
            "w": state[:, 2],
            "split": np.where(rng.random(n) < 0.15, "validation", "train"),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    var = pd.DataFrame(index=[f"G{i}" for i in range(GENES)])
    adata = ad.AnnData(sp.csr_matrix(np.maximum(values, 0).astype(np.float32)), obs=obs, var=var)
    columns = Columns("perturbation", CONTROL, ("group",), None, ("w",))
    return Cells(PerturbationData(adata, columns), known, state, group)


class TrueState:
    """μ of the true state, which treatment cannot change; right, or wrong in three ways.

    The biased one is 0.5 too low, has seven tenths of the states' influence and no interaction.
    """

    def __init__(self, cells: Cells, biased: bool) -> None:
        self.cells, self.biased = cells, biased

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        """(rows, genes) float64."""
        group, state, known = self.cells.group[rows], self.cells.state[rows], self.cells.law
        if not self.biased:
            return known.mean(group, state, perturbation == TREATMENT)
        change = known.change if perturbation == TREATMENT else 0.0
        return known.mean(group, 0.7 * state, treated=False) + change - 0.5
