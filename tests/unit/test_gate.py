"""The gate opens on evidence only, and moves means without touching what makes cells differ."""

from __future__ import annotations

import numpy as np
import pytest

from gvci.config import TrainSettings
from gvci.gate.gate import Gate, InnerEvidence
from gvci.gate.inner import inner_folds
from gvci.pseudobulk import pseudobulks
from gvci.run import Run
from gvci.training.ensemble import train


def evidence(network_error, baseline_error, pairs=12, genes=200, seed=0, correlation=0.0):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 2, (pairs, genes))
    common = rng.normal(0, 1, (pairs, genes))
    own = np.sqrt(1 - correlation**2)
    network = truth + network_error * (
        correlation * common + own * rng.normal(0, 1, (pairs, genes))
    )
    return InnerEvidence(
        [(f"g{i}", "p") for i in range(pairs)],
        truth,
        np.zeros_like(truth),
        network,
        truth + baseline_error * common,
    )


def test_a_better_network_gets_the_whole_mean():
    share, ratio, error = evidence(0.02, 0.3).share()
    assert share == 1.0
    assert ratio + error < 0.1


def test_equal_and_independent_errors_are_mixed_half_and_half():
    share, ratio, _ = evidence(0.2, 0.2).share()
    assert share == 0.5
    assert ratio == pytest.approx(0.5, abs=0.05)


def test_a_worse_or_identical_network_leaves_the_gate_shut():
    assert evidence(0.9, 0.1).share()[0] == 0.0
    assert evidence(0.2, 0.2, correlation=1.0).share()[0] == 0.0


def test_one_pair_is_no_evidence():
    assert evidence(0.01, 0.5, pairs=1).share()[0] == 0.0


def test_chance_rarely_opens_it():
    """Where mixing gains nothing on average, the standard error keeps it shut nearly always."""
    opened = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = np.full((6, 50), 1.0)
        base = truth + rng.normal(0, 0.1, (6, 1))
        network = base + rng.choice([-1, 1], (6, 1)) * 0.2
        opened += InnerEvidence([("g", "p")] * 6, truth, 0 * truth, network, base).share()[0] > 0
    assert opened < 70


def test_error_grows_with_the_change_where_it_does_so_on_inner_pairs():
    rng = np.random.default_rng(0)
    control = np.zeros((12, 400))
    change = rng.normal(0, 1, control.shape) * (rng.random(control.shape) < 0.2)
    said = change * (1 + 0.3 * rng.normal(0, 1, change.shape)) + rng.normal(0, 0.05, change.shape)
    growing = InnerEvidence([("g", "p")] * 12, change, control, said, said)
    flat = change + rng.normal(0, 0.05, change.shape)
    even = InnerEvidence([("g", "p")] * 12, change, control, flat, flat)
    assert 0.15 < growing.growth(1.0) < 0.4
    assert even.growth(1.0) < 0.03
    gate = Gate(1.0, "ridge", (), (), np.zeros((0, 0, 3)), np.full(3, 0.1, "f4"), growth=0.5)
    np.testing.assert_allclose(
        gate.error_of(np.array([0.0, 1.0, -2.0])), [0.1, 0.5099, 1.005], 1e-3
    )


def test_corrections_by_name_dose_and_unknown():
    corrections = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    gate = Gate(0.5, "ridge", ("a", "b"), ("p", "q"), corrections)
    added = gate.correction(
        ["a", "b", "b", "z", "a"], ["q", "p", "p", "p", "new"], np.array([1, 1, 0, 1, 1])
    )
    np.testing.assert_array_equal(added[0], corrections[0, 1])
    np.testing.assert_array_equal(added[1], corrections[1, 0])
    assert not added[2:].any()
    assert gate.mixes("b", "q")
    assert not gate.mixes("b", "new")
    again = Gate.from_json(gate.to_json(), corrections, None)
    assert again.to_json() == gate.to_json()


SMALL = {
    "latent": 16, "width": 32, "depth": 2, "outcome_embedding": 32, "graph_latent": 16,
    "max_steps": 20, "evaluate_every": 10, "inner_folds": 3, "members": 1,
}  # fmt: skip


def test_folds_hide_what_they_judge_by_and_keep_the_perturbation_elsewhere(small_data):
    folds = inner_folds(small_data, 3, seed=0)
    assert folds
    for fold in folds:
        labels = list(zip(small_data.groups, small_data.perturbation, strict=True))
        hidden = {label for label, gone in zip(labels, fold.hidden, strict=True) if gone}
        assert set(fold.pairs) <= fold.gone
        assert hidden <= fold.gone
        rest = {label for label, gone in zip(labels, fold.hidden, strict=True) if not gone}
        for group, perturbation in fold.pairs:
            assert (group, perturbation) not in rest
            assert (group, small_data.columns.control) in rest
            assert any(p == perturbation and g != group for g, p in rest)
    seen = [pair for fold in folds for pair in fold.pairs]
    assert len(seen) == len(set(seen))


def test_the_gated_mean_is_the_mixture_and_cells_keep_their_differences(
    small_data, small_simulation, tmp_path
):
    from gvci.baselines import BASELINES

    model = train(small_data, small_simulation.prior, TrainSettings(**SMALL))
    bulks = pseudobulks(small_data)
    held_out = sorted(
        set(zip(small_data.groups, small_data.perturbation, strict=True)) - set(bulks.row)
    )
    group, label = next(pair for pair in held_out if (pair[0], bulks.control) in bulks.row)
    genes = len(small_data.genes)
    network = opened(
        model, small_data, tmp_path, Gate(1.0, "ridge", (), (), np.zeros((0, 0, genes)))
    )
    rows = np.flatnonzero(
        small_data.is_control & (small_data.groups == group) & (small_data.split != "ood")
    )
    alone = network.predict_mean(rows, label)
    base = BASELINES["ridge"](bulks, group, label).mean
    half = (0.5 * (base - alone))[None, None].astype(np.float32)
    mixed = opened(model, small_data, tmp_path, Gate(0.5, "ridge", (group,), (label,), half))
    np.testing.assert_allclose(
        mixed.predict_mean(rows, label), ((alone + base) / 2).clip(0), atol=1e-5
    )
    assert mixed.gate(group, label) == {"lambda": 0.5, "baseline": "ridge"}
    assert mixed.gate(group, small_data.columns.control)["lambda"] == 1.0
    moved = mixed.predict(rows, label, mode="mean") - network.predict(rows, label, mode="mean")
    free = (network.predict(rows, label, mode="mean") > 0.5).all(axis=0)
    np.testing.assert_allclose(
        moved[:, free], np.broadcast_to(half[0, 0, free], moved[:, free].shape), atol=1e-5
    )
    own = small_data.dense(rows)
    np.testing.assert_allclose(mixed.predict(rows, small_data.columns.control), own, atol=1e-5)


def opened(model, data, path, gate):
    from gvci.prediction.trained_model import TrainedModel

    run = Run(path, "run")
    run.__dict__["model"] = TrainedModel(model.members, gate, model.header)
    run.__dict__["data"] = data
    return run
