"""Data that many tests share: small, simulated, made once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gvci.config import PrepareSettings, SimulateSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import Simulation, simulate


@pytest.fixture(scope="session")
def small_simulation() -> Simulation:
    """612 cells × 60 genes: STAT1, IRF1, JAK2 and CD86 knocked out, 36 cells per type each."""
    return simulate(
        SimulateSettings(n_genes=60, n_perturbations=4, cells_per_group=18, controls_per_group=30)
    )


@pytest.fixture(scope="session")
def small_data(small_simulation: Simulation) -> PerturbationData:
    """The same, prepared; STAT1 knock-outs among B cells are held out (36 cells)."""
    settings = PrepareSettings(
        perturbation="perturbation",
        control="control",
        covariates=("cell_type",),
        holdout=("cell_type=B cells,perturbation=STAT1",),
    )
    return prepare(
        small_simulation.adata, settings, name="small", title="Small (simulated)", simulated=True
    )


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """GVCI_DATA_DIR, or skip."""
    folder = os.environ.get("GVCI_DATA_DIR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GVCI_DATA_DIR names no folder")
    return Path(folder)
