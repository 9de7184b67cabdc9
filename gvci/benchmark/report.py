"""The Markdown of a benchmark: verdicts first, then the paper's table, then everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gvci.benchmark import epochs, table1
from gvci.benchmark.compare import Table
from gvci.benchmark.parts import Result, code_of
from gvci.benchmark.spec import Spec
from gvci.benchmark.words import labelled, made_by, minutes

SECTIONS = {"table1": table1, "table2": epochs, "fig6a": epochs}


@dataclass(frozen=True)
class Report:
    """What a benchmark found.

    Attributes:
        text: Markdown.
        verdicts: the sentences of its first section.
        scores: dataset → row → score → mean and sd over seeds.
    """

    text: str
    verdicts: list[str]
    scores: dict[str, dict[str, dict[str, dict[str, float | None]]]]


def report(
    spec: Spec,
    table: pd.DataFrame,
    results: Sequence[Result],
    missing: Mapping[str, str],
    command: str,
    seconds: float,
) -> Report:
    """Everything about the finished parts.

    Args:
        spec: what was asked for.
        table: the tidy table of the results.
        missing: dataset → what it lacks.
        command, seconds: of this run.
    """
    section = SECTIONS[spec.kind]
    whole = labelled(table)
    frames = {d.name: whole[whole["dataset"] == d.name] for d in spec.datasets}
    tables = {name: Table(section.shown(spec, frame), frame) for name, frame in frames.items()}
    tables = {name: found for name, found in tables.items() if found.labels}
    verdicts = [
        f"{name}: {said}"
        for name, found in tables.items()
        for said in section.verdicts(spec, found)
    ]
    work = sum(result["work_s"] for result in results)
    lines = [
        f"# {spec.title or spec.kind}", "", made_by(command),
        f"This run took {minutes(seconds)}; parts finished before it were not run again. All parts "
        f"together: {minutes(work)} of one core. Code {code_of(spec.kind)}.",
        *(["", spec.about] if spec.about else []),
        "", section.ABOUT, "", "## In short", "", *(f"- {said}" for said in verdicts),
    ]  # fmt: skip
    lines += section.front(spec, tables)
    for dataset in spec.datasets:
        if dataset.name in tables:
            own = [result for result in results if result["dataset"] == dataset.name]
            lines += ["", f"## {dataset.title or dataset.name}", ""]
            lines += section.dataset(spec, dataset, tables[dataset.name], own)
    lines += _unmeasured(results, missing)
    return Report("\n".join(lines) + "\n", verdicts, _scores(tables))


def _unmeasured(results: Sequence[Result], missing: Mapping[str, str]) -> list[str]:
    said = [f"- {dataset}: {sentence}" for dataset, sentence in missing.items()]
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result["failure"]:
            what = f"{result['dataset']}, {result['model']}"
            where = f"{result['problem']}" + (
                f", seed {result['seed']}" if result["seed"] is not None else ""
            )
            reasons.setdefault((what, result["failure"]), []).append(where)
    said += [
        f"- {what} ({'; '.join(where)}): {reason}" for (what, reason), where in reasons.items()
    ]
    return ["", "## Not measured", "", *said] if said else []


def _scores(tables: Mapping[str, Table]) -> dict[str, Any]:
    """Mean and sd over seeds of every defined score."""
    found: dict[str, Any] = {}
    for name, table in tables.items():
        for label in table.labels:
            for score in ("lambda", *table.scores):
                means = table.by_seed(label, score)
                if means:
                    sd = float(np.std(means, ddof=1)) if len(means) > 1 else None
                    row = found.setdefault(name, {}).setdefault(label, {})
                    row[score] = {"mean": float(np.mean(means)), "sd": sd}
    return found
