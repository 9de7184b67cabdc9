"""Speed and memory of the marginal effects, beside the literal loop in the same run.

    python -m benchmarks.estimator [--json]

20,000 cells × 2,000 genes, 70 perturbations, 4 and 16 groups, and a predictor that costs next to
nothing, so that what is measured is the estimator. Each case runs in a process of its own on one
thread. The literal loop takes group after group and perturbation after perturbation through
eqs. 14 and 23 on whole arrays; a few perturbations of it are run and the seconds scaled. A peak
is the most that was allocated at once after the data were read, the table not counted. Writes
results/estimator.md; with --json the last line is one object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.parts import write
from benchmarks.problem import PROBLEMS, problem_of
from benchmarks.process import ROOT, apart
from gvci.benchmark.words import made_by

if TYPE_CHECKING:
    import numpy as np

    from gvci import PerturbationData

CELLS, GENES, PERTURBATIONS, DENSITY = 20_000, 2_000, 70, 0.15
LITERAL_PERTURBATIONS = 3
CASES = (("cell", 4), ("cell", 16), ("pretreatment", 4), ("pretreatment", 16), ("bands", 4))
LITERAL = (("literal", 4), ("literal", 16))


def cohort(groups: int) -> PerturbationData:
    """Random cells; age is a real-valued covariate."""
    import anndata as ad
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp

    from gvci.data.dataset import PerturbationData
    from gvci.data.roles import Columns

    rng = np.random.default_rng(0)
    labels = np.array(["control", *(f"P{i}" for i in range(PERTURBATIONS))])
    obs = pd.DataFrame(
        {
            "perturbation": labels[rng.integers(0, len(labels), CELLS)],
            "group": np.array([f"group {i}" for i in range(groups)])[
                rng.integers(0, groups, CELLS)
            ],
            "age": rng.normal(50, 9, CELLS),
        },
        index=[f"cell{i}" for i in range(CELLS)],
    )
    values = sp.random(CELLS, GENES, DENSITY, "csr", dtype=np.float32, random_state=rng)
    var = pd.DataFrame(index=[f"G{i}" for i in range(GENES)])
    adata = ad.AnnData(values, obs=obs, var=var)
    return PerturbationData(adata, Columns("perturbation", "control", ("group",), None, ("age",)))


class Cheap:
    """Two numbers a cell times two a gene; counts the seconds that it takes."""

    def __init__(self, data: PerturbationData) -> None:
        import numpy as np

        rng = np.random.default_rng(1)
        labels = ["control", *data.perturbations]
        self.cells = rng.random((data.n_cells, 2), dtype=np.float32)
        self.genes = {a: rng.random((2, len(data.genes)), dtype=np.float32) for a in labels}
        self.seconds = 0.0

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: str = "mean"
    ) -> np.ndarray:
        """(rows, genes) float32."""
        start = time.process_time()
        answer: np.ndarray = self.cells[rows] @ self.genes[perturbation]
        self.seconds += time.process_time() - start
        return answer


def literal(data: PerturbationData, model: Cheap, perturbations: Sequence[str]) -> int:
    """Group → perturbation on whole arrays; the bytes of what it found."""
    import numpy as np
    import pandas as pd

    from gvci.estimator import robust_mean, standard_error

    frames = []
    for group in sorted(set(data.groups)):
        rows = np.flatnonzero(data.groups == group)
        y, labels = data.dense(rows), data.perturbation[rows]
        zero, _, control = robust_mean(y, labels == "control", model.predict(rows, "control"))
        for label in perturbations:
            mu = model.predict(rows, label)
            robust, error, influence = robust_mean(y, labels == label, mu)
            found = {
                "plug_in": mu.mean(axis=0, dtype=np.float64),
                "treated_mean": y[labels == label].mean(axis=0, dtype=np.float64),
                "robust": robust,
                "se": error,
                "effect": robust - zero,
                "effect_se": standard_error(influence - control),
            }
            frames.append(pd.DataFrame({"group": group, "perturbation": label, **found}))
    return int(pd.concat(frames).memory_usage().sum())


def case(form: str, problem: str) -> dict[str, float]:
    """Measure one case in this process; the problem is a number of groups, or "demo", "paper"."""
    from gvci.estimator import marginal_effects

    data = problem_of(problem)[0] if problem in PROBLEMS else cohort(int(problem))
    model = Cheap(data)
    # What is read once is read.
    marginal_effects(model, data, data.perturbations[:1], sorted(set(data.groups))[-1:])
    model.seconds = 0.0
    tracemalloc.start()
    start, wall = time.process_time(), time.perf_counter()
    if form == "literal":
        some = data.perturbations[:LITERAL_PERTURBATIONS]
        table, scale = literal(data, model, some), len(data.perturbations) / len(some)
    else:
        latent = "cell" if form == "cell" else "pretreatment"
        frame = marginal_effects(model, data, latent=latent, bands=form == "bands")
        table, scale = int(frame.memory_usage().sum()), 1.0
    return {
        "seconds": (time.perf_counter() - wall) * scale,
        "processor_s": (time.process_time() - start) * scale,
        "predicting_s": model.seconds * scale,
        "peak_gib": (tracemalloc.get_traced_memory()[1] - table) / 2**30,
        "table_gib": table * scale / 2**30,
    }


def measured(form: str, groups: int) -> dict[str, float]:
    """`case` in a process of its own."""
    return apart("benchmarks.estimator", form, str(groups))


def report(found: dict[tuple[str, int], dict[str, float]], command: str) -> str:
    """The page."""
    titles = {
        "cell": "`latent=cell` (eq. 14 as printed)",
        "pretreatment": "default (μ projected on age)",
        "bands": "default with bands, 1,000 draws",
        "literal": f"literal loop ({LITERAL_PERTURBATIONS} perturbations run, seconds scaled)",
    }
    lines = [
        "# Speed and memory of the marginal effects",
        "",
        made_by(command),
        f"{CELLS:,} cells × {GENES:,} genes ({DENSITY:.0%} not 0), {PERTURBATIONS} perturbations, "
        "one thread, beside other work of the machine. Seconds and processor seconds contain "
        "those of the predictor. Peak: memory beyond data and table, 0 where the work took less "
        "than the labels that the table gets at the end; Y alone, dense in "
        f"float32, is {CELLS * GENES * 4 / 2**30:.2f} GiB, and all predictions "
        f"{CELLS * GENES * 4 * (PERTURBATIONS + 1) / 2**30:.0f} GiB.",
        "",
        "| form | groups | seconds | processor s | of which predicting | peak, GiB | table, GiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (form, groups), one in found.items():
        lines.append(
            f"| {titles[form]} | {groups} | {one['seconds']:.1f} | {one['processor_s']:.1f} "
            f"| {one['predicting_s']:.1f} | {one['peak_gib']:.2f} | {one['table_gib']:.2f} |"
        )
    ratio = found["literal", 4]["processor_s"] / found["cell", 4]["processor_s"]
    lines += ["", f"The literal loop takes {ratio:.1f} times as long on 4 groups (processor)."]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all cases, print them and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimator", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/estimator.md")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.case:
        print(json.dumps(case(*given.case)))
        return 0
    found = {one: measured(*one) for one in (*CASES, *LITERAL)}
    words = sys.argv[1:] if arguments is None else arguments
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write(given.out, report(found, " ".join(["python -m benchmarks.estimator", *words])))
    if given.json:
        print(json.dumps(answer(found)))
    return 0


def answer(found: dict[tuple[str, int], dict[str, float]]) -> dict[str, Any]:
    """What the aims are about."""
    ours, default = found["cell", 4], found["pretreatment", 4]
    return {
        "seconds": default["seconds"],
        "processor_s": default["processor_s"],
        "seconds_cell": ours["seconds"],
        "seconds_bands": found["bands", 4]["seconds"],
        "ratio": found["literal", 4]["processor_s"] / ours["processor_s"],
        "peak_gib_4_groups": default["peak_gib"],
        "peak_gib_16_groups": found["pretreatment", 16]["peak_gib"],
        "literal_peak_gib": found["literal", 4]["peak_gib"],
    }


if __name__ == "__main__":
    sys.exit(main())
