"""The refiner against the literal dense eqs. 11–13, and what its result promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.errors import GRNError
from gvci.grn import GRN, from_edges
from gvci.refiner import descent, paper
from gvci.refiner.paper import RelationRefiner
from gvci.refiner.propagation import DrawnGraph
from gvci.refiner.result import RefinedGRN
from gvci.refiner.sampling import draw_pairs
from gvci.training.loop import refine

DEEP = {"encoder_width": 5, "decoder_width": 9, "decoder_depth": 3, "max_steps": 5}
SMALL = {"decoder_width": 16, "decoder_depth": 1}


def refiner_of(data: PerturbationData, prior: GRN, **settings: object) -> RelationRefiner:
    return RelationRefiner(data, prior, RefineSettings(**(DEEP | settings)), dtype=torch.float64)


def dense_loss(refiner: RelationRefiner, mask: torch.Tensor, y: torch.Tensor, x: torch.Tensor):
    """Eqs. 11 and 13 as they are printed: an n × n softmax and O as one big tensor."""
    n, cells = refiner.n, len(y)
    logits = refiner.logits.view(n, n)
    adjacency = torch.softmax(logits.masked_fill(~mask, -torch.inf), dim=1)
    adjacency = torch.nan_to_num(adjacency)
    features = refiner.features[None].expand(cells, -1, -1)
    known = x[:, None].expand(-1, n, -1)
    hidden = torch.cat([y[:, :, None], features, known], dim=2)
    for layer in refiner.layers:
        hidden = torch.relu(adjacency @ hidden @ layer.weight.T + layer.bias)
    out = refiner.output(hidden)
    settings = refiner.settings
    if settings.likelihood == "l2":
        misfit = ((out[..., 0] - y) ** 2).mean()
    else:
        scale = torch.nn.functional.softplus(out[..., 1]) + 1e-3
        misfit = -torch.distributions.Normal(out[..., 0], scale).log_prob(y).mean()
    strength = torch.sigmoid(logits)
    eye = torch.eye(n, dtype=torch.bool)
    penalty = settings.penalty * strength[~eye].sum() / n**2
    return misfit + penalty + settings.diagonal_penalty * strength[eye].sum() / n**2


@pytest.mark.parametrize("likelihood", ["gaussian", "l2"])
def test_sparse_step_equals_the_literal_dense_step(small_data, small_simulation, likelihood):
    refiner = refiner_of(
        small_data, small_simulation.prior, likelihood=likelihood, diagonal_penalty=3.0
    )
    rng = np.random.default_rng(3)
    with torch.no_grad():
        refiner.logits += torch.from_numpy(rng.normal(size=refiner.n**2))
    n = refiner.n
    pairs = draw_pairs(refiner.prior, n, 0.9, 0.05, rng)
    mask = torch.zeros(n * n, dtype=torch.bool)
    mask[pairs] = True
    rows = small_data.rows("train")[:7]
    y = torch.from_numpy(small_data.dense(rows)).double()
    x = refiner.covariates[rows]

    graph = DrawnGraph(pairs, n)
    sparse = refiner.misfit(refiner(graph, y, x), y) + refiner.penalty()
    ours = torch.autograd.grad(sparse, list(refiner.parameters()))
    literal = dense_loss(refiner, mask.view(n, n), y, x)
    theirs = torch.autograd.grad(literal, list(refiner.parameters()))

    assert float(sparse.detach()) == pytest.approx(float(literal.detach()), abs=1e-10)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("portion", [1 << 21, 60 * 9 * 5])
def test_steps_equal_adam_on_the_literal_dense_loss(
    small_data, small_simulation, portion, monkeypatch
):
    """Portions of a batch and pieces of the logits change nothing: three steps, all weights."""
    monkeypatch.setattr(paper, "LARGEST_HIDDEN", portion)
    monkeypatch.setattr(descent, "PIECE", 1000)
    settings = {"diagonal_penalty": 3.0, "seed": 5, "logit_learning_rate": 0.02}
    ours = refiner_of(small_data, small_simulation.prior, **settings)
    literal = refiner_of(small_data, small_simulation.prior, **settings)
    few = DrawnGraph(np.arange(9), ours.n)
    assert (len(ours._portions(np.arange(64), few)) > 1) == (portion < 1 << 21)
    others = [p for p in literal.parameters() if p is not literal.logits]
    adam = torch.optim.Adam(
        [{"params": [literal.logits], "lr": 0.02}, {"params": others}],
        lr=literal.settings.learning_rate,
    )
    for step in range(3):
        terms = ours.step()
        rows, rng = literal.batch(step)
        mask = torch.zeros(ours.n**2, dtype=torch.bool)
        mask[literal._draw(rng).pairs] = True
        y = torch.from_numpy(small_data.dense(rows)).double()
        loss = dense_loss(literal, mask.view(ours.n, ours.n), y, literal.covariates[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        assert sum(terms.values()) == pytest.approx(float(loss.detach()), abs=1e-8)
        for mine, other in zip(ours.parameters(), literal.parameters(), strict=True):
            torch.testing.assert_close(mine, other, atol=1e-8, rtol=1e-8)


def test_rows_of_the_softmax_sum_to_one_over_drawn_pairs(small_data, small_simulation):
    refiner = refiner_of(small_data, small_simulation.prior)
    pairs = draw_pairs(refiner.prior, refiner.n, 0.9, 0.05, np.random.default_rng(0))
    graph = DrawnGraph(pairs, refiner.n)
    weights = graph.softmax(torch.randn(len(pairs), dtype=torch.float64) * 30)
    sums = torch.zeros(refiner.n, dtype=torch.float64).index_add(0, graph.targets, weights)
    drawn = torch.bincount(graph.targets, minlength=refiner.n) > 0
    torch.testing.assert_close(sums, drawn.double())


def test_penalty_reaches_pairs_that_are_not_drawn(small_data, small_simulation):
    refiner = refiner_of(small_data, small_simulation.prior, keep_other=0.0)
    before = refiner.weights()
    for _ in range(3):
        refiner.step()
    assert (refiner.weights() < before).mean() > 0.95
    outside = np.setdiff1d(np.arange(refiner.n**2), refiner.prior)
    assert np.ptp(refiner.weights().ravel()[outside]) < 1e-6


def test_every_pair_is_drawn_with_its_own_chance():
    n, prior = 12, np.array([1, 7, 50, 51, 143])
    rng = np.random.default_rng(0)
    counts = np.zeros(n * n)
    for _ in range(4000):
        pairs = draw_pairs(prior, n, 0.9, 0.1, rng)
        assert len(np.unique(pairs)) == len(pairs)
        counts[pairs] += 1
    chance = counts / 4000
    inside = np.isin(np.arange(n * n), prior)
    assert np.abs(chance[inside] - 0.9).max() < 0.03
    assert np.abs(chance[~inside] - 0.1).max() < 0.03


@pytest.mark.parametrize(("rate", "prior"), [(0.0, [3]), (1.0, [3, 7]), (1.0, list(range(16)))])
def test_draws_at_the_ends_of_the_range(rate, prior):
    pairs = draw_pairs(np.array(prior), 4, 1.0, rate, np.random.default_rng(0))
    assert pairs.tolist() == (list(range(16)) if rate else prior)


def test_direction_a_regulator_reaches_its_target_and_not_the_other_way(small_data):
    """One edge TF → target, nothing else drawn: moving the TF moves the target's prediction."""
    genes = small_data.genes
    tf, target = 4, 9
    edge = pd.DataFrame({"source": [genes[tf]], "target": [genes[target]]})
    # A path of one edge needs one layer.
    refiner = refiner_of(
        small_data, from_edges(edge, "one edge"), decoder_depth=0, encoder_width=40
    )
    n = refiner.n
    assert target * n + tf in refiner.prior
    assert tf * n + target not in refiner.prior
    graph = DrawnGraph(np.array([target * n + tf]), n)
    y = torch.from_numpy(small_data.dense(np.arange(5))).double()
    x = refiner.covariates[:5]
    moved = y.clone()
    moved[:, tf] += 1.0
    change = (refiner(graph, moved, x) - refiner(graph, y, x)).abs().sum(dim=(1, 2))
    assert torch.nonzero(change).ravel().tolist() == [target]


def test_result_has_statuses_and_survives_its_files(small_data, small_simulation, tmp_path):
    settings = RefineSettings.preset("paper", **SMALL, max_steps=30, evaluate_every=10)
    grn = refine(small_data, small_simulation.prior, settings, "paper")
    table = grn.table
    above = table["weight"] > grn.alpha
    expected = {
        "kept": above & (table["prior"] == 1),
        "added": above & (table["prior"] == 0),
        "removed": ~above & (table["prior"] == 1),
        "absent": ~above & (table["prior"] == 0),
    }
    for status, mask in expected.items():
        assert (table["status"][mask] == status).all()
    assert grn.counts()["added"] <= int(table["prior"].sum())
    assert grn.alpha > grn.background
    inside = small_simulation.prior.restricted(small_data.genes)
    assert int(table["prior"].sum()) == len(inside)
    assert not table.duplicated(["source", "target"]).any()
    assert (table["source"] != table["target"]).all()

    grn.save(tmp_path / "grn", "data.h5ad")
    again = RefinedGRN.load(tmp_path / "grn")
    pd.testing.assert_frame_equal(again.table, table)
    assert again.alpha == grn.alpha
    assert len(again.adopted()) == grn.counts()["kept"] + grn.counts()["added"]


def test_two_runs_with_one_seed_are_equal(small_data, small_simulation):
    settings = RefineSettings.preset("paper", **SMALL, max_steps=12, seed=4)
    one = refine(small_data, small_simulation.prior, settings)
    two = refine(small_data, small_simulation.prior, settings)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_prior_without_a_shared_gene_is_refused(small_data):
    prior = from_edges(pd.DataFrame({"source": ["ENSG1"], "target": ["ENSG2"]}), "ids.csv")
    with pytest.raises(GRNError, match=r"ids\.csv shares 0 of its 2 genes and 0 edges"):
        RelationRefiner(small_data, prior, RefineSettings())


def test_damaged_network_is_refused(tmp_path):
    (tmp_path / "grn.json").write_text("{")
    with pytest.raises(GRNError, match="not a refined network, or it is damaged"):
        RefinedGRN.load(tmp_path)


@pytest.mark.parametrize("stop_at", [7, 13, 29])
def test_stopped_and_resumed_equals_uninterrupted(
    small_data, small_simulation, tmp_path, monkeypatch, stop_at
):
    monkeypatch.setattr("gvci.unfinished.PAUSE_SECONDS", 0.0)
    settings = RefineSettings.preset("paper", max_steps=30, evaluate_every=6, seed=2)
    whole = refine(small_data, small_simulation.prior, settings, "paper")
    file = tmp_path / "grn" / "unfinished.safetensors"
    plain = RelationRefiner.step

    def stopping(self):
        if self.steps == stop_at:
            raise KeyboardInterrupt
        return plain(self)

    monkeypatch.setattr(RelationRefiner, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        refine(small_data, small_simulation.prior, settings, "paper", unfinished=file)
    monkeypatch.setattr(RelationRefiner, "step", plain)
    assert file.is_file()
    done = []
    again = refine(
        small_data,
        small_simulation.prior,
        settings,
        "paper",
        progress=lambda step, planned, words: done.append(step),
        unfinished=file,
    )
    pd.testing.assert_frame_equal(again.table, whole.table, check_exact=True)
    assert min(done) > stop_at - 6
    assert file.exists()  # until the network has been saved


def test_other_settings_and_damaged_files_start_over(small_data, small_simulation, tmp_path):
    settings = RefineSettings.preset("paper", max_steps=6, evaluate_every=3)
    whole = refine(small_data, small_simulation.prior, settings, "paper")
    file = tmp_path / "unfinished.safetensors"
    file.write_bytes(b"damaged")
    again = refine(small_data, small_simulation.prior, settings, "paper", unfinished=file)
    pd.testing.assert_frame_equal(again.table, whole.table)
