"""What a run says without its cells: summaries of expression, answers, effects, labels.

    RUN/summaries/ labels.json, labels.parquet   how many cells have which labels
                   summaries.parquet             group × perturbation × kind × gene
                   answers.json, answers.parquet what is said of each pair, and of its genes
                   effects.parquet               marginal effects

A pair is summarised where its group has ten control cells or more, and none or ten measured ones
or more: of fewer, quantiles would be the cells. Made twice, the files have the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gvci.counterfactual.answer import Answer, answer
from gvci.counterfactual.sample import QUANTILES, Sample
from gvci.counterfactual.scenario import Scenario, all_doses
from gvci.data.labels import write_labels
from gvci.data.tables import compact, rounded
from gvci.estimator import control_means, marginal_effects
from gvci.pseudobulk import FEWEST_CELLS
from gvci.run import SUMMARIES, Run

NOTES = "answers.json"
TABLES = ("summaries.parquet", "answers.parquet", "effects.parquet")
FORMAT = 1
MEAN_BITS, QUANTILE_BITS = 13, 9  # 1 part in 8,192 and in 512
DIGITS = 6
LEVELS = [f"q{i:02d}" for i in range(QUANTILES)]
CHANGES = ("predicted", "low", "high", "measured", "baseline", "additive")
SAID = ("interval", "baseline_name", "n_de", "notes")  # the rest follows from model and labels


def write(run: Run, folder: Path) -> None:
    """Write the summaries of a run, whose cells are here, into `folder`/summaries.

    Raises:
        DataError: the cells have real-valued covariates, or are not here.
    """
    found = [answer(run, scenario) for scenario in scenarios(run)]
    tables = (
        pd.concat(_summaries(found), ignore_index=True),
        pd.concat([_changes(each) for each in found], ignore_index=True),
        _effects(run),
    )
    place = folder / SUMMARIES
    write_labels(run.data, place)
    checksums = {}
    for name, table in zip(TABLES, tables, strict=True):
        content = compact(table)
        checksums[name] = hashlib.sha256(content).hexdigest()
        (place / name).write_bytes(content)
    notes = {
        "format": FORMAT,
        "model": run.fingerprint,
        "checksums": checksums,
        "answers": [_said(each) for each in found],
    }
    text = json.dumps(notes, sort_keys=True, ensure_ascii=False, indent=1)
    (place / NOTES).write_text(text + "\n", encoding="utf-8")


def scenarios(run: Run) -> list[Scenario]:
    """Every pair at what the pages begin with: control cells, residual, the highest dose.

    The perturbations are those that the model knows and the data's own combinations.
    """
    data, known = run.data, set(run.model.treatment_code.levels)
    combined = {p for p in data.perturbations if set(p.split("+")) <= known}
    dose = all_doses(data)[-1]
    at_dose = data.is_control | np.isclose(data.dose, dose)
    cells = Counter(zip(data.groups[at_dose], data.perturbation[at_dose], strict=True))
    return [
        Scenario(label, group, dose=dose)
        for group in sorted(set(data.groups))
        if cells[group, data.columns.control] >= FEWEST_CELLS
        for label in sorted(known | combined)
        if not 0 < cells[group, label] < FEWEST_CELLS
    ]


def _summaries(found: list[Answer]) -> Iterator[pd.DataFrame]:
    """A table for each kind of each pair; the control once per group, named by no perturbation."""
    told: set[str] = set()
    for each in found:
        group, perturbation = each.scenario.group, each.scenario.perturbation
        if group not in told:
            yield _summary(each.control, each.genes, group, "", "control")
            told.add(group)
        yield _summary(each.predicted, each.genes, group, perturbation, "predicted")
        if each.measured is not None:
            yield _summary(each.measured, each.genes, group, perturbation, "measured")


def _summary(
    sample: Sample, genes: pd.Index, group: str, perturbation: str, kind: str
) -> pd.DataFrame:
    short = sample.summarised()
    labels = {"group": group, "perturbation": perturbation, "kind": kind}
    table = pd.DataFrame({"gene": genes.astype(str)}).assign(**labels)
    table["cells"] = np.int32(short.n)
    for name in ("mean", "variance", "detected"):
        table[name] = _short(getattr(short, name))
    for name, values in zip(LEVELS, short.values, strict=True):
        table[name] = rounded(values, QUANTILE_BITS).astype(np.float16)
    return table


def _changes(each: Answer) -> pd.DataFrame:
    """The gene table of an answer, and the baseline's mean, in the order of the genes."""
    table = each.table.set_index("gene").loc[list(each.genes)].reset_index()
    found = pd.DataFrame({name: _short(table[name].to_numpy()) for name in CHANGES})
    found["baseline_mean"] = _short(each.baseline)
    found.insert(0, "gene", table["gene"].astype(str))
    return found.assign(group=each.scenario.group, perturbation=each.scenario.perturbation)


def _said(each: Answer) -> dict[str, Any]:
    """What an answer says in words and in single numbers, that cannot be said without cells."""
    scenario = each.scenario
    pair = {"group": scenario.group, "perturbation": scenario.perturbation, "dose": scenario.dose}
    scores = {
        name: {k: None if v is None else round(v, DIGITS) for k, v in row.items()}
        for name, row in each.scores.items()
    }
    return pair | {name: getattr(each, name) for name in SAID} | {"scores": scores}


def _effects(run: Run) -> pd.DataFrame:
    """Marginal effects of all pairs, with the bands; p in full, for they reach far below 1e-38."""
    asked = sorted({scenario.perturbation for scenario in scenarios(run)})
    table = marginal_effects(run, run.data, asked, bands=True)
    table["control_mean"] = control_means(table, run.data)
    for kind in ("treated", "control"):  # of one cell it would be the cell
        table.loc[table[f"n_{kind}"] == 1, f"{kind}_mean"] = np.nan
    for name in table.columns[table.dtypes == np.float64]:
        values = table[name].to_numpy()
        table[name] = rounded(values, MEAN_BITS) if name in ("p", "p_adjusted") else _short(values)
    return table


def _short(values: np.ndarray) -> np.ndarray:
    return np.asarray(rounded(values, MEAN_BITS), dtype=np.float32)
