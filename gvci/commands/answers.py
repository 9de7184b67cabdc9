"""The verbs that ask a run: predict, effects."""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from gvci.atomic import replacing
from gvci.commands.words import conditions, tally
from gvci.spreadsheet import csv_text

SLASH = "\N{DIVISION SLASH}"  # in an h5ad the usual one makes a path of a key


def predict(given: Namespace) -> None:
    """Counterfactual cells as an h5ad: X in the data's unit, obs keeps each cell's own labels."""
    import anndata as ad
    import pandas as pd

    from gvci.jobs.progress import told
    from gvci.model_card import grn_name
    from gvci.run import Run

    run = Run.open(given.path)
    data = run.data
    mask = data.where(conditions(given.cells)) if given.cells else data.is_control
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
    words = f"{given.perturbation} ({tally(obs['support'])})"
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
        groups = sorted(set(run.data.groups[run.data.where(conditions(given.where))]))
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
    words = tally(table[["group", "perturbation", "status"]].drop_duplicates()["status"])
    print(f"Wrote {len(table):,} effects ({words} group × perturbation pairs) to {given.out}.")
    left_out = not_estimable(table)
    if left_out:
        print(left_out)
