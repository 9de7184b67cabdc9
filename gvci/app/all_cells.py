"""The job that predicts every cell of a scenario, where a page shows some of them."""

from __future__ import annotations

from gvci.app.comparison import words
from gvci.counterfactual.scenario import Scenario
from gvci.jobs.request import Request
from gvci.run import Run


def request(run: Run, scenario: Scenario, workspace: str | None) -> Request:
    """What is asked for.

    Args:
        workspace: whose key shows the job; None: everyone's.
    """
    data = run.data
    levels = scenario.group.split(" · ")
    cells = [f"{n}={level}" for n, level in zip(data.columns.covariates, levels, strict=False)]
    if scenario.cells == "control cells":
        cells.append(f"{data.columns.perturbation}={data.columns.control}")
    return Request(
        verb="predict",
        data=str(run.path.resolve()),
        settings={
            "perturbation": scenario.perturbation, "cells": cells, "dose": scenario.dose,
            "mode": scenario.mode,
        },
        title=f"Predict {words(scenario)}",
        workspace=workspace,
    )  # fmt: skip
