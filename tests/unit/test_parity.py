"""Our scores beside those of cell-eval and pertpy on the same cells; where they differ, by what.

cell-eval 0.8 compares pseudobulks and tests as we do, with four differences, each converted here:
its DES ("overlap at N") is 0 where ours is undefined, it leaves out the target gene only where
the label is that gene's name, it knows one group only, and it does not count equals half. Its
E-distance is another score (a correlation over perturbations of distances to control).

pertpy's E-distance and MMD also compare each cell with itself (V-statistics), and its Wasserstein
distance is a regularised one of whole cells with squared costs: for one gene that is shifted as a
whole it is the square of ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from gvci.metrics import (
    des,
    e_distance,
    mae,
    mmd,
    mse,
    pds,
    pearson_delta,
    r2_mean,
    wasserstein,
)

GENES = [f"G{i}" for i in range(40)]
LABELS = ("G1", "G2", "G3", "other")


@pytest.fixture(scope="module")
def screens() -> tuple[ad.AnnData, ad.AnnData]:
    """Measured and predicted cells, log1p, of four perturbations and the same control cells."""
    rng = np.random.default_rng(5)
    base = rng.uniform(0.3, 2, 40)
    control = np.maximum(base + rng.normal(0, 0.7, (60, 40)), 0)
    effects = np.where(rng.random((4, 40)) < 0.4, rng.normal(0, 0.9, (4, 40)), 0)
    effects[np.arange(3), np.arange(1, 4)] = -2  # knock-outs of G1, G2, G3
    screens = []
    for error in (0.0, 0.5):
        wrong = effects + error * rng.normal(0, 0.7, effects.shape)
        treated = [np.maximum(base + e + rng.normal(0, 0.7, (45, 40)), 0) for e in wrong]
        labels = ["ctrl"] * 60 + [label for label in LABELS for _ in range(45)]
        obs = pd.DataFrame({"target": labels}, index=[f"c{i}" for i in range(len(labels))])
        values = np.concatenate([control, *treated]).astype(np.float32)
        screens.append(ad.AnnData(values, obs=obs, var=pd.DataFrame(index=GENES)))
    return screens[0], screens[1]


def cells(screen: ad.AnnData, label: str) -> np.ndarray:
    return np.asarray(screen[screen.obs["target"] == label].X)


def ours(real: ad.AnnData, predicted: ad.AnnData) -> dict[str, dict[str, Any]]:
    """Score → perturbation → value."""
    found: dict[str, dict[str, Any]] = {}
    control = cells(real, "ctrl")
    truths = {label: cells(real, label).mean(axis=0, dtype=np.float64) for label in LABELS}
    for label, truth in truths.items():
        true, made = cells(real, label), cells(predicted, label)
        said = made.mean(axis=0, dtype=np.float64)
        others = np.stack([mean for other, mean in truths.items() if other != label])
        scores = {
            "mse": mse(truth, said),
            "mae": mae(truth, said),
            "pearson_delta": pearson_delta(truth, said, control.mean(axis=0, dtype=np.float64)),
            "pds": pds(truth, said, others, [GENES.index(label)] if label in GENES else ()),
            "des": des(true, made, control),
        }
        for name, score in scores.items():
            found.setdefault(name, {})[label] = score
    return found


def test_sklearns_on_the_same_means(screens: tuple[ad.AnnData, ad.AnnData]) -> None:
    truth, said = (cells(screen, "G1").mean(axis=0, dtype=np.float64) for screen in screens)
    assert r2_mean(truth, said) == pytest.approx(r2_score(truth, said))
    assert mse(truth, said) == pytest.approx(mean_squared_error(truth, said))
    assert mae(truth, said) == pytest.approx(mean_absolute_error(truth, said))


@pytest.mark.filterwarnings("ignore")
def test_cell_evals_scores(screens: tuple[ad.AnnData, ad.AnnData], tmp_path: Path) -> None:
    from cell_eval import MetricsEvaluator  # takes seconds

    judge = MetricsEvaluator(
        adata_pred=screens[1].copy(), adata_real=screens[0].copy(), control_pert="ctrl",
        pert_col="target", num_threads=1, outdir=str(tmp_path),
    )  # fmt: skip
    table, _ = judge.compute(write_csv=False, skip_metrics=["clustering_agreement"])
    theirs = {row["perturbation"]: row for row in table.iter_rows(named=True)}
    names = {
        "mse": "mse", "mae": "mae", "pearson_delta": "pearson_delta",
        "pds": "discrimination_score_l1", "des": "overlap_at_N",
    }  # fmt: skip
    for score, values in ours(*screens).items():
        for label, value in values.items():
            assert value == pytest.approx(theirs[label][names[score]], rel=1e-4), (score, label)
    assert 0 < ours(*screens)["des"]["G1"] < 1


def pertpys(metric: str) -> Any:
    """The distance of pertpy, without its machinery for AnnData."""
    pertpy = pytest.importorskip("pertpy", exc_type=ImportError)
    return pertpy.tl.Distance(metric=metric, obsm_key="X").metric_fct


@pytest.mark.filterwarnings("ignore")
def test_pertpys_e_distance_compares_cells_with_themselves(
    screens: tuple[ad.AnnData, ad.AnnData],
) -> None:
    x, y = (cells(screen, "G1").astype(np.float64) for screen in screens)
    found = pertpys("edistance")(x, y)
    # A mean over n² pairs, n of them 0, is (n − 1)/n of the mean over different cells.
    extra = pdist(x).mean() / len(x) + pdist(y).mean() / len(y)
    assert e_distance(x, y) == pytest.approx(found - extra, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_pertpys_mmd_compares_cells_with_themselves(
    screens: tuple[ad.AnnData, ad.AnnData],
) -> None:
    x, y = (cells(screen, "G1").astype(np.float64) for screen in screens)
    gamma = 1 / (2 * np.median(pdist(x)) ** 2)
    found = pertpys("mmd")(x, y, kernel="rbf", gamma=gamma)
    # A cell is like itself: k = 1, once in n.
    extra = sum((1 - np.exp(-gamma * pdist(s) ** 2).mean()) / len(s) for s in (x, y))
    assert mmd(x, y) == pytest.approx(found - extra, abs=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_pertpys_wasserstein_is_of_squared_costs() -> None:
    cells = np.random.default_rng(0).normal(size=(60, 1))
    shift = 4.0
    found = pertpys("wasserstein")(cells, cells + shift)
    assert wasserstein(cells, cells + shift) == pytest.approx(shift, rel=1e-5)
    assert found == pytest.approx(shift**2, rel=0.2)
