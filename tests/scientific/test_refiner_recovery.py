"""Does refinement find true edges better than the prior, correlation, and both combined?"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from gvci.config import PrepareSettings, RefineSettings, SimulateSettings
from gvci.data.catalogue import load_dataset, load_network
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import prepare
from gvci.data.simulate import corrupted, simulate
from gvci.grn import GRN
from gvci.refiner.calibrated import correlations
from gvci.refiner.cells import Cells
from gvci.training.loop import refine


def scores(data: PerturbationData, prior: GRN, truth: GRN, preset: str) -> dict[str, list[float]]:
    """Per method: AUPRC over the true regulators, AUROC in the prior, AUPRC outside of it."""
    grn = refine(data, prior, RefineSettings.preset(preset, halves=0), preset)
    table = grn.table[grn.table["source"].isin(set(truth.edges["source"]))]
    known = set(zip(truth.edges["source"], truth.edges["target"], strict=True))
    pairs = list(zip(table["source"], table["target"], strict=True))
    true = np.array([pair in known for pair in pairs])
    inside = table["prior"].to_numpy() == 1
    cells = Cells.of(data, prior)
    at = {name: i for i, name in enumerate(data.genes)}
    column = {data.genes[g]: c for c, g in enumerate(cells.sources)}
    size = correlations(cells).size
    within = np.array([size[at[target], column[source]] for source, target in pairs])
    methods = {
        "refined": -np.arange(len(table), dtype=float),
        "prior": inside.astype(float),
        "within": within,
        "tie": inside + within,
    }
    return {
        name: [
            average_precision_score(true, value),
            roc_auc_score(true[inside], value[inside]),
            average_precision_score(true[~inside], value[~inside]),
        ]
        for name, value in methods.items()
    }


def test_refined_edges_beat_every_rival_on_a_simulated_network():
    made = simulate(SimulateSettings(n_genes=150, seed=11, cells_per_group=20))
    settings = PrepareSettings(
        perturbation="perturbation", control="control", covariates=("cell_type", "donor")
    )
    found = scores(prepare(made.adata, settings, name="sim"), made.prior, made.truth, "standard")
    for rival in ("prior", "within", "tie"):
        assert found["refined"][0] > found[rival][0] + 0.02
        assert found["refined"][1] > found[rival][1] + 0.02
        assert found["refined"][2] > found[rival][2] + 0.05


@pytest.mark.realdata
def test_sergio_edges_are_found_as_well_as_in_the_experiment(data_dir):
    adata, _ = load_dataset("sergio-ds1")
    settings = PrepareSettings(
        perturbation="perturbation", control="control", covariates=("cell_type",), ood="none"
    )
    data = prepare(adata, settings, name="sergio")
    truth = load_network("sergio-ds1-truth").restricted(data.genes)
    results = [
        scores(data, corrupted(truth, 0.3, np.random.default_rng(seed)), truth, "standard")
        for seed in (10, 11, 12)
    ]
    refined, tie = (np.mean([r[name] for r in results], axis=0) for name in ("refined", "tie"))
    assert refined[0] == pytest.approx(0.83, abs=0.04)
    assert (refined > tie + [0.05, 0.03, 0.1]).all()
