"""What would this cell have expressed under a perturbation it never received?

    data = gvci.prepare(adata, gvci.PrepareSettings(perturbation="gene", control="NT"))
    refined = gvci.refine(data, prior, gvci.RefineSettings())
    model = gvci.train(data, refined.adopted(), gvci.TrainSettings())
    run = gvci.Run.of(model, data)
    cells = run.predict(data.is_control.nonzero()[0], "STAT1")
    effects = gvci.marginal_effects(run, data)
    scores = gvci.evaluate(run, data)

The public names load when they are first used, so `import gvci` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gvci.config import PrepareSettings, RefineSettings, TrainSettings
    from gvci.data.dataset import PerturbationData
    from gvci.data.prepare import prepare
    from gvci.data.simulate import simulate
    from gvci.edges.recovery import evaluate_edges
    from gvci.errors import GvciError
    from gvci.estimator import marginal_effects
    from gvci.evaluation.evaluate import evaluate
    from gvci.grn import GRN
    from gvci.model import GraphVCI
    from gvci.refiner.paper import RelationRefiner
    from gvci.refiner.result import RefinedGRN
    from gvci.run import Run
    from gvci.training.ensemble import train
    from gvci.training.loop import refine

__version__ = "1.0.0"
_HOMES = {
    "GRN": "gvci.grn",
    "GraphVCI": "gvci.model",
    "GvciError": "gvci.errors",
    "PerturbationData": "gvci.data.dataset",
    "PrepareSettings": "gvci.config",
    "RefineSettings": "gvci.config",
    "RefinedGRN": "gvci.refiner.result",
    "RelationRefiner": "gvci.refiner.paper",
    "Run": "gvci.run",
    "TrainSettings": "gvci.config",
    "evaluate": "gvci.evaluation.evaluate",
    "evaluate_edges": "gvci.edges.recovery",
    "marginal_effects": "gvci.estimator",
    "prepare": "gvci.data.prepare",
    "refine": "gvci.training.loop",
    "simulate": "gvci.data.simulate",
    "train": "gvci.training.ensemble",
}
__all__ = [
    "GRN",
    "GraphVCI",
    "GvciError",
    "PerturbationData",
    "PrepareSettings",
    "RefineSettings",
    "RefinedGRN",
    "RelationRefiner",
    "Run",
    "TrainSettings",
    "evaluate",
    "evaluate_edges",
    "marginal_effects",
    "prepare",
    "refine",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'gvci' has no attribute '{name}'"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
