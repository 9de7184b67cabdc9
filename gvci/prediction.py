"""A trained model: cells in, counterfactual cells out.

Needs neither the graph nor torch_geometric: Z_G never changes after training and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.config import PredictMode, TrainSettings
from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.errors import CheckpointError, GvciError
from gvci.likelihoods import Normal
from gvci.model import GraphVCI

CHUNK = 1024


class TrainedModel:
    """graphVCI or VCI with its gene embeddings and the names that it was trained on.

    Attributes:
        header: everything in the checkpoint's header (settings, genes, hashes, seed, …).
        genes: ordered gene names.
        treatment_code, covariate_code: how labels become T and X.
    """

    def __init__(self, core: GraphVCI, gene_latent: Tensor | None, header: Mapping[str, Any]):
        self.core = core.eval()
        self.gene_latent = gene_latent
        self.header = dict(header)
        self.genes = pd.Index(header["genes"])
        treatment = header["treatment"]
        self.treatment_code = TreatmentCode(tuple(treatment["levels"]), treatment["control"])
        self.covariate_code = CovariateCode.from_json(header["covariates"])

    @property
    def name(self) -> str:
        """The model's name in tables: graphvci or vci."""
        return str(self.header["settings"]["model"])

    # --- files -----------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write one checkpoint file."""
        tensors = dict(self.core.state_dict())
        if self.gene_latent is not None:
            tensors["gene_latent"] = self.gene_latent
        save_checkpoint(path, tensors, self.header)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one checkpoint file.

        Raises:
            CheckpointError: damaged, foreign, or its tensors do not fit its settings.
        """
        tensors, header = load_checkpoint(path)
        try:
            settings = TrainSettings.checked(header["settings"])
            gene_latent = tensors.pop("gene_latent", None)
            sizes = (
                len(header["genes"]),
                1 + len(header["treatment"]["levels"]),
                CovariateCode.from_json(header["covariates"]).width,
            )
            _require_fit(tensors, settings, sizes[0])
            core = GraphVCI(settings, *sizes)
            core.load_state_dict(tensors)
            return cls(core, gene_latent, header)
        except (KeyError, TypeError, AttributeError, RuntimeError, GvciError):
            message = f"The tensors of {path.name} do not fit its settings. Train again."
            raise CheckpointError(message) from None

    # --- answers ---------------------------------------------------------------------

    @torch.no_grad()
    def counterfactual(
        self,
        expression: np.ndarray,
        covariates: np.ndarray,
        treatment: np.ndarray,
        counterfactual_treatment: np.ndarray,
        mode: PredictMode = "residual",
        seed: int = 0,
    ) -> np.ndarray:
        """Cells under another treatment, (cells, n) float32, log1p CP10k, never below 0.

        `mean` is the decoder's mean μ(Z, T′); `sample` a draw of p(Y | Z, T′); `residual` is
        Y + μ(Z, T′) − μ(Z, T), which keeps the cell's own residual and is exact at T′ = T.
        Z is the mean of q(Z | Y, X, T), so a cell's answer does not depend on other cells.

        Args:
            expression: Y (cells, n).
            covariates: X (cells, m).
            treatment, counterfactual_treatment: T and T′ (cells, r).
            mode: what to return.
            seed: of the draws in `sample`.
        """
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for start in range(0, len(expression), CHUNK):
            rows = slice(start, start + CHUNK)
            y, x, t, t2 = (
                torch.from_numpy(np.ascontiguousarray(a[rows], dtype=np.float32))
                for a in (expression, covariates, treatment, counterfactual_treatment)
            )
            z = self.core.encode(y, x, t, self.gene_latent).mean
            outcome: Normal = self.core.decode(z, t2, self.gene_latent)
            if mode == "mean":
                answer = outcome.mean
            elif mode == "sample":
                answer = outcome.draw(generator)
            else:
                answer = y + (outcome.mean - self.core.decode(z, t, self.gene_latent).mean)
            parts.append(answer.clamp_min(0).numpy())
        if not parts:
            return np.zeros((0, len(self.genes)), dtype=np.float32)
        return np.concatenate(parts)


def _require_fit(tensors: Mapping[str, Tensor], settings: TrainSettings, genes: int) -> None:
    """Refuse settings that lie about sizes before anything of those sizes is allocated."""
    embedding = tensors["embed_outcome.0.weight"]
    if tuple(embedding.shape) != (settings.outcome_embedding, genes):
        message = "sizes differ"
        raise CheckpointError(message)
    widest = max(settings.width, settings.latent, settings.graph_latent)
    if widest > max(max(tensor.shape, default=0) for tensor in tensors.values()):
        message = "sizes differ"
        raise CheckpointError(message)
