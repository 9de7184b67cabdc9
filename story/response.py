"""The response to IFN-β of a cell type whose treated cells were held out (Kang 2018)."""

from __future__ import annotations

from urllib.parse import urlencode

import pandas as pd

from gvci.app import answer_view, vector
from gvci.app.effects_chart import of_genes
from gvci.app.effects_files import forest
from gvci.app.estimates import Asked, estimate
from gvci.app.prediction import answer
from gvci.app.provenance import facts
from gvci.counterfactual.scenario import Scenario
from gvci.run import Run
from gvci.verdict import TITLES
from story.part import Part, about, figure, table

GROUP, PERTURBATION = "CD14+ Monocytes", "IFN-beta"
GENES = ["ISG15", "IFIT1", "CXCL10", "STAT1", "IRF1", "GBP1"]
SHOWN = {
    "r2_all": "R² all",
    "r2_de": "R² DE",
    "pearson_delta": "Pearson Δ",
    "e_distance": "E-distance",
}
SEEN = "CD4 Naive T"


def part(run: Run) -> Part:
    """Violins of held-out cells, scores beside every baseline, and robust effects where seen."""
    found = answer(run, Scenario(PERTURBATION, GROUP))
    provenance = about(facts(run), figure="python -m story response")
    genes = [gene for gene in GENES if gene in set(found.genes)]
    violins = figure(
        "response",
        vector.distributions(
            answer_view.panels(found, genes), "violin", f"{GROUP} under IFN-β, held out",
            provenance, "svg",
        ),
        "Control, predicted (hatched) and measured cells of six interferon genes",
    )  # fmt: skip
    scores = run.scores["ood"]
    rows = [
        {"model": run.name if name == run.model.name else TITLES.get(name, name)}
        | {title: _number(row.get(key)) for key, title in SHOWN.items()}
        for name, row in {**scores["models"], "ceiling": scores["ceiling"]}.items()
    ]
    body = "\n\n".join(
        [
            f"All IFN-β cells of {GROUP} were held out: no step, no choice of a setting and no "
            "gene selection saw them. Their control cells were moved by the model.",
            violins,
            scores["verdict"],
            table(pd.DataFrame(rows)),
            found.mean_words,
            *_effects(run, provenance),
        ]
    )
    claim = f"IFN-β in {GROUP}, never seen in training. {scores['verdict']}"
    return Part(
        "What would monocytes express under IFN-β?", claim, body,
        "counterfactual",
        urlencode({"run": "kang2018-ifnb", "perturbation": PERTURBATION, "c_cell_type": GROUP}),
    )  # fmt: skip


def _effects(run: Run, provenance: dict[str, object]) -> list[str]:
    """Robust effects with intervals in a group that training had."""
    group = SEEN if SEEN in set(run.data.groups) else sorted(set(run.data.groups) - {GROUP})[0]
    found = estimate(run, Asked(PERTURBATION, group))
    picture = figure(
        "effects",
        forest(of_genes(found, "STAT1"), found.unit, f"IFN-β in {group}", provenance, "svg"),
        f"Robust effects of IFN-β in {group} with their intervals",
    )
    words = (
        f"**Marginal effects** (eq. 14) of IFN-β in {group}, {found.n_treated} treated and "
        f"{found.n_control} control cells of training, with 95 % intervals from the influence "
        "function. Without a covariate of before the treatment the robust effect is the plain "
        "difference, and its interval an honest one; in the held-out group there is no treated "
        "cell, so nothing but the plug-in exists and no interval is claimed."
    )
    return [words, picture]


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))
