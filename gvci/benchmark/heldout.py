"""Table 1: a model trained on one problem, its held-out pairs scored; or the simple baselines."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.benchmark.watched import size
from gvci.data.dataset import PerturbationData
from gvci.errors import DataError, FileError
from gvci.evaluation.evaluate import evaluate, evaluate_baselines
from gvci.evaluation.foreign import evaluate_predictions
from gvci.making import link_or_copy
from gvci.run import DATA, MODEL, Run
from gvci.training.ensemble import train

if TYPE_CHECKING:
    from gvci.benchmark.parts import Part
    from gvci.benchmark.spec import Way
    from gvci.config import PredictMode

MODES: dict[Way, PredictMode] = {
    "residual": "residual", "ungated": "residual", "mean": "mean", "sample": "sample",
}  # fmt: skip


def measure(part: Part, cells: Path, unfinished: Path) -> dict[str, Any]:
    """Rows of scores, one per pair and way of predicting; every choice of cells has seed 0.

    Args:
        part: what is trained on what.
        cells: file of the prepared cells.
        unfinished: a folder that keeps a training that is stopped.

    Raises:
        GvciError: as `train` and `evaluate`.
    """
    data = PerturbationData.read(cells)
    truth = part.problem.truth(data)
    if part.model is None:
        answer = evaluate_baselines(data, "ood", truth=truth)
        return {"rows": answer["pairs"], "notes": answer["notes"], **size(data)}
    if part.predictions is not None:
        return foreign(part, data, part.predictions, cells)
    trained = train(data, part.problem.prior, part.model.settings, unfinished=unfinished)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        trained.save(Path(folder) / MODEL)
        link_or_copy(cells, Path(folder) / DATA)
        run = Run.open(Path(folder))
        own = run.model.gate
        for way in part.model.predict:
            none = replace(own, share=1.0, corrections=np.zeros_like(own.corrections))
            run.model.gate = none if way == "ungated" else own
            answer = evaluate(
                run, run.data, "ood", name=part.title, mode=MODES[way], baselines=False, truth=truth
            )
            rows += [{**r, "predicted": way} for r in answer["pairs"] if r["model"] == part.title]
            notes += [note for note in answer["notes"] if note not in notes]
    header = trained.header
    return {
        "rows": rows, "notes": notes,
        "steps": header["steps"], "best_step": header["best_step"], **size(data),
    }  # fmt: skip


def foreign(part: Part, data: PerturbationData, file: Path, cells: Path) -> dict[str, Any]:
    """Rows of another program's predictions, which must have every gene, as the other rows have.

    Raises:
        FileError: there is no such file; says what it must predict.
        DataError: it lacks genes, or as `evaluate_predictions`.
    """
    if not file.is_file():
        message = (
            f"There is no file {file}. The cells to predict are those of {cells}: write what "
            "becomes of its control cells under every perturbation whose split is ood."
        )
        raise FileError(message)
    answer = evaluate_predictions(file, data, "ood", name=part.title)
    about = answer["predictions"]
    if about["n_genes"] < len(data.genes):
        message = (
            f"{file.name} has {about['n_genes']:,} of the {len(data.genes):,} genes that every row "
            f"of the table is scored on. Predict all genes of {cells}."
        )
        raise DataError(message)
    rows = [{**r, "predicted": "given"} for r in answer["pairs"] if r["model"] == part.title]
    return {"rows": rows, "notes": [f"{part.title}: {n}" for n in about["notes"]], **size(data)}
