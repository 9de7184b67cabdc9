"""The losses of AE, CEVAE, GANITE and CPA, word for word on seven cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gvci.config import PUBLISHED, TrainSettings
from gvci.networks import Cells, Shape, make_network
from gvci.networks.ganite import NOISE
from gvci.networks.labels import Labels, Read

SHAPE = Shape(genes=5, treatments=3, categories=(2, 3), numbers=1)
SMALL = {"width": 32, "depth": 2, "outcome_embedding": 32, "smallest_scale": 0.1, "latent": 4}


@pytest.fixture
def cells():
    """Seven cells: control, A, B at dose 2, A+B; two covariates and a real-valued one."""
    rng = torch.Generator().manual_seed(1)
    t = torch.tensor(
        [[1, 0, 0], [0, 1, 0], [0, 0, 2], [0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    ).float()
    levels = torch.tensor([[0, 2], [1, 0], [0, 1], [1, 1], [0, 0], [1, 2], [0, 2]])
    first, second = torch.eye(2)[levels[:, 0]], torch.eye(3)[levels[:, 1]]
    x = torch.cat([first, second, torch.randn(7, 1, generator=rng)], dim=1)
    return Cells(torch.randn(7, 5, generator=rng).abs(), x, t, t.roll(1, dims=0))


def network(model, **changes):
    torch.manual_seed(0)
    return make_network(TrainSettings.preset("paper", **SMALL, model=model, **changes), SHAPE)


def log_normal(y, mean, scale):
    return -0.5 * ((y - mean) / scale) ** 2 - math.log(scale) - 0.5 * math.log(2 * math.pi)


@torch.no_grad()
def literal_reconstruction(core, z, cells, t):
    """−log p(Y | ·) per gene, one number at a time."""
    outcome = core.outcome(z, cells.covariates, t)
    values = [
        log_normal(*(float(part[i, g]) for part in (cells.expression, *outcome)))
        for i in range(7)
        for g in range(5)
    ]
    return -np.mean(values)


@torch.no_grad()
def literal_labels(read, cells):
    """Σ log-probabilities of a cell's labels, one label at a time, averaged over cells."""
    total = 0.0
    for i in range(7):
        logs = torch.log(torch.softmax(read.treatment[i], dim=0))
        total += np.mean([float(logs[j]) for j in range(3) if cells.treatment[i, j] > 0])
        for start, size in ((0, 2), (2, 3)):
            level = int(cells.covariates[i, start : start + size].argmax())
            scores = read.covariates[i, start : start + size]
            total += float(torch.log(torch.softmax(scores, dim=0))[level])
        total += log_normal(float(cells.covariates[i, 5]), float(read.covariates[i, 5]), 1.0)
    return total / 7


def test_the_autoencoders_loss_word_for_word(cells):
    core = network("ae")
    terms = core.loss_terms(cells, torch.Generator())
    z = core.latent(*cells[:3])
    literal = literal_reconstruction(core, z, cells, cells.treatment)
    assert core.objective(terms).item() == pytest.approx(literal, rel=1e-4)


@torch.no_grad()
def test_cevaes_bound_word_for_word(cells):
    core = network("cevae", samples=1)
    terms = core.loss_terms(cells, torch.Generator().manual_seed(3))
    posterior = core.posterior(*cells[:3])
    z = posterior.draw(torch.Generator().manual_seed(3))
    kl = 0.0
    for mean, scale in zip(posterior.mean.flatten(), posterior.scale.flatten(), strict=True):
        m, s = float(mean), float(scale)
        kl += (0.5 * (s * s + m * m - 1) - math.log(s)) / 7
    density = -5 * literal_reconstruction(core, z, cells, cells.treatment)
    bound = density + literal_labels(core.labels(z), cells) - kl
    assert core.objective(terms).item() == pytest.approx(-bound / 5, rel=1e-4)
    torch.testing.assert_close(core.latent(*cells[:3]), posterior.mean)


def test_cevae_averages_its_samples(cells):
    core = network("cevae", samples=2)
    two = core.loss_terms(cells, torch.Generator().manual_seed(3))
    rng = torch.Generator().manual_seed(3)
    core.settings = core.settings.model_copy(update={"samples": 1})
    one, other = (core.loss_terms(cells, rng) for _ in range(2))
    for name, value in two.items():
        assert value.item() == pytest.approx((one[name] + other[name]).item() / 2, rel=1e-4)


def test_ganites_game_word_for_word(cells):
    core = network("ganite", game_weight=3.5)
    y, x, t, *_ = cells
    other = torch.stack([t[(i - 1) % 7] for i in range(7)])
    torch.testing.assert_close(cells.other, other)
    rng = torch.Generator().manual_seed(5)
    noise = 2 * torch.rand(7, NOISE, generator=rng) - 1
    z = core.encoder(y, x, t, noise)
    made = core.outcome(z, x, other).draw(rng)
    fooled, right = [], []
    for i in range(7):
        if torch.equal(t[i], other[i]):
            continue
        scores = torch.stack(
            [
                core.adversary(torch.cat([outcome[i], label[i], x[i]])[None])[0, 0]
                for outcome, label in ((y, t), (made, other))
            ]
        )
        chosen = torch.softmax(scores, dim=0)  # where D points: at the measured, at the made
        right.append(math.log(chosen[0].item()))
        fooled.append(math.log(chosen[1].item()))
    assert len(right) == 6  # two cells in a row have one treatment
    terms = core.loss_terms(cells, torch.Generator().manual_seed(5))
    literal = literal_reconstruction(core, z, cells, t)
    assert terms["reconstruction"].item() == pytest.approx(literal, rel=1e-4)
    assert terms["game"].item() == pytest.approx(-np.mean(fooled), rel=1e-4)
    assert core.objective(terms).item() == pytest.approx(
        literal - 3.5 / 5 * np.mean(fooled), rel=1e-4
    )
    lost = core.adversary_loss(cells, torch.Generator().manual_seed(5))
    assert lost.item() == pytest.approx(-np.mean(right), rel=1e-4)


def test_ganite_without_another_treatment_has_no_game(cells):
    core = network("ganite")
    alike = cells._replace(other=cells.treatment)
    assert core.loss_terms(alike, torch.Generator())["game"].item() == 0
    assert core.adversary_loss(alike, torch.Generator()).item() == 0


def test_cpas_terms_word_for_word(cells):
    core = network("cpa", adversary_weight=0.7, gradient_penalty=2.5)
    y, x, t, *_ = cells
    basal = core.encoder(y)
    composed = core.entering(basal, x, t)
    by_hand = basal[2] + 2 * core.treatments.weight[:, 2] + core.covariates.weight @ x[2]
    torch.testing.assert_close(composed[2], by_hand)  # B at dose 2
    told = literal_labels(core.adversary(basal), cells)
    literal = literal_reconstruction(core, basal, cells, t) + 0.7 * told
    assert core.objective(core.loss_terms(cells, torch.Generator())).item() == pytest.approx(
        literal, rel=1e-4
    )
    # Two adversaries; of each the gradient by differences, in float64.
    exact, at, step = core.adversary.double(), basal.detach().double(), 1e-6
    steepness = np.zeros(2)
    for i in range(7):
        for d in range(4):
            up, down = (at.clone() for _ in range(2))
            up[i, d] += step
            down[i, d] -= step
            risen = [
                (a.sum() - b.sum()).item() / (2 * step)
                for a, b in zip(exact(up), exact(down), strict=True)
            ]
            steepness += np.square(risen) / 28
    core.adversary.float()
    lost = core.adversary_loss(cells, torch.Generator())
    assert lost.item() == pytest.approx(-told + 2.5 * steepness.sum(), rel=1e-3)


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_mean_over_cells_is_that_of_all_cells(cells, model):
    core = network(model)
    y, x, t, *_ = cells
    z = core.latent(y, x, t)
    mean = core.decoder.mean_of(core.entering(z, x, t))
    torch.testing.assert_close(mean, core.outcome(z, x, t).mean.mean(dim=0))


def test_labels_without_real_covariates_are_probabilities():
    labels = Labels(4, 8, 1, Shape(5, 3, (2,), 0))
    read = Read(torch.randn(1, 3), torch.randn(1, 2))
    logs = [
        labels.log_density(read, torch.eye(2)[[level]], torch.eye(3)[[arm]])
        for level in range(2)
        for arm in range(3)
    ]
    assert torch.cat(logs).exp().sum().item() == pytest.approx(1)
