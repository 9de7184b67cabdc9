"""How a prior GRN is refined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from gvci.config.base import Settings


class RefineSettings(Settings):
    """How a prior GRN is refined: calibrated regression, or the paper's GCN (eqs. 11–13)."""

    alpha: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="an edge is kept where W̃ > alpha; empty: 0.5, or 'paper': over the background",
    )
    method: Literal["calibrated", "paper"] = Field(
        "calibrated", description="'paper': the GCN of eqs. 11–13"
    )
    seed: int = Field(
        0, ge=0, description="of every random choice; the same seed gives the same result"
    )

    # calibrated
    level: int | None = Field(
        None, ge=0, le=2, description="0 correlation, 1 regression, 2 activities; empty: chosen"
    )
    highest_level: int = Field(2, ge=0, le=2, description="levels tried when choosing")
    components: int = Field(
        50, ge=0, description="principal components that level 0 keeps; 0 for all"
    )
    trust: float = Field(0.6, gt=0, lt=1, description="share of the prior believed real")
    ridge: float = Field(0.01, gt=0, description="of the regression, per variance of a regulator")
    reliability: float = Field(
        0.8, gt=0, lt=1, description="share of a regulator's mRNA variance that is activity"
    )
    rounds: int = Field(8, ge=1, description="of inferring activities and refitting")
    halves: int = Field(5, ge=0, description="random halves of the cells, for the stability")
    seeds: int = Field(
        0, ge=0, description="refinements repeated on cells drawn anew, for the column seeds"
    )

    # paper
    keep_prior: float = Field(0.982, gt=0, le=1, description="chance a prior edge is drawn")
    keep_other: float = Field(0.018, ge=0, lt=1, description="chance any other pair is drawn")
    encoder_width: int = Field(16, ge=1, description="features of the first graph layers")
    encoder_depth: int = Field(1, ge=1, description="how many first layers")
    decoder_width: int = Field(64, ge=1, description="features of the later graph layers")
    decoder_depth: int = Field(4, ge=0, description="how many later layers")
    gene_features: int = Field(8, ge=0, description="seeded random, learnable features per gene")
    likelihood: Literal["gaussian", "l2"] = Field(
        "gaussian", description="of a gene's expression; 'l2' is eq. 13 to the letter"
    )
    penalty: float = Field(20.0, ge=0, description="weight of mean(sigmoid(L)), eq. 13")
    diagonal_penalty: float = Field(20.0, ge=0, description="the same for self-connections")
    initial_logit: float = Field(1.0, description="L of every pair at step 0")
    learning_rate: float = Field(3e-4, gt=0, description="of the network's weights")
    logit_learning_rate: float = Field(5e-3, gt=0, description="of L")
    batch_size: int = Field(64, ge=1, description="cells per step")
    max_steps: int = Field(10_000, ge=1, description="most steps that are taken")
    evaluate_every: int = Field(50, ge=1, description="steps between validations")
    patience: int = Field(20, ge=1, description="validations without gain before stopping")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"highest_level": 1, "halves": 0},
        "standard": {},
        "paper": {"method": "paper"},
    }
