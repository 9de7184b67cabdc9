"""All results as one tidy table: a row per dataset, holdout, seed, model and pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from gvci.atomic import replacing
from gvci.baselines import BASELINES
from gvci.benchmark.parts import Result
from gvci.benchmark.spec import Spec
from gvci.evaluation.scoring import SCORES

ABOUT = ["dataset", "holdout", "problem", "seed", "model", "predicted", "role"]
PAIR = ["epoch", "group", "perturbation", "n_cells"]
OF_PART = ["steps", "seconds", "work_s", "failure"]
CEILING = "ceiling"


def tidy(results: Sequence[Result]) -> pd.DataFrame:
    """One row per pair that was scored, and one, with its reason, per part that failed.

    Columns: dataset, holdout, problem (what is held out, and whose cells), seed (missing where
    none changes the result), model, predicted (how its cells were), role (model, baseline,
    ceiling); epoch, group, perturbation, n_cells; lambda and every score, missing where it is
    undefined or does not exist; steps, seconds and work_s (of the processor) of the training;
    failure.
    """
    rows = [_row(result, row) for result in results for row in (result["rows"] or [{}])]
    table = pd.DataFrame(rows, columns=[*ABOUT, *PAIR, "lambda", *SCORES, *OF_PART])
    integers = ["seed", "epoch", "n_cells", "steps"]
    numbers = ["lambda", *SCORES, "seconds", "work_s"]
    return table.astype(dict.fromkeys(integers, "Int64") | dict.fromkeys(numbers, "float64"))


def _row(result: Result, row: Mapping[str, Any]) -> dict[str, Any]:
    name = row.get("model", result["model"])
    role = name if name == CEILING else "baseline" if name in BASELINES else "model"
    about = {key: result.get(key) for key in (*ABOUT, *OF_PART)}
    return {**about, **row, "model": name, "role": role}


def described(spec: Spec, command: str) -> dict[str, Any]:
    """What a table is about, kept in its `attrs` and so in the Parquet's own metadata."""
    return {
        "kind": spec.kind,
        "title": spec.title or spec.kind,
        "about": spec.about,
        "own": spec.own,
        "datasets": {one.name: one.title or one.name for one in spec.datasets},
        "simulated": [one.name for one in spec.datasets if one.varies],
        "command": command,
        "created": datetime.now(UTC).date().isoformat(),
    }


def write_table(table: pd.DataFrame, file: Path) -> None:
    """As Parquet, whole or not at all."""
    with replacing(file) as half:
        table.to_parquet(half, index=False)
