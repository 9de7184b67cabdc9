"""Table 1 in words: held-out scores of models, baselines and the ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from gvci.benchmark import paper
from gvci.benchmark.compare import Table
from gvci.benchmark.parts import BASELINES, Result
from gvci.benchmark.spec import Dataset, Spec
from gvci.benchmark.verdicts import RULE, first_and_next, standing, titled
from gvci.benchmark.words import (
    CEILING,
    NONE,
    OF_CELLS,
    OF_MEANS,
    WAYS,
    gain_cell,
    lines,
    score_title,
    spread,
)

ABOUT = (
    "Every score is `gvci evaluate`'s on held-out pairs (group, perturbation) with more than 30 "
    "cells: mean over pairs, then mean ± sd over seeds; a row without ± does not depend on the "
    "seed. A model's row says how its cells are predicted: residual, Y + μ(Z,T′) − μ(Z,T); network "
    "alone, the same without the gate; decoder's mean, μ(Z,T′). The simple baselines know one "
    "profile per pair: per-cell correlation and spread ratio are 0 for them by definition, and "
    f"where cells are compared theirs are control cells, moved. {RULE}"
)
JUDGED = ("r2_all", "r2_de", "e_distance", "cell_correlation")
COMPARED = ("r2_all", "r2_de", "pearson_delta", "e_distance")


def shown(spec: Spec, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the tables: models as in the spec, then baselines, then the ceiling."""
    names = {model.name: i for i, model in enumerate(spec.models)}
    order = frame["model"].map(names).fillna(len(names)) + (frame["role"] == "ceiling")
    return frame.assign(order=order).sort_values("order", kind="stable").drop(columns="order")


def verdicts(spec: Spec, table: Table) -> list[str]:
    """A bullet per score: who is first, and where the spec's own model stands."""
    groups, said = _competitors(table), []
    own = _own(spec, table)
    for score in JUDGED:
        if score not in table.scores:
            continue
        sentences = [first_and_next(table, score, list(groups.values()))]
        if own is not None:
            simple = [label for label in table.labels if _role(table, label) == "baseline"]
            trained = [
                label
                for name, labels in groups.items()
                for label in labels
                if name != spec.own and label not in simple
            ]
            sentences.append(standing(table, own, simple, "simple baselines", score))
            sentences.append(standing(table, own, trained, "rows of other trained models", score))
        said.append(titled(score, *sentences))
    return said


def front(spec: Spec, tables: Mapping[str, Table]) -> list[str]:
    """The paper's layout: a row per model, R² all and DE of every dataset."""
    labels = list(dict.fromkeys(label for table in tables.values() for label in table.labels))
    labels = [*(label for label in labels if label != CEILING), *({CEILING} & {*labels})]
    header = [""] + [f"{name}, {score_title(s)}" for name in tables for s in ("r2_all", "r2_de")]
    rows = [
        [
            _bold(spec, label),
            *(
                spread(table.by_seed(label, score))
                for table in tables.values()
                for score in ("r2_all", "r2_de")
            ),
        ]
        for label in labels
    ]
    return ["", "## Held-out R²", "", *lines(header, rows)] if rows else []


def dataset(spec: Spec, about: Dataset, table: Table, results: Sequence[Result]) -> list[str]:
    """Everything about one dataset."""
    said = [_size(table, results), ""]
    for title, scores in (("Mean profiles", OF_MEANS), ("Cells", OF_CELLS)):
        known = [score for score in scores if score in table.scores]
        if known:
            header = [title, *map(score_title, known)]
            rows = [
                [_bold(spec, label), *(spread(table.by_seed(label, s)) for s in known)]
                for label in table.labels
            ]
            said += [*lines(header, rows), ""]
    said += [
        *_trainings(spec, table, results),
        "",
        *_gains(spec, table),
        "",
        *_problems(spec, table),
    ]
    if about.paper in paper.TABLE_1:
        said += ["", f"The paper's own figures on {about.paper} (five runs):", ""]
        printed = paper.TABLE_1[about.paper]
        said += lines(["", "R² all", "R² DE"], [[name, *both] for name, both in printed.items()])
    notes = dict.fromkeys(note for result in results for note in result["notes"])
    return said + (["", *(f"- {note}" for note in notes)] if notes else [])


def _size(table: Table, results: Sequence[Result]) -> str:
    first = next((result for result in results if result.get("cells")), None)
    size = "" if first is None else f"{first['cells']:,} cells × {first['genes']:,} genes; "
    seeds = sorted({int(seed) for seed in table.frame["seed"].dropna()})
    return (
        f"{size}{table.pairs} pairs in {len(table.problems)} problems "
        f"({'; '.join(table.problems)}); seeds {', '.join(map(str, seeds)) or NONE}."
    )


def _trainings(spec: Spec, table: Table, results: Sequence[Result]) -> list[str]:
    """What each model was given: preset, steps, time, and the network's share."""
    rows = []
    for model in spec.models:
        own = [r for r in results if r["model"] == model.name and not r["failure"]]
        if not own or model.predictions:
            continue
        steps = sorted({result["steps"] for result in own})
        ends = str(steps[0]) if len(steps) == 1 else f"{steps[0]}–{steps[-1]}"
        label = f"{model.name}, {WAYS[model.predict[0]]}"
        rows.append(
            [
                model.name, model.preset_name, f"{model.settings.max_steps:,}", ends,
                spread((r["work_s"] for r in own), 0), spread(table.by_seed(label, "lambda"), 2),
            ]
        )  # fmt: skip
    simple = [r for r in results if r["model"] == BASELINES and not r["failure"]]
    times = spread((r["work_s"] for r in simple), 0)
    rows.append(["simple baselines and ceiling, all", NONE, NONE, NONE, times, NONE])
    header = ["", "preset", "steps at most", "steps", "CPU s, training and scoring", "λ"]
    return [
        *lines(header, rows),
        "",
        "λ is the network's share in the predicted mean; the rest is the best simple baseline's.",
    ]


def _gains(spec: Spec, table: Table) -> list[str]:
    own = _own(spec, table)
    if own is None:
        return []
    few = " With so few pairs an interval says little more than their range."
    scores = [score for score in COMPARED if score in table.scores]
    rows = []
    for label in table.labels:
        gains = [table.gain(own, label, score) for score in scores]
        if label not in (own, CEILING) and any(gains):
            rows.append([label, *map(gain_cell, gains)])
    return [
        f"{own} − each other row: mean over {table.pairs} pairs, [95 % bootstrap interval over "
        f"pairs] ± sd over seeds; ✓ {own} is better, ✗ the other is, otherwise tied."
        + (few if table.pairs < 10 else ""),
        "",
        *lines([f"{own} −", *map(score_title, scores)], rows),
    ]


def _problems(spec: Spec, table: Table) -> list[str]:
    """Each problem by itself."""
    if len(table.problems) < 2:
        return []
    rows = []
    for label in table.labels:
        cells = []
        for problem in table.problems:
            both = [table.by_seed(label, score, problem) for score in ("r2_all", "r2_de")]
            cells.append(" / ".join(spread([sum(v) / len(v)]) if v else NONE for v in both))
        rows.append([_bold(spec, label), *cells])
    return ["R² all / R² DE, each problem by itself:", "", *lines(["", *table.problems], rows)]


def _competitors(table: Table) -> dict[str, list[str]]:
    """Model or baseline → its rows; the ceiling is nobody's."""
    frame = table.frame[table.frame["role"] != "ceiling"]
    groups: dict[str, list[str]] = {}
    for name, label in frame[["model", "label"]].drop_duplicates().itertuples(index=False):
        groups.setdefault(name, []).append(label)
    return groups


def _role(table: Table, label: str) -> str:
    return str(table.frame.loc[table.frame["label"] == label, "role"].iloc[0])


def _own(spec: Spec, table: Table) -> str | None:
    """The row of the spec's own model, in its first way of predicting."""
    way = next(model.predict[0] for model in spec.models if model.name == spec.own)
    label = f"{spec.own}, {WAYS[way]}"
    return label if label in table.labels else None


def _bold(spec: Spec, label: str) -> str:
    return f"**{label}**" if label.startswith(f"{spec.own}, ") else label
