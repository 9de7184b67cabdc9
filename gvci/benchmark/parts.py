"""The parts of a benchmark: one training on one problem each, or its simple baselines.

A finished part is one JSON file, written whole or not at all, under a name that holds all that
its result depends on. It is never run again; one that failed is tried again by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvci.atomic import replacing
from gvci.benchmark.problems import Problem, checksum, digest, problems, slug
from gvci.benchmark.sources import code_hash
from gvci.benchmark.spec import Kind, Model, Network, Spec
from gvci.config import RefineSettings
from gvci.errors import GvciError

Result = dict[str, Any]
BASELINES = "baselines"
PARTS, UNFINISHED, CELLS, LOG = "parts", "unfinished", "cells", "log.jsonl"
MODULES: dict[Kind, str] = {
    "table1": "gvci.benchmark.heldout",
    "table2": "gvci.benchmark.marginal",
    "fig6a": "gvci.benchmark.curves",
}


def code_of(kind: Kind) -> str:
    """Hash of the code that the results of a kind depend on; only figure 6a refines networks."""
    besides = () if kind == "fig6a" else ("gvci.refiner",)
    return code_hash(MODULES[kind], besides=besides)


@dataclass(frozen=True)
class Part:
    """One row of the grid.

    Attributes:
        kind: what is measured.
        problem: cells, what is held out, prior.
        seed: of the training; None for what no seed changes.
        model: None for the simple baselines.
        network: fig6a: which network of genes is trained on.
        epochs: table2, fig6a: when to look.
        refine: fig6a: how the network is refined.
    """

    kind: Kind
    problem: Problem
    seed: int | None
    model: Model | None
    network: Network | None = None
    epochs: tuple[int, ...] = ()
    refine: RefineSettings | None = None

    @property
    def title(self) -> str:
        """What is trained, for tables."""
        name = BASELINES if self.model is None else self.model.name
        return name if self.network is None else f"{name}, {self.network}"

    @property
    def name(self) -> str:
        """For people: dataset, problem, what is trained, seed."""
        words = [self.problem.dataset.name, self.problem.label, self.title]
        if self.seed is not None and self.problem.seed is None:
            words.append(f"seed {self.seed}")
        return ", ".join(words)

    @property
    def predictions(self) -> Path | None:
        """The file of another program's cells; None for models that are trained here."""
        if self.model is None or not self.model.predictions:
            return None
        data, held_out = (slug(w) for w in (self.problem.dataset.name, self.problem.holdout))
        words = {"dataset": data, "holdout": held_out, "seed": self.seed}
        return Path(self.model.predictions.format(**words))

    @property
    def key(self) -> dict[str, Any]:
        """What its result depends on."""
        model: dict[str, Any] | None = None
        if self.predictions is not None:
            known = self.predictions.is_file()
            model = {"predictions": checksum(self.predictions) if known else None}
        elif self.model is not None:
            model = {
                "predict": self.model.predict,
                "settings": self.model.settings.model_dump(mode="json"),
            }
        refined = self.refine if self.network == "refined" else None
        return {
            "kind": self.kind,
            "problem": self.problem.key,
            "seed": self.seed,
            "model": model,
            "network": self.network,
            "epochs": self.epochs,
            "refine": None if refined is None else refined.model_dump(mode="json"),
            "code": code_of(self.kind),
        }

    @property
    def stem(self) -> str:
        """Of its files."""
        return f"{slug(self.name)}-{digest(self.key)}"

    def finished(self, folder: Path) -> Result | None:
        """Its result, if it is there."""
        try:
            found: Result = json.loads(
                (folder / PARTS / f"{self.stem}.json").read_text(encoding="utf-8")
            )
        except (OSError, ValueError):
            return None
        # As JSON has it: a tuple of the key came back as a list.
        return found if found.get("key") == json.loads(json.dumps(self.key)) else None

    def finish(self, folder: Path, result: Result) -> None:
        """Keep its result; `failure` in it says why there are no rows."""
        text = json.dumps({"key": self.key, **result}, allow_nan=False)
        with replacing(folder / PARTS / f"{self.stem}.json") as half:
            half.write_text(text, encoding="utf-8")

    def result(self, **more: Any) -> Result:
        """About this part, for its file and the tables."""
        return {
            "dataset": self.problem.dataset.name,
            "problem": self.problem.label,
            "holdout": self.problem.holdout or "as given",
            "seed": self.problem.seed if self.seed is None else self.seed,
            "model": self.title,
            "failure": None,
            "rows": [],
            "notes": [],
            **more,
        }


def parts(spec: Spec) -> tuple[list[Part], dict[str, str]]:
    """All parts, first seeds first, so that a table cut short compares all models.

    Returns:
        The parts; and dataset → a sentence on what it lacks, of those that are not here.
    """
    found: list[Part] = []
    missing: dict[str, str] = {}
    for dataset in spec.datasets:
        try:
            asked = problems(dataset, spec.seeds)
        except GvciError as error:
            missing[dataset.name] = str(error)
            continue
        for problem in asked:
            seeds = spec.seeds if problem.seed is None else (problem.seed,)
            found += _of_problem(spec, problem, seeds)
    place = {seed: i for i, seed in enumerate(spec.seeds)}

    def turn(part: Part) -> int:
        seed = part.problem.seed if part.seed is None else part.seed
        return -1 if seed is None else place[seed]

    return sorted(found, key=turn), missing


def _of_problem(spec: Spec, problem: Problem, seeds: tuple[int, ...]) -> Iterator[Part]:
    if spec.kind == "table1":
        yield Part(spec.kind, problem, None, None)
    networks: tuple[Network | None, ...] = spec.networks if spec.kind == "fig6a" else (None,)
    for seed in seeds:
        for model in spec.models:
            for network in networks:
                settings = model.settings.model_copy(update={"seed": seed})
                own = model.model_copy(update={"settings": settings})
                yield Part(
                    spec.kind, problem, seed, own, network, spec.epochs,
                    spec.refine if network == "refined" else None,
                )  # fmt: skip
