"""The tables of benchmarks/coverage.py in Markdown, with what they say in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gvci.benchmark.words import made_by

ESTIMATORS = ("plug-in", "treated mean", "robust")
TARGET = (0.93, 0.97)


class Rows(Protocol):
    """A case of the benchmark."""

    name: str

    def row(self, estimator: str) -> dict[str, float]:
        """Its figures for one estimator."""


def report(
    cases: Sequence[Rows],
    balances: Mapping[str, Sequence[Mapping[str, float]]],
    design: Mapping[str, Any],
    command: str,
    seconds: float,
) -> str:
    """The whole page."""
    d = design
    lines = [
        "# Do the intervals of marginal effects hold?",
        "",
        made_by(command),
        f"{seconds / 60:.1f} minutes of one core. Truth: Ψ = E[Y | group, KO], known. "
        f"{d['groups']} groups of {d['cells']} cells, {d['treated']} of each treated at random, "
        f"{d['genes']} genes; the cell's state (u₁, u₂, w) is of before the treatment, and w alone "
        "is measured. Figures are over all replications, groups and genes. A replication of an "
        f"encoder is one training (VCI, {d['steps']} steps; joint network {d['joint_steps']}) of "
        "its own cells, in which all genes and groups are scored.",
        "",
        "sd: of the estimate between replications. se: mean of what the estimator says of its own "
        "error. Coverage: of the 95 % interval, ± the error of the simulation. Band: how often the "
        "95 % band holds for all genes of a group at once. Plug-in: ± 1.96 sd(μ)/√n, as if the "
        "model were true. The biased model is 0.5 too low, has 0.7 of the state's influence and no "
        "interaction.",
        "",
        "| Z and μ | replications | estimator | bias | largest bias of a gene | sd | se "
        "| coverage | band |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in cases:
        # A projection moves neither the plug-in nor the treated mean.
        for estimator in ESTIMATORS[2 if case.name.endswith("pretreatment") else 0 :]:
            lines.append(_row(case.name, estimator, case.row(estimator)))
    lines += [
        "",
        "## Balance of Z between arms",
        "",
        "Standardised difference of Z's mean between treated and control cells within a group, "
        "over the latent dimensions, and the cross-validated AUC of T from Z; beside it the same Z "
        "with the treatment dealt anew, which is what randomisation alone gives.",
        "",
        "| Z | trainings | mean difference | by chance | largest | by chance | AUC | by chance |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_balance(name, found) for name, found in balances.items()]
    lines += ["", "## In words", "", *_words({case.name: case for case in cases}, design)]
    return "\n".join(lines) + "\n"


def _row(name: str, estimator: str, row: Mapping[str, float]) -> str:
    band = f"{row['band']:.3f}" if "band" in row else ""
    return (
        f"| {name} | {row['replications']} | {estimator} | {row['bias']:+.3f} "
        f"| {row['largest_bias']:.3f} | {row['sd']:.3f} | {row['se']:.3f} "
        f"| {row['coverage']:.3f} ± {row['coverage_error']:.3f} | {band} |"
    )


def _balance(name: str, found: Sequence[Mapping[str, float]]) -> str:
    mean = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    values = " | ".join(
        f"{mean[key]:.3f} | {mean[f'chance_{key}']:.3f}" for key in ("mean", "max", "auc")
    )
    return f"| {name} | {len(found)} | {values} |"


def _words(cases: Mapping[str, Rows], design: Mapping[str, Any]) -> list[str]:
    """One line a finding, from the figures."""
    names = {
        "With the true Z and a biased model": "true Z, biased model",
        "With the default (projected on what was before the treatment)": "encoder, pretreatment",
        "With the encoder's own Z": "encoder, cell",
        "With the encoder's own Z and cross-fitting": f"encoder, {design['folds']} folds, cell",
        "With the Z of the joint network": "joint network, cell",
    }
    lines = []
    for words, name in names.items():
        robust, plain = (cases[name].row(one) for one in ("robust", "treated mean"))
        low, high = TARGET
        verdict = "within" if low <= robust["coverage"] <= high else "NOT within"
        lines.append(
            f"- {words} the 95 % interval covers {100 * robust['coverage']:.1f} %, {verdict} "
            f"93–97; sd {robust['sd']:.3f} against {plain['sd']:.3f} of the treated mean, and the "
            f"estimator says {robust['se']:.3f}."
        )
    return lines
