"""RefinedGRN: the refined edges as a table, their background, and their files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from gvci.errors import GRNError
from gvci.grn import GRN

if TYPE_CHECKING:
    from gvci.refiner.paper import RelationRefiner

TABLE, NOTES = "edges.parquet", "grn.json"
COLUMNS = ["source", "target", "weight", "prior", "status"]


@dataclass(frozen=True)
class RefinedGRN:
    """A prior GRN after refinement.

    Attributes:
        genes: gene names in the order of the data.
        table: source, target, weight (W̃, eq. 12), prior (0/1), status, strongest first; it
            holds every pair out of a regulator. status: kept (prior, above α), added (not in
            the prior, above α), removed (prior, at most α), absent (neither).
        alpha: the threshold of eq. 12.
        background: median W̃ of the pairs outside the prior.
        meta: name, preset, prior, data, data_hash, seed, steps, settings, created, notes.
    """

    genes: pd.Index
    table: pd.DataFrame
    alpha: float
    background: float
    meta: dict[str, Any]

    @classmethod
    def of(cls, refiner: RelationRefiner, prior: GRN, preset: str, steps: int) -> Self:
        """The result of a trained refiner."""
        data, settings = refiner.data, refiner.settings
        inside = prior.restricted(data.genes, data.name)
        background = refiner.background()
        sources = set(inside.sources) | (set(data.perturbations) & set(data.genes))
        pairs = _pairs(refiner.weights(), data.genes, inside, sources)
        alpha = settings.alpha or _default_alpha(pairs, background)
        table = _with_status(pairs, alpha)
        meta = {
            "name": f"{prior.name}, refined on {data.name}",
            "preset": preset,
            "prior": prior.name,
            "data": data.name,
            "data_title": data.title,
            "data_hash": data.fingerprint,
            "simulated": data.simulated,
            "seed": settings.seed,
            "steps": steps,
            "settings": settings.model_dump(),
            "notes": list(inside.notes),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return cls(data.genes, table, alpha, background, meta)

    @property
    def regulators(self) -> list[str]:
        """Sources of the table, by falling number of edges above α."""
        adopted = self.table[self.table["status"].isin(("kept", "added"))]["source"].value_counts()
        others = [s for s in self.table["source"].unique() if s not in adopted.index]
        return [str(name) for name in adopted.index] + sorted(map(str, others))

    def counts(self) -> dict[str, int]:
        """Number of edges kept, added and removed."""
        found = self.table["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in ("kept", "added", "removed")}

    def adopted(self) -> GRN:
        """Ê of eq. 12: the edges above α, which the main model takes.

        Raises:
            GRNError: no edge is above α.
        """
        edges = self.table[self.table["status"].isin(("kept", "added"))]
        if edges.empty:
            message = (
                f"No edge of {self.meta.get('name', 'the network')} is above α = {self.alpha:.2f} "
                f"(background {self.background:.2f}). Refine again with a lower --alpha."
            )
            raise GRNError(message)
        return GRN(self.genes, edges.reset_index(drop=True), str(self.meta.get("name", "")))

    # --- files -----------------------------------------------------------------------

    def save(self, folder: Path, data_file: str) -> None:
        """Write `edges.parquet` and `grn.json`; `data_file` is the data's path seen from there."""
        folder.mkdir(parents=True, exist_ok=True)
        self.table.to_parquet(folder / TABLE, index=False)
        notes = {
            **self.meta,
            "format": 1,
            "alpha": self.alpha,
            "background": self.background,
            "genes": list(self.genes),
            "data_file": data_file,
        }
        (folder / NOTES).write_text(json.dumps(notes, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            GRNError: missing or damaged.
        """
        try:
            notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
            table = pd.read_parquet(folder / TABLE)
            genes, alpha, background = (
                notes.pop("genes"),
                notes.pop("alpha"),
                notes.pop("background"),
            )
            table = table[COLUMNS + [c for c in table.columns if c not in COLUMNS]]
            return cls(pd.Index(genes), table, float(alpha), float(background), notes)
        except (OSError, ValueError, KeyError, TypeError):
            message = (
                f"{folder} is not a refined network, or it is damaged ({NOTES} and {TABLE} are "
                "needed). Make it again: python -m gvci refine."
            )
            raise GRNError(message) from None


def _pairs(weights: np.ndarray, genes: pd.Index, prior: GRN, sources: set[str]) -> pd.DataFrame:
    """All pairs out of `sources`, strongest first; weights are [target, source]."""
    in_prior = np.zeros(weights.shape, dtype=bool)
    targets, regulators = prior.indices()
    in_prior[targets, regulators] = True
    candidates = np.tile(genes.isin(sources), (len(genes), 1))
    np.fill_diagonal(candidates, val=False)
    rows, columns = np.nonzero(candidates)
    names = genes.to_numpy(dtype=object)
    table = pd.DataFrame(
        {
            "source": names[columns],
            "target": names[rows],
            "weight": weights[rows, columns].astype(np.float64),
            "prior": in_prior[rows, columns].astype(np.int64),
        }
    )
    return table.sort_values("weight", ascending=False, kind="stable", ignore_index=True)


def _default_alpha(pairs: pd.DataFrame, background: float) -> float:
    """Over the background, and so high that no more edges are added than the prior has.

    An edge's meaning is its height over the background (the paper cuts at 0.2 over 0.16), and
    how high informative edges rise differs between datasets: a fixed height would empty one
    network and flood another.
    """
    outside = pairs["weight"][pairs["prior"] == 0].to_numpy()
    most = int(pairs["prior"].sum())
    bound = float(outside[most]) if most < len(outside) else 0.0
    return max(bound, background)


def _with_status(pairs: pd.DataFrame, alpha: float) -> pd.DataFrame:
    above, known = pairs["weight"] > alpha, pairs["prior"] == 1
    status = np.select(
        [known & above, ~known & above, known], ["kept", "added", "removed"], "absent"
    )
    return pairs.assign(status=status)
