"""Data that many tests share: small, simulated, made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import settings

from gvci.config import PrepareSettings, RefineSettings, SimulateSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import Simulation, simulate
from tests.browser.chromium import chromium as chromium

# A busy machine is slow, not wrong; and a failure found once must be found again.
settings.register_profile("gvci", deadline=None, derandomize=True)
settings.load_profile("gvci")


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
def small_run(small_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hardly trained graphVCI of these, with a network refined from their coexpression."""
    from gvci.making import make_run
    from gvci.priors import find_prior
    from gvci.training.loop import refine

    folder = tmp_path_factory.mktemp("small")
    small_data.write(folder / "cells.h5ad")
    level = RefineSettings.preset("quick")
    network = refine(small_data, find_prior("coexpression", small_data), level, "quick")
    settings = TrainSettings.preset("quick", max_steps=20, inner_folds=0)
    make_run(folder / "cells.h5ad", network, settings, "quick", folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def without_cells(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with summaries in the place of its cells."""
    from gvci.counterfactual.summaries import write
    from gvci.run import Run

    folder = tmp_path_factory.mktemp("without") / "run"
    shutil.copytree(small_run, folder)
    write(Run.open(small_run), folder)
    (folder / "data.h5ad").unlink()
    return folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """GVCI_DATA_DIR, or skip."""
    folder = os.environ.get("GVCI_DATA_DIR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GVCI_DATA_DIR names no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def toy() -> Callable[..., ad.AnnData]:
    """Makes raw counts: `toy(n=240, genes=12, seed=0)`."""

    def make(n: int = 240, genes: int = 12, seed: int = 0) -> ad.AnnData:
        """Counts of two perturbations and controls in two types, with a strong effect of A."""
        rng = np.random.default_rng(seed)
        labels = np.array(["ctrl", "A", "B"])[np.arange(n) % 3]
        types = np.array(["T", "M"])[(np.arange(n) // 3) % 2]
        counts = rng.poisson(8, (n, genes)).astype(np.float32)
        counts[labels == "A", 0] *= 6
        obs = pd.DataFrame(
            {"condition": labels, "cell_type": types}, index=[f"c{i}" for i in range(n)]
        )
        var = pd.DataFrame(index=[f"G{i}" for i in range(genes)])
        return ad.AnnData(sp.csr_matrix(counts), obs=obs, var=var)

    return make
