"""A table of scores to compare, of a run, of a benchmark or of another program's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from gvci import scoreboards
from gvci.app.answer_view import ROWS
from gvci.app.text import count
from gvci.baselines import BASELINES
from gvci.benchmark.compare import Table
from gvci.benchmark.words import SCORES, WAYS
from gvci.errors import DataError, PredictionError
from gvci.evaluation.evaluate import evaluate
from gvci.run import Run

CEILING = "Noise ceiling"
NAMES = {**dict(ROWS), "auto": "Chosen by leaving levels out"}
SPLITS = {"ood": "Held-out combinations", "test": "Test cells", "validation": "Validation cells"}
EVERYTHING = "All of them"
THIS_RUN = "This run"
KINDS = {"model": "model", "theirs": "your file", "baseline": "simple baseline"}


@dataclass(frozen=True)
class Board:
    """Rows of one table, ready to be ranked.

    Attributes:
        title: what it is of.
        table: its scored rows under the labels of the page.
        roles: label → model, theirs (an uploaded file), baseline or ceiling.
        ways: label → how a model's cells were predicted, in words.
        own: the label of our model; None where it was not run.
        over: what its means are over, in words.
        notes: what else is to be known, plain text.
        simulated: whether the cells are.
        about: for the head of a file.
    """

    title: str
    table: Table
    roles: Mapping[str, str]
    ways: Mapping[str, str]
    own: str | None
    over: str
    notes: tuple[str, ...]
    simulated: bool
    about: Mapping[str, object]

    def labels(self, role: str) -> list[str]:
        """The rows of a role, in the table's order."""
        return [label for label in self.table.labels if self.roles[label] == role]


# --- of a run -----------------------------------------------------------------------------


def scored_splits(run: Run) -> list[str]:
    """Splits of scores.json that have scores."""
    return [split for split in SPLITS if run.scores.get(split, {}).get("pairs")]


def lacking(run: Run, split: str) -> list[str]:
    """Titles of the scores that an older scores.json does not have."""
    rows = run.scores.get(split, {}).get("pairs") or [{}]
    special = ("cell_truth", "response_truth")
    return [
        title for score, title in SCORES.items() if score not in rows[0] | dict.fromkeys(special)
    ]


def score_or_refuse(run: Run, split: str) -> dict[str, Any] | str:
    """What `evaluate` says of the run now, or why no pair of the split can be scored."""
    try:
        return evaluate(run, run.data, split, name=run.model.name)
    except (DataError, PredictionError) as error:
        return str(error)


def of_answer(run: Run, answer: Mapping[str, Any], theirs: str | None = None) -> Board:
    """What `evaluate` or `evaluate_predictions` returned."""
    rows = answer["pairs"]
    names = {**NAMES, run.model.name: run.name, "ceiling": CEILING}
    roles = {"ceiling": "ceiling", **dict.fromkeys(BASELINES, "baseline")}
    if theirs is not None:
        roles[theirs] = "theirs"
    frame = pd.DataFrame(rows).reindex(
        columns=["group", "perturbation", "model", "lambda", *SCORES]
    )
    frame[list(SCORES)] = frame[list(SCORES)].astype("float64")
    frame = frame.assign(
        problem=SPLITS[answer["split"]],
        seed=pd.array([pd.NA] * len(frame), dtype="Int64"),
        label=frame["model"].map(lambda name: names.get(name, name)),
        role=frame["model"].map(lambda name: roles.get(name, "model")),
        failure=None,
    )
    named = dict(zip(frame["label"], frame["role"], strict=True))
    pairs = count(int(answer["n_pairs"]), "pair")
    over = f"{pairs} of group and perturbation, {SPLITS[answer['split']].lower()}"
    about = {"split": answer["split"], "mode": answer["mode"], "pairs": answer["n_pairs"]}
    own = run.name if run.name in named else None
    simulated = run.data.simulated
    notes = tuple(map(str, answer["notes"]))
    return Board(run.data.title, Table(frame), named, {}, own, over, notes, simulated, about)


# --- of a benchmark -----------------------------------------------------------------------


@lru_cache(maxsize=16)
def _read(file: Path, changed: int) -> pd.DataFrame:
    found = next(board for board in scoreboards.scoreboards() if board.file == file)
    return scoreboards.read_scoreboard(found)


def read(board: str) -> pd.DataFrame:
    """The tidy table of a benchmark.

    Raises:
        CatalogueError: there is none of that id.
        FileError: it is damaged.
    """
    found = scoreboards.find_scoreboard(board)
    return _read(found.file, found.file.stat().st_mtime_ns)


def titles(kind: str) -> dict[str, str]:
    """id → title of the benchmarks of a kind that can be read."""
    found = {}
    for board in scoreboards.scoreboards():
        try:
            about = read(board.id).attrs
        except DataError:
            continue
        if about["kind"] == kind:
            found[board.id] = str(about["title"])
    return found


def split_of(words: str) -> str:
    """The split that the page calls so."""
    return next(split for split, said in SPLITS.items() if said == words)


def known_scores(table: pd.DataFrame) -> list[str]:
    """The scores that some row of a benchmark has."""
    return [score for score in SCORES if table[score].notna().any()]


def problems(table: pd.DataFrame) -> list[str]:
    """What was held out, each; the first choice is all of them."""
    known = table.loc[table["failure"].isna(), "problem"]
    return [EVERYTHING, *dict.fromkeys(known.astype(str))]


def of_benchmark(table: pd.DataFrame, problem: str, score: str, every_way: bool = False) -> Board:
    """The rows of a benchmark's table.

    Args:
        problem: what is held out, or EVERYTHING.
        score: decides which way of predicting stands for a rival model.
        every_way: show all ways of predicting instead.

    Raises:
        DataError: nothing of it was scored.
    """
    known = table[table["failure"].isna()]
    frame = known if problem == EVERYTHING else known[known["problem"].astype(str) == problem]
    if frame.empty:
        message = f"Nothing of '{problem}' was scored in this table. Choose another."
        raise DataError(message)
    about, own = table.attrs, table.attrs.get("own")
    chosen = {
        (model, way): _label(str(model), way, role, every_way)
        for model, way, role in frame[["model", "predicted", "role"]]
        .drop_duplicates()
        .itertuples(index=False)
        if every_way or role != "model" or way == _way(frame, str(model), own, score)
    }
    keys = list(zip(frame["model"], frame["predicted"], strict=True))
    frame = frame.assign(label=[chosen.get(key, "") for key in keys])
    frame = frame[frame["label"] != ""]
    roles = dict(zip(frame["label"], frame["role"], strict=True))
    ways = {label: WAYS.get(str(way), "") for (_, way), label in chosen.items()}
    mine = None
    if own is not None:
        first = _way(frame, str(own), own, score)
        mine = chosen.get((own, first))
    found = Table(frame)
    seeds = count(int(frame["seed"].nunique()), "seed")
    over = f"{count(found.pairs, 'pair')} of group and perturbation, {seeds}"
    simulated = bool(about.get("simulated"))
    notes = (str(about["about"]),) if about.get("about") else ()
    head = {"table": about["title"], "held_out": problem, "command": about.get("command", "")}
    head["created"] = about.get("created", "")
    return Board(str(about["title"]), found, roles, ways, mine, over, notes, simulated, head)


def _label(model: str, way: object, role: str, every_way: bool) -> str:
    if role == "ceiling":
        return CEILING
    if role == "baseline":
        return NAMES.get(model, model)
    return f"{model}, {WAYS.get(str(way), way)}" if every_way else model


def _way(frame: pd.DataFrame, model: str, own: object, score: str) -> object:
    """How a model's cells are predicted: ours as its spec says, a rival's where it is better."""
    rows = frame[(frame["model"] == model) & frame["predicted"].notna()]
    ways = list(dict.fromkeys(rows["predicted"]))
    if model == own or len(ways) < 2:
        return ways[0] if ways else None
    table = Table(rows.assign(label=rows["predicted"]))
    ranked = table.ranked(score, ways)
    return ranked[0] if ranked else ways[0]
