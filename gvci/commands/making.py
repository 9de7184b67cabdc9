"""The verbs that make networks and models, and the one of their jobs."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

from gvci.commands.words import network, register_result
from gvci.config import RefineSettings, TrainSettings, load_settings, read_words


def refine(given: Namespace) -> None:
    """Refine a prior on DATA; write GRN."""
    from gvci.data.dataset import PerturbationData
    from gvci.jobs.progress import told
    from gvci.making import save_grn
    from gvci.priors import find_prior
    from gvci.run import UNFINISHED
    from gvci.training.loop import refine as refine_grn
    from gvci.unfinished import forget

    settings = load_settings(
        RefineSettings,
        given.preset,
        given.config,
        given.words,
        seed=given.seed,
        alpha=given.alpha,
    )
    data = PerturbationData.read(given.data)
    prior = find_prior(given.prior, data, given.orientation)
    prior = replace(prior, name=given.name or prior.name)
    with told("refine", given.job) as progress:
        # A long refinement that was stopped goes on here when it is asked for again.
        unfinished = given.out / UNFINISHED
        kept = unfinished / "refine.safetensors"
        grn = refine_grn(data, prior, settings, given.preset, progress, kept)
    save_grn(grn, given.data, given.out)
    forget(unfinished)
    for sentence in grn.sentences():
        print(sentence)
    register_result(given, "grn", f"{prior.name} refined on {data.title}")


def train(given: Namespace) -> None:
    """Train a model on DATA and GRN; write RUN with its scores."""
    from gvci.gate.words import gate_sentence
    from gvci.jobs.progress import told
    from gvci.launch import launched
    from gvci.making import make_run
    from gvci.model_card import warnings
    from gvci.verdict import TITLES

    asked = given.model or read_words(given.config, given.words).get("model")
    preset = given.preset or TrainSettings.usual_preset(asked)
    settings = load_settings(
        TrainSettings,
        preset,
        given.config,
        given.words,
        seed=given.seed,
        model=given.model,
    )
    named = None if given.grn.lower() == "none" else given.grn
    with launched(given.devices, given.num_nodes) as devices:
        if named and settings.model != "graphvci" and devices.rank == 0:
            print(f"{TITLES[settings.model]} has no graph: --grn is not used.")
        grn = devices.together(lambda: network(named) if named else None)
        with told("train", given.job, shown=devices.rank == 0) as progress:
            run = make_run(given.data, grn, settings, preset, given.out, progress, devices)
    for sentence in [gate_sentence(run.model.gate), *warnings(run)]:
        print(sentence)
    for split, scores in run.scores.items():
        print(f"{split}: {scores.get('verdict') or scores.get('refused')}")
    register_result(given, "run", f"{run.name} on {run.data.title}")


def jobs(given: Namespace) -> list[dict[str, Any]]:
    """List, show, stop, resume or delete jobs, or clean up old ones."""
    from gvci.jobs.verb import obey

    rows, lines = obey(given.what, given.id, given.days, given.results)
    if not given.json:
        print("\n".join(lines))
    return rows
