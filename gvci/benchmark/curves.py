"""Figure 6a: the same model on the original, the refined and a random network, epoch by epoch.

Held-out cells are looked at after every epoch and choose nothing: all networks train equally long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gvci.atomic import replacing
from gvci.benchmark.problems import digest
from gvci.benchmark.sources import code_hash
from gvci.benchmark.watched import KEPT, Asked, Row, size, watched
from gvci.data.dataset import PerturbationData
from gvci.data.genes import moments, most_changed
from gvci.evaluation.evaluate import Pair, scorable_pairs
from gvci.evaluation.scoring import N_DE
from gvci.grn import GRN, from_edges
from gvci.metrics import r2_mean
from gvci.training.loop import refine

if TYPE_CHECKING:
    from gvci.benchmark.parts import Part
    from gvci.config import RefineSettings

MOST_CONTROLS = 500


@dataclass(frozen=True)
class Target:
    """A held-out pair under the scores.

    Attributes:
        controls: positions of the control cells that are transported.
        truth: (genes,) mean of the held-out cells, log1p CP10k.
        de: positions of the genes that these change most from the group's control cells.
        dose: their median dose.
    """

    pair: Pair
    controls: np.ndarray
    truth: np.ndarray
    de: np.ndarray
    dose: float


def measure(part: Part, cells: Path, unfinished: Path) -> dict[str, Any]:
    """Rows of R², one per held-out pair, epoch and way of predicting.

    Raises:
        GvciError: as `refine` and `train`; no pair can be scored.
    """
    data = PerturbationData.read(cells)
    prior = part.problem.prior
    assert prior is not None
    assert part.model is not None
    targets = [target(data, pair) for pair in scorable_pairs(data, "ood")]
    settings, grn = part.model.settings, prior.restricted(data.genes, data.name)
    notes = []
    if part.network == "random":
        settings = settings.model_copy(update={"graph": "random"})
    if part.refine is not None:
        prior, grn = grn, refined(data, grn, part.refine, cells)
        old, new = (
            set(zip(g.edges["source"], g.edges["target"], strict=True)) for g in (prior, grn)
        )
        notes.append(
            f"{part.problem.label}: {len(old):,} edges of the prior; refined on the training cells "
            f"{len(new):,}, of which {len(new - old):,} are not the prior's."
        )
    ways = tuple(dict.fromkeys("mean" if w == "mean" else "residual" for w in part.model.predict))
    rows, steps = watched(
        data, grn, settings, range(1, max(part.epochs) + 1),
        lambda asked: seen(asked, targets, ways), unfinished / KEPT,
    )  # fmt: skip
    return {"rows": rows, "steps": steps, "notes": notes, **size(data)}


def refined(data: PerturbationData, prior: GRN, settings: RefineSettings, cells: Path) -> GRN:
    """The edges that refinement adopts, kept beside the cells for all seeds."""
    about = [settings.model_dump(mode="json"), prior.fingerprint(), code_hash("gvci.training.loop")]
    file = cells.with_name(f"{cells.stem}-refined-{digest(about)}.parquet")
    if not file.is_file():
        made = refine(data, prior, settings).adopted()
        with replacing(file) as half:
            made.edges.to_parquet(half, index=False)
    return from_edges(pd.read_parquet(file), "refined", list(data.genes))


def target(data: PerturbationData, pair: Pair) -> Target:
    """What the held-out cells of a pair show; DE genes as in every other score."""
    true, controls = moments(data.expression[pair.cells]), moments(data.expression[pair.controls])
    rows = np.random.default_rng(0).permutation(pair.controls)[:MOST_CONTROLS]
    return Target(
        pair, np.sort(rows), true[0], most_changed(true, controls, N_DE),
        float(np.median(data.dose[pair.cells])),
    )  # fmt: skip


def seen(asked: Asked, targets: list[Target], ways: Sequence[str]) -> list[Row]:
    """The R² of a network as it stands: of the decoder's mean, or of the cells it moves."""
    found: list[Row] = []
    for one in targets:
        rows, label = one.controls, one.pair.perturbation
        z = asked.latent(rows)
        mean = asked.outcomes(z, rows, label, one.dose).mean(axis=0, dtype=np.float64)
        said = {"mean": mean}
        if "residual" in ways:
            own = asked.outcomes(z, rows, asked.data.columns.control, 1.0)
            moved = asked.data.mean(rows) + mean - own.mean(axis=0, dtype=np.float64)
            said["residual"] = moved.clip(0.0)
        about = {"group": one.pair.group, "perturbation": label, "n_cells": len(one.pair.cells)}
        found += [
            {
                **about, "predicted": way, "r2_all": r2_mean(one.truth, said[way]),
                "r2_de": r2_mean(one.truth, said[way], one.de),
            }
            for way in ways
        ]  # fmt: skip
    return found
