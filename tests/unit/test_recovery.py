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
from gvci.errors import GRNError
from gvci.evaluate import evaluate_edges
from gvci.grn import GRN, from_edges
from gvci.recovery import evaluate_edges as same

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
    assert evaluate_edges(right, truth, sources=sources)["refined"] == {"auprc": 1, "auroc": 1}
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
