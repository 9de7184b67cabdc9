"""evaluate_edges against pairs listed one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from gvci.data.dataset import PerturbationData
from gvci.edges.recovery import RIVALS, curve
from gvci.edges.recovery import evaluate_edges as same
from gvci.errors import GRNError
from gvci.evaluation.evaluate import evaluate_edges
from gvci.grn import GRN, from_edges

GENES = [f"G{i}" for i in range(24)]


@pytest.fixture
def refined() -> Any:
    """A refined network with two regulators, as a table of all their pairs but a few."""
    rng = np.random.default_rng(0)
    rows = [
        (s, t, round(float(rng.random()), 2), int(rng.random() < 0.3))
        for s in ("G0", "G1", "G2")
        for t in GENES
        if s != t and t not in ("G20", "G21")
    ]
    table = pd.DataFrame(rows, columns=["source", "target", "weight", "prior"])
    table["status"] = "kept"
    return SimpleNamespace(genes=pd.Index(GENES), table=table)


@pytest.fixture
def truth() -> GRN:
    edges = [("G0", t) for t in ("G3", "G4", "G21", "G1", "outside")]
    edges += [("G1", "G5"), ("G1", "G0"), ("G9", "G3"), ("elsewhere", "G4")]
    return from_edges(pd.DataFrame(edges, columns=["source", "target"]), "known")


def by_hand(table: pd.DataFrame, truth: GRN, data: PerturbationData, sources: list[str]) -> Any:
    """Every candidate pair, one at a time."""
    listed = {(r.source, r.target): r for r in table.itertuples()}
    positive = set(zip(truth.edges["source"], truth.edges["target"], strict=True))
    cells = data.dense(data.rows(("train", "validation"))).astype(np.float64)
    truths, scores = [], []
    for source in sources:
        for target in GENES:
            if source == target:
                continue
            row = listed.get((source, target))
            pair = cells[:, [GENES.index(source), GENES.index(target)]]
            r = abs(np.corrcoef(pair.T)[0, 1])
            prior = float(row.prior) if row else 0.0
            scores.append((row.weight if row else 0.0, prior, r, prior + r))
            truths.append((source, target) in positive)
    return np.array(truths), np.array(scores)


def test_every_score_is_the_one_of_pairs_listed_one_by_one(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    result = evaluate_edges(refined, truth, held_out)
    truths, scores = by_hand(refined.table, truth, held_out, ["G0", "G1"])
    for i, rival in enumerate(("refined", "prior", "correlation", "prior_correlation")):
        assert result[rival]["auprc"] == pytest.approx(
            average_precision_score(truths, scores[:, i])
        )
        assert result[rival]["auroc"] == pytest.approx(roc_auc_score(truths, scores[:, i]))
    assert (result["n_true"], result["n_pairs"]) == (6, 2 * 23)
    assert result["base_rate"] == pytest.approx(6 / 46)
    assert set(result["sources"]) == {"G0", "G1"}  # G2 is not in the truth, G9 no regulator
    truths, scores = by_hand(refined.table, truth, held_out, ["G1"])
    one = result["sources"]["G1"]
    assert one["refined"]["auprc"] == pytest.approx(average_precision_score(truths, scores[:, 0]))
    assert (one["n_true"], one["n_pairs"]) == (2, 23)
    json.dumps(result, allow_nan=False)
    assert same is evaluate_edges


def test_named_sources_may_be_ones_that_the_network_does_not_score(
    refined: Any, truth: GRN
) -> None:
    result = evaluate_edges(refined, truth, sources=["G9", "G0", "STAT1"])
    assert set(result["sources"]) == {"G9", "G0"}
    assert result["sources"]["G9"]["refined"]["auroc"] == 0.5
    assert result["notes"] == ["Left out, not in both the truth and the network's genes: STAT1."]


def test_without_data_the_correlations_are_null(refined: Any, truth: GRN) -> None:
    result = evaluate_edges(refined, truth)
    assert result["correlation"] is None
    assert result["prior_correlation"] is None
    assert result["prior"]["auprc"] is not None


def test_a_plain_edge_list_scores_by_its_absolute_weight(truth: GRN) -> None:
    edges = pd.DataFrame(
        {"source": ["G0", "G0", "G1"], "target": ["G3", "G7", "G5"], "weight": [-0.9, 0.5, 0.4]}
    )
    plain = from_edges(edges, genes=GENES)
    result = evaluate_edges(plain, truth)
    assert result["prior"] is None
    assert result["prior_correlation"] is None
    positive = evaluate_edges(from_edges(edges.assign(weight=[0.9, 0.5, 0.4]), genes=GENES), truth)
    assert result["refined"] == positive["refined"]
    with_prior = evaluate_edges(from_edges(edges.assign(prior=[1, 0, 1]), genes=GENES), truth)
    assert with_prior["prior"]["auprc"] > 0


def test_a_reversed_network_scores_differently(refined: Any, truth: GRN) -> None:
    known = truth.edges[truth.edges["target"].isin(GENES) & truth.edges["source"].isin(GENES)]
    right = from_edges(known, genes=GENES)
    swapped = from_edges(
        known.rename(columns={"source": "target", "target": "source"}), genes=GENES
    )
    sources = ["G0", "G1"]
    best = evaluate_edges(right, truth, sources=sources, resamples=0)["refined"]
    assert best == {"auprc": 1, "auroc": 1, "early_precision": 1}
    score = evaluate_edges(swapped, truth, sources=sources)["refined"]["auprc"]
    assert score is not None
    assert score < 0.6


def test_correlations_do_not_see_held_out_cells(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    before = evaluate_edges(refined, truth, held_out)
    adata = held_out.adata.copy()
    values = adata.X.toarray()
    values[held_out.split == "ood"] = np.random.default_rng(0).random(
        values[held_out.split == "ood"].shape
    )
    adata.X = values
    assert evaluate_edges(refined, truth, PerturbationData(adata, held_out.columns)) == before


def test_flat_and_unmeasured_genes_correlate_with_nothing(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    adata = held_out.adata[:, :20].copy()
    values = adata.X.toarray()
    values[:, 3] = 2.0
    adata.X = values
    result = evaluate_edges(refined, truth, PerturbationData(adata, held_out.columns))
    assert result["correlation"]["auprc"] is not None
    assert result["notes"] == ["4 of 24 genes are not in the cells: |r| = 0."]


def test_nothing_shared_is_a_sentence(refined: Any, edges: Callable[..., GRN]) -> None:
    with pytest.raises(GRNError, match=r"None of the 1 regulators of the truth t is among .*'s 3"):
        evaluate_edges(refined, edges([("ENSG1", "G3")]))
    with pytest.raises(GRNError, match=r"None of the true targets of G0 is among .* 24 genes"):
        evaluate_edges(refined, edges([("G0", "ENSG1")]))
    with pytest.raises(GRNError, match=r"None of the sources X, Y is in both .* of both: G0\."):
        evaluate_edges(refined, edges([("G0", "G3")]), sources=["X", "Y"])


@pytest.fixture
def edges() -> Callable[..., GRN]:
    return lambda pairs: from_edges(pd.DataFrame(pairs, columns=["source", "target"]), "t")


def test_views_split_the_pairs_by_the_prior(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    result = evaluate_edges(refined, truth, held_out, resamples=0)
    truths, scores = by_hand(refined.table, truth, held_out, ["G0", "G1"])
    inside = scores[:, 1] == 1
    for view, chosen in (("prior", inside), ("novel", ~inside)):
        part = result["views"][view]
        for i, rival in enumerate(("refined", "prior", "correlation", "prior_correlation")):
            slow = average_precision_score(truths[chosen], scores[chosen, i])
            assert part[rival]["auprc"] == pytest.approx(slow)
        assert part["prior"]["auroc"] == 0.5
        assert (part["n_true"], part["n_pairs"]) == (truths[chosen].sum(), chosen.sum())
    whole = result["views"]["all"]
    assert {name: result[name] for name in whole} == whole


def test_early_precision_counts_the_first_pairs(refined: Any, truth: GRN) -> None:
    listed = [("G0", "G3", 0.9), ("G0", "G5", 0.8), ("G0", "G4", 0.5), ("G0", "G6", 0.5)]
    plain = from_edges(pd.DataFrame(listed, columns=["source", "target", "weight"]), genes=GENES)
    # True: G3, G4, G21, G1. First four: G3 yes, G5 no, G4 yes, G6 no.
    found = evaluate_edges(plain, truth, sources=["G0"], resamples=0)
    assert found["refined"]["early_precision"] == 0.5
    # Cut among ties: G3, G5 and three of the other 21, two of them... by expectation.
    few = from_edges(pd.DataFrame(listed[:2], columns=["source", "target", "weight"]), genes=GENES)
    found = evaluate_edges(few, truth, sources=["G0"], resamples=0)
    assert found["refined"]["early_precision"] == pytest.approx((1 + 2 * 3 / 21) / 4)


def test_intervals_and_differences_are_the_bootstrap_over_targets(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    result = evaluate_edges(refined, truth, held_out, resamples=60, seed=5)
    truths, scores = by_hand(refined.table, truth, held_out, ["G0", "G1"])
    targets = np.array([g for s in ("G0", "G1") for g in range(24) if GENES[g] != s])
    counts = np.random.default_rng(5).multinomial(24, np.full(24, 1 / 24), size=60)
    drawn = []
    for count in counts:
        rows = np.concatenate(
            [np.flatnonzero(targets == g) for g in range(24) for _ in range(count[g])]
        )
        if truths[rows].any():
            drawn.append([average_precision_score(truths[rows], scores[rows, i]) for i in (0, 3)])
    mine, rival = np.array(drawn).T
    ends = result["refined"]["intervals"]["auprc"]
    assert ends == pytest.approx(np.percentile(mine, (2.5, 97.5)).tolist())
    gain = result["differences"]["prior_correlation"]["auprc"]
    assert gain["difference"] == pytest.approx(
        result["refined"]["auprc"] - result["prior_correlation"]["auprc"]
    )
    low, high = np.percentile(mine - rival, (2.5, 97.5))
    assert (gain["low"], gain["high"]) == (pytest.approx(low), pytest.approx(high))
    again = evaluate_edges(refined, truth, held_out, resamples=60, seed=5)
    assert again == result
    assert set(result["differences"]) == set(RIVALS) - {"genie3", "prior_genie3"}


def test_a_network_equal_to_a_rival_differs_from_it_by_nothing(
    truth: GRN, held_out: PerturbationData
) -> None:
    pairs = [(s, t) for s in ("G0", "G1") for t in GENES if s != t]
    cells = held_out.dense(held_out.rows(("train", "validation"))).astype(np.float64)
    r = np.abs(np.corrcoef(cells.T))
    rows = [(s, t, r[GENES.index(s), GENES.index(t)]) for s, t in pairs]
    network = from_edges(pd.DataFrame(rows, columns=["source", "target", "weight"]), genes=GENES)
    gain = evaluate_edges(network, truth, held_out, resamples=50)["differences"]["correlation"]
    assert all(value == {"difference": 0, "low": 0, "high": 0} for value in gain.values())


def test_a_logit_ranks_where_weights_are_saturated(truth: GRN) -> None:
    table = pd.DataFrame(
        {
            "source": "G0",
            "target": ["G3", "G4", "G5", "G6"],
            "weight": 1.0,
            "prior": 1,
            "status": "kept",
        }
    )
    by_order = evaluate_edges(SimpleNamespace(genes=pd.Index(GENES), table=table), truth)
    logits = table.assign(logit=[50.0, 10.0, 40.0, 60.0])
    by_logit = evaluate_edges(SimpleNamespace(genes=pd.Index(GENES), table=logits), truth)
    tied = evaluate_edges(
        SimpleNamespace(genes=pd.Index(GENES), table=table.assign(weight=0.5)), truth
    )
    scores = [x["views"]["prior"]["refined"]["auprc"] for x in (by_order, by_logit, tied)]
    assert scores == [1, 0.5, 0.5]
    assert by_logit["views"]["prior"]["refined"]["auroc"] == 0.25


def test_further_rivals_and_genie3(refined: Any, truth: GRN, held_out: PerturbationData) -> None:
    oracle = pd.DataFrame(0.0, index=["G0", "G1"], columns=GENES)
    for s, t in zip(truth.edges["source"], truth.edges["target"], strict=True):
        if s in oracle.index and t in GENES:
            oracle.loc[s, t] = 1.0
    result = evaluate_edges(
        refined, truth, held_out, genie3=True, resamples=20, further={"oracle": oracle}
    )
    assert result["oracle"]["auprc"] == 1
    assert result["differences"]["oracle"]["auprc"]["high"] <= 0
    assert 0 < result["genie3"]["auprc"] < 1
    assert result["prior_genie3"] is not None
    json.dumps(result, allow_nan=False)
    without = evaluate_edges(refined, truth, genie3=True, resamples=0)
    assert without["genie3"] is None
    assert without["notes"] == ["GENIE3 was not run: it needs the cells (--data)."]


def test_curves_have_the_area_that_is_reported(
    refined: Any, truth: GRN, held_out: PerturbationData
) -> None:
    result = evaluate_edges(refined, truth, held_out, resamples=0)
    lines = curve(refined, truth, held_out, points=6001, resamples=0)
    assert lines["rival"].iloc[0] == "refined"
    assert lines.attrs["base_rate"] == pytest.approx(result["base_rate"])
    for rival, line in lines.groupby("rival"):
        assert line["precision"][1:].mean() == pytest.approx(result[rival]["auprc"], abs=2e-3)
    bands = curve(refined, truth, held_out, view="novel")
    assert list(bands) == ["rival", "recall", "precision", "low", "high"]
    assert (bands["low"] <= bands["high"]).all()
    assert (
        (bands["low"] <= bands["precision"]) & (bands["precision"] <= bands["high"])
    ).mean() > 0.8


def test_a_view_without_a_prior_or_a_true_edge_is_empty(truth: GRN) -> None:
    edges = pd.DataFrame({"source": ["G0"], "target": ["G5"], "weight": [1.0]})
    plain = from_edges(edges, genes=GENES)
    assert evaluate_edges(plain, truth)["views"]["prior"] is None
    assert curve(plain, truth, view="prior").empty
    marked = from_edges(edges.assign(prior=[1]), genes=GENES)
    part = evaluate_edges(marked, truth)["views"]["prior"]
    assert part["refined"] == {
        "auprc": None, "auroc": None, "early_precision": None,
        "intervals": {"auprc": None, "auroc": None, "early_precision": None},
    }  # fmt: skip
    assert curve(marked, truth, view="prior").empty
