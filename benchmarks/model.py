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
import resource
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.problem import problem_of, run_of
from benchmarks.process import apart

if TYPE_CHECKING:
    import numpy as np

    from gvci import PerturbationData
    from gvci.training.task import GraphVCITask

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "dot": ("paper", {"decoder": "dot"}),
    "att": ("paper", {}),
    "standard": ("standard", {}),
}
STEPS = {"ours": (5, 41), "literal": (1, 5), "large": (1, 11)}  # to warm up, and measured
LITERAL_PAIRS = {"att": 12}  # of the literal evaluation are run, and the seconds scaled
FORMS = ("ours", "literal")


def case(
    what: str, model: str, form: str, problem: str = "paper", threads: str = "1"
) -> dict[str, float]:
    """Measure one case in this process."""
    import torch

    from gvci import TrainSettings
    from gvci.training.task import GraphVCITask

    torch.set_num_threads(int(threads))
    preset, changes = MODELS[model]
    settings = TrainSettings.preset(preset, **changes)
    data, grn = problem_of("large" if what == "large" else problem)
    start = time.process_time()
    task = GraphVCITask(data, grn, settings)
    started = time.process_time() - start
    if what == "evaluate":
        found = evaluation(task, data, model, form)
    elif what == "predict":
        found = prediction(task, data, form)
    elif form == "literal":
        found = literal_steps(task)
    else:
        found = steps(task, *STEPS["large" if what == "large" else "ours"])
    matrix = data.expression
    size = sum(a.nbytes for a in (matrix.data, matrix.indices, matrix.indptr)) / 2**30
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return found | {"start_s": started, "peak_gib": whole - size, "matrix_gib": size}


def median(call: Callable[[], Any], warm: int, count: int) -> dict[str, float]:
    """Median seconds of a call, of the processor and of the clock."""
    seconds = []
    for _ in range(warm + count):
        start = time.process_time(), time.perf_counter()
        call()
        seconds.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    processor, clock = zip(*seconds[warm:], strict=True)
    return {"seconds": statistics.median(processor), "clock_s": statistics.median(clock)}


def steps(task: GraphVCITask, warm: int, count: int) -> dict[str, float]:
    """A training step of ours, and the share of it in which the batch is made."""
    make, spent = task.matcher.batch, []

    def watched(*given: Any) -> Any:
        start = time.process_time()
        batch = make(*given)
        spent.append(time.process_time() - start)
        return batch

    task.matcher.batch = watched
    found = median(task.step, warm, count)
    return found | {"loading_share": statistics.median(spent[warm:]) / found["seconds"]}


def literal_steps(task: GraphVCITask) -> dict[str, float]:
    """A training step of the literal form."""
    import numpy as np
    import torch

    from benchmarks.literal import Literal

    literal, rng = Literal(task), np.random.default_rng(0)
    noise = torch.Generator().manual_seed(0)
    return median(lambda: literal.step(rng, noise), *STEPS["literal"])


def prediction(task: GraphVCITask, data: PerturbationData, form: str) -> dict[str, float]:
    """Up to 500 control cells of the last group under the first perturbation, cell by cell."""
    import numpy as np

    controls = np.flatnonzero(data.is_control & (data.groups == data.groups[-1]))[:500]
    label = data.perturbations[0]
    predict: Callable[..., Any] = run_of(task, data).predict
    if form == "literal":
        predict = predictor(task, data, form)
    return median(lambda: predict(controls, label), 1, 3) | {"cells": len(controls)}


def evaluation(
    task: GraphVCITask, data: PerturbationData, model: str, form: str
) -> dict[str, float]:
    """Means of all held-out pairs, from all control cells of the group, and their scores."""
    from gvci.data.genes import moments, most_changed
    from gvci.evaluation.evaluate import scorable_pairs
    from gvci.metrics import mean_scores

    pairs = scorable_pairs(data, "ood")
    predict, run = predictor(task, data, form), len(pairs)
    if form == "literal":
        run = min(run, LITERAL_PAIRS.get(model, run))
    start, clock = time.process_time(), time.perf_counter()
    for pair in pairs[:run]:
        truth, control = (moments(data.expression[rows]) for rows in (pair.cells, pair.controls))
        de = most_changed(truth, control, 50)
        mean_scores(truth[0], predict(pair.controls, pair.perturbation), control[0], de)
    seconds = (time.process_time() - start) * len(pairs) / run
    clock = (time.perf_counter() - clock) * len(pairs) / run
    return {"seconds": seconds, "clock_s": clock, "pairs": len(pairs), "pairs_run": run}


def predictor(task: GraphVCITask, data: PerturbationData, form: str) -> Callable[..., np.ndarray]:
    """(cells, perturbation) → (n,) mean, by a run in memory or by the literal form."""
    import torch

    from benchmarks.literal import Literal

    if form == "literal":
        literal, noise = Literal(task), torch.Generator().manual_seed(0)
        return lambda rows, label: literal.predict_mean(rows, label, noise)
    predict: Callable[..., np.ndarray] = run_of(task, data).predict_mean
    return predict


def measured(what: str, model: str, form: str) -> dict[str, float]:
    """`case` in a process of its own."""
    return apart("benchmarks.model", what, model, form)


def main() -> None:
    """Measure all cases and print a table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="leave out what the object is not of")
    parser.add_argument("--case", nargs="+", help=argparse.SUPPRESS)
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
