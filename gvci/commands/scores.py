"""The verbs that compare: evaluate, benchmark, edges."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from gvci.commands.words import grn_folder, network


def evaluate(given: Namespace) -> dict[str, Any]:
    """Scores of a run or of another program's cells beside baselines and ceiling."""
    from gvci.evaluation.referee import judge, report

    answer, said = judge(given.path, given.split, given.mode, given.predictions, given.name)
    for line in report(answer, said):
        print(line)
    return answer


def benchmark(given: Namespace) -> dict[str, Any]:
    """Run what is not finished of a benchmark; write its tables to DIR."""
    from gvci.benchmark import run_benchmark
    from gvci.scoreboards import register

    command = f"python -m gvci benchmark {given.spec} --out {given.out} --jobs {given.jobs}"
    command += " --engine ray" * (given.engine == "ray")
    answer = run_benchmark(given.spec, given.out, given.engine, max(1, given.jobs), print, command)
    for sentence in answer["verdicts"]:
        print(sentence)
    print(f"Wrote {answer['table']} and {answer['tidy']}.")
    if (board := register(given.out)) is not None:
        print(f"In the dashboard: http://127.0.0.1:8501/compare?table={board}")
    return answer


def edges(given: Namespace) -> dict[str, Any]:
    """Edge recovery of a network beside the prior, correlation, and both."""
    from gvci.data.catalogue import load_network
    from gvci.data.dataset import PerturbationData
    from gvci.edges.recovery import RIVALS, evaluate_edges
    from gvci.run import grn_data

    grn = network(given.network)
    file = given.data or grn_data(grn_folder(Path(given.network)))
    data = PerturbationData.read(file) if file is not None else None
    refined_on = getattr(grn, "meta", {}).get("data_hash")
    if given.data is None and data is not None and data.fingerprint != refined_on:
        print("The network was refined on other cells than those beside it: name them by --data.")
        data = None
    answer = evaluate_edges(
        grn,
        load_network(given.truth),
        data,
        given.sources,
        genie3=given.genie3,
        resamples=given.resamples,
        seed=given.seed,
    )
    titles = {"all": "all pairs", "prior": "pairs in the prior", "novel": "pairs outside the prior"}
    for view, scores in answer["views"].items():
        if scores is None:
            continue
        print(f"{titles[view]}: {scores['n_true']:,} true of {scores['n_pairs']:,}")
        for name in ("refined", *RIVALS):
            print(f"{name:>26}  {_recovered(scores, name)}")
    for note in answer["notes"]:
        print(note)
    return answer


def _recovered(scores: dict[str, Any], name: str) -> str:
    """One line: the scores of a rival, and how far the refined network is above it."""
    if scores[name] is None:
        return "not available"
    values = [
        f"{score} {_decimals(scores[name][score])}"
        for score in ("auprc", "auroc", "early_precision")
    ]
    gain = scores["differences"].get(name, {}).get("auprc")
    if gain is not None and gain["low"] is not None:
        values.append(
            f"refined {gain['difference']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        )
    return "  ".join(values)


def _decimals(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
