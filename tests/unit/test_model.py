"""graphVCI's parts against literal forms, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence as torch_kl

from gvci.config import TrainSettings
from gvci.layers import GeneEncoder, KeyDependentDecoder, KeyIndependentDecoder
from gvci.likelihoods import Normal, kl_divergence, match_log_density, match_to_mean
from gvci.model import GraphVCI


def literal_attention(decoder, genes, cells):
    """The (parameters, cells, genes, features) tensor of scores, and its sum with Y_M."""
    a, b = decoder.scores(genes, cells)
    scores = a[:, None, :, :] + b[:, :, None, :]
    if decoder.softmax:
        return (torch.softmax(scores, dim=3) * cells[None, :, None, :]).sum(dim=3)
    return (scores * cells[None, :, None, :]).sum(dim=3) / cells.shape[1] ** 0.5


@pytest.mark.parametrize("softmax", [True, False])
def test_factorised_attention_equals_the_literal_tensor(softmax):
    torch.manual_seed(0)
    decoder = KeyDependentDecoder(6, 8, 2, softmax).double()
    genes = (torch.randn(11, 6).double() * 3).requires_grad_()
    cells = (torch.randn(5, 8).double() * 3).requires_grad_()
    inputs = [genes, cells, *decoder.parameters()]
    ours, literal = decoder(genes, cells), literal_attention(decoder, genes, cells)
    torch.testing.assert_close(ours, literal, atol=1e-12, rtol=1e-10)
    weight = torch.randn_like(ours)
    mine = torch.autograd.grad((ours * weight).sum(), inputs)
    theirs = torch.autograd.grad((literal * weight).sum(), inputs)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-8)


def test_softmax_attention_survives_huge_scores():
    decoder = KeyDependentDecoder(2, 4, 2, softmax=True)
    out = decoder(torch.randn(3, 2) * 1e3, torch.randn(3, 4) * 1e3)
    assert torch.isfinite(out).all()


def test_dot_is_the_product_of_gene_attention_and_cell():
    decoder = KeyIndependentDecoder(3, 4, 2).double()
    genes, cells = torch.randn(5, 3).double(), torch.randn(2, 4).double()
    attention = decoder.query(genes)
    for k in range(2):
        for i in range(5):
            expected = cells @ attention[i, 4 * k : 4 * k + 4] / 2
            torch.testing.assert_close(decoder(genes, cells)[k, :, i], expected)


def test_kl_equals_torch_distributions():
    torch.manual_seed(1)
    parts = [torch.randn(4, 3).double(), torch.rand(4, 3).double() + 0.1]
    others = [torch.randn(4, 3).double(), torch.rand(4, 3).double() + 0.1]
    ours = kl_divergence(Normal(*parts), Normal(*others))
    torch.testing.assert_close(ours, torch_kl(TorchNormal(*parts), TorchNormal(*others)))


def test_log_density_equals_torch_distributions():
    mean, scale, value = torch.randn(3, 4), torch.rand(3, 4) + 0.1, torch.randn(3, 4)
    ours = Normal(mean, scale).log_density(value)
    torch.testing.assert_close(ours, TorchNormal(mean, scale).log_prob(value))


def test_match_terms_equal_the_sum_over_cells():
    torch.manual_seed(2)
    value, cells, std = torch.randn(3, 7).double(), torch.randn(3, 5, 7).double(), 0.8
    each = TorchNormal(cells, std).log_prob(value[:, None, :]).sum(dim=2)
    mean_log = match_log_density(value, cells, std, "mean_log")
    torch.testing.assert_close(mean_log, each.mean(dim=1) / 7)
    spread = cells.var(dim=1, unbiased=False).mean(dim=1)
    torch.testing.assert_close(match_to_mean(value, cells.mean(dim=1), spread, std), mean_log)
    log_mean = match_log_density(value, cells, std, "log_mean")
    torch.testing.assert_close(log_mean, torch.log(torch.exp(each).mean(dim=1)) / 7)


def test_graph_convolution_sends_from_source_to_target():
    encoder = GeneEncoder(torch.tensor([[0], [2]]), genes=3, width=4, depth=1)
    before = encoder()
    with torch.no_grad():
        encoder.features[0] += torch.tensor([1.0, -2.0, 3.0, -4.0])
    moved = (encoder() - before).abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [True, False, True]


@pytest.mark.parametrize("decoder", ["dot", "att"])
@pytest.mark.parametrize("model", ["graphvci", "vci"])
def test_a_cell_does_not_depend_on_its_neighbours_in_the_batch(model, decoder):
    torch.manual_seed(0)
    settings = TrainSettings(model=model, decoder=decoder, latent=8, width=8, graph_latent=8)
    core = GraphVCI(settings, genes=9, treatments=3, covariates=2).eval()
    genes = torch.randn(9, 8) if model == "graphvci" else None
    y, x, t = torch.rand(6, 9), torch.rand(6, 2), torch.rand(6, 3)
    together = core.decode(core.encode(y, x, t, genes).mean, t, genes).mean
    alone = core.decode(core.encode(y[2:3], x[2:3], t[2:3], genes).mean, t[2:3], genes).mean
    torch.testing.assert_close(together[2:3], alone)


def test_outputs_start_at_the_training_means_up_to_the_untrained_heads():
    settings = TrainSettings(model="vci", latent=4, width=4)
    core = GraphVCI(settings, genes=3, treatments=2, covariates=1)
    core.start_at(np.array([1.0, 2.0, 3.0], "f4"), np.array([0.5, 0.5, 0.0], "f4"))
    assert core.gene_bias[0, 0].tolist() == [1.0, 2.0, 3.0]
    scale = torch.nn.functional.softplus(core.gene_bias[1, 0])
    torch.testing.assert_close(scale, torch.tensor([0.5, 0.5, 0.01]))
