"""What a run answers without its cells, read from the summaries that `summaries.write` left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt, ValidationError

from gvci.baselines import BASELINES
from gvci.counterfactual.answer import Answer
from gvci.counterfactual.sample import Sample
from gvci.counterfactual.scenario import Scenario, asked_rows
from gvci.counterfactual.summaries import CHANGES, FORMAT, LEVELS, NOTES, TABLES
from gvci.data.labels import AbsentCells
from gvci.data.tables import parquet
from gvci.errors import FileError, PredictionError
from gvci.estimator import beside_plain
from gvci.gate.words import pair_sentence
from gvci.model_card import title
from gvci.run import SUMMARIES, Run
from gvci.verdict import verdict

OURS = ("model", "ceiling")
SHOWN = {"r2_all", "r2_de", "pearson_delta"}
EFFECTS = (
    "status", "n_treated", "n_control", "n_group", "plug_in", "treated_mean", "robust", "se",
    "lower", "upper", "effect", "effect_se", "effect_lower", "effect_upper", "p", "p_adjusted",
    "band_lower", "band_upper", "effect_band_lower", "effect_band_upper", "control_mean",
)  # fmt: skip


class Said(BaseModel):
    """What is said of a pair beside its tables."""

    model_config = ConfigDict(extra="forbid")

    group: str
    perturbation: str
    dose: FiniteFloat
    interval: Literal["influence", "inner", "beyond", "cells", "none"]
    baseline_name: str
    scores: dict[str, dict[str, FiniteFloat | None]]
    n_de: NonNegativeInt
    notes: tuple[str, ...]


class Summaries:
    """Answers and effects of a run whose cells are not here."""

    def __init__(self, run: Run) -> None:
        """Read and check.

        Raises:
            FileError: damaged, of another version, or of another model.
        """
        self.run, folder = run, run.path / SUMMARIES
        try:
            notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
            if notes["format"] != FORMAT or notes["model"] != run.fingerprint:
                raise ValueError
            self._expression, self._changes, self._effects = (
                _blocks(parquet((folder / name).read_bytes(), notes["checksums"][name]), keys, run)
                for name, keys in zip(TABLES, (["kind"], [], []), strict=True)
            )
            self._said = {
                (said.group, said.perturbation): said
                for said in (Said(**said) for said in notes["answers"])
            }
            self._check()
        except (
            OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError,
            ValidationError,
        ):  # fmt: skip
            message = (
                f"The summaries in {folder} are damaged, of another version, or of another model. "
                "Restore the folder, or put the run's data.h5ad there."
            )
            raise FileError(message) from None

    def _check(self) -> None:
        """What is read later has all its columns, and numbers that can be drawn."""
        numbers = ["cells", "mean", "variance", "detected", *LEVELS]
        for block in self._expression.values():
            values = block[numbers].to_numpy(dtype=np.float64)
            rising = (np.diff(values[:, 4:]) >= 0).all()
            if not np.isfinite(values).all() or values[0, 0] < 1 or not rising:
                raise ValueError
        for block in self._changes.values():
            block[[*CHANGES, "baseline_mean"]].to_numpy(dtype=np.float64)
        for block in self._effects.values():
            block[list(EFFECTS[1:])].to_numpy(dtype=np.float64)
        for pair, said in self._said.items():
            for key in ((*pair, "predicted"), (pair[0], "", "control")):
                self._expression[key]
            self._changes[pair]
            names = set(said.scores)
            known = said.baseline_name in BASELINES and names <= {*BASELINES, *OURS}
            whole = not names or names >= set(OURS)
            if not known or not whole or any(not set(r) >= SHOWN for r in said.scores.values()):
                raise ValueError

    # --- answers -----------------------------------------------------------------------

    def answers(self, scenario: Scenario) -> bool:
        """Whether this is summarised."""
        said = self._said.get((scenario.group, scenario.perturbation))
        usual = Scenario(scenario.perturbation, scenario.group, dose=scenario.dose)
        return said is not None and scenario == usual and bool(np.isclose(said.dose, scenario.dose))

    def answer(self, scenario: Scenario) -> Answer:
        """The answer, as it was when the cells were here.

        Raises:
            PredictionError: this needs the cells; says how to get them.
        """
        run, pair = self.run, (scenario.group, scenario.perturbation)
        if not self.answers(scenario):
            raise PredictionError(needs_cells(run))
        said, changes = self._said[pair], self._changes[pair]
        table = changes[["gene", *CHANGES]].astype(dict.fromkeys(CHANGES, np.float64))
        strongest = table["predicted"].abs().sort_values(ascending=False, kind="stable").index
        support, gate = run.support(scenario.perturbation, scenario.group), run.gate(*pair)
        models = {k: v for k, v in said.scores.items() if k not in OURS}
        sentence = ""
        if said.scores:
            own = {run.model.name: said.scores["model"]}
            sentence = verdict(own | models, said.scores["ceiling"], run.model.name, said.n_de)
        return Answer(
            scenario,
            support,
            run.data.genes,
            [],
            len(asked_rows(run.data, scenario)),
            self._sample(scenario.group, "", "control"),
            self._sample(*pair, "predicted"),
            self._sample(*pair, "measured") if (*pair, "measured") in self._expression else None,
            [],
            table.loc[strongest].reset_index(drop=True),
            said.interval,
            run.data.unit,
            title(run),
            gate["lambda"],
            gate["baseline"],
            pair_sentence(run.model.gate, *pair, support == "seen"),
            changes["baseline_mean"].to_numpy(dtype=np.float64),
            said.baseline_name,
            said.scores,
            said.n_de,
            sentence,
            said.notes,
        )

    def _sample(self, group: str, perturbation: str, kind: str) -> Sample:
        block = self._expression[group, perturbation, kind]
        mean, variance, detected = block[["mean", "variance", "detected"]].to_numpy(np.float64).T
        values = block[LEVELS].to_numpy(dtype=np.float64).T
        return Sample(values, int(block["cells"].iloc[0]), mean, variance, detected, summary=True)

    # --- effects -----------------------------------------------------------------------

    def effects(self, perturbation: str, group: str | None = None) -> pd.DataFrame:
        """Marginal effects as `marginal_effects` gives them, beside the plain means.

        Args:
            perturbation: a label.
            group: one group; None: every group.

        Raises:
            PredictionError: this needs the cells; says how to get them.
        """
        wanted = [
            block for (g, p), block in self._effects.items()
            if p == perturbation and group in (None, g)
        ]  # fmt: skip
        if not wanted:
            raise PredictionError(needs_cells(self.run))
        found = pd.concat(wanted, ignore_index=True)
        numbers = [name for name in found if found[name].dtype.kind == "f"]
        found = found.astype(dict.fromkeys(numbers, np.float64))
        return beside_plain(found, found["control_mean"].to_numpy())


def _blocks(
    table: pd.DataFrame, further: Sequence[str], run: Run
) -> dict[tuple[str, ...], pd.DataFrame]:
    """Group, perturbation and further keys → rows of all genes, in the order of the run's.

    Raises:
        ValueError: other genes.
    """
    genes = run.data.genes.tolist()
    found = {}
    for key, block in table.groupby(["group", "perturbation", *further], sort=False):
        if block["gene"].tolist() != genes:
            raise ValueError
        found[tuple(map(str, key))] = block.reset_index(drop=True)
    return found


_READ: WeakKeyDictionary[Run, Summaries] = WeakKeyDictionary()


def summaries(run: Run) -> Summaries:
    """The summaries of a run without cells, read once.

    Raises:
        FileError: damaged, of another version, or of another model.
    """
    if run not in _READ:
        _READ[run] = Summaries(run)
    return _READ[run]


def needs_cells(run: Run) -> str:
    """That something needs the cells, and how to get them; empty where they are here."""
    return run.data.why if isinstance(run.data, AbsentCells) else ""
