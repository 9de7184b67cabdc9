"""graphVCI's parts against literal forms, in float64."""

from __future__ import annotations

import pytest
import torch

from gvci.config import TrainSettings
from gvci.errors import SettingsError
from gvci.model import GraphVCI, Sizes
from gvci.model.attention import KeyDependentDecoder, KeyIndependentDecoder
from gvci.model.encoder import GeneEncoder, TreatmentInput
from gvci.model.heads import AdditiveHead, JointHead

TINY = {"latent": 8, "width": 8, "depth": 2, "outcome_embedding": 8, "graph_latent": 8}
SIZES = Sizes(genes=9, treatments=3, covariates=2, groups=2)


def literal_attention(decoder, genes, cells):
    """The (parameters, cells, genes, features) tensor of scores, and its sum with Y_M."""
    a, b = decoder.scores(genes, cells)
    scores = a[:, None, :, :] + b[:, :, None, :]
    if decoder.softmax:
        return (torch.softmax(scores, dim=3) * cells[None, :, None, :]).sum(dim=3)
    return (scores * cells[None, :, None, :]).sum(dim=3) / cells.shape[1] ** 0.5


def literal_dot(decoder, genes, cells):
    """The same attention for every cell, gene by gene."""
    scores = decoder.query(genes).view(len(genes), decoder.parameters_per_gene, -1)
    weights = torch.softmax(scores, dim=2) if decoder.softmax else scores / cells.shape[1] ** 0.5
    spread = weights.permute(1, 0, 2)[:, None].expand(-1, len(cells), -1, -1)
    return (spread * cells[None, :, None, :]).sum(dim=3)


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize(
    ("kind", "literal"),
    [(KeyDependentDecoder, literal_attention), (KeyIndependentDecoder, literal_dot)],
)
def test_factorised_attention_equals_the_literal_tensor(kind, literal, softmax):
    torch.manual_seed(0)
    decoder = kind(6, 8, 3, softmax).double()
    genes = (torch.randn(11, 6).double() * 3).requires_grad_()
    cells = (torch.randn(5, 8).double() * 3).requires_grad_()
    inputs = [genes, cells, *decoder.parameters()]
    ours, theirs = decoder(genes, cells), literal(decoder, genes, cells)
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-10)
    weight = torch.randn_like(ours)
    mine = torch.autograd.grad((ours * weight).sum(), inputs)
    others = torch.autograd.grad((theirs * weight).sum(), inputs)
    for one, other in zip(mine, others, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-8)


def test_softmax_attention_survives_huge_scores():
    decoder = KeyDependentDecoder(2, 4, 2, softmax=True)
    genes, cells = (torch.randn(3, 2) * 1e3).requires_grad_(), (torch.randn(3, 4) * 1e3)
    out = decoder(genes, cells)
    assert torch.isfinite(out).all()
    out.sum().backward()
    assert torch.isfinite(genes.grad).all()


def test_graph_convolution_sends_from_source_to_target():
    encoder = GeneEncoder(torch.tensor([[0], [2]]), genes=3, width=4, depth=1)
    before = encoder()
    with torch.no_grad():
        encoder.features[0] += torch.tensor([1.0, -2.0, 3.0, -4.0])
    moved = (encoder() - before).abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [True, False, True]


def cells(count=6):
    torch.manual_seed(3)
    x = torch.nn.functional.one_hot(torch.arange(count) % 2, 2).float()
    t = torch.nn.functional.one_hot(torch.arange(count) % 3, 3).float()
    return torch.rand(count, 9), x, t


@pytest.mark.parametrize(
    "changes",
    [
        {"decoder": decoder, "softmax": softmax, "heads": heads, "model": model}
        for decoder in ("dot", "att")
        for softmax in (True, False)
        for heads in ("joint", "additive")
        for model in ("graphvci", "vci")
    ]
    + [{"treatment": kind, "aggregation": "max"} for kind in ("embedded", "node")]
    + [{"likelihood": kind, "aggregation": "sum"} for kind in ("nb", "zinb")],
)
def test_a_cell_does_not_depend_on_its_neighbours_and_means_commute(changes):
    torch.manual_seed(0)
    settings = TrainSettings(**TINY, **changes)
    core = GraphVCI(settings, SIZES, torch.tensor([-1, 4, -1])).eval()
    for parameter in core.parameters():  # zero-initialised heads would hide faults
        torch.nn.init.normal_(parameter, std=0.3)
    genes = torch.randn(9, 8) if settings.model == "graphvci" else None
    y, x, t = cells()
    depth = torch.full((6, 1), 2000.0)
    z = core.encode(y, x, t, genes).mean
    (together, other), _ = core.decode(z, x, [t, t.flip(0)], genes, depth)
    alone_z = core.encode(y[2:3], x[2:3], t[2:3], genes).mean
    (alone,), _ = core.decode(alone_z, x[2:3], [t[2:3]], genes, depth[2:3])
    torch.testing.assert_close(together.mean[2:3], alone.mean, atol=1e-5, rtol=1e-4)
    if core.gives_means:
        pairs = [(a, core.treatment_input(a, genes)) for a in (t, t.flip(0))]
        means = core.head.mean_of(z, x, pairs, genes)
        torch.testing.assert_close(means[0], together.mean.mean(0), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(means[1], other.mean.mean(0), atol=1e-5, rtol=1e-4)


def test_mean_of_the_additive_head_is_the_mean_of_its_cells():
    """Groups of unequal size, doses, combinations, kriged effects."""
    torch.manual_seed(4)
    head = AdditiveHead(TrainSettings(**TINY), 9, 3, 2, (3, 2, 2)).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    head.kriged.copy_(torch.randn(2, 3, 9))
    head.group_covariates.copy_(torch.eye(2))
    _, x, t = (a.double() for a in cells(7))
    doses = t * torch.rand(7, 1).double() + torch.tensor([0.0, 0.25, 0.0])
    z, genes = torch.randn(7, 8).double(), torch.randn(9, 8).double()
    treatments = [(t, t), (doses, doses)]
    raw, _ = head(z, x, treatments, genes)
    for mean, one in zip(head.mean_of(z, x, treatments, genes), raw, strict=True):
        torch.testing.assert_close(mean, one[0].mean(dim=0))


def test_additive_head_is_the_sum_that_its_docstring_says():
    torch.manual_seed(1)
    settings = TrainSettings(**TINY)
    head = AdditiveHead(settings, 9, 3, 2, (3, 2, 2)).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    head.kriged.copy_(torch.randn(2, 3, 9))
    head.group_covariates.copy_(torch.eye(2))
    _, x, t = (a.double() for a in cells())
    t = t * 0.5 + torch.tensor([0.0, 0.25, 0.0])  # doses and combinations
    z, genes = torch.randn(6, 8).double(), torch.randn(9, 8).double()
    (raw,), penalty = head(z, x, [(t, t)], genes)
    f = head.attention(genes, head.skip(z) + head.cell(z))
    g = head.response_attention(genes, head.response(torch.cat([head.narrow(z), t], dim=1)))[0]
    g = g * (1 - t[:, :1])
    for k in range(6):
        group = int(x[k].argmax())
        kriged = sum(t[k, j] * head.kriged[group, j] for j in range(3))
        expected = (
            head.gene_bias[0, 0] + x[k] @ head.covariate_effects + kriged
            + t[k] @ head.treatment_effects + f[0, k] + g[k]
        )  # fmt: skip
        torch.testing.assert_close(raw[0, k], expected)
    torch.testing.assert_close(penalty, (g**2).mean())
    torch.testing.assert_close(raw[1], f[1] + head.gene_bias[1])


def test_joint_head_decodes_each_treatment_by_itself():
    torch.manual_seed(2)
    head = JointHead(TrainSettings(**TINY, heads="joint"), 9, 3, 2)
    _, x, t = cells()
    z, genes = torch.randn(6, 8), torch.randn(9, 8)
    (one, two), _ = head(z, x, [(t, t), (t.flip(0), t.flip(0))], genes)
    (alone,), _ = head(z, x, [(t.flip(0), t.flip(0))], genes)
    torch.testing.assert_close(two, alone)
    assert (one - two).abs().max() > 1e-4


def test_treatment_through_the_perturbed_genes_node():
    settings = TrainSettings(**TINY, treatment="node")
    entering = TreatmentInput(settings, 4, torch.tensor([-1, 2, -1, 5]))
    genes = torch.randn(9, 8)
    t = torch.tensor([[0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 3.0, 0.0]])
    out = entering(t, genes)
    torch.testing.assert_close(out[0], 2 * genes[2] + genes[5])
    torch.testing.assert_close(out[1], 3 * entering.table[2])


def test_sampling_counts_cannot_be_differentiated_and_says_so():
    with pytest.raises(SettingsError, match="set constructed to residual"):
        TrainSettings.checked({"likelihood": "nb", "constructed": "sample"})


def test_zero_dose_and_control_have_no_response():
    head = AdditiveHead(TrainSettings(**TINY), 9, 3, 2, (3, 2, 2))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    with torch.no_grad():
        head.treatment_effects[0] = 0
    _, x, _ = cells()
    control = torch.tensor([[1.0, 0.0, 0.0]]).expand(6, -1)
    (raw,), penalty = head(torch.randn(6, 8), x, [(control, control)], torch.randn(9, 8))
    assert penalty == 0
    assert torch.isfinite(raw).all()
