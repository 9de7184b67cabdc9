"""The answer to a counterfactual question, from the cells or from their summaries."""

from __future__ import annotations

from gvci.answer import Answer
from gvci.answer import answer as from_cells
from gvci.run import Run
from gvci.scenario import Scenario


def answer(run: Run, scenario: Scenario) -> Answer:
    """Predict, and put the measured cells, the baselines and the ceiling beside it.

    Raises:
        PredictionError: the model does not know the perturbation, or there is no cell.
    """
    return from_cells(run, scenario)
