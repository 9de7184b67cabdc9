"""Speed and memory of the refiner, beside the literal dense form of eq. 11 in the same run.

    python -m benchmarks.refiner [--json] [--skip-20k]

Each case runs in a process of its own on one thread. Seconds are of the processor, so that
other work on the machine does not count; peaks are of the whole process, libraries included.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any

from benchmarks.model import median
from benchmarks.problem import problem_of
from benchmarks.process import apart

SIZES = {400: 4_000, 2013: 42_563, 20_000: 100_000}
CELLS, SOURCES = 14_000, 84
LITERAL_TARGETS = 20  # of the literal regression are run, and the seconds scaled


def case(kind: str, problem: str, threads: str = "1") -> dict[str, float]:
    """Measure one case in this process; the problem is a number of genes, or "demo"."""
    import torch

    torch.set_num_threads(int(threads))
    if kind in ("standard", "regression", "literal regression"):
        return calibrated(kind, problem)
    refiner = paper_refiner(problem)
    if kind == "dense":
        found = dense_steps(refiner)
    else:
        few = refiner.n > 5_000
        found = median(refiner.step, 0 if few else 1, 1 if few else 4)
    return found | {"peak_gib": peak()}


def peak() -> float:
    """Largest resident memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def paper_refiner(problem: str) -> Any:
    """The preset `paper` on the demo or on sparse random cells, batch 64."""
    import anndata as ad
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp

    from gvci import GRN, PerturbationData, RefineSettings, RelationRefiner
    from gvci.data.roles import Columns

    if problem == "demo":
        return RelationRefiner(*problem_of("demo"), RefineSettings.preset("paper"))
    genes = int(problem)
    rng = np.random.default_rng(0)
    names = pd.Index([f"G{i}" for i in range(genes)])
    obs = pd.DataFrame({"perturbation": ["control", "G1"] * 150})
    obs.index = obs.index.astype(str)
    expression = sp.random(300, genes, 0.15, "csr", np.float32, random_state=0)
    adata = ad.AnnData(expression, obs=obs, var=pd.DataFrame(index=names))
    pairs = rng.choice(genes**2, SIZES[genes], replace=False, shuffle=False)
    targets, sources = np.divmod(pairs, genes)
    edges = pd.DataFrame({"source": names[sources], "target": names[targets], "weight": 1.0})
    data = PerturbationData(adata, Columns("perturbation", "control", ()))
    prior = GRN(names, edges[targets != sources].reset_index(drop=True), "random")
    return RelationRefiner(data, prior, RefineSettings.preset("paper"))


def dense_steps(refiner: Any, steps: int = 2) -> dict[str, float]:
    """Seconds per step of eqs. 11 and 13 as printed: n × n mask, softmax, product and penalty."""
    import torch

    n, settings = refiner.n, refiner.settings
    logits = refiner.logits
    adam = torch.optim.Adam(refiner.parameters(), lr=settings.learning_rate)
    seconds = clock = 0.0
    for step in range(1 + steps):
        rows, rng = refiner.batch(step)
        pairs = refiner._draw(rng).pairs
        start, began = time.process_time(), time.perf_counter()
        mask = torch.zeros(n * n, dtype=torch.bool)
        mask[pairs] = True
        y = torch.from_numpy(refiner.data.dense(rows))
        x = refiner.covariates[rows]
        shape = (-1, n, -1)
        hidden = torch.cat(
            [y[:, :, None], refiner.features.expand(len(y), *shape[1:]), x[:, None].expand(*shape)],
            dim=2,
        )
        masked = logits.view(n, n).masked_fill(~mask.view(n, n), -torch.inf)
        adjacency = torch.softmax(masked, dim=1).nan_to_num()
        for layer in refiner.layers:
            mixed = torch.einsum("ij,bjf->bif", adjacency, hidden)
            hidden = torch.relu(mixed @ layer.weight.T + layer.bias)
        loss = refiner.misfit(refiner.output(hidden).transpose(0, 1), y)
        loss = loss + settings.penalty * torch.sigmoid(logits).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        seconds += (time.process_time() - start) * (step > 0)
        clock += (time.perf_counter() - began) * (step > 0)
    return {"seconds": seconds / steps, "clock_s": clock / steps}


def linear_cells(genes: int) -> Any:
    """Cells with a known linear truth."""
    import numpy as np

    from gvci.refiner.cells import Cells
    from gvci.refiner.residuals import Residuals

    rng = np.random.default_rng(0)
    activity = rng.normal(size=(CELLS, SOURCES)).astype(np.float32)
    edge = rng.random((genes, SOURCES)) < 0.03
    edge[np.arange(SOURCES), np.arange(SOURCES)] = True
    values = activity @ (edge * rng.normal(0.0, 0.4, edge.shape)).T.astype(np.float32)
    values += rng.normal(size=values.shape).astype(np.float32)
    values[:, :SOURCES] += activity
    prior = (edge & (rng.random(edge.shape) < 0.7)) | (rng.random(edge.shape) < 0.01)
    prior[np.arange(SOURCES), np.arange(SOURCES)] = False
    groups = rng.integers(6, size=CELLS)
    perturbed = tuple((j, np.arange(j * 100, j * 100 + 100)) for j in range(20))
    residuals = Residuals.of(values, np.arange(CELLS), groups)
    return Cells(residuals, np.arange(SOURCES), prior, perturbed)


def calibrated(kind: str, problem: str) -> dict[str, float]:
    """The regression of level 1, ours or one target at a time, or the whole of `standard`."""
    from gvci import RefineSettings
    from gvci.refiner.calibrated import Moments, regression
    from gvci.refiner.cells import Cells
    from gvci.refiner.procedure import choose_level, fit_level, stability

    demo = problem == "demo"
    cells = Cells.of(*problem_of("demo")) if demo else linear_cells(int(problem))
    settings = RefineSettings.preset("standard")
    if kind == "regression":
        work = lambda: regression(cells, Moments.of(cells), settings.ridge)  # noqa: E731
        return median(work, 1, 3) | {"peak_gib": peak()}
    if kind == "literal regression":
        found = median(lambda: literal_regression(cells, settings.ridge), 0, 1)
        scale = cells.shape[1] / LITERAL_TARGETS
        return {name: value * scale for name, value in found.items()} | {"peak_gib": peak()}
    start, clock = time.process_time(), time.perf_counter()
    choice = choose_level(cells, settings)
    fit_level(cells, cells.prior, choice.level, settings)
    chosen = time.process_time() - start
    stability(cells, choice.level, settings)
    return {
        "seconds": time.process_time() - start,
        "clock_s": time.perf_counter() - clock,
        "choosing_seconds": chosen,
        "level": choice.level,
        "peak_gib": peak(),
    }


def literal_regression(cells: Any, ridge: float) -> None:
    """Each target on its regulators over the cells in which it was not perturbed, one by one."""
    import numpy as np

    z = cells.values.take(np.arange(cells.shape[0]))
    perturbed = dict(cells.perturbed)
    for target in range(LITERAL_TARGETS):
        own = np.flatnonzero(cells.sources == target)
        seen = np.ones(len(z), dtype=bool)
        if len(own) and int(own[0]) in perturbed:
            seen[perturbed[int(own[0])]] = False
        inputs = z[seen][:, cells.sources[cells.sources != target]].astype(np.float64)
        gram = inputs.T @ inputs
        gram += np.diag(ridge * np.diag(gram) + 1e-6 * len(inputs))
        np.linalg.solve(gram, inputs.T @ z[seen, target])


def measured(kind: str, genes: int) -> dict[str, float]:
    """`case` in a process of its own."""
    return apart("benchmarks.refiner", kind, str(genes))


def main() -> None:
    """Measure all cases and print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--skip-20k", action="store_true", help="leave out the longest case")
    parser.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(case(*given.case)))
        return
    for genes in (400, 2013):
        paper, dense = measured("paper", genes), measured("dense", genes)
    whole = measured("standard", 2013)
    large = None if given.skip_20k else measured("paper", 20_000)
    if given.json:
        answer = {
            "paper_step_s": paper["seconds"],
            "dense_step_s": dense["seconds"],
            "paper_step_ratio": dense["seconds"] / paper["seconds"],
            "paper_peak_gib": paper["peak_gib"],
            "genes20k_peak_gib": large and large["peak_gib"],
            "standard_2013_s": whole["seconds"],
        }
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
