"""What prepared cells would have expressed under another perturbation, where a simulation knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.errors import DataError, listed


def true_counterfactuals(
    simulation: Simulation, data: PerturbationData
) -> Callable[[str, np.ndarray], np.ndarray]:
    """The truth that `evaluate` takes: (perturbation, positions in `data`) → (cells, genes).

    Cells and genes are found in the simulation by their names. Values are log1p of expected
    counts per 10,000, without count noise; each cell keeps its own heterogeneity.

    Raises:
        DataError: cells or genes that the simulation does not have.
    """
    cells = simulation.adata.obs_names.get_indexer(data.adata.obs_names)
    genes = simulation.adata.var_names.get_indexer(data.genes)
    for what, found, names in (
        ("cells", cells, data.adata.obs_names), ("genes", genes, data.genes)
    ):  # fmt: skip
        absent = names[found < 0]
        if len(absent):
            message = (
                f"{len(absent):,} {what} of {data.title} are not of this simulation: "
                f"{listed(absent)}. Give the simulation that the cells were prepared from."
            )
            raise DataError(message)

    def truth(perturbation: str, rows: np.ndarray) -> np.ndarray:
        made = simulation.counterfactual(perturbation, cells[rows])
        return np.asarray(made[:, genes])

    return truth
