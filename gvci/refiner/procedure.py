"""The calibrated refinement from data and prior to a RefinedGRN: presets `standard`, `quick`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gvci.config import RefineSettings
from gvci.data.dataset import PerturbationData
from gvci.grn import GRN
from gvci.progress import Progress
from gvci.refiner.activity import alternate
from gvci.refiner.calibrated import Effects, Moments, correlations, regression
from gvci.refiner.calibration import Calibration, calibrate
from gvci.refiner.cells import Cells
from gvci.refiner.level import Choice, choose
from gvci.refiner.result import RefinedGRN, edge_table, provenance

DEFAULT_ALPHA = 0.5
CAVEAT = (
    "An estimate from the calibrated weights, and an optimistic one: on simulated networks with a "
    "good prior the true rate was up to three times higher, with a poor prior far more."
)


def fit_level(
    cells: Cells, prior: np.ndarray, level: int, settings: RefineSettings
) -> tuple[Effects, Calibration]:
    """Effects and logits at one level; the prior, (n, s) bool, may hide some edges."""
    if level == 2:
        return alternate(
            cells,
            prior,
            settings.ridge,
            settings.trust,
            settings.reliability,
            settings.rounds,
        )
    effects = _prior_free(cells, level, settings)
    return effects, calibrate(effects.size, prior, cells.candidate, settings.trust)


def _prior_free(cells: Cells, level: int, settings: RefineSettings) -> Effects:
    """Levels 0 and 1, whose effects do not depend on the prior."""
    if level == 0:
        return correlations(cells, settings.components)
    return regression(cells, Moments.of(cells), settings.ridge)


def choose_level(
    cells: Cells, settings: RefineSettings, progress: Callable[[int], None] | None = None
) -> Choice:
    """The level that hidden prior edges speak for, up to `settings.highest_level`."""
    size_of: dict[int, Callable[[np.ndarray], np.ndarray]] = {}
    for level in range(settings.highest_level + 1):
        size_of[level] = _size_under(cells, level, settings)
    return choose(size_of, cells.prior, cells.candidate, settings.seed, progress)


def _size_under(
    cells: Cells, level: int, settings: RefineSettings
) -> Callable[[np.ndarray], np.ndarray]:
    """Visible prior → T; computed once where it does not depend on the prior."""
    if level == 2:
        return lambda visible: fit_level(cells, visible, 2, settings)[0].size
    size = _prior_free(cells, level, settings).size
    return lambda visible: size


def stability(
    cells: Cells, level: int, settings: RefineSettings, progress: Callable[[], None] | None = None
) -> np.ndarray:
    """(n, s): share of random halves of the cells in which the evidence for the edge is positive.

    Judged by evidence and not by weight, since a prior edge's belief is the same in every half.
    """
    n_cells = cells.shape[0]
    rng = np.random.default_rng([settings.seed, 3])
    votes = np.zeros(cells.prior.shape)
    for _ in range(settings.halves):
        half = cells.subset(np.sort(rng.permutation(n_cells)[: (n_cells + 1) // 2]))
        votes += fit_level(half, cells.prior, level, settings)[1].evidence > 0
        if progress:
            progress()
    return votes / settings.halves


def adopted_share(
    cells: Cells, settings: RefineSettings, progress: Callable[[], None] | None = None
) -> np.ndarray:
    """(n, s): share of seeds in which the whole refinement adopts the edge (W̃ > α).

    Each seed draws as many cells anew, with replacement, chooses its level on folds of its own and
    calibrates: what another sample of such cells would have given. A prior edge that no cell
    speaks for may be adopted in every seed, for the prior is the same; `stability` tells these.
    """
    n_cells, alpha = cells.shape[0], settings.alpha or DEFAULT_ALPHA
    votes = np.zeros(cells.prior.shape)
    for seed in range(settings.seed, settings.seed + settings.seeds):
        rows = np.random.default_rng([seed, 6]).integers(0, n_cells, n_cells)
        drawn, own = cells.subset(np.sort(rows)), settings.model_copy(update={"seed": seed})
        level = choose_level(drawn, own).level if settings.level is None else settings.level
        votes += fit_level(drawn, cells.prior, level, own)[1].weights > alpha
        if progress:
            progress()
    return votes / settings.seeds


def refine_calibrated(
    data: PerturbationData,
    prior: GRN,
    settings: RefineSettings,
    preset: str = "standard",
    progress: Progress | None = None,
) -> RefinedGRN:
    """Choose the level, fit it on all training and validation cells, and judge its stability.

    Raises:
        GRNError: the prior shares fewer than two genes, or no edge, with the data.
    """
    inside = prior.restricted(data.genes, data.name)
    cells = Cells.of(data, inside)
    steps = settings.highest_level + 2 + settings.halves + settings.seeds
    done = 0

    def tick(words: str) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(min(done, steps), steps, words)

    choice = choose_level(cells, settings, lambda level: tick(f"level {level} judged"))
    level = choice.level if settings.level is None else settings.level
    choice = Choice(level, choice.hidden)
    effects, found = fit_level(cells, cells.prior, level, settings)
    tick(f"level {level} fitted")
    stable = np.full(cells.prior.shape, np.nan)
    if settings.halves:
        stable = stability(cells, level, settings, lambda: tick("stability"))
    seeds = np.full(cells.prior.shape, np.nan)
    if settings.seeds:
        seeds = adopted_share(cells, settings, lambda: tick("seeds"))
    alpha = settings.alpha or DEFAULT_ALPHA
    table = edge_table(
        data.genes,
        cells.sources,
        found.weights,
        cells.prior,
        alpha,
        order=found.logits,
        sign=np.sign(effects.signed),
        evidence=found.evidence,
        stability=stable,
        seeds=seeds,
    )
    outside = found.weights[cells.candidate & ~cells.prior]
    background = float(np.median(outside)) if len(outside) else 0.0
    meta = provenance(data, inside, preset, settings)
    meta |= _report(choice, found, background)
    meta["false_discovery"] = false_discovery(table)
    meta["thresholding"] = _thresholding(table, alpha, found.prior_floor)
    return RefinedGRN(data.genes, table, alpha, background, meta)


def false_discovery(table: pd.DataFrame) -> dict[str, Any]:
    """Estimated share of false edges among the adopted: 1 − mean(W̃), by status, and its caveat."""
    weights = {
        name: table["weight"][table["status"].isin(statuses)]
        for name, statuses in (("adopted", ("kept", "added")), ("added", ("added",)))
    }
    rates = {name: float(1 - w.mean()) if len(w) else None for name, w in weights.items()}
    return {"estimate": rates["adopted"], "estimate_added": rates["added"], "caveat": CAVEAT}


def _report(choice: Choice, found: Calibration, background: float) -> dict[str, Any]:
    return {
        "level": choice.level,
        "support": choice.sentence,
        "supported": choice.supported,
        "hidden": {str(level): h.summary() for level, h in choice.hidden.items()},
        "floors": {"background": background, "prior_floor": found.prior_floor},
        "p_in": found.p_in,
        "p_out": found.p_out,
        "kappa": found.kappa,
    }


def _thresholding(table: pd.DataFrame, alpha: float, prior_floor: float) -> list[str]:
    """What thresholding at α does not do, in words."""
    counts = table["status"].value_counts()
    notes = []
    if not counts.get("removed", 0):
        why = (
            f"prior edges without a visible effect keep a weight of {prior_floor:.2f}, above "
            f"α = {alpha:.2f}"
            if prior_floor > alpha
            else f"all of them are above α = {alpha:.2f}"
        )
        notes.append(
            f"Thresholding removes no edge of the prior: {why}. The adopted network is the whole "
            "prior and what is added to it; the strongest edges by evidence are what the data say."
        )
    if not counts.get("added", 0):
        notes.append(f"Thresholding adds no edge: none outside the prior is above α = {alpha:.2f}.")
    return notes
