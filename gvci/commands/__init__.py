"""What each verb of the command line does; each takes the parsed arguments.

Torch and scanpy take seconds to import: each verb imports what it uses.
"""

from gvci.commands.answers import effects, predict
from gvci.commands.cells import datasets, fetch, prepare
from gvci.commands.making import jobs, refine, train
from gvci.commands.scores import benchmark, edges, evaluate

__all__ = [
    "benchmark",
    "datasets",
    "edges",
    "effects",
    "evaluate",
    "fetch",
    "jobs",
    "predict",
    "prepare",
    "refine",
    "train",
]
