"""Small data with known means, and predictors with known faults, for the referees' tests."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.data.dataset import PerturbationData
from gvci.data.roles import Columns

GENES = 24


class Cells:
    """Collects blocks of cells: so many, of this group, perturbation and split."""

    def __init__(self, genes: int = GENES, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.genes = genes
        self.values: list[np.ndarray] = []
        self.obs: list[tuple[str, str, str, float]] = []

    def add(
        self,
        count: int,
        group: str,
        perturbation: str,
        split: str,
        mean: np.ndarray,
        spread: float = 0.1,
        dose: float = 1.0,
    ) -> Cells:
        """Normal cells around `mean` (genes,), never below 0."""
        noise = self.rng.normal(0, spread, (count, self.genes))
        self.values.append(np.maximum(mean + noise, 0))
        self.obs += [(group, perturbation, split, dose)] * count
        return self

    def data(self) -> PerturbationData:
        """As a dataset with covariate `cell_type` and control `ctrl`."""
        obs = pd.DataFrame(self.obs, columns=["cell_type", "perturbation", "split", "dose"])
        obs.index = pd.Index([f"cell{i}" for i in range(len(obs))])
        var = pd.DataFrame(index=pd.Index([f"G{i}" for i in range(self.genes)]))
        values = sp.csr_matrix(np.concatenate(self.values).astype(np.float32))
        adata = ad.AnnData(values, obs=obs, var=var)
        return PerturbationData(adata, Columns("perturbation", "ctrl", ("cell_type",), "dose"))


@pytest.fixture
def cells() -> Callable[..., Cells]:
    """A fresh collector of cells."""
    return Cells


@pytest.fixture
def profile() -> Callable[[int], np.ndarray]:
    """Mean profiles that differ by seed, well above 0."""
    return lambda seed: np.random.default_rng(seed).uniform(1.0, 4.0, GENES)


@pytest.fixture
def held_out(cells: Callable[..., Cells], profile: Callable[[int], np.ndarray]) -> PerturbationData:
    """A and B in training, C's treated cells of KO held out; the change is additive.

    Group C also has 12 held-out cells of KO2 (too few to score) and 40 training cells of KO2.
    """
    change = np.linspace(-1.5, 1.5, GENES)
    collector = cells()
    for seed, group in enumerate("ABC"):
        base = profile(seed)
        collector.add(60, group, "ctrl", "train", base)
        collector.add(10, group, "ctrl", "validation", base)
        collector.add(40, group, "KO2", "train", base - change / 2)
        split = "ood" if group == "C" else "train"
        collector.add(50, group, "KO", split, base + change, dose=2.0)
    collector.add(12, "C", "KO2", "ood", profile(2) - change / 2)
    return collector.data()


class Oracle:
    """Adds the right change (plus a bias), or, collapsed, answers the same for every cell."""

    def __init__(self, data: PerturbationData, change: np.ndarray, collapsed: bool = False):
        self.data, self.change, self.collapsed = data, change, collapsed
        self.asked: list[tuple[np.ndarray, str, float, str]] = []

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
    ) -> np.ndarray:
        """Control level plus the change: treated cells are taken back first."""
        self.asked.append((rows, perturbation, dose, mode))
        if self.collapsed and mode == "mean":
            return np.tile(self.predict_mean(rows, perturbation), (len(rows), 1))
        values = self.data.dense(rows)
        back = {"KO": self.change, "KO2": -self.change / 2}
        own = np.array([back.get(p, 0 * self.change) for p in self.data.perturbation[rows]])
        return (values - own + back.get(perturbation, 0 * self.change)).astype(np.float32)

    def predict_mean(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "residual"
    ) -> np.ndarray:
        """The mean of these cells under the perturbation."""
        made = self.predict(rows, perturbation, dose, mode)
        return made.mean(axis=0, dtype=np.float64)

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """The cells, or their mean."""
        values = self.data.dense(rows)
        return np.tile(values.mean(axis=0), (len(rows), 1)) if self.collapsed else values


@pytest.fixture
def oracle() -> type[Oracle]:
    """The class of predictors that know the change."""
    return Oracle


@pytest.fixture
def two_held_out(
    cells: Callable[..., Cells], profile: Callable[[int], np.ndarray]
) -> PerturbationData:
    """G3 and the combination G5+G6 are held out in B and known in A; 80 cells each."""
    collector = cells()
    for seed, group in enumerate("AB"):
        collector.add(90, group, "ctrl", "train", profile(seed), spread=0.5)
        for number, label in enumerate(("G3", "G5+G6")):
            effect = 0.8 * np.random.default_rng(number).normal(size=GENES)
            split = "ood" if group == "B" else "train"
            collector.add(80, group, label, split, profile(seed) + effect, spread=0.5)
    return collector.data()


@pytest.fixture
def true_cells(two_held_out: PerturbationData) -> ad.AnnData:
    """The cells that `two_held_out` asks for, as a plain AnnData with other names."""
    rows = np.flatnonzero(two_held_out.split == "ood")
    obs = two_held_out.adata.obs.iloc[rows][["cell_type", "perturbation"]].copy()
    obs.index = pd.Index([f"made{i}" for i in range(len(rows))])
    var = pd.DataFrame(index=two_held_out.genes)
    return ad.AnnData(two_held_out.dense(rows), obs=obs, var=var)


@pytest.fixture
def lazy_cells(two_held_out: PerturbationData) -> ad.AnnData:
    """Its control cells, once for each perturbation that is asked for."""
    rows = np.flatnonzero((two_held_out.groups == "B") & two_held_out.is_control)
    labels = np.repeat(["G3", "G5+G6"], len(rows))
    obs = pd.DataFrame({"cell_type": "B", "perturbation": labels})
    obs.index = obs.index.astype(str)
    var = pd.DataFrame(index=two_held_out.genes)
    return ad.AnnData(np.concatenate([two_held_out.dense(rows)] * 2), obs=obs, var=var)
