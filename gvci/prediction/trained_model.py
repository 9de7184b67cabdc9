"""A trained model: cells in, counterfactual cells out.

Needs neither the graph nor torch_geometric: Z_G never changes after training and is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.config import PUBLISHED, PredictMode, TrainSettings
from gvci.data.encoding import CovariateCode, TreatmentCode
from gvci.errors import CheckpointError, GvciError, PredictionError
from gvci.gate.gate import Gate
from gvci.model import GraphVCI, Sizes
from gvci.model.start import gene_nodes
from gvci.networks import Network, Shape, make_network
from gvci.prediction.member import GraphVCIMember, Member
from gvci.prediction.network_member import NetworkMember
from gvci.unfinished import below

CHUNK = 1024
KEPT_LATENTS = 4
Core = TypeVar("Core", GraphVCI, Network)


class TrainedModel:
    """A model: its members, its gate, and the names that it was trained on.

    Attributes:
        members: networks whose answers are averaged.
        gate: how far the best simple baseline has a share in unmeasured pairs.
        header: everything in the checkpoint's header (settings, genes, hashes, seed, …).
        genes: ordered gene names.
        treatment_code, covariate_code: how labels become T and X.
    """

    def __init__(self, members: Sequence[Member], gate: Gate, header: Mapping[str, Any]) -> None:
        self.members, self.gate = list(members), gate
        for member in self.members:
            member.core.eval()
        self.header = dict(header)
        self.genes = pd.Index(header["genes"])
        treatment = header["treatment"]
        self.treatment_code = TreatmentCode(tuple(treatment["levels"]), treatment["control"])
        self.covariate_code = CovariateCode.from_json(header["covariates"])
        self._latents: dict[bytes, list[tuple[Tensor, Tensor]]] = {}

    @property
    def name(self) -> str:
        """The model's name in tables: graphvci, vci, ae, cevae, ganite or cpa."""
        return str(self.header["settings"]["model"])

    @property
    def counted(self) -> bool:
        """Whether the likelihood is of counts, so that answers depend on a cell's depth."""
        return bool(self.members[0].core.settings.likelihood != "normal")

    # --- files -----------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """All that was learned, by name."""
        tensors: dict[str, Tensor] = {}
        for i, member in enumerate(self.members):
            tensors |= {f"{i}.core.{k}": v for k, v in member.core.state_dict().items()}
            if member.genes is not None:
                tensors[f"{i}.genes"] = member.genes
        tensors["gate.corrections"] = torch.from_numpy(self.gate.corrections)
        if self.gate.error is not None:
            tensors["gate.error"] = torch.from_numpy(self.gate.error)
        return tensors

    def save(self, path: Path | str, bits: Mapping[str, int] | None = None) -> None:
        """Write one checkpoint file.

        Args:
            path: the file.
            bits: tensors that are stored in fewer bits, as `compact.fewest_bits` gives them.
        """
        header = {**self.header, "gate": self.gate.to_json(), "members": len(self.members)}
        save_checkpoint(Path(path), self.tensors(), header, bits)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read one checkpoint file.

        Raises:
            CheckpointError: damaged, foreign, or its tensors do not fit its settings.
        """
        path = Path(path)
        tensors, header = load_checkpoint(path)
        try:
            return cls.made_of(tensors, header)
        except (KeyError, TypeError, AttributeError, RuntimeError, ValueError, GvciError):
            message = f"The tensors of {path.name} do not fit its settings. Train again."
            raise CheckpointError(message) from None

    @classmethod
    def made_of(cls, tensors: dict[str, Tensor], header: Mapping[str, Any]) -> Self:
        """A model of these tensors; what they do not fit raises one of many exceptions."""
        settings = TrainSettings.checked(header["settings"])
        make = _network if settings.model in PUBLISHED else _graphvci
        if header["members"] < 1:
            raise _other_sizes()
        members = [
            make(below(tensors, f"{i}."), settings, header) for i in range(header["members"])
        ]
        return cls(members, _gate(tensors, header), header)

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
        *,
        correction: np.ndarray | None = None,
        depth: np.ndarray | None = None,
    ) -> np.ndarray:
        """Cells under another treatment, (cells, n) float32, log1p CP10k, never below 0.

        `mean` is the decoder's mean μ(Z, T′); `sample` a draw of p(Y | Z, T′); `residual` is
        Y + μ(Z, T′) − μ(Z, T), which keeps the cell's own residual and is exact at T′ = T.
        Z is the mean of q(Z | Y, X, T), so a cell's answer does not depend on other cells.
        Means are averaged over members; a sample is of the first.

        Args:
            expression: Y (cells, n).
            covariates: X (cells, m).
            treatment, counterfactual_treatment: T and T′ (cells, r).
            mode: what to return.
            seed: of the draws in `sample`.
            correction: (cells, n) of the gate, added to each cell.
            depth: (cells,) counts per cell, for nb and zinb.

        Raises:
            PredictionError: a likelihood of counts without the cells' depth.
        """
        if self.counted and depth is None:
            message = "This model is of counts: it needs each cell's total counts (depth)."
            raise PredictionError(message)
        generator = torch.Generator().manual_seed(seed)
        parts = [np.zeros((0, len(self.genes)), dtype=np.float32)]
        for start in range(0, len(expression), CHUNK):
            rows = slice(start, start + CHUNK)
            y, x, t, t2 = (
                torch.from_numpy(np.ascontiguousarray(a[rows], dtype=np.float32))
                for a in (expression, covariates, treatment, counterfactual_treatment)
            )
            d = None if depth is None else torch.from_numpy(depth[rows, None].astype(np.float32))
            answer = self._answer(y, x, t, t2, d, mode, generator)
            if correction is not None:
                answer = answer + torch.from_numpy(correction[rows])
            parts.append(answer.clamp_min(0).numpy())
        return np.concatenate(parts)

    def _answer(
        self,
        y: Tensor,
        x: Tensor,
        t: Tensor,
        t2: Tensor,
        depth: Tensor | None,
        mode: PredictMode,
        generator: torch.Generator,
    ) -> Tensor:
        members = self.members[:1] if mode == "sample" else self.members
        total = torch.zeros_like(y)
        for member in members:
            z = member.latent(y, x, t)
            if mode == "residual":
                factual, counter = member.outcomes(z, x, [t, t2], depth)
                total += counter.mean - factual.mean
            else:
                (outcome,) = member.outcomes(z, x, [t2], depth)
                total += outcome.draw(generator) if mode == "sample" else outcome.mean
        answer = total / len(members)
        return y + answer if mode == "residual" else answer

    @torch.no_grad()
    def mean_shift(
        self,
        expression: np.ndarray,
        covariates: np.ndarray,
        treatment: np.ndarray,
        counterfactual_treatment: np.ndarray,
        depth: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n,) float64: mean over cells and members of μ(Z, T′) − μ(Z, T), as in `residual`.

        What does not depend on T′ is kept for the last few sets of cells: each perturbation of
        the same cells then costs one decoding.
        """
        x, t, t2 = (
            torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32))
            for a in (covariates, treatment, counterfactual_treatment)
        )
        d = None if depth is None else torch.from_numpy(depth[:, None].astype(np.float32))
        known = self._known(np.ascontiguousarray(expression, dtype=np.float32), x, t, d)
        shifts = [
            member.means(z, x, [t2], d)[0] - own
            for member, (z, own) in zip(self.members, known, strict=True)
        ]
        return np.asarray(torch.stack(shifts).mean(dim=0).numpy(), dtype=np.float64)

    def _known(
        self, expression: np.ndarray, x: Tensor, t: Tensor, depth: Tensor | None
    ) -> list[tuple[Tensor, Tensor]]:
        """Z of these cells and their mean μ(Z, T), of each member."""
        y = torch.from_numpy(expression)
        parts = [expression[:, ::17].sum(axis=1), x.numpy(), t.numpy()]
        parts += [] if depth is None else [depth.numpy()]
        key = b"".join(part.tobytes() for part in parts)
        if key not in self._latents:
            while len(self._latents) >= KEPT_LATENTS:
                self._latents.pop(next(iter(self._latents)))
            latents = [member.latent(y, x, t) for member in self.members]
            self._latents[key] = [
                (z, member.means(z, x, [t], depth)[0])
                for member, z in zip(self.members, latents, strict=True)
            ]
        return self._latents[key]


def _graphvci(
    tensors: dict[str, Tensor], settings: TrainSettings, header: Mapping[str, Any]
) -> Member:
    """graphVCI or VCI from a member's tensors."""
    names, levels = header["genes"], header["treatment"]["levels"]
    own, genes = below(tensors, "core."), tensors.get("genes")
    covariates = CovariateCode.from_json(header["covariates"]).width
    groups = len(own.get("head.kriged", torch.zeros(0)))
    sizes = Sizes(len(names), 1 + len(levels), covariates, groups)
    shape = (len(names), settings.graph_latent) if settings.model == "graphvci" else None
    if (None if genes is None else tuple(genes.shape)) != shape:
        raise _other_sizes()
    nodes = gene_nodes(list(levels), list(names))
    return GraphVCIMember(_filled(lambda: GraphVCI(settings, sizes, nodes), own, settings), genes)


def _network(
    tensors: dict[str, Tensor], settings: TrainSettings, header: Mapping[str, Any]
) -> Member:
    """A published network from a member's tensors."""
    treatment = TreatmentCode(tuple(header["treatment"]["levels"]), header["treatment"]["control"])
    covariates = CovariateCode.from_json(header["covariates"])
    shape = Shape.of(len(header["genes"]), treatment, covariates)
    own = below(tensors, "core.")
    return NetworkMember(_filled(lambda: make_network(settings, shape), own, settings))


def _filled(make: Callable[[], Core], tensors: dict[str, Tensor], settings: TrainSettings) -> Core:
    """A network with these tensors; one without storage says first what must fit.

    So settings that lie about sizes are refused before anything of those sizes is allocated.
    """
    if max(settings.depth, settings.discriminator_depth) > len(tensors):
        raise _other_sizes()
    with torch.device("meta"):
        core = make()
    expected = core.state_dict()
    if any(value.dtype != expected[name].dtype for name, value in tensors.items()):
        raise _other_sizes()
    # Copies lie where torch would have put them, so that sums keep their last digit.
    core.load_state_dict({k: v.clone() for k, v in tensors.items()}, assign=True)
    return core


def _gate(tensors: dict[str, Tensor], header: Mapping[str, Any]) -> Gate:
    """The gate from its tensors and notes."""
    error, corrections = tensors.get("gate.error"), tensors["gate.corrections"]
    gate = Gate.from_json(
        header["gate"], corrections.numpy(), None if error is None else error.numpy()
    )
    genes = len(header["genes"])
    if gate.corrections.shape != (len(gate.groups), len(gate.perturbations), genes):
        raise _other_sizes()
    if gate.error is not None and gate.error.shape != (genes,):
        raise _other_sizes()
    return gate


def _other_sizes() -> CheckpointError:
    message = "sizes differ"
    return CheckpointError(message)
