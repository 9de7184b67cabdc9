"""Robust effects of one group and perturbation, and of one perturbation in every group."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvci.counterfactual.summarised import needs_cells, summaries
from gvci.data.dataset import PerturbationData
from gvci.errors import PredictionError, listed
from gvci.estimator import Latent, beside_plain, control_means, marginal_effects
from gvci.estimator.effects import ESTIMATION_SPLITS, LATENTS
from gvci.run import Run

__all__ = ["LATENTS", "Asked", "Estimate", "Latent", "estimate", "in_groups"]
TIMED_CELLS = 128
LONG_SECONDS = 10.0
FIRST = ("STAT1", "IRF1")


@dataclass(frozen=True)
class Asked:
    """Whose effect, and how it is estimated.

    Attributes:
        perturbation: a label, or "A+B".
        group: as in PerturbationData.groups.
        latent: what the model may see of a cell; see `marginal_effects`.
        bands: simultaneous intervals over the genes as well.
    """

    perturbation: str
    group: str
    latent: Latent = "pretreatment"
    bands: bool = False


@dataclass(frozen=True)
class Estimate:
    """What is known of one group and perturbation; expression in `unit`.

    Attributes:
        table: a row per gene as `marginal_effects` writes it, and `control_mean`,
            `plain_difference` (treated mean − control mean), `plug_in_difference` (plug-in −
            control mean); smallest p first, without p the largest plug-in difference first.
        n_treated, n_control, n_group: cells behind every number, held-out ones left out.
        identifiable: whether there are treated and control cells.
        before: names of the real-valued covariates that the estimate is adjusted for.
        stored: whether it was read from summaries.
    """

    asked: Asked
    table: pd.DataFrame
    n_treated: int
    n_control: int
    n_group: int
    identifiable: bool
    before: tuple[str, ...]
    unit: str
    stored: bool = False

    def row(self, gene: str) -> pd.Series[float]:
        """The row of a gene."""
        return self.table.loc[self.table["gene"] == gene].iloc[0]


def estimate(run: Run, asked: Asked) -> Estimate:
    """Every gene of one group and perturbation.

    Raises:
        PredictionError: the group has no cell that is not held out, or the model does not know
            the perturbation.
    """
    data = run.data
    usable = sorted(set(data.groups[_used(data)]))
    if asked.group in set(data.groups) - set(usable):
        message = (
            f"All cells of {asked.group} are held out, so nothing is estimated from them. "
            f"Groups with other cells: {listed(usable, 6)}."
        )
        raise PredictionError(message)
    table = _ranked(_effects(run, asked, asked.group))
    first = table.iloc[0]
    treated, control, every = (int(first[f"n_{name}"]) for name in ("treated", "control", "group"))
    known = bool(first["status"] == "estimated")
    before = tuple(data.real_covariates)
    return Estimate(
        asked, table, treated, control, every, known, before, data.unit, not run.cells_here
    )


def in_groups(run: Run, asked: Asked) -> pd.DataFrame:
    """The same perturbation in every group that has cells which are not held out."""
    return _effects(run, asked, None)


def _effects(run: Run, asked: Asked, group: str | None) -> pd.DataFrame:
    """Of one group, or of every group for None; from summaries where the cells are not here."""
    if not run.cells_here:
        if asked.latent != "pretreatment":
            raise PredictionError(needs_cells(run))
        return summaries(run).effects(asked.perturbation, group)
    groups = None if group is None else [group]
    found = marginal_effects(
        run, run.data, [asked.perturbation], groups, latent=asked.latent, bands=asked.bands
    )
    return beside_plain(found, control_means(found, run.data))


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    size = table["effect"].fillna(table["plug_in_difference"]).abs()
    # Where p underflows to 0, the standardised effect still tells the genes apart.
    order = np.lexsort((-size, -(size / table["effect_se"]).fillna(0), table["p"]))
    return table.iloc[order].reset_index(drop=True)


def _used(data: PerturbationData) -> np.ndarray:
    return np.isin(data.split, ESTIMATION_SPLITS)


# --- what can be asked --------------------------------------------------------------------


def perturbations(run: Run) -> list[str]:
    """Labels that the model knows, those of the data first."""
    code, data = run.model.treatment_code, run.data
    levels = set(code.levels)
    known = [p for p in data.perturbations if p in levels or set(p.split("+")) <= levels]
    return [*known, *sorted(levels - set(known))]


def estimable(data: PerturbationData) -> list[tuple[str, str]]:
    """Pairs (group, perturbation) with treated and control cells, the most treated first."""
    used = _used(data)
    groups = set(data.groups[used & data.is_control])
    treated = used & ~data.is_control
    pairs = zip(data.groups[treated], data.perturbation[treated], strict=True)
    sizes = Counter((str(g), str(p)) for g, p in pairs if g in groups)
    return sorted(sizes, key=lambda pair: (-sizes[pair], pair))


def default_pair(run: Run) -> tuple[str, str]:
    """(group, perturbation) to begin with: one that can be estimated, STAT1 where it can."""
    pairs = estimable(run.data)
    for wanted in FIRST:
        for group, perturbation in pairs:
            if perturbation == wanted:
                return group, perturbation
    return pairs[0] if pairs else (str(run.data.groups[0]), perturbations(run)[0])


def alternatives(run: Run, asked: Asked, most: int = 3) -> list[tuple[str, str]]:
    """Pairs that can be estimated instead: the perturbation elsewhere, then others here."""
    known = set(perturbations(run))
    pairs = [pair for pair in estimable(run.data) if pair[1] in known]
    elsewhere = [pair for pair in pairs if pair[1] == asked.perturbation]
    here = [pair for pair in pairs if pair[0] == asked.group]
    return list(dict.fromkeys([*elsewhere[:2], *here[:2], *pairs[:2]]))[:most]


# --- how long it takes --------------------------------------------------------------------


def seconds_per_cell(run: Run) -> float:
    """Of one predicted cell, measured on a few; 0 where effects are read from summaries."""
    if not run.cells_here:
        return 0.0
    rows = np.flatnonzero(run.data.is_control)[:TIMED_CELLS]
    label = run.data.columns.control
    run.predict(rows[:8], label, mode="mean")
    start = time.perf_counter()
    run.predict(rows, label, mode="mean")
    return (time.perf_counter() - start) / max(len(rows), 1)


def expected_seconds(run: Run, group: str | None, per_cell: float) -> float:
    """Of one group, or of every group for None: each cell is predicted treated and control."""
    used = _used(run.data)
    cells = used if group is None else used & (run.data.groups == group)
    return 2 * float(cells.sum()) * per_cell


def command(run: Run, asked: Asked, everywhere: bool = False) -> str:
    """What does the same on the command line."""
    words = ["python", "-m", "gvci", "effects", "RUN", "--perturbation", asked.perturbation]
    if not everywhere and run.data.columns.covariates:
        levels: Sequence[str] = asked.group.split(" · ")
        pairs = zip(run.data.columns.covariates, levels, strict=False)
        words += ["--where", *(f"{name}={level}" for name, level in pairs)]
    if asked.latent != "pretreatment":
        words += ["--latent", asked.latent]
    words += ["--bands"] * asked.bands
    return " ".join(map(shlex.quote, [*words, "--out", "effects.csv"]))
