"""Sparse random cells of the paper's size, and a random graph: for speed, not for scores.

As in Marson: four states × two donors, 73 perturbations; those of one state are held out, which
leaves 2 × 73 pairs to predict from 500 control cells each.
"""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci import GRN, PerturbationData
from gvci.data.roles import Columns

STATES, DONORS = 4, 2


class Size(NamedTuple):
    """How much; `treated` and `controls` are cells of a perturbation and controls in a group.

    Edges leave the first `regulators` genes; 0 for all.
    """

    genes: int = 2013
    edges: int = 42_563
    perturbations: int = 73
    treated: int = 31
    controls: int = 500
    density: float = 0.15
    regulators: int = 0


PAPER = Size()
LARGE = Size(5_000, 100_000, 73, 164, 528)


def cells(size: Size = PAPER) -> tuple[PerturbationData, GRN]:
    """The cells, 22,104 of them at the paper's size, and the graph."""
    rng = np.random.default_rng(0)
    names = pd.Index([f"G{i}" for i in range(size.genes)])
    labels = np.array(["control", *names[: size.perturbations]], dtype=object)
    one = np.repeat(labels, [size.controls, *[size.treated] * size.perturbations])
    groups = STATES * DONORS
    obs = pd.DataFrame({"perturbation": np.tile(one, groups)})
    group = np.repeat(np.arange(groups), len(one))
    obs["state"] = [f"state {i // DONORS}" for i in group]
    obs["donor"] = [f"donor {i % DONORS}" for i in group]
    split = np.where(rng.random(len(obs)) < 0.2, "validation", "train").astype(object)
    split[(group < DONORS) & (obs["perturbation"] != "control")] = "ood"
    obs["split"] = split
    obs.index = obs.index.astype(str)
    adata = ad.AnnData(_expression(len(obs), size, rng), obs, pd.DataFrame(index=names))
    return PerturbationData(adata, Columns("perturbation", "control", ("state", "donor"))), GRN(
        names, _edges(names, size, rng), "random"
    )


def _expression(cells: int, size: Size, rng: np.random.Generator) -> sp.csr_matrix:
    """A row at a time, so that the matrix is the largest thing in memory."""
    inside = int(size.density * size.genes)
    indices = np.empty((cells, inside), dtype=np.int32)
    for row in indices:
        row[:] = np.sort(rng.permutation(size.genes)[:inside])
    values = rng.standard_gamma(4.0, cells * inside, dtype=np.float32)
    values *= 0.35
    starts = np.arange(cells + 1) * inside
    return sp.csr_matrix((values, indices.ravel(), starts), shape=(cells, size.genes))


def _edges(names: pd.Index, size: Size, rng: np.random.Generator) -> pd.DataFrame:
    """Different pairs, no gene with itself."""
    n = len(names)
    few = min(size.regulators or n, n)
    pairs = rng.choice(few * (n - 1), min(size.edges, few * (n - 1)), replace=False, shuffle=False)
    if few < n:
        sources, places = np.divmod(pairs, n - 1)
        targets = places + (places >= sources)
    else:  # as the tables were measured
        targets, places = np.divmod(pairs, n - 1)
        sources = places + (places >= targets)
    return pd.DataFrame({"source": names[sources], "target": names[targets], "weight": 1.0})
