"""Everybody on the same pairs, cells and genes: the table behind `evaluate`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.baselines import BASELINES, answers, choice
from gvci.errors import PredictionError
from gvci.evaluation.judge import Judge, Judged
from gvci.evaluation.pairs import Centroids, GroupCells, Pair, scorable_pairs
from gvci.evaluation.scoring import N_DE, SCORES, Truth
from gvci.metrics import Score, average, rank
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks
from gvci.verdict import strongest, verdict

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

SAFE_HALVES = 80
Row = dict[str, Any]
Contestant = Callable[[Judge], Judged]


def contest(
    data: PerturbationData,
    split: str,
    contestants: Mapping[str, Contestant],
    *,
    seed: int = 0,
    baselines: bool = True,
    truth: Truth | None = None,
    genes: np.ndarray | None = None,
) -> dict[str, Any]:
    """Score everybody; the verdict has a sentence for each contestant.

    A pair that one of them cannot answer is left out for all, with a note.

    Args:
        contestants: name → how it is judged on a pair.
        data, split, seed, baselines, truth: as for `evaluate`.
        genes: positions of the genes that are scored, where not all are; contestants answer
            for these, and baselines learn from all.

    Returns:
        What `evaluate` does, but "mode" and "gate".

    Raises:
        DataError: no pair can be scored.
        PredictionError: no pair is left.
    """
    table, notes = Table(), list[str]()
    refusal: PredictionError | None = None
    for judge in _judges(data, split, seed, truth, genes):
        pair = judge.pair
        try:
            judged = {name: judged_by(judge) for name, judged_by in contestants.items()}
        except PredictionError as error:
            refusal = error
            notes.append(f"{pair.group}, {pair.perturbation} is left out: {error}")
            continue
        if baselines:
            said = answers(pseudobulks(data), pair.group, pair.perturbation)
            notes += [answer.note for answer in said.values() if answer.note]
            own = [answer.mean if genes is None else answer.mean[genes] for answer in said.values()]
            judged |= zip(said, judge.baselines(own), strict=True)
        table.add(pair, {**judged, "ceiling": judge.ceiling()})
    rows = table.ranked()
    if not rows:
        assert refusal is not None
        raise refusal
    names = [*contestants, *(BASELINES if baselines else ()), "ceiling"]
    models = {model: _averages(rows, model) for model in names}
    ceiling = models.pop("ceiling")
    n_de = min(N_DE, len(data.genes) if genes is None else len(genes))
    return {
        "split": split,
        "pairs": rows,
        "models": models,
        "ceiling": ceiling,
        "chosen": vars(choice(pseudobulks(data))) if baselines else None,
        "n_pairs": len(rows) // len(names),
        "n_de": n_de,
        "notes": list(dict.fromkeys([*notes, *_remarks(rows, split)])),
        "verdict": " ".join(verdict(models, ceiling, n, n_de, rows) for n in contestants)
        or strongest(models, ceiling, n_de),
    }


class Table:
    """Rows of pairs and models. PerturBench's rank needs all pairs of a group, so it comes last."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._judged: list[Judged] = []

    def add(self, pair: Pair, judged: Mapping[str, Judged]) -> None:
        """The rows of one pair."""
        about = {"group": pair.group, "perturbation": pair.perturbation}
        for model, found in judged.items():
            scores = {name: found.scores[name] for name in SCORES}
            row = {**about, "n_cells": len(pair.cells), "model": model, "lambda": None, **scores}
            self._rows.append(row)
            self._judged.append(found)

    def ranked(self) -> list[Row]:
        """All rows, with the rank among the model's predictions for the pairs of the group."""
        together = defaultdict(list)
        for i, row in enumerate(self._rows):
            together[row["group"], row["model"]].append(i)
        for members in together.values():
            means = np.stack([self._judged[i].mean for i in members])
            for place, i in enumerate(members):
                others = np.delete(means, place, axis=0)
                self._rows[i]["rank"] = rank(self._judged[i].truth, means[place], others)
        return self._rows


def _judges(
    data: PerturbationData,
    split: str,
    seed: int,
    truth: Truth | None,
    genes: np.ndarray | None,
) -> Iterator[Judge]:
    """A judge per pair, whose choices of cells do not depend on who is judged."""
    known = truth
    if genes is not None:
        data = data.on_genes(genes)
        if truth is not None:
            known = lambda label, rows: truth(label, rows)[:, genes]  # noqa: E731
    pairs = scorable_pairs(data, split)
    centroids, groups = Centroids(data, pairs), dict[str, GroupCells]()
    for number, pair in enumerate(pairs):
        if pair.group not in groups:
            own = np.isin(data.split, LEARNING_SPLITS) & (data.groups == pair.group)
            key = [seed, len(groups), 1]
            groups[pair.group] = GroupCells(data, np.flatnonzero(own), pair.controls, key)
        rng = np.random.default_rng([seed, number])
        yield Judge(data, pair, groups[pair.group], centroids.others(pair), rng, known)


def _averages(rows: Sequence[Row], model: str) -> dict[str, Score]:
    """Scores over pairs."""
    own = [row for row in rows if row["model"] == model]
    return {score: average(row[score] for row in own) for score in SCORES}


def _remarks(rows: Sequence[Row], split: str) -> list[str]:
    """What to know about the split and the ceiling."""
    found = []
    if split not in ("ood", *LEARNING_SPLITS):
        found.append(
            f"The baselines leave out a pair's own training cells; on the split '{split}' the "
            "model has seen them."
        )
    smallest = min(row["n_cells"] for row in rows)
    if smallest < SAFE_HALVES:
        found.append(
            f"The smallest pair has {smallest} true cells; halves that small agree less than a "
            "perfect model would."
        )
    return found
