"""Frozen settings objects, shared by the form, the command line and JSON.

A setting has one name, one default and one sentence of help, here. Presets are named
sets of values; `load_settings` lays a preset, a JSON file and `key=value` words over
the defaults, in this order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gvci.errors import SettingsError, listed, nearest


class Settings(BaseModel):
    """Base of all settings: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_word_is_a_list_of_one(cls, values: Any) -> Any:
        lists = {n for n, f in cls.model_fields.items() if "tuple" in str(f.annotation)}
        return {k: (v,) if k in lists and isinstance(v, str) else v for k, v in values.items()}

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The settings of a named preset, with changes on top.

        Raises:
            SettingsError: unknown preset, unknown setting, or a value out of range.
        """
        if name not in cls.presets:
            message = f"There is no preset '{name}'. Presets: {listed(cls.presets)}."
            raise SettingsError(message)
        return cls.checked({**cls.presets[name], **changes})

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """The settings with these values; the first fault becomes one sentence."""
        try:
            return cls(**values)
        except ValidationError as error:
            fault = error.errors()[0]
            name = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                message = (
                    f"There is no setting '{name}'.{nearest(name, cls.model_fields)} "
                    f"Settings: {listed(cls.model_fields, 40)}."
                )
            else:
                message = f"Setting '{name}' = {fault['input']!r} is not usable: {fault['msg']}."
            raise SettingsError(message) from None


SettingsType = TypeVar("SettingsType", bound=Settings)


def load_settings(
    kind: type[SettingsType],
    preset: str | None = None,
    config: Path | None = None,
    words: Sequence[str] = (),
    **given: Any,
) -> SettingsType:
    """Settings from a preset, then a JSON file, then `key=value` words, then named values.

    Named values that are None count as not given.

    Raises:
        SettingsError: unknown preset or setting, unreadable JSON, a value out of range.
    """
    values = read_words(config, words)
    values.update({key: value for key, value in given.items() if value is not None})
    return kind.preset(preset, **values) if preset else kind.checked(values)


def read_words(config: Path | None, words: Sequence[str]) -> dict[str, Any]:
    """Settings named in a JSON file, then in `key=value` words.

    Raises:
        SettingsError: unreadable JSON, or a word without "=".
    """
    values: dict[str, Any] = {}
    if config is not None:
        try:
            values.update(json.loads(config.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            message = f"The settings file {config} cannot be read as a JSON object: {error}"
            raise SettingsError(message) from None
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            message = f"--set takes key=value, not '{word}'."
            raise SettingsError(message)
        try:
            values[key.strip()] = json.loads(text)
        except ValueError:
            values[key.strip()] = text
    return values


class SimulateSettings(Settings):
    """Cells from a known GRN (three cell types × two donors); see gvci/data/simulate.py."""

    n_genes: int = Field(300, ge=40, le=20_000)
    n_perturbations: int = Field(14, ge=1, le=14, description="12 knock-outs, 2 over-expressions")
    cells_per_group: int = Field(42, ge=1, description="per cell type, donor and perturbation")
    controls_per_group: int = Field(150, ge=1, description="per cell type and donor")
    depth: float = Field(2000.0, gt=0, description="median counts per cell")
    depth_spread: float = Field(0.35, ge=0, description="sd of log depth")
    dispersion: float = Field(0.15, gt=0, description="of the gamma-Poisson counts")
    mrna_heterogeneity: float = Field(0.6, ge=0, description="sd of a regulator's own log mRNA")
    activity_heterogeneity: float = Field(
        0.35, ge=0, description="sd of a regulator's log activity beyond its mRNA"
    )
    prior_error: float = Field(
        0.3, ge=0, lt=1, description="share of true edges dropped from the prior, and of false ones"
    )
    seed: int = Field(0, ge=0)

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "demo": {"n_genes": 300, "cells_per_group": 42, "controls_per_group": 150, "seed": 0},
    }


class PrepareSettings(Settings):
    """How raw cells become a dataset (METHOD.md §5)."""

    perturbation: str | None = Field(None, description="obs column with the perturbation labels")
    control: str | None = Field(None, description="label of the control cells")
    covariates: tuple[str, ...] | None = Field(None, description="obs columns: cell type, donor …")
    real_covariates: tuple[str, ...] = Field((), description="obs columns of numbers: age, score …")
    dose: str | None = Field(None, description="obs column with doses; missing means 1")
    n_genes: int = Field(2000, ge=2, description="highly variable genes, chosen on training cells")
    keep_genes: tuple[str, ...] = Field((), description="genes kept whatever their variance")
    duplicate_genes: Literal["refuse", "sum"] = Field(
        "refuse", description="gene names that occur twice: refuse, or sum their counts"
    )
    qc: Literal["default", "paper"] = Field(
        "default", description="'paper': > 500 counts, > 750 genes, mitochondrial share < 0.2"
    )
    holdout: tuple[str, ...] = Field(
        (), description="treated cells held out, e.g. 'cell_type=B cells'"
    )
    ood: Literal["auto", "none"] | None = Field(
        None, description="'auto': hold out by the paper's rule (appendix C.2)"
    )
    ood_level: str | None = Field(None, description="the level 'auto' holds out in, 'column=level'")
    ood_perturbations: int = Field(20, ge=1, description="at most so many are held out by 'auto'")
    validation: float = Field(0.1, ge=0.01, lt=0.5, description="share of the other cells")
    test: float = Field(0.1, ge=0.0, lt=0.5, description="share of the other cells")
    target_sum: float = Field(1e4, gt=0, description="counts per cell after normalisation")
    n_de: int = Field(50, ge=1, description="differentially expressed genes per group")
    seed: int = Field(0, ge=0, lt=2**63)


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
    seed: int = Field(0, ge=0)

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

    # paper
    keep_prior: float = Field(0.982, gt=0, le=1, description="chance a prior edge is drawn")
    keep_other: float = Field(0.018, ge=0, lt=1, description="chance any other pair is drawn")
    encoder_width: int = Field(16, ge=1)
    encoder_depth: int = Field(1, ge=1)
    decoder_width: int = Field(64, ge=1)
    decoder_depth: int = Field(4, ge=0)
    gene_features: int = Field(8, ge=0, description="seeded random, learnable features per gene")
    likelihood: Literal["gaussian", "l2"] = "gaussian"
    penalty: float = Field(20.0, ge=0, description="weight of mean(sigmoid(L)), eq. 13")
    diagonal_penalty: float = Field(20.0, ge=0, description="the same for self-connections")
    initial_logit: float = 1.0
    learning_rate: float = Field(3e-4, gt=0)
    logit_learning_rate: float = Field(5e-3, gt=0)
    batch_size: int = Field(64, ge=1)
    max_steps: int = Field(10_000, ge=1)
    evaluate_every: int = Field(50, ge=1, description="steps between validations")
    patience: int = Field(20, ge=1, description="validations without gain before stopping")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"highest_level": 1, "halves": 0},
        "standard": {},
        "paper": {"method": "paper"},
    }


class TrainSettings(Settings):
    """The model and its training (paper §2.1–2.2; values of the authors in preset `paper`).

    The terms of eq. 4 are means per gene (reconstruction, distribution, response) and per
    latent dimension (KL), so a weight means the same whatever the numbers of both.
    """

    model: Literal["graphvci", "vci"] = Field("graphvci", description="'vci': without the graph")
    graph: Literal["given", "random"] = Field(
        "given", description="'random': as many edges of the same regulators, drawn; a control"
    )
    heads: Literal["joint", "additive"] = Field(
        "additive", description="p(Y|Z,T) of one network, or b + A[X] + D[T] + f(Z) + g(WZ,T)"
    )
    decoder: Literal["dot", "att"] = Field("dot", description="key-independent or key-dependent")
    softmax: bool = Field(False, description="softmax over the features of Y_M (eq. 10)")
    aggregation: Literal["mean", "sum", "max"] = Field("mean", description="of Z_G over genes")
    likelihood: Literal["normal", "nb", "zinb"] = Field(
        "normal", description="of Y; nb and zinb are of the raw counts"
    )
    treatment: Literal["one-hot", "embedded", "node"] = Field(
        "one-hot", description="how T enters: × dose, embedded, or as Z_G of the perturbed gene"
    )
    latent: int = Field(128, ge=1, description="dimensions of Z_MG")
    outcome_embedding: int = Field(256, ge=1)
    treatment_embedding: int = Field(64, ge=1, description="where T is embedded")
    covariate_embedding: int = Field(16, ge=1)
    width: int = Field(128, ge=1)
    depth: int = Field(3, ge=1)
    bottleneck: int = Field(4, ge=1, description="dimensions of WZ in g(WZ,T)")
    graph_latent: int = Field(128, ge=1, description="dimensions of Z_G per gene")
    graph_depth: int = Field(1, ge=1)

    reconstruction_weight: float = Field(1.0, ge=0, description="ω0, per gene")
    distribution_weight: float = Field(50.0, ge=0, description="ω1, per gene")
    kl_weight: float = Field(0.1, ge=0, description="ω2, per latent dimension")
    response_weight: float = Field(1.0, ge=0, description="of g², per gene")
    distribution: Literal["match", "discriminate", "fit"] = Field("match", description="p̂")
    kernel: Literal["mean_log", "log_mean", "means"] = Field(
        "means", description="p̂ = match; 'means' compares the means of strata"
    )
    kernel_std: float = Field(1.0, gt=0)
    match_cells: int = Field(20, ge=1, description="cells drawn with the same (X, T′)")
    discriminator_width: int = Field(64, ge=1)
    discriminator_depth: int = Field(2, ge=1)
    discriminator_steps: int = Field(3, ge=1, description="per step of the model")
    smallest_scale: float = Field(
        0.1, gt=0, description="floor of the outcome's standard deviation, log1p CP10k"
    )
    samples: int = Field(1, ge=1, description="Monte-Carlo samples of Z for the reconstruction")
    constructed: Literal["residual", "sample"] = Field(
        "residual", description="Ỹ′ = Y + μ(Z,T′) − μ(Z,T), or a draw of p(Y′|Z,T′)"
    )

    learning_rate: float = Field(1e-3, gt=0)
    graph_learning_rate: float = Field(1e-3, gt=0, description="node features and edge logits")
    weight_decay: float = Field(4e-7, ge=0)
    schedule: Literal["cosine", "step"] = Field(
        "cosine", description="warm-up, then cosine to 5 %; or a decay every so many epochs"
    )
    warm_up: int = Field(100, ge=0, description="steps")
    learning_rate_step: int = Field(45, ge=1, description="epochs between decays")
    learning_rate_decay: float = Field(0.5, gt=0, le=1)
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    batch_size: int = Field(64, ge=2)
    max_steps: int = Field(400, ge=1)
    evaluate_every: int = Field(50, ge=1, description="steps between validations")
    patience: int = Field(20, ge=1, description="validations without gain before stopping")
    inner_folds: int = Field(
        4, ge=0, description="members that choose steps and gate, each blind to some pairs"
    )
    members: int = Field(2, ge=1, description="models averaged, trained on all cells")
    seed: int = Field(0, ge=0, lt=2**63)

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"max_steps": 200, "inner_folds": 3, "members": 1},
        "standard": {},
        "paper": {
            "heads": "joint",
            "decoder": "att",
            "softmax": True,
            "kernel": "mean_log",
            "smallest_scale": 1e-3,
            "samples": 3,
            "constructed": "sample",
            "learning_rate": 3e-4,
            "graph_learning_rate": 3e-4,
            "schedule": "step",
            "max_steps": 20_000,
            "evaluate_every": 100,
            "inner_folds": 0,
            "members": 1,
        },
    }

    @model_validator(mode="after")
    def _constructible(self) -> Self:
        if self.likelihood != "normal" and self.constructed == "sample":
            message = "counts cannot be differentiated through: set constructed to residual"
            raise ValueError(message)
        return self


PredictMode = Literal["residual", "mean", "sample"]
