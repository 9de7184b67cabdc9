"""Speed and memory of the model, beside the literal form of its equations in the same run.

    python -m benchmarks.model [--json]

Each case runs in a process of its own on one thread; benchmarks/literal.py says what is literal.
Seconds are of the processor, so that other work on the machine does not count: the median of the
steps, and one evaluation of all held-out pairs. A peak is the largest resident memory of the
process from its start, libraries and model included, less the arrays of the expression matrix.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from gvci import PerturbationData
    from gvci.task import GraphVCITask

ROOT = Path(__file__).resolve().parents[1]
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "dot": ("paper", {"decoder": "dot"}),
    "att": ("paper", {}),
    "standard": ("standard", {}),
}
STEPS = {"ours": (5, 41), "literal": (1, 5), "large": (1, 11)}  # to warm up, and measured
LITERAL_PAIRS = {"att": 12}  # of the literal evaluation are run, and the seconds scaled
FORMS = ("ours", "literal")


def case(what: str, model: str, form: str) -> dict[str, float]:
    """Measure one case in this process."""
    import torch

    from benchmarks.paper_size import LARGE, PAPER, cells
    from gvci import TrainSettings
    from gvci.task import GraphVCITask

    torch.set_num_threads(1)
    preset, changes = MODELS[model]
    settings = TrainSettings.preset(preset, **changes)
    data, grn = cells(LARGE if what == "large" else PAPER)
    start = time.process_time()
    task = GraphVCITask(data, grn, settings)
    started = time.process_time() - start
    if what == "evaluate":
        found = evaluation(task, data, model, form)
    elif form == "literal":
        found = literal_steps(task)
    else:
        found = steps(task, *STEPS["large" if what == "large" else "ours"])
    matrix = data.expression
    size = sum(a.nbytes for a in (matrix.data, matrix.indices, matrix.indptr)) / 2**30
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return found | {"start_s": started, "peak_gib": whole - size, "matrix_gib": size}


def median(call: Callable[[], Any], warm: int, count: int) -> float:
    """Median seconds of a call."""
    seconds = []
    for _ in range(warm + count):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds[warm:])


def steps(task: GraphVCITask, warm: int, count: int) -> dict[str, float]:
    """A training step of ours, and the share of it in which the batch is made."""
    make, spent = task.matcher.batch, []

    def watched(rows: np.ndarray, rng: np.random.Generator) -> Any:
        start = time.process_time()
        batch = make(rows, rng)
        spent.append(time.process_time() - start)
        return batch

    task.matcher.batch = watched
    seconds = median(task.step, warm, count)
    return {"seconds": seconds, "loading_share": statistics.median(spent[warm:]) / seconds}


def literal_steps(task: GraphVCITask) -> dict[str, float]:
    """A training step of the literal form."""
    import numpy as np
    import torch

    from benchmarks.literal import Literal

    literal, rng = Literal(task), np.random.default_rng(0)
    noise = torch.Generator().manual_seed(0)
    return {"seconds": median(lambda: literal.step(rng, noise), *STEPS["literal"])}


def evaluation(
    task: GraphVCITask, data: PerturbationData, model: str, form: str
) -> dict[str, float]:
    """Means of all held-out pairs, from all control cells of the group, and their scores."""
    from gvci.data.genes import moments, most_changed
    from gvci.evaluate import scorable_pairs
    from gvci.metrics import mean_scores

    pairs = scorable_pairs(data, "ood")
    predict, run = predictor(task, data, form), len(pairs)
    if form == "literal":
        run = min(run, LITERAL_PAIRS.get(model, run))
    start = time.process_time()
    for pair in pairs[:run]:
        truth, control = (moments(data.expression[rows]) for rows in (pair.cells, pair.controls))
        de = most_changed(truth, control, 50)
        mean_scores(truth[0], predict(pair.controls, pair.perturbation), control[0], de)
    seconds = (time.process_time() - start) * len(pairs) / run
    return {"seconds": seconds, "pairs": len(pairs), "pairs_run": run}


def predictor(task: GraphVCITask, data: PerturbationData, form: str) -> Callable[..., np.ndarray]:
    """(cells, perturbation) → (n,) mean, by a run in memory or by the literal form."""
    import numpy as np
    import torch

    from benchmarks.literal import Literal
    from gvci import Run
    from gvci.gate import Gate
    from gvci.prediction import TrainedModel

    if form == "literal":
        literal, noise = Literal(task), torch.Generator().manual_seed(0)
        return lambda rows, label: literal.predict_mean(rows, label, noise)
    header = {
        "genes": list(data.genes),
        "treatment": data.treatment_code.to_json(),
        "covariates": data.covariate_code.to_json(),
        "settings": task.settings.model_dump(),
    }
    alone = Gate(1.0, "", (), (), np.zeros((0, 0, len(data.genes)), dtype=np.float32))
    run = Run(ROOT, "run")
    run.model, run.data = TrainedModel([task.member()], alone, header), data
    return run.predict_mean


def measured(what: str, model: str, form: str) -> dict[str, float]:
    """`case` in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.model", "--case", what, model, form]
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
    numbers = "  ".join(f"{name} {value:.3g}" for name, value in answer.items())
    print(f"{what:>8} {model:>8} {form:>7}  {numbers}", flush=True)
    return answer


def main() -> None:
    """Measure all cases and print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="leave out what the object is not of")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(case(*given.case)))
        return
    dot, att = ([measured("step", model, form) for form in FORMS] for model in ("dot", "att"))
    evaluated = [measured("evaluate", "att", form) for form in FORMS]
    if given.json:
        answer = {
            "dot_step_s": dot[0]["seconds"],
            "att_step_s": att[0]["seconds"],
            "dot_ratio": dot[1]["seconds"] / dot[0]["seconds"],
            "att_ratio": att[1]["seconds"] / att[0]["seconds"],
            "evaluate_s": evaluated[0]["seconds"],
            "evaluate_ratio": evaluated[1]["seconds"] / evaluated[0]["seconds"],
            "peak_gib": max(dot[0]["peak_gib"], att[0]["peak_gib"]),
        }
        print(json.dumps(answer))
        return
    for what, model in (("step", "standard"), ("evaluate", "dot"), ("evaluate", "standard")):
        for form in FORMS:
            measured(what, model, form)
    measured("large", "standard", "ours")


if __name__ == "__main__":
    main()
