"""Where a model starts: every gene at its mean, or at a simple baseline (docs/method.md §2).

With the additive head step 0 is a ridge regression of group means on covariates, the kriged
effects of treatments, and the principal components of what both leave in single cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from gvci.data.numbering import Treatments
from gvci.data.portions import averages, mean, mean_of_squares, portions
from gvci.model.attention import KeyIndependentDecoder, PlainDecoder
from gvci.model.encoder import GeneEncoder
from gvci.model.graphvci import GraphVCI
from gvci.model.heads import AdditiveHead

RIDGES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
FIRST_LOG_VARIANCE = -4.0
MOST_CELLS = 8000


class Effects(NamedTuple):
    """Kriged effects of every treatment level in every group."""

    table: np.ndarray  # (groups, r, n)
    covariates: np.ndarray  # (groups, m), real-valued ones 0


@torch.no_grad()
def start(
    core: GraphVCI,
    gene_encoder: GeneEncoder | None,
    expression: sp.csr_matrix,
    covariates: np.ndarray,
    treatment: Treatments,
    arms: np.ndarray,
    train: np.ndarray,
    effects: Effects | None,
    seed: int,
) -> None:
    """Set the parameters that a baseline determines.

    Args:
        core, gene_encoder: what is trained.
        expression: Y of all cells (cells, n), log1p CP10k.
        covariates, treatment: X (cells, m) and T (cells, r).
        arms: (cells,) which cells share stratum and treatment.
        train: positions of the training cells, the only ones that are read.
        effects: K, where the additive head starts; None for the joint one.
        seed: of the cells that the components are computed on.
    """
    means, squares = mean(expression, train), mean_of_squares(expression, train)
    sds = np.sqrt((squares - means**2).clip(0))
    head, counted = core.head, core.settings.likelihood != "normal"
    centre = np.log(np.expm1(means).clip(1e-4)) if counted else means
    head.gene_bias[0, 0] = torch.from_numpy(centre)
    if not counted:
        head.gene_bias[1, 0] = torch.log(torch.expm1(torch.from_numpy(sds.clip(1e-2))))
    if not isinstance(head, AdditiveHead) or effects is None:
        return
    head.kriged.copy_(torch.from_numpy(effects.table))
    head.group_covariates.copy_(torch.from_numpy(effects.covariates))
    x, t, bulks = arm_means(expression, covariates, treatment, arms, train)
    if counted:
        bulks = np.log(np.expm1(bulks).clip(1e-4))
        head.kriged.zero_()
    else:
        bulks = (
            bulks - head.effects(torch.from_numpy(x).float(), torch.from_numpy(t).float()).numpy()
        )
    coefficients, intercept = ridge(np.concatenate([x, t], axis=1) if counted else x, bulks)
    head.gene_bias[0, 0] = torch.from_numpy(intercept)
    head.covariate_effects.copy_(torch.from_numpy(coefficients[: x.shape[1]]))
    if counted:
        head.treatment_effects.copy_(torch.from_numpy(coefficients[x.shape[1] :]))
    nn.init.zeros_(core.projection.weight)
    nn.init.zeros_(core.encoder.aggregator.weight)
    core.encoder.aggregator.bias.zero_()
    core.encoder.aggregator.bias[core.settings.latent :] = FIRST_LOG_VARIANCE
    if not counted:
        _start_at_components(core, gene_encoder, expression, covariates, treatment, train, seed)


def arm_means(
    expression: sp.csr_matrix,
    covariates: np.ndarray,
    treatment: Treatments,
    arms: np.ndarray,
    train: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, T and mean expression of the training cells of each arm, float64."""
    _, arm = np.unique(arms[train], return_inverse=True)
    sizes = np.bincount(arm)
    x, t = np.zeros((len(sizes), covariates.shape[1])), np.zeros((len(sizes), treatment.width))
    for here, _ in portions(expression, train):
        own, rows = arm[here], train[here]
        weights = (1.0 / sizes[own], (own, np.arange(len(own))))
        averaging = sp.csr_matrix(weights, shape=(len(sizes), len(own)))
        x += averaging @ covariates[rows]
        t += averaging @ treatment[rows]
    return x, t, averages(expression, train, arm, sizes).toarray()


def ridge(design: np.ndarray, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression with an intercept; the penalty with the lowest leave-one-out error.

    Args:
        design: (rows, features).
        outcomes: (rows, n).

    Returns:
        Coefficients (features, n) and intercept (n,), float32.
    """
    centre, middle = design.mean(axis=0), outcomes.mean(axis=0)
    u, s, vt = np.linalg.svd(design - centre, full_matrices=False)
    projected, rows = u.T @ (outcomes - middle), len(design)
    best = (np.inf, RIDGES[0])
    for alpha in RIDGES:
        shrunk = s**2 / (s**2 + alpha)
        left = (outcomes - middle) - u @ (shrunk[:, None] * projected)
        leverage = 1 / rows + (u**2 * shrunk).sum(axis=1)
        error = float(((left / (1 - leverage).clip(1e-3)[:, None]) ** 2).mean())
        best = min(best, (error, alpha))
    inverse = s / (s**2 + best[1])
    coefficients = vt.T @ (inverse[:, None] * projected)
    intercept = middle - centre @ coefficients
    return coefficients.astype(np.float32), intercept.astype(np.float32)


def _start_at_components(
    core: GraphVCI,
    gene_encoder: GeneEncoder | None,
    expression: sp.csr_matrix,
    covariates: np.ndarray,
    treatment: Treatments,
    train: np.ndarray,
    seed: int,
) -> None:
    """Z at the principal scores of the cells' deviations, f at their loadings.

    The loadings are the gene features V that the graph encoder starts from, where the decoder
    can read them linearly.
    """
    head, latent = core.head, core.settings.latent
    assert isinstance(head, AdditiveHead)
    linear = isinstance(head.attention, PlainDecoder) or (
        isinstance(head.attention, KeyIndependentDecoder) and not head.attention.softmax
    )
    if not linear or latent > core.settings.width:
        return
    rows = train[np.random.default_rng(seed).permutation(len(train))[:MOST_CELLS]]
    base = head.base(torch.from_numpy(covariates[rows]), torch.from_numpy(treatment[rows]))
    rest = torch.from_numpy(expression[rows].toarray()) - base
    rank = min(latent, *rest.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, values, loadings = torch.svd_lowrank(rest, q=min(rank + 8, *rest.shape), niter=3)
    sds = (values[:rank] / len(rows) ** 0.5).clamp_min(1e-6)
    loadings = loadings[:, :rank]
    core.projection.weight[:rank] = (loadings / sds).T
    nn.init.zeros_(head.skip.weight)
    head.skip.weight[:rank, :rank] = torch.eye(rank)
    risen = loadings * sds  # (n, rank)
    attention, width = head.attention, core.settings.width
    if isinstance(attention, PlainDecoder):
        nn.init.zeros_(attention.output.weight)
        attention.output.weight[: len(risen), :rank] = risen
        return
    assert gene_encoder is not None
    assert isinstance(attention, KeyIndependentDecoder)
    known = min(rank, core.settings.graph_latent)
    gene_encoder.gains.zero_()
    gene_encoder.features[:, :known] = risen[:, :known]
    nn.init.zeros_(attention.query.weight[:width])
    attention.query.bias.zero_()
    attention.query.weight[:known, :known] = torch.eye(known) * width**0.5


def gene_nodes(levels: list[str], genes: list[str]) -> Tensor:
    """(1 + levels,) position of each treatment level's gene, −1 where it is none."""
    at = {gene: i for i, gene in enumerate(genes)}
    return torch.tensor([-1, *(at.get(level, -1) for level in levels)])
