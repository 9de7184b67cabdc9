"""What is timed: the shipped demo, or random cells of the paper's size, each with a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT

if TYPE_CHECKING:
    from gvci import GRN, PerturbationData

PROBLEMS = ("demo", "paper")


def problem_of(name: str) -> tuple[PerturbationData, GRN]:
    """Cells and network: "demo", or the sizes of benchmarks/paper_size.py, "paper" and "large"."""
    from benchmarks.paper_size import LARGE, PAPER, cells
    from gvci import Run

    if name != "demo":
        return cells({"paper": PAPER, "large": LARGE}[name])
    run = Run.open(ROOT / "pretrained/demo")
    assert run.grn is not None
    return run.data, run.grn.adopted().restricted(run.data.genes)


def run_of(task: Any, data: Any) -> Any:
    """A run in memory of a task's network as it stands."""
    import numpy as np

    from gvci import Run
    from gvci.gate.gate import Gate
    from gvci.prediction.trained_model import TrainedModel

    header = {
        "genes": list(data.genes),
        "treatment": data.treatment_code.to_json(),
        "covariates": data.covariate_code.to_json(),
        "settings": task.settings.model_dump(),
    }
    alone = Gate(1.0, "", (), (), np.zeros((0, 0, len(data.genes)), dtype=np.float32))
    return Run.of(TrainedModel([task.member()], alone, header), data)
