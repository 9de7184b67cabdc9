"""How time and memory grow with genes, cells, edges and perturbations.

    python -m benchmarks.growth [AXIS ...]

One axis is varied at a time around 2,000 genes × 20,000 cells, 20 perturbations in 8 groups, 10 %
of the values not 0, a prior of 10,000 edges from 200 regulators. Each point is a file made by one
process and read by another on one thread: reading and checking it, the start of a `standard`
model (kriging, components), a training step, 500 control cells under another perturbation, and
`refine quick`; seconds are of the processor. Memory is anonymous memory at its most; a file whose
matrix is above 130 MB is mapped, and its pages are the system's to take back.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.paper_size import Size, cells
from benchmarks.problem import run_of
from benchmarks.process import apart, memory, watched

AXES: dict[str, tuple[int, ...]] = {
    "genes": (500, 1_000, 2_000, 5_000, 10_000, 20_000),
    "cells": (1_000, 10_000, 100_000, 1_000_000),
    "edges": (1_000, 10_000, 100_000, 300_000),
    "perturbations": (5, 20, 80, 320),
}
GENES, CELLS, EDGES, PERTURBATIONS, REGULATORS, GROUPS = 2_000, 20_000, 10_000, 20, 200, 8
CONTROL_SHARE = 0.1
WORKS = ("read", "start", "step", "predict", "refine")
STEPS, PREDICTED = 15, 20


def size_of(axis: str, value: int) -> Size:
    """The data of a point."""
    asked = {
        "genes": GENES, "cells": CELLS, "edges": EDGES, "perturbations": PERTURBATIONS, axis: value
    }  # fmt: skip
    in_group = asked["cells"] // GROUPS
    controls = max(4, int(CONTROL_SHARE * in_group))
    treated = max(1, (in_group - controls) // asked["perturbations"])
    sizes = (asked["genes"], asked["edges"], asked["perturbations"], treated, controls)
    return Size(*sizes, density=0.1, regulators=REGULATORS)


def make(axis: str, value: int, folder: Path) -> dict[str, float]:
    """Write data.h5ad and prior.csv."""
    data, grn = cells(size_of(axis, value))
    data.write(folder / "data.h5ad")
    grn.edges.to_csv(folder / "prior.csv", index=False)
    return {"cells": data.n_cells, "values": data.expression.nnz, "edges": len(grn.edges)}


def case(axis: str, value: int, folder: Path) -> dict[str, float]:
    """Measure one point in this process."""
    import numpy as np
    import torch

    from gvci import RefineSettings, TrainSettings, refine
    from gvci.data.dataset import PerturbationData
    from gvci.grn.read import read_grn
    from gvci.training.task import GraphVCITask

    torch.set_num_threads(1)
    settings = TrainSettings.preset("standard")
    warm, grn = cells(Size(60, 300, 4, 12, 40))
    GraphVCITask(warm, grn, settings).step()  # imports what it imports
    refine(warm, grn, RefineSettings.preset("quick"))
    found = {"libraries_anon": memory()["anon"]}
    took, data = watched("read", lambda: PerturbationData.read(folder / "data.h5ad"))
    found |= took
    prior = read_grn(folder / "prior.csv")
    took, task = watched(
        "start", lambda: GraphVCITask(data, prior.restricted(data.genes), settings)
    )
    found |= took
    task.step()
    seconds = []
    for _ in range(STEPS):
        start = time.process_time()
        task.step()
        seconds.append(time.process_time() - start)
    found |= {"step_s": statistics.median(seconds), "step_anon": memory()["anon"]}
    run = run_of(task, data)
    controls = np.flatnonzero(data.is_control & (data.groups == data.groups[-1]))[:500]
    label = data.perturbations[0]
    run.predict(controls, label)
    took, _ = watched("predict", lambda: [run.predict(controls, label) for _ in range(PREDICTED)])
    found |= took | {"predict_s": took["predict_s"] / PREDICTED}
    took, _ = watched("refine", lambda: refine(data, prior, RefineSettings.preset("quick")))
    return found | took | {"file": memory()["file"]}


def point(axis: str, value: int) -> dict[str, Any]:
    """One point, in two processes."""
    with tempfile.TemporaryDirectory(prefix="gvci-bench-") as folder:
        made = apart("benchmarks.growth", "make", axis, str(value), folder, quiet=True)
        return {**made, **apart("benchmarks.growth", "measure", axis, str(value), folder)}


def exponent(values: list[float], seconds: list[float]) -> float:
    """Slope of log seconds over log size, over the larger half of the points (at least 2)."""
    import numpy as np

    most = max(2, (len(values) + 1) // 2)
    x, y = np.log(values[-most:]), np.log(seconds[-most:])
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    """Measure the axes."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("axis", nargs="*", help="of: " + ", ".join(AXES))
    words.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.case:
        what, axis, value, *rest = given.case
        works = {"make": make, "measure": case, "point": point}
        print(json.dumps(works[what](axis, int(value), *map(Path, rest))))
        return
    for axis in given.axis or AXES:
        for value in AXES[axis]:
            point(axis, value)


if __name__ == "__main__":
    main()
