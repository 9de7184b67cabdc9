"""What each verb of the command line does; each takes the parsed arguments."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gvci.atomic import replacing
from gvci.config import PrepareSettings, RefineSettings, TrainSettings, load_settings, read_words
from gvci.errors import CatalogueError, GRNError
from gvci.spreadsheet import csv_text

if TYPE_CHECKING:
    from gvci.data.entries import CatalogueEntry

SLASH = "\N{DIVISION SLASH}"  # in an h5ad the usual one makes a path of a key

# Torch and scanpy take seconds to import: each verb imports what it uses.


def datasets(given: Namespace) -> list[dict[str, Any]]:
    """List the catalogue."""
    from gvci.data.catalogue import catalogue_table

    table = catalogue_table()
    if not given.json:
        shown = ["name", "kind", "available", "cells", "genes", "megabytes", "licence", "title"]
        print(table[shown].to_string(index=False, na_rep=""))
        print("More of each (source, columns, citation, checksum): --json. Download: fetch NAME.")
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def fetch(given: Namespace) -> dict[str, Any]:
    """Download a named file into the cache, after its licence was accepted where it asks that."""
    from gvci.data.catalogue import find
    from gvci.data.files import locate
    from gvci.jobs.progress import told

    entry = find(given.name)
    with told("fetch", unit="B") as progress:
        path = locate(entry, progress, given.accept_licence)
    print(f"{entry.title} is in {path}. Licence: {entry.licence}.")
    return {"name": entry.name, "path": str(path), "licence": entry.licence}


def prepare(given: Namespace) -> None:
    """QC, normalise, choose genes, split; write DATA."""
    from gvci.data.catalogue import load_dataset
    from gvci.data.prepare import prepare as prepare_cells
    from gvci.jobs.progress import told

    with told("fetch", unit="B") as progress:
        adata, entry = load_dataset(given.data, progress, given.labels)
    asked = read_words(given.config, given.words)
    options = {
        "perturbation": given.perturbation,
        "control": given.control,
        "covariates": given.covariates,
        "real_covariates": given.real_covariates,
        "dose": given.dose,
        "n_genes": given.genes,
        "keep_genes": _genes(given.keep_genes) or None,
        "gene_names": given.gene_names,
        "holdout": given.holdout,
        "ood": given.ood,
        "seed": given.seed,
    }
    asked |= {name: value for name, value in options.items() if value is not None}
    settings = PrepareSettings.checked(_usual(entry, asked) | asked)
    identity: dict[str, Any] = {"name": Path(given.data).stem}
    if entry is not None:
        names = ("name", "title", "simulated", "licence", "citation")
        identity = {name: getattr(entry, name) for name in names}
    if given.name:
        identity["title"] = given.name
    data = prepare_cells(adata, settings, **identity)
    data.write(given.out)
    for line in [*data.meta.get("report", []), *(f.sentence for f in data.findings)]:
        print(line)
    print(f"Wrote {data.n_cells:,} cells × {len(data.genes):,} genes to {given.out}.")


def _usual(entry: CatalogueEntry | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the catalogue says of a dataset, where the user says nothing."""
    if entry is None:
        return {}
    usual = {name: value for name, value in entry.columns.items() if value is not None}
    if not {"holdout", "ood", "ood_level"} & set(asked):
        usual |= {"holdout": entry.holdout, "ood": entry.ood}
    return usual


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
    with told("refine", given.job) as progress:
        # A long refinement that was stopped goes on here when it is asked for again.
        unfinished = given.out / UNFINISHED
        kept = unfinished / "refine.safetensors"
        grn = refine_grn(data, prior, settings, given.preset, progress, kept)
    save_grn(grn, given.data, given.out)
    forget(unfinished)
    for sentence in grn.sentences():
        print(sentence)
    _register(given, "grn", f"{prior.name} refined on {data.title}")


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
        grn = devices.together(lambda: _network(named) if named else None)
        with told("train", given.job, shown=devices.rank == 0) as progress:
            run = make_run(given.data, grn, settings, preset, given.out, progress, devices)
    for sentence in [gate_sentence(run.model.gate), *warnings(run)]:
        print(sentence)
    for split, scores in run.scores.items():
        print(f"{split}: {scores.get('verdict') or scores.get('refused')}")
    _register(given, "run", f"{run.name} on {run.data.title}")


def predict(given: Namespace) -> None:
    """Counterfactual cells as an h5ad: X in the data's unit, obs keeps each cell's own labels."""
    import anndata as ad
    import pandas as pd

    from gvci.jobs.progress import told
    from gvci.model_card import grn_name
    from gvci.run import Run

    run = Run.open(given.path)
    data = run.data
    mask = data.where(_conditions(given.cells)) if given.cells else data.is_control
    rows = np.flatnonzero(mask & (data.split != "ood"))
    with told("predict", given.job, unit="cell") as progress:
        progress(0, len(rows), "")
        predicted = run.predict(rows, given.perturbation, given.dose, given.mode, given.seed)
    obs = data.adata.obs.iloc[rows].copy()
    obs["factual_perturbation"] = data.perturbation[rows]
    obs[data.columns.perturbation] = given.perturbation
    if data.columns.dose is not None:
        obs["factual_dose"] = obs[data.columns.dose]
        obs[data.columns.dose] = given.dose
    obs["support"] = [run.support(given.perturbation, g) for g in data.groups[rows]]
    groups = data.groups[rows]
    gates = {group: run.gate(group, given.perturbation) for group in sorted(set(groups))}
    obs["network_share"] = [gates[group]["lambda"] for group in groups]
    answer = ad.AnnData(predicted, obs=obs, var=pd.DataFrame(index=data.genes))
    answer.uns["gvci"] = {
        "what": "counterfactual cells predicted by a model, not measurements",
        "unit": data.unit,
        "perturbation": given.perturbation,
        "dose": given.dose,
        "mode": given.mode,
        "lambda": {group.replace("/", SLASH): gate["lambda"] for group, gate in gates.items()},
        "baseline": run.model.gate.baseline,
        "model": run.name,
        "grn": grn_name(run),
        "model_hash": run.fingerprint,
        "data": data.name,
        "simulated": data.simulated,
        "seed": given.seed,
    }
    with replacing(given.out) as part:
        answer.write_h5ad(part, compression="gzip")
    words = f"{given.perturbation} ({_tally(obs['support'])})"
    print(f"Wrote {len(rows):,} cells under {words} to {given.out}.")


def effects(given: Namespace) -> None:
    """Marginal effects (eq. 14) as a csv."""
    from gvci.crossfit import cross_fit
    from gvci.estimator import Predictor, marginal_effects, not_estimable
    from gvci.jobs.progress import told
    from gvci.run import Run

    run = Run.open(given.path)
    groups = None
    if given.where:
        groups = sorted(set(run.data.groups[run.data.where(_conditions(given.where))]))
    if given.perturbation:
        for name in given.perturbation:
            run.model.treatment_code.parts(name)
    predictor: Predictor = run
    if given.folds:
        with told("cross-fit") as progress:
            predictor = cross_fit(run, given.folds, progress)
    table = marginal_effects(
        predictor, run.data, given.perturbation, groups, latent=given.latent, bands=given.bands
    )
    with replacing(given.out) as part:
        part.write_text(csv_text(table), encoding="utf-8")
    words = _tally(table[["group", "perturbation", "status"]].drop_duplicates()["status"])
    print(f"Wrote {len(table):,} effects ({words} group × perturbation pairs) to {given.out}.")
    left_out = not_estimable(table)
    if left_out:
        print(left_out)


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

    network = _network(given.network)
    file = given.data or grn_data(_grn_folder(Path(given.network)))
    data = PerturbationData.read(file) if file is not None else None
    refined_on = getattr(network, "meta", {}).get("data_hash")
    if given.data is None and data is not None and data.fingerprint != refined_on:
        print("The network was refined on other cells than those beside it: name them by --data.")
        data = None
    answer = evaluate_edges(
        network,
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


def jobs(given: Namespace) -> list[dict[str, Any]]:
    """List, show, stop, resume or delete jobs, or clean up old ones."""
    from gvci.jobs.verb import obey

    rows, lines = obey(given.what, given.id, given.days, given.results)
    if not given.json:
        print("\n".join(lines))
    return rows


# --- shared by the verbs ---------------------------------------------------------------


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


def _network(word: str) -> Any:
    """A refined network's directory, else a plain edge list by file or catalogue name."""
    from gvci.data.catalogue import load_network
    from gvci.refiner.result import NOTES, RefinedGRN
    from gvci.run import GRN_FOLDER, MODEL

    folder = Path(word)
    if not folder.is_dir():
        return load_network(word)
    if (folder / MODEL).is_file() and not (folder / GRN_FOLDER / NOTES).is_file():
        message = f"The model in {folder} was trained without a refined network. Name a network."
        raise GRNError(message)
    return RefinedGRN.load(_grn_folder(folder))


def _grn_folder(folder: Path) -> Path:
    """Where a run keeps its network; a network's own folder stays as it is."""
    from gvci.run import GRN_FOLDER

    inner = folder / GRN_FOLDER
    return inner if inner.is_dir() else folder


def _genes(words: Sequence[str]) -> list[str]:
    """Genes named one by one, in files, or by catalogue name; "FILE.gmt:WORD" picks sets."""
    from gvci.data.catalogue import load_genes

    genes: list[str] = []
    for word in words:
        name, _, sets = word.partition(":")
        try:
            genes += load_genes(name, sets)
        except CatalogueError:
            if "." in Path(name).name and Path(name).suffix in (".gmt", ".txt", ".csv", ".gz"):
                raise
            genes.append(word)
    return list(dict.fromkeys(genes))


def _conditions(words: Sequence[str]) -> dict[str, str]:
    """'column=value' words, several of them also in one word joined by commas."""
    from gvci.data.split import parse_word

    return {column: value for word in words for column, value in parse_word(word).items()}


def _tally(labels: Iterable[str]) -> str:
    """How often each label occurs: "471 held out, 12 seen"."""
    counts = Counter(labels).most_common()
    return ", ".join(f"{count:,} {label.replace('_', ' ')}" for label, count in counts)


def _register(given: Namespace, kind: Literal["run", "grn"], title: str) -> None:
    """Leave a note for the pages, and say where they show the result."""
    from gvci.jobs.state import belongs_to_all
    from gvci.registry import register

    entry = register(given.out, kind, title, not given.job or belongs_to_all(given.job))
    if entry is None:
        print(f"Wrote {given.out}. The list of runs could not be updated: pages do not show it.")
        return
    page = f"counterfactual?run={entry}"
    if kind == "grn":
        page = f"network?run={entry}&tfs=STAT1,IRF1"
    print(f"Wrote {given.out}. In the dashboard: http://127.0.0.1:8501/{page}")
