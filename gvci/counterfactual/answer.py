"""A counterfactual question's answer, and everything that is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gvci.baselines import Baseline, answers, chosen
from gvci.counterfactual.sample import Sample
from gvci.counterfactual.scenario import MOST_CELLS, Scenario, asked_rows, doses_of, some_of
from gvci.data.prepare import differential_genes
from gvci.estimator import Z_95, marginal_effects
from gvci.evaluation.evaluate import MORE_THAN
from gvci.evaluation.scoring import N_DE
from gvci.gate.words import pair_sentence
from gvci.metrics import Score, mean_scores, split_half
from gvci.model_card import title
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks
from gvci.run import Run
from gvci.verdict import verdict


@dataclass(frozen=True)
class Answer:
    """What the model says and what is known beside it; expression in `unit`.

    Attributes:
        support: "seen" in training, "held_out" combination, or "outside" the training data.
        source_names: names of the cells that were transported, one per predicted row; none where
            the answer is from summaries.
        asked: how many cells the scenario is about; more than 5,000 are not all transported here.
        control, predicted, measured: of the cells, or of their summaries; `measured` is None
            without any.
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
    asked: int
    control: Sample
    predicted: Sample
    measured: Sample | None
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

    def of(self, gene: str) -> dict[str, Sample]:
        """Kind (control, predicted, measured) → what is known of a gene."""
        at = list(self.genes).index(gene)
        found = {"control": self.control.gene(at), "predicted": self.predicted.gene(at)}
        return found if self.measured is None else {**found, "measured": self.measured.gene(at)}


def answer(run: Run, scenario: Scenario) -> Answer:
    """Predict, and put the measured cells, the baselines and the ceiling beside it.

    Raises:
        PredictionError: the model does not know the perturbation, or there is no cell.
    """
    data = run.data
    every = asked_rows(data, scenario)
    rows = some_of(every)
    inside = data.groups == scenario.group
    controls = np.flatnonzero(inside & data.is_control)
    truth = np.flatnonzero(
        inside & (data.perturbation == scenario.perturbation) & np.isclose(data.dose, scenario.dose)
    )
    predicted = run.predict(rows, scenario.perturbation, scenario.dose, scenario.mode)
    source = data.dense(rows)
    control = source if scenario.cells != "all cells" else data.dense(controls[:MOST_CELLS])
    reference = control.mean(axis=0, dtype=np.float64)
    measured = data.dense(truth[:MOST_CELLS]) if len(truth) else None
    notes = _dose_notes(run, scenario)
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
        len(every),
        Sample.of(control),
        Sample.of(predicted),
        None if measured is None else Sample.of(measured),
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
    if support == "seen" and scenario.cells != "one cell" and _only_dose(run, scenario):
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


def _only_dose(run: Run, scenario: Scenario) -> bool:
    """Whether training had this pair at the scenario's dose and at no other."""
    learning = np.isin(run.data.split, LEARNING_SPLITS) & (run.data.groups == scenario.group)
    doses = doses_of(run.data, scenario.perturbation, learning)
    return len(doses) == 1 and bool(np.isclose(doses[0], scenario.dose))


def _dose_notes(run: Run, scenario: Scenario) -> list[str]:
    """Where doses differ: at which ones it was measured, and that baselines take them together."""
    data = run.data
    doses = doses_of(data, scenario.perturbation, data.groups == scenario.group)
    if not doses or (len(doses) == 1 and np.isclose(doses[0], scenario.dose)):
        return []
    words = ", ".join(f"{dose:g}" for dose in doses)
    known = any(np.isclose(dose, scenario.dose) for dose in doses)
    which = "this dose only stand beside it" if known else f"none of them at {scenario.dose:g}"
    found = f"It was measured here at {'dose' if len(doses) == 1 else 'doses'} {words}"
    together = " The simple baselines take all doses of a perturbation together."
    return [f"{found}: {'cells of ' if known else ''}{which}.{together}"]


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
