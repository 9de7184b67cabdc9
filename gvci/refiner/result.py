"""RefinedGRN: the refined edges as a table, their background, and their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from gvci.atomic import replacing
from gvci.errors import GRNError
from gvci.grn import GRN
from gvci.refiner.level import LEVELS

if TYPE_CHECKING:
    from gvci.config import RefineSettings
    from gvci.data.dataset import PerturbationData
    from gvci.refiner.paper import RelationRefiner

TABLE, NOTES = "edges.parquet", "grn.json"
TRIMMED = "trimmed"  # in the notes of a network that lists its strongest edges only
COLUMNS = [
    "source", "target", "weight", "prior", "status", "sign", "evidence", "stability", "seeds",
]  # fmt: skip
FORMAT = 4
UNKNOWN = {"sign": 0, "evidence": np.nan, "stability": np.nan, "seeds": np.nan}


@dataclass(frozen=True)
class RefinedGRN:
    """A prior GRN after refinement.

    Attributes:
        genes: gene names in the order of the data.
        table: every pair out of a regulator, strongest first (by logit where it has one):
            `source`, `target`, `weight` (W̃, eq. 12), `prior` (0/1);
            `status`: kept (prior, above α), added (not in the prior, above α), removed (prior, at
            most α), absent (neither);
            `sign`: +1 activates, −1 represses, 0 not known;
            `evidence`: log f1/f0, what the data alone say; NaN for preset `paper`;
            `stability`: share of random halves of the cells with positive evidence; NaN where it
            was not computed;
            `seeds`: share of seeds, each with cells drawn anew, whose refinement adopts the edge;
            NaN where it was not computed.
        alpha: the threshold of eq. 12.
        background: median W̃ of the pairs outside the prior.
        meta: name, preset, prior, data, their hashes, seed, settings, created, notes, floors;
            of a calibrated network also level, support (a sentence), supported, hidden (lift
            and AUROC per level), p_in, p_out, kappa, thresholding (what it does not do, in words),
            false_discovery with its caveat; of preset `paper` also steps; of a trimmed network
            what is not listed, see `trimmed.py`.
    """

    genes: pd.Index
    table: pd.DataFrame
    alpha: float
    background: float
    meta: dict[str, Any]

    @classmethod
    def of(cls, refiner: RelationRefiner, prior: GRN, preset: str, steps: int) -> Self:
        """The result of a trained RelationRefiner (preset `paper`)."""
        data, settings = refiner.data, refiner.settings
        inside = prior.restricted(data.genes, data.name)
        background = refiner.background()
        names = set(inside.sources) | (set(data.perturbations) & set(data.genes))
        sources = np.flatnonzero(data.genes.isin(names))
        targets, regulators = inside.indices()
        in_prior = np.zeros((len(data.genes), len(sources)), dtype=bool)
        in_prior[targets, np.searchsorted(sources, regulators)] = True
        weights = refiner.weights(sources)
        # A self-connection is learned too, but no edge of the table.
        in_prior[sources, np.arange(len(sources))] = False
        candidate = np.ones(in_prior.shape, dtype=bool)
        candidate[sources, np.arange(len(sources))] = False
        outside = weights[candidate & ~in_prior]
        alpha = settings.alpha or _default_alpha(outside, int(in_prior.sum()), background)
        table = edge_table(data.genes, sources, weights, in_prior, alpha)
        meta = provenance(data, inside, preset, settings)
        meta |= {"steps": steps, "floors": {"background": background, "prior_floor": None}}
        return cls(data.genes, table, alpha, background, meta)

    @property
    def regulators(self) -> list[str]:
        """Sources of the table, by falling number of edges above α."""
        adopted = self.table[self.table["status"].isin(("kept", "added"))]["source"].value_counts()
        others = [s for s in self.table["source"].unique() if s not in adopted.index]
        return [str(name) for name in adopted.index] + sorted(map(str, others))

    def counts(self) -> dict[str, int]:
        """Number of edges kept, added and removed, also of those that are not listed."""
        found = self.meta.get(TRIMMED, {}).get("counts") or self.table["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in ("kept", "added", "removed")}

    def sentences(self) -> list[str]:
        """What a reader should know, in words: level, support, edges, false discoveries, notes."""
        counts = ", ".join(f"{number:,} {status}" for status, number in self.counts().items())
        told = [f"α = {self.alpha:.3f} over a background of {self.background:.3f}: {counts}."]
        if "level" in self.meta:
            told.insert(0, f"Level {self.meta['level']}: {LEVELS[self.meta['level']]}.")
            told.insert(1, str(self.meta["support"]))
        rate = self.meta.get("false_discovery", {}).get("estimate")
        if rate is not None:
            told.append(
                f"Estimated share of false edges among the adopted: {rate:.2f}. "
                f"{self.meta['false_discovery']['caveat']}"
            )
        said = [*self.meta.get("notes", []), *self.meta.get("thresholding", [])]
        said += [self.meta[TRIMMED]["sentence"]] if TRIMMED in self.meta else []
        return told + [str(sentence) for sentence in said]

    def require_whole(self, what: str) -> None:
        """Refuse what needs every judged pair where only the strongest edges are listed.

        Args:
            what: the beginning of the sentence, e.g. "Training on this network".

        Raises:
            GRNError: the network is trimmed; says where the rest is.
        """
        if TRIMMED in self.meta:
            prior = self.meta[TRIMMED]["prior"]
            message = (
                f"{what} needs all its pairs, and this copy lists its strongest edges only. Fetch "
                f"the prior ({prior}) from the catalogue or set GVCI_DATA_DIR, and refine again."
            )
            raise GRNError(message)

    def adopted_hash(self) -> str:
        """SHA-256 of Ê, whole also where it is not listed."""
        note = self.meta.get(TRIMMED)
        return self.adopted().fingerprint() if note is None else str(note["adopted_hash"])

    def adopted(self) -> GRN:
        """Ê of eq. 12: the edges above α, which the main model takes.

        Raises:
            GRNError: no edge is above α, or not all are listed.
        """
        self.require_whole("A model on this network")
        edges = self.table[self.table["status"].isin(("kept", "added"))]
        if edges.empty:
            message = (
                f"No edge of {self.meta.get('name', 'the network')} is above α = {self.alpha:.2f} "
                f"(background {self.background:.2f}). Refine again with a lower --alpha."
            )
            raise GRNError(message)
        return GRN(self.genes, edges.reset_index(drop=True), str(self.meta.get("name", "")))

    # --- files -----------------------------------------------------------------------

    def save(self, folder: Path | str, data_file: str) -> None:
        """Write `edges.parquet` and `grn.json`; `data_file` is the data's path seen from there."""
        folder = Path(folder)
        with replacing(folder / TABLE, GRNError) as part:
            self.table.to_parquet(part, index=False)
        notes = {
            **self.meta,
            "format": FORMAT,
            "alpha": self.alpha,
            "background": self.background,
            "genes": list(self.genes),
            "data_file": data_file,
        }
        notes["checksum"] = _checksum(notes, (folder / TABLE).read_bytes())
        with replacing(folder / NOTES, GRNError) as part:
            part.write_text(json.dumps(notes, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            GRNError: missing, damaged, or of a newer format.
        """
        folder = Path(folder)
        try:
            notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
            _require_whole(notes, (folder / TABLE).read_bytes())
            table = pd.read_parquet(folder / TABLE)
            table["weight"] = table["weight"].astype(float)
            genes, alpha, background = (
                notes.pop("genes"),
                notes.pop("alpha"),
                notes.pop("background"),
            )
            # Networks of the first format have no sign, evidence and stability, up to the third
            # no seeds.
            table = table.assign(**{c: v for c, v in UNKNOWN.items() if c not in table})
            table = table[COLUMNS + [c for c in table.columns if c not in COLUMNS]]
            return cls(pd.Index(genes), table, float(alpha), float(background), notes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = (
                f"{folder} is not a refined network, or it is damaged ({NOTES} and {TABLE} are "
                "needed). Make it again: python -m gvci refine."
            )
            raise GRNError(message) from None


def _checksum(notes: Mapping[str, Any], table: bytes) -> str:
    """SHA-256 over the table's file and all other notes."""
    said = {name: value for name, value in notes.items() if name != "checksum"}
    text = json.dumps(said, sort_keys=True).encode()
    return hashlib.sha256(text + hashlib.sha256(table).digest()).hexdigest()


def _require_whole(notes: dict[str, Any], table: bytes) -> None:
    """Refuse what is not as it was written; formats 1 and 2 have no checksum.

    Raises:
        GRNError: a newer format.
        ValueError: damaged.
    """
    written = notes.get("format", 1)
    if isinstance(written, int) and written > FORMAT:
        message = (
            f"This network has format {written}, of a newer gvci; this version reads up to "
            f"{FORMAT}. Update gvci, or refine again."
        )
        raise GRNError(message)
    found = notes.pop("checksum", None)
    if (found is not None or written not in (1, 2)) and found != _checksum(notes, table):
        raise ValueError


def edge_table(
    genes: pd.Index,
    sources: np.ndarray,
    weights: np.ndarray,
    prior: np.ndarray,
    alpha: float,
    order: np.ndarray | None = None,
    sign: np.ndarray | None = None,
    evidence: np.ndarray | None = None,
    stability: np.ndarray | None = None,
    seeds: np.ndarray | None = None,
) -> pd.DataFrame:
    """The table of a RefinedGRN: every pair out of `sources` but self-connections.

    Args:
        genes: names.
        sources: (s,) positions of the regulators.
        weights: W̃, (n, s), `[target, source]`; all other matrices likewise.
        prior: bool.
        alpha: threshold of the status.
        order: what to sort by, falling; W̃ unless given (logits do not saturate).
        sign, evidence, stability, seeds: columns; 0 and NaN where not known.
    """
    candidate = np.ones(weights.shape, dtype=bool)
    candidate[sources, np.arange(len(sources))] = False
    rows, columns = np.nonzero(candidate)
    falling = np.argsort(-(weights if order is None else order)[rows, columns], kind="stable")
    rows, columns = rows[falling], columns[falling]
    names = genes.to_numpy(dtype=object)

    def column(values: np.ndarray | None, missing: float) -> np.ndarray:
        if values is None:
            return np.full(len(rows), missing)
        return values[rows, columns].astype(np.float64)

    weight, known = column(weights, 0.0), prior[rows, columns]
    above = weight > alpha
    status = np.select(
        [known & above, ~known & above, known], ["kept", "added", "removed"], "absent"
    )
    return pd.DataFrame(
        {
            "source": names[sources][columns],
            "target": names[rows],
            "weight": weight,
            "prior": known.astype(np.int64),
            "status": status.astype(object),
            "sign": column(sign, 0.0).astype(np.int64),
            "evidence": column(evidence, np.nan),
            "stability": column(stability, np.nan),
            "seeds": column(seeds, np.nan),
        }
    )


def provenance(
    data: PerturbationData, inside: GRN, preset: str, settings: RefineSettings
) -> dict[str, Any]:
    """What a network was refined from and how: names, hashes, seed, settings, date."""
    return {
        "name": f"{inside.name}, refined on {data.name}",
        "preset": preset,
        "prior": inside.name,
        "prior_hash": inside.fingerprint(),
        "data": data.name,
        "data_title": data.title,
        "data_hash": data.fingerprint,
        "simulated": data.simulated,
        "seed": settings.seed,
        "settings": settings.model_dump(),
        "notes": list(inside.notes),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _default_alpha(outside: np.ndarray, most: int, background: float) -> float:
    """Over the background, and so high that no more edges are added than the prior has.

    An edge's meaning is its height over the background (the paper cuts at 0.2 over 0.16), and
    how high informative edges rise differs between datasets: a fixed height would empty one
    network and flood another.
    """
    falling = np.sort(outside)[::-1]
    bound = float(falling[most]) if most < len(falling) else 0.0
    return max(bound, background)
