"""Table 2 and figure 6a in words: R² as training goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from gvci.benchmark import paper
from gvci.benchmark.compare import PAIR, Table
from gvci.benchmark.parts import Result
from gvci.benchmark.spec import Dataset, Spec
from gvci.benchmark.verdicts import RULE, contrast, titled
from gvci.benchmark.words import WAYS, lines, spread

BOTH = ["r2_all", "r2_de"]
ABOUT = (
    "R² is that of a mean over cells, per pair (group, perturbation): mean over pairs, then mean ± "
    f"sd over seeds. {RULE}"
)
TABLE_2 = (
    "Estimated from the training cells of a group: plug-in, the mean of the decoder's μ(Z,T′) of "
    "all; robust, the same corrected by the mean residual of the treated ones (eq. 14); and the "
    "plain mean of the treated ones. The truth is the mean of the validation cells of the pair, "
    "more than 30; DE are the 50 genes that these change most."
)
FIGURE_6A = (
    "Held-out pairs are looked at after every epoch and choose nothing; every network trains "
    "equally long. Random: each regulator keeps its number of targets, drawn anew for each seed. "
    "Verdicts are of the mean over the last quarter of the epochs."
)
CONTRASTS = {
    "table2": (("robust", "plug_in"), ("robust", "treated_mean")),
    "fig6a": (("refined", "original"), ("original", "random"), ("refined", "random")),
}


def shown(spec: Spec, frame: pd.DataFrame) -> pd.DataFrame:
    """What verdicts are of: the last epoch (table 2), the last quarter of them (figure 6a)."""
    frame = frame[frame["failure"].isna()]
    if spec.kind == "table2":
        return frame[frame["epoch"] == max(spec.epochs)]
    return late(frame, max(spec.epochs))


def late(frame: pd.DataFrame, last: int) -> pd.DataFrame:
    """Each row's mean over the last quarter of the epochs."""
    quarter = frame[frame["epoch"] > 0.75 * last]
    about = ["dataset", "model", "predicted", "role", "label", "seed", *PAIR]
    means = quarter.groupby(about, sort=False)[BOTH].mean().reset_index()
    return means.reindex(columns=frame.columns)


def verdicts(spec: Spec, table: Table) -> list[str]:
    """A bullet per score, model and contrast."""
    return [
        titled(score, said)
        for score in BOTH
        for one, other in _contrasts(spec)
        if (said := contrast(table, one, other, score)) is not None
    ]


def _contrasts(spec: Spec) -> Iterator[tuple[str, str]]:
    """Pairs of rows whose difference is the question."""
    for model in spec.models:
        for one, other in CONTRASTS[spec.kind]:
            if spec.kind == "table2":
                yield f"{model.name}, {WAYS[one]}", f"{model.name}, {WAYS[other]}"
            else:
                for way in model.predict:
                    name = WAYS["mean" if way == "mean" else "residual"]
                    yield f"{model.name}, {one}, {name}", f"{model.name}, {other}, {name}"


def front(spec: Spec, tables: Mapping[str, Table]) -> list[str]:
    """What the rows are."""
    return ["", TABLE_2 if spec.kind == "table2" else FIGURE_6A]


def dataset(spec: Spec, about: Dataset, table: Table, results: Sequence[Result]) -> list[str]:
    """R² all / DE at the epochs of the spec."""
    first = next(result for result in results if result.get("cells"))
    steps = first["steps"] // max(spec.epochs)
    said = [
        f"{first['cells']:,} cells × {first['genes']:,} genes; {table.pairs} pairs in "
        f"{'; '.join(table.problems)}; an epoch has {steps} steps. R² all / R² DE after so many "
        "epochs:",
        "",
    ]
    by_epoch = {epoch: table.at(epoch) for epoch in spec.epochs}
    rows = [
        [
            label,
            *(
                " / ".join(spread(found.by_seed(label, score)) for score in BOTH)
                for found in by_epoch.values()
            ),
        ]
        for label in table.labels
    ]
    said += lines(["", *map(str, spec.epochs)], rows)
    said += ["", *_trainings(spec, results)]
    if spec.kind == "table2":
        said += ["", paper.TABLE_2]
    notes = dict.fromkeys(note for result in results for note in result["notes"])
    return said + (["", *(f"- {note}" for note in notes)] if notes else [])


def _trainings(spec: Spec, results: Sequence[Result]) -> list[str]:
    rows = []
    for name in dict.fromkeys(result["model"] for result in results):
        own = [r for r in results if r["model"] == name and not r["failure"]]
        model = next(m for m in spec.models if name.startswith(m.name))
        if own:
            times = spread((r["work_s"] for r in own), 0)
            rows.append([name, model.preset_name, f"{own[0]['steps']:,}", times])
    return lines(["", "preset", "steps", "CPU s"], rows)


def curve(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over pairs, then mean and sd over seeds, of every row at every epoch."""
    known = frame[frame["failure"].isna()]
    by_seed = known.groupby(["dataset", "label", "epoch", "seed"], sort=False)[BOTH].mean()
    over = by_seed.groupby(["dataset", "label", "epoch"], sort=False)
    parts = {f"{score}_{what}": over[score].agg(what) for score in BOTH for what in ("mean", "std")}
    return pd.DataFrame(parts).reset_index()
