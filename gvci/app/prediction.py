"""The answer to a counterfactual question, from the cells or from their summaries."""

from __future__ import annotations

from dataclasses import replace

from gvci.app.scenario import default_pair
from gvci.counterfactual.answer import Answer
from gvci.counterfactual.answer import answer as of_cells
from gvci.counterfactual.scenario import MODES, WHICH, Scenario, all_doses
from gvci.counterfactual.summarised import needs_cells, summaries
from gvci.pseudobulk import FEWEST_CELLS
from gvci.run import Run
from gvci.verdict import verdict

__all__ = ["Answer", "answer", "can_answer", "limits", "nearest", "needs_cells"]


def answer(run: Run, scenario: Scenario) -> Answer:
    """Predict, and put the measured cells, the baselines and the ceiling beside it.

    Raises:
        PredictionError: the model does not know the perturbation, there is no cell, or the
            summaries do not have this; then it says how to get the cells.
        FileError: the summaries are damaged.
    """
    found = of_cells(run, scenario) if run.cells_here else summaries(run).answer(scenario)
    return _as_scored(run, found)


def _as_scored(run: Run, found: Answer) -> Answer:
    """The answer with the scores that its pair was given, so that every page says one number.

    `evaluate` moves the control cells that training saw, a page all of the group's: R² then
    differ in the second decimal.
    """
    scene, measured = found.scenario, found.measured
    if not found.scores or scene.cells != WHICH[0] or measured is None:
        return found
    for told in run.scores.values():
        given = {
            str(row["model"]): {name: row.get(name) for name in found.scores["model"]}
            for row in told.get("pairs", [])
            if (row.get("group"), row.get("perturbation")) == (scene.group, scene.perturbation)
            and row.get("n_cells") == measured.n
        }
        same = told.get("mode") == scene.mode and told.get("n_de") == found.n_de
        if same and {run.model.name, "ceiling"} <= set(given):
            models = {name: row for name, row in given.items() if name != "ceiling"}
            sentence = verdict(models, given["ceiling"], run.model.name, found.n_de)
            scores = {"model": models.pop(run.model.name), **models, "ceiling": given["ceiling"]}
            return replace(found, scores=scores, verdict=sentence)
    return found


def limits(run: Run) -> str:
    """What can be chosen without cells, plain text."""
    doses = all_doses(run.data)
    at = f", dose {doses[-1]:g}" if len(doses) > 1 else ""
    return (
        f"From summaries: control cells, readout residual{at}. One cell, all cells, other "
        f"readouts, other combinations and groups of fewer than {FEWEST_CELLS} cells need the "
        "cells themselves."
    )


def nearest(run: Run, asked: Scenario) -> dict[str, object]:
    """Widget key → choice: the nearest question that the summaries answer."""
    data, doses = run.data, all_doses(run.data)
    group, label = asked.group, asked.perturbation
    if not can_answer(run, Scenario(label, group, dose=doses[-1])):
        group, label = default_pair(run)
    levels = zip(data.columns.covariates, group.split(" · "), strict=False)
    choices: dict[str, object] = {"cells": WHICH[0], "mode": MODES[0]}
    choices |= {"dose": doses[-1]} if len(doses) > 1 else {}
    choices["perturbation"] = list(run.model.treatment_code.parts(label))
    return choices | {f"c_{name}": level for name, level in levels}


def can_answer(run: Run, scenario: Scenario) -> bool:
    """Whether this can be answered with what is here.

    Raises:
        FileError: the summaries are damaged.
    """
    return run.cells_here or summaries(run).answers(scenario)
