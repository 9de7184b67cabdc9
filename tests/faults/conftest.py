"""What tests of several faults share: a tiny run, a network, a run whose names are hostile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.making import make_run
from gvci.run import DATA, Run
from gvci.training.loop import refine
from tests.faults.hostile import make_hostile_run

TINY = {
    "latent": 4, "width": 8, "depth": 1, "outcome_embedding": 8, "covariate_embedding": 2,
    "max_steps": 2, "evaluate_every": 2,
}  # fmt: skip
VCI = {**TINY, "model": "vci", "inner_folds": 0, "members": 1}


@pytest.fixture(scope="session")
def hostile_run(
    small_data: PerturbationData,
    small_simulation: Simulation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Genes, labels, groups, columns, cells, title and network of names that attack."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        return make_hostile_run(small_data, small_simulation.prior, folder)


@pytest.fixture(scope="session")
def trained(small_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose widths are all smaller than the unused graph_latent, 128."""
    folder = tmp_path_factory.mktemp("checkpoints")
    small_data.write(folder / "cells.h5ad")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        make_run(
            folder / "cells.h5ad", None, TrainSettings.checked(VCI), "standard", folder / "run"
        )
    return folder / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="session")
def network(
    small_data: PerturbationData,
    small_simulation: Simulation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a refined network."""
    folder = tmp_path_factory.mktemp("network") / "grn"
    settings = RefineSettings.preset("paper", max_steps=2, evaluate_every=2)
    refine(small_data, small_simulation.prior, settings, "paper").save(folder, DATA)
    return folder
