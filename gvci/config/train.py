"""How a model is built and trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from gvci.config.base import Settings

# The networks that graphVCI was published beside; see gvci/networks.
PUBLISHED = ("ae", "cevae", "ganite", "cpa")
# Settings that only some models have; the others must leave them as preset `paper` has them.
OF_VCI = (
    "graph", "heads", "decoder", "softmax", "aggregation", "likelihood", "treatment",
    "treatment_embedding", "bottleneck", "graph_latent", "graph_depth", "reconstruction_weight",
    "distribution_weight", "kl_weight", "response_weight", "distribution", "kernel", "kernel_std",
    "match_cells", "constructed", "graph_learning_rate", "inner_folds", "members",
)  # fmt: skip
ONLY: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(OF_VCI, ("graphvci", "vci")),
    "samples": ("graphvci", "vci", "cevae"),
    "covariate_embedding": ("graphvci", "vci", "ae", "cevae", "ganite"),
    "discriminator_width": ("graphvci", "vci", "ganite", "cpa"),
    "discriminator_depth": ("graphvci", "vci", "ganite", "cpa"),
    "discriminator_steps": ("graphvci", "vci", "ganite", "cpa"),
    "game_weight": ("ganite",),
    "adversary_weight": ("cpa",),
    "gradient_penalty": ("cpa",),
}


class TrainSettings(Settings):
    """The model and its training (paper §2.1–2.2; values of the authors in preset `paper`).

    The terms of eq. 4 are means per gene (reconstruction, distribution, response) and per
    latent dimension (KL), so a weight means the same whatever the numbers of both.

    The published networks AE, CEVAE, GANITE and CPA take the values of preset `paper`, and of a
    setting that they do not have they refuse any other.
    """

    model: Literal["graphvci", "vci", "ae", "cevae", "ganite", "cpa"] = Field(
        "graphvci", description="'vci': without the graph; the others are published networks"
    )
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
    outcome_embedding: int = Field(256, ge=1, description="features of Y")
    treatment_embedding: int = Field(64, ge=1, description="where T is embedded")
    covariate_embedding: int = Field(16, ge=1, description="features of X")
    width: int = Field(128, ge=1, description="of hidden layers")
    depth: int = Field(3, ge=1, description="hidden layers of encoder and decoder")
    bottleneck: int = Field(4, ge=1, description="dimensions of WZ in g(WZ,T)")
    graph_latent: int = Field(128, ge=1, description="dimensions of Z_G per gene")
    graph_depth: int = Field(1, ge=1, description="layers of the graph network")

    reconstruction_weight: float = Field(1.0, ge=0, description="ω0, per gene")
    distribution_weight: float = Field(50.0, ge=0, description="ω1, per gene")
    kl_weight: float = Field(0.1, ge=0, description="ω2, per latent dimension")
    response_weight: float = Field(1.0, ge=0, description="of g², per gene")
    distribution: Literal["match", "discriminate", "fit"] = Field("match", description="p̂")
    kernel: Literal["mean_log", "log_mean", "means"] = Field(
        "means", description="p̂ = match; 'means' compares the means of strata"
    )
    kernel_std: float = Field(1.0, gt=0, description="of p̂ = match, log1p CP10k")
    match_cells: int = Field(20, ge=1, description="cells drawn with the same (X, T′)")
    discriminator_width: int = Field(64, ge=1, description="of its hidden layers")
    discriminator_depth: int = Field(2, ge=1, description="its hidden layers")
    discriminator_steps: int = Field(3, ge=1, description="per step of the model")
    game_weight: float = Field(10.0, ge=0, description="α of GANITE: of V_CF, per cell")
    adversary_weight: float = Field(1.0, ge=0, description="λ of CPA's adversaries")
    gradient_penalty: float = Field(3.0, ge=0, description="γ of CPA's adversaries")
    smallest_scale: float = Field(
        0.1, gt=0, description="floor of the outcome's standard deviation, log1p CP10k"
    )
    samples: int = Field(1, ge=1, description="Monte-Carlo samples of Z for the reconstruction")
    constructed: Literal["residual", "sample"] = Field(
        "residual", description="Ỹ′ = Y + μ(Z,T′) − μ(Z,T), or a draw of p(Y′|Z,T′)"
    )

    learning_rate: float = Field(1e-3, gt=0, description="of the model's weights")
    graph_learning_rate: float = Field(1e-3, gt=0, description="node features and edge logits")
    weight_decay: float = Field(4e-7, ge=0, description="of Adam")
    schedule: Literal["cosine", "step"] = Field(
        "cosine", description="warm-up, then cosine to 5 %; or a decay every so many epochs"
    )
    warm_up: int = Field(100, ge=0, description="steps")
    learning_rate_step: int = Field(45, ge=1, description="epochs between decays")
    learning_rate_decay: float = Field(0.5, gt=0, le=1, description="factor of each decay")
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    batch_size: int = Field(64, ge=2, description="cells per step")
    max_steps: int = Field(400, ge=1, description="most steps that are taken")
    evaluate_every: int = Field(50, ge=1, description="steps between validations")
    patience: int = Field(20, ge=1, description="validations without gain before stopping")
    inner_folds: int = Field(
        4, ge=0, description="members that choose steps and gate, each blind to some pairs"
    )
    members: int = Field(2, ge=1, description="models averaged, trained on all cells")
    seed: int = Field(
        0, ge=0, lt=2**63, description="of every random choice; the same seed gives the same result"
    )

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

    @model_validator(mode="after")
    def _of_this_model(self) -> Self:
        for name, models in ONLY.items():
            usual = self.presets["paper"].get(name, type(self).model_fields[name].default)
            if self.model not in models and getattr(self, name) != usual:
                message = (
                    f"model '{self.model}' has no {name}: take preset paper and leave it at "
                    f"{usual} ({name} is a setting of {', '.join(models)})"
                )
                raise ValueError(message)
        return self

    @staticmethod
    def usual_preset(model: str | None) -> str:
        """The preset that a model takes where none is named."""
        return "paper" if model in PUBLISHED else "standard"


PredictMode = Literal["residual", "mean", "sample"]
