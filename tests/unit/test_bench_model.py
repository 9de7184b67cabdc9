"""The model's benchmark: the literal form computes what the model does, and the answer is whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import model as benchmark
from benchmarks.literal import Literal
from benchmarks.paper_size import Size, cells
from gvci.config import TrainSettings
from gvci.model import Batch
from gvci.training.task import GraphVCITask

SMALL = Size(genes=60, edges=300, perturbations=6, treated=12, controls=40)
NARROW = {
    "latent": 8, "width": 16, "outcome_embedding": 16, "graph_latent": 8, "covariate_embedding": 4,
    "batch_size": 32,
}  # fmt: skip
CASES = [*benchmark.MODELS.values(), ("paper", {"softmax": False}), ("standard", {"samples": 2})]


def trained(preset: str, changes: dict[str, Any]) -> GraphVCITask:
    """A task in float64 whose weights are all away from where they start."""
    data, grn = cells(SMALL)
    task = GraphVCITask(data, grn, TrainSettings.preset(preset, **NARROW, **changes))
    torch.manual_seed(1)
    for module in (task.core, task.gene_encoder, task.lagged):
        module.double()
        for parameter in module.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    task.lagged.load_state_dict(task.core.state_dict())
    task.lagged_genes = task._genes().detach()
    return task


def batch_of(task: GraphVCITask, rows: np.ndarray, draws: Any) -> Batch:
    """Ours of the cells that the literal form drew."""
    m = task.matcher
    key = m.stratum[rows] * m.n_arms + m.arm[draws.partners]
    if task.settings.kernel == "means":
        own, matched, spread = m.data.dense(rows), m.means[key], m.spreads[key]
    else:
        some = [c if len(c) else m.train[:1].repeat(20) for c in draws.matched]
        own, matched, spread = m._matched(rows, np.stack(some))
    has = np.array([len(c) > 0 for c in draws.matched])
    stratum = np.unique(key, return_inverse=True)[1]
    arrays = (
        own, m.covariates[rows], m.treatment[rows], m.treatment[draws.partners], matched, spread,
        has,
    )  # fmt: skip
    floats = [torch.from_numpy(array).double() for array in arrays]
    return Batch(*floats, torch.from_numpy(stratum), None, None)


@pytest.mark.parametrize(("preset", "changes"), CASES)
def test_the_literal_form_has_the_same_terms_and_gradients(
    preset: str, changes: dict[str, Any]
) -> None:
    task = trained(preset, changes)
    literal = Literal(task)
    rng = np.random.default_rng(0)
    rows = rng.permutation(task.matcher.train)[:32]
    draws = literal.draw(rows, rng)
    assert 0 < sum(len(c) > 0 for c in draws.matched) < 32
    theirs = literal.terms(rows, draws, torch.Generator().manual_seed(7))
    ours, _ = task.core.loss_terms(
        batch_of(task, rows, draws), task._genes(), task.lagged, task.lagged_genes, task.density,
        torch.Generator().manual_seed(7),
    )  # fmt: skip
    # The means of drawn cells are read in float32.
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-7, rtol=1e-7, msg=name)
    mine, reference = (
        torch.autograd.grad(task.core.objective(terms), literal.parameters, allow_unused=True)
        for terms in (ours, theirs)
    )
    for one, other in zip(mine, reference, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)


def test_the_literal_form_draws_from_the_stratum_and_the_treatment() -> None:
    literal = Literal(trained("paper", {}))
    m = literal.matcher
    rows = m.train[:32]
    draws = literal.draw(rows, np.random.default_rng(0))
    for row, partner, matched in zip(rows, draws.partners, draws.matched, strict=True):
        assert not m.data.is_control[partner]
        assert (m.stratum[matched] == m.stratum[row]).all()
        assert (m.data.perturbation[matched] == m.data.perturbation[partner]).all()
        assert np.isin(matched, m.train).all()


def test_the_literal_prediction_averages_to_the_decoder_mean() -> None:
    """Of the same latent states: samples of a narrow outcome around the same mean."""
    task = trained("paper", {"decoder": "dot", "smallest_scale": 1e-6})
    literal = Literal(task)
    with torch.no_grad():
        task.core.head.attention.query.weight[16:] = 0
        task.core.head.attention.query.bias[16:] = 0
        task.core.head.gene_bias[1] = -40.0  # hardly any noise of the outcome
        task.core.encoder.aggregator.weight[8:] = 0
        task.core.encoder.aggregator.bias[8:] = -60.0  # nor, at its floor, of Z
    rows = task.matcher.train[:50]
    found = literal.predict_mean(rows, "G1", torch.Generator().manual_seed(0))
    member, m = task.member(), task.matcher
    y, x, t = (
        torch.from_numpy(a).double()
        for a in (m.data.dense(rows), m.covariates[rows], m.treatment[rows])
    )
    other = torch.from_numpy(m.data.treatment_code.encode(["G1"] * 50)).double()
    expected = member.means(member.latent(y, x, t), x, [other], None)[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=0.02)


def test_json_ends_with_the_seven_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(what: str, model: str, form: str) -> dict[str, float]:
        seconds = {"ours": 2.0, "literal": 10.0}[form] * (3 if model == "att" else 1)
        return {"seconds": seconds, "peak_gib": 0.5 if model == "dot" else 0.75}

    monkeypatch.setattr(benchmark, "measured", measured)
    monkeypatch.setattr("sys.argv", ["model", "--json"])
    benchmark.main()
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "dot_step_s": 2.0,
        "att_step_s": 6.0,
        "dot_ratio": 5.0,
        "att_ratio": 5.0,
        "evaluate_s": 6.0,
        "evaluate_ratio": 5.0,
        "peak_gib": 0.75,
    }
