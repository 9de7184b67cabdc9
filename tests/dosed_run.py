"""A run of cells at several doses, which the shipped one does not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gvci.config import PrepareSettings, SimulateSettings, TrainSettings
from gvci.data.prepare import prepare
from gvci.data.simulate import simulate
from gvci.making import make_run


def make_dosed_run(folder: Path, controls: int = 30) -> Path:
    """A quick model of cells at doses 0.5 and 2, with the combination IRF1+JAK2 measured.

    Args:
        controls: control cells of each type and donor; there are two donors.
    """
    small = SimulateSettings(
        n_genes=60, n_perturbations=4, cells_per_group=18, controls_per_group=controls
    )
    adata = simulate(small).adata
    labels = adata.obs["perturbation"].astype(str).to_numpy()
    doses = np.where(np.arange(len(labels)) % 2, 0.5, 2.0)
    both = (labels == "CD86") & (adata.obs["cell_type"] == "CD4 T cells").to_numpy()
    labels[both] = "IRF1+JAK2"
    adata.obs["perturbation"] = labels
    adata.obs["dose"] = np.where(labels == "control", 0.0, doses)
    settings = PrepareSettings(
        perturbation="perturbation", control="control", covariates=("cell_type",), dose="dose",
        holdout=("cell_type=B cells,perturbation=STAT1",),
    )  # fmt: skip
    prepare(adata, settings, name="dosed", title="Doses (simulated)", simulated=True).write(
        folder / "cells.h5ad"
    )
    quick = TrainSettings.preset("quick", model="vci", max_steps=20, inner_folds=0)
    make_run(folder / "cells.h5ad", None, quick, "quick", folder / "run")
    return folder / "run"
