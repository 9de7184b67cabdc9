"""What each verb of the command line does; each takes the parsed arguments."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.atomic import replacing
from gvci.config import PrepareSettings, RefineSettings, TrainSettings, load_settings, read_words
from gvci.errors import CatalogueError, GRNError

if TYPE_CHECKING:
    from gvci.data.entries import CatalogueEntry

SLASH = "\N{DIVISION SLASH}"  # in an h5ad the usual one makes a path of a key

# Torch and scanpy take seconds to import: each verb imports what it uses.


def datasets(given: Namespace) -> list[dict[str, Any]]:
    """List the catalogue."""
    from gvci.data.catalogue import catalogue_table

    table = catalogue_table()
    if not given.json:
        print(table.to_string(index=False))
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def prepare(given: Namespace) -> None:
    """QC, normalise, choose genes, split; write DATA."""
    from gvci.data.catalogue import load_dataset
    from gvci.data.prepare import prepare as prepare_cells

    adata, entry = load_dataset(given.data, given.labels)
    asked = read_words(given.config, given.words)
    options = {
        "perturbation": given.perturbation,
        "control": given.control,
        "covariates": given.covariates,
        "real_covariates": given.real_covariates,
        "dose": given.dose,
        "n_genes": given.genes,
        "keep_genes": _genes(given.keep_genes) or None,
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
    from gvci.data.catalogue import load_network
    from gvci.data.dataset import PerturbationData
    from gvci.registry import register
    from gvci.run import save_grn
    from gvci.training import refine as refine_grn

    settings = load_settings(
        RefineSettings,
        given.preset,
        given.config,
        given.words,
        seed=given.seed,
        alpha=given.alpha,
    )
    data = PerturbationData.read(given.data)
    prior = load_network(given.prior).adopted()
    with _progress("refine") as progress:
        # A long refinement that was stopped goes on here when it is asked for again.
        unfinished = given.out / "unfinished.safetensors"
        grn = refine_grn(data, prior, settings, given.preset, progress, unfinished)
    save_grn(grn, given.data, given.out)
    for sentence in grn.sentences():
        print(sentence)
    entry = register(given.out, "grn", f"{prior.name} refined on {data.title}")
    _tell_link("network", entry, given.out)


def train(given: Namespace) -> None:
    """Train a model on DATA and GRN; write RUN with its scores."""
    from gvci.gate_words import gate_sentence
    from gvci.grn import GRN
    from gvci.model_card import warnings
    from gvci.refiner.result import RefinedGRN
    from gvci.registry import register
    from gvci.run import make_run

    settings = load_settings(
        TrainSettings,
        given.preset,
        given.config,
        given.words,
        seed=given.seed,
        model=given.model,
    )
    grn: RefinedGRN | GRN | None = None
    if given.grn.lower() != "none":
        if settings.model == "vci":
            print("VCI has no graph: --grn is not used.")
        grn = _network(given.grn)
    with _progress("train") as progress:
        run = make_run(given.data, grn, settings, given.preset, given.out, progress)
    for sentence in [gate_sentence(run.model.gate), *warnings(run)]:
        print(sentence)
    for split, scores in run.scores.items():
        print(f"{split}: {scores.get('verdict') or scores.get('refused')}")
    entry = register(given.out, "run", f"{run.name} on {run.data.title}")
    _tell_link("counterfactual", entry, given.out)


def predict(given: Namespace) -> None:
    """Counterfactual cells as an h5ad: X in the data's unit, obs keeps each cell's own labels."""
    import anndata as ad
    import pandas as pd

    from gvci.model_card import grn_name
    from gvci.run import Run

    run = Run.open(given.path)
    data = run.data
    rows = np.flatnonzero(data.where(_conditions(given.cells)) & (data.split != "ood"))
    if not given.cells:
        rows = rows[data.is_control[rows]]
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
    words = _tally(obs["support"])
    print(f"Wrote {len(rows):,} cells under {given.perturbation} ({words}) to {given.out}.")


def effects(given: Namespace) -> None:
    """Marginal effects (eq. 14) as a csv."""
    from gvci.estimator import marginal_effects
    from gvci.run import Run

    run = Run.open(given.path)
    groups = None
    if given.where:
        groups = sorted(set(run.data.groups[run.data.where(_conditions(given.where))]))
    if given.perturbation:
        for name in given.perturbation:
            run.model.treatment_code.parts(name)
    table = marginal_effects(run, run.data, given.perturbation, groups)
    with replacing(given.out) as part:
        table.to_csv(part, index=False)
    words = _tally(table[["group", "perturbation", "status"]].drop_duplicates()["status"])
    print(f"Wrote {len(table):,} effects ({words} group × perturbation pairs) to {given.out}.")


def evaluate(given: Namespace) -> dict[str, Any]:
    """Scores of a run beside baselines and ceiling."""
    from gvci.evaluate import evaluate as score
    from gvci.gate_words import gate_sentence
    from gvci.run import Run
    from gvci.verdict import TITLES

    run = Run.open(given.path)
    answer = score(run, run.data, given.split, name=run.model.name, mode=given.mode)
    print(answer["verdict"])
    print(f"By leaving levels out, the baseline to trust is {TITLES[answer['chosen']['name']]}.")
    if answer["gate"] is not None and answer["gate"]["lambda"] < 1:
        print(gate_sentence(run.model.gate))
    for name, scores in {**answer["models"], "ceiling": answer["ceiling"]}.items():
        values = "  ".join(
            f"{key} {value:.3f}" for key, value in scores.items() if isinstance(value, float)
        )
        print(f"{name:>15}  {values}")
    return answer


def edges(given: Namespace) -> dict[str, Any]:
    """Edge recovery of a network beside the prior, correlation, and both."""
    from gvci.data.catalogue import load_network
    from gvci.data.dataset import PerturbationData
    from gvci.recovery import RIVALS, evaluate_edges
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


def _tell_link(page: str, entry: str | None, path: Path) -> None:
    if entry is None:
        print(f"Wrote {path}. The list of runs could not be updated, so pages do not show it.")
        return
    more = "&tfs=STAT1,IRF1" if page == "network" else ""
    print(f"Wrote {path}. In the dashboard: http://127.0.0.1:8501/{page}?run={entry}{more}")


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """A progress bar on standard error with the time left."""
    from tqdm import tqdm

    with tqdm(desc=what, unit="step", file=sys.stderr, dynamic_ncols=True, leave=False) as bar:

        def report(done: int, planned: int, words: str) -> None:
            bar.total = planned
            bar.update(done - bar.n)
            if words:
                bar.set_postfix_str(words)

        yield report
