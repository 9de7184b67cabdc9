"""One counterfactual question and everything the page says about its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from gvci.baselines import Baseline, answers, chosen
from gvci.config import PredictMode
from gvci.data.dataset import PerturbationData
from gvci.data.prepare import differential_genes
from gvci.errors import PredictionError, listed
from gvci.estimator import Z_95, marginal_effects
from gvci.evaluate import MORE_THAN
from gvci.gate_words import pair_sentence
from gvci.metrics import Score, mean_scores, split_half
from gvci.model_card import title
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks
from gvci.run import Run
from gvci.scoring import N_DE
from gvci.verdict import verdict

MOST_CELLS = 2000
Which = Literal["control cells", "all cells", "one cell"]
WHICH: tuple[Which, ...] = ("control cells", "all cells", "one cell")
MODES: tuple[PredictMode, ...] = ("residual", "mean", "sample")


@dataclass(frozen=True)
class Scenario:
    """Which cells, under what.

    Attributes:
        perturbation: a label, or "A+B".
        group: covariate group of the cells, as in PerturbationData.groups.
        cells: the group's control cells, all its cells, or one of its control cells.
        cell: the name of that one cell.
        mode: how the prediction is read out.
        dose: of the perturbation.
    """

    perturbation: str
    group: str
    cells: Which = "control cells"
    cell: str | None = None
    mode: PredictMode = "residual"
    dose: float = 1.0


@dataclass(frozen=True)
class Answer:
    """What the model says and what is known beside it; expression in `unit`.

    Attributes:
        support: "seen" in training, "held_out" combination, or "outside" the training data.
        source_names: names of the cells that were transported, one per predicted row.
        control, predicted: (cells, genes); measured: (cells, genes) or None without any.
        table: per gene, largest predicted change first: `gene, predicted, low, high` (change and
            interval), `measured`, `baseline` and `additive` (changes, NaN where there is none).
        interval: what `low` and `high` are: "influence" (95 % of the robust effect, eq. 14),
            "inner" (95 %, from the errors of inner pairs and over cells), "beyond" (the same, of
            a pair unlike them), "cells" (95 % over cells; model error not included) or "none".
        unit: of the expression, in words. model: model, preset and GRN, in words.
        share, rest: λ, the network's share in the mean, and the baseline that has the rest.
        mean_words: the same in a sentence, with its grounds.
        baseline: (genes,) mean of the simple baseline to trust most (by leaving levels out).
        baseline_name: which one that is, as in BASELINES.
        scores: "model", baselines and "ceiling" → mean_scores, empty where not scored.
        n_de: genes that the DE scores are on.
        verdict: one sentence, empty where not scored.
        notes: what else is to be known, in words.
    """

    scenario: Scenario
    support: str
    genes: pd.Index
    source_names: list[str]
    control: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray | None
    measured_names: list[str]
    table: pd.DataFrame
    interval: str
    unit: str
    model: str
    share: float
    rest: str
    mean_words: str
    baseline: np.ndarray
    baseline_name: str
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    n_de: int = 0
    verdict: str = ""
    notes: tuple[str, ...] = ()

    def position(self, gene: str) -> int:
        """Column of a gene."""
        return list(self.genes).index(gene)


def group_of(data: PerturbationData, levels: Sequence[str]) -> str:
    """The group label of covariate levels, in the order of the data's covariates."""
    return " · ".join(levels) if data.columns.covariates else "all cells"


def label_of(run: Run, chosen: Sequence[str]) -> str:
    """The label of one perturbation, or of several as the data or "A+B" name them.

    Raises:
        PredictionError: none chosen, or the model has not seen one of them.
    """
    code = run.model.treatment_code
    if not chosen:
        message = f"Choose a perturbation. The model knows {listed(code.levels, 8)}."
        raise PredictionError(message)
    parts = [part for label in chosen for part in code.parts(label)]
    if len(chosen) == 1:
        return chosen[0]
    for label in run.data.perturbations:
        if "+" in label and sorted(word.strip() for word in label.split("+")) == sorted(parts):
            return label
    return "+".join(sorted(parts))


def default_pair(run: Run) -> tuple[str, str]:
    """(group, perturbation) to begin with: the held-out pair with the most cells, else any."""
    rows = run.scores.get("ood", {}).get("pairs") or []
    scored = [row for row in rows if row.get("model") == run.model.name]
    if scored:
        best = max(scored, key=lambda row: (row["n_cells"], row["perturbation"] == "STAT1"))
        return str(best["group"]), str(best["perturbation"])
    data = run.data
    treated = np.flatnonzero((data.split == "ood") & ~data.is_control)
    if not len(treated):
        treated = np.flatnonzero(~data.is_control)
    known = [row for row in treated if data.perturbation[row] in run.model.treatment_code.levels]
    row = int(known[0] if known else treated[0])
    return str(data.groups[row]), str(data.perturbation[row])


def control_cells(data: PerturbationData, group: str, most: int = 500) -> list[str]:
    """Names of the first control cells of a group, to choose one from."""
    rows = np.flatnonzero((data.groups == group) & data.is_control)
    return [str(name) for name in data.adata.obs_names[rows[:most]]]


def source_rows(data: PerturbationData, scenario: Scenario) -> tuple[np.ndarray, str]:
    """Positions of the cells to transport, and a note where only some are taken.

    Raises:
        PredictionError: the group has no such cell.
    """
    inside = data.groups == scenario.group
    if scenario.cells == "all cells":
        # A held-out cell is truth; it is never transported to what it is the truth of.
        rows = np.flatnonzero(inside & (data.split != "ood"))
    else:
        rows = np.flatnonzero(inside & data.is_control)
    if scenario.cells == "one cell":
        names = data.adata.obs_names[rows]
        rows = rows[np.asarray(names == scenario.cell)][:1]
    if not len(rows):
        what = f"cell '{scenario.cell}'" if scenario.cells == "one cell" else "control cells"
        with_controls = sorted(set(data.groups[data.is_control]))
        message = (
            f"The group {scenario.group} has no {what} to start from. "
            f"Groups with control cells: {listed(with_controls, 6)}."
        )
        raise PredictionError(message)
    if len(rows) <= MOST_CELLS:
        return rows, ""
    some = np.sort(np.random.default_rng(0).choice(rows, MOST_CELLS, replace=False))
    return some, f"{MOST_CELLS:,} of {len(rows):,} cells are used, chosen by a fixed seed."


def answer(run: Run, scenario: Scenario) -> Answer:
    """Predict, and put the measured cells, the baselines and the ceiling beside it.

    Raises:
        PredictionError: the model does not know the perturbation, or there is no cell.
    """
    data = run.data
    rows, note = source_rows(data, scenario)
    inside = data.groups == scenario.group
    controls = np.flatnonzero(inside & data.is_control)
    truth = np.flatnonzero(inside & (data.perturbation == scenario.perturbation))
    predicted = run.predict(rows, scenario.perturbation, scenario.dose, scenario.mode)
    source = data.dense(rows)
    control = source if scenario.cells != "all cells" else data.dense(controls[:MOST_CELLS])
    reference = control.mean(axis=0, dtype=np.float64)
    measured = data.dense(truth[:MOST_CELLS]) if len(truth) else None
    notes = [note] if note else []
    bulks, pair = pseudobulks(data), (scenario.group, scenario.perturbation)
    rivals, best = answers(bulks, *pair), chosen(bulks, *pair)
    gate = run.gate(*pair)
    notes += [rivals[best].note] if rivals[best].note else []
    support = run.support(scenario.perturbation, scenario.group)
    low, high, interval = _interval(run, scenario, support, source, predicted, control)
    mean = predicted.mean(axis=0, dtype=np.float64)
    true_change = (
        measured.mean(axis=0, dtype=np.float64) - data.mean(controls)
        if measured is not None
        else np.full(len(mean), np.nan)
    )
    table = pd.DataFrame(
        {
            "gene": data.genes,
            "predicted": mean - reference,
            "low": low,
            "high": high,
            "measured": true_change,
            "baseline": rivals[best].mean - data.mean(controls),
            "additive": rivals["additive"].mean - data.mean(controls),
        }
    )
    strongest = table["predicted"].abs().sort_values(ascending=False, kind="stable").index
    scores, n_de, sentence, said = _scored(run, scenario, rows, truth, rivals)
    return Answer(
        scenario,
        support,
        data.genes,
        [str(name) for name in data.adata.obs_names[rows]],
        control,
        predicted,
        measured,
        [str(name) for name in data.adata.obs_names[truth[:MOST_CELLS]]],
        table.loc[strongest].reset_index(drop=True),
        interval,
        data.unit,
        title(run),
        gate["lambda"],
        gate["baseline"],
        pair_sentence(run.model.gate, *pair, support == "seen"),
        rivals[best].mean,
        best,
        scores,
        n_de,
        sentence,
        tuple(notes + said),
    )


def _interval(
    run: Run,
    scenario: Scenario,
    support: str,
    source: np.ndarray,
    predicted: np.ndarray,
    control: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, str]:
    """95 % limits of each gene's change, and what they mean."""
    if support == "seen" and scenario.cells != "one cell":
        found = marginal_effects(run, run.data, [scenario.perturbation], [scenario.group])
        if len(found) == len(run.data.genes) and (found["status"] == "estimated").all():
            limits = found[["effect_lower", "effect_upper"]].to_numpy(dtype=np.float64)
            return limits[:, 0], limits[:, 1], "influence"
    n = len(predicted)
    if n < 2 or len(control) < 2:
        unknown = np.full(predicted.shape[1], np.nan)
        return unknown, unknown, "none"
    change = predicted.mean(axis=0, dtype=np.float64) - control.mean(axis=0, dtype=np.float64)
    if scenario.cells == "control cells":
        error = (predicted - source).std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(n)
    else:
        error = np.sqrt(
            predicted.var(axis=0, ddof=1, dtype=np.float64) / n
            + control.var(axis=0, ddof=1, dtype=np.float64) / len(control)
        )
    kind, gate = "cells", run.model.gate
    inner = gate.error_of(change)
    if support != "seen" and inner is not None:
        error = np.sqrt(error**2 + inner**2)
        kind = "inner" if gate.knows(scenario.group, scenario.perturbation) else "beyond"
    return change - Z_95 * error, change + Z_95 * error, kind


def _scored(
    run: Run,
    scenario: Scenario,
    rows: np.ndarray,
    truth: np.ndarray,
    rivals: Mapping[str, Baseline],
) -> tuple[dict[str, dict[str, Score]], int, str, list[str]]:
    """Scores against the measured cells, as `evaluate` defines them; empty where it would not."""
    data = run.data
    learning = np.isin(data.split, LEARNING_SPLITS) & (data.groups == scenario.group)
    controls = np.flatnonzero(learning & data.is_control)
    if scenario.cells == "one cell" or not len(truth):
        return {}, 0, "", []
    if len(truth) <= MORE_THAN or len(controls) < 2:
        note = f"{len(truth)} measured cells are too few for a score; more than {MORE_THAN} count."
        return {}, 0, "", [note]
    measured = data.expression[truth]
    de = differential_genes(measured, data.expression[controls], N_DE)
    true_mean, control = data.mean(truth), data.mean(controls)
    name = run.model.name
    mean = run.predict_mean(rows, scenario.perturbation, scenario.dose, scenario.mode)
    models = {name: mean_scores(true_mean, mean, control, de)}
    for rival, answer in rivals.items():
        models[rival] = mean_scores(true_mean, answer.mean, control, de)
    ceiling = split_half(measured[:MOST_CELLS].toarray(), control, de)
    sentence = verdict(models, ceiling, name, len(de))
    scores = {"model": models.pop(name), **models, "ceiling": ceiling}
    return scores, len(de), sentence, []
