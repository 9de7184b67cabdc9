"""Speed and memory of the refiner, beside the literal dense form of eq. 11 in the same run.

    python -m benchmarks.refiner [--json] [--skip-20k]

Each case runs in a process of its own on one thread. Seconds are of the processor, so that
other work on the machine does not count; peaks are of the whole process, libraries included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIZES = {400: 4_000, 2013: 42_563, 20_000: 100_000}
CELLS, SOURCES = 14_000, 84


def case(kind: str, genes: int) -> dict[str, float]:
    """Measure one case in this process."""
    if kind == "standard":
        return standard(genes)
    refiner = paper_refiner(genes)
    start = time.process_time()
    if kind == "dense":
        seconds = dense_steps(refiner)
    else:
        steps = 1 if genes > 5_000 else 4
        if steps > 1:
            refiner.step()
        start = time.process_time()
        for _ in range(steps):
            refiner.step()
        seconds = (time.process_time() - start) / steps
    return {"seconds": seconds, "peak_gib": peak()}


def peak() -> float:
    """Largest resident memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def paper_refiner(genes: int) -> Any:
    """The preset `paper` on sparse random cells, batch 64."""
    import anndata as ad
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp
    import torch

    from gvci import GRN, PerturbationData, RefineSettings, RelationRefiner
    from gvci.data.findings import Columns

    torch.set_num_threads(1)
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


def dense_steps(refiner: Any, steps: int = 2) -> float:
    """Seconds per step of eqs. 11 and 13 as printed: n × n mask, softmax, product and penalty."""
    import torch

    n, settings = refiner.n, refiner.settings
    logits = refiner.logits
    adam = torch.optim.Adam(refiner.parameters(), lr=settings.learning_rate)
    seconds = 0.0
    for step in range(1 + steps):
        rows, rng = refiner.batch(step)
        pairs = refiner._draw(rng).pairs
        start = time.process_time()
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
    return seconds / steps


def standard(genes: int) -> dict[str, float]:
    """Level 1, and the whole of preset `standard`, on cells with a known linear truth."""
    import numpy as np

    from gvci import RefineSettings
    from gvci.refiner.cells import Cells
    from gvci.refiner.procedure import choose_level, fit_level, stability
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
    settings = RefineSettings.preset("standard")
    start = time.process_time()
    residuals = Residuals.of(values, np.arange(CELLS), groups)
    cells = Cells(residuals, np.arange(SOURCES), prior, perturbed)
    fit_level(cells, cells.prior, 1, settings)
    level_1 = time.process_time() - start
    start = time.process_time()
    choice = choose_level(cells, settings)
    fit_level(cells, cells.prior, choice.level, settings)
    chosen = time.process_time() - start
    stability(cells, choice.level, settings)
    whole = time.process_time() - start
    return {
        "seconds": whole,
        "level_1_seconds": level_1,
        "choosing_seconds": chosen,
        "level": choice.level,
        "peak_gib": peak(),
    }


def measured(kind: str, genes: int) -> dict[str, float]:
    """`case` in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.refiner", "--case", kind, str(genes)]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        words,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **threads},
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{kind:>8} {genes:>6} genes  " + "  ".join(f"{k} {v:.3g}" for k, v in answer.items()))
    return answer


def main() -> None:
    """Measure all cases and print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--skip-20k", action="store_true", help="leave out the longest case")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(case(given.case[0], int(given.case[1]))))
        return
    for genes in (400, 2013):
        paper, dense = measured("paper", genes), measured("dense", genes)
    calibrated = measured("standard", 2013)
    large = None if given.skip_20k else measured("paper", 20_000)
    if given.json:
        answer = {
            "paper_step_s": paper["seconds"],
            "dense_step_s": dense["seconds"],
            "paper_step_ratio": dense["seconds"] / paper["seconds"],
            "paper_peak_gib": paper["peak_gib"],
            "genes20k_peak_gib": large and large["peak_gib"],
            "standard_2013_s": calibrated["seconds"],
        }
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
