"""What Home says about the open run: one real prediction, three cards, recent results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvci.app.answer_view import OF_SUMMARIES
from gvci.app.charts import Panel
from gvci.app.edges import Choice, choose
from gvci.app.prediction import answer, can_answer
from gvci.app.regulators import opened
from gvci.app.scenario import default_pair
from gvci.app.text import day, delta, italic, number
from gvci.baselines import BASELINES
from gvci.counterfactual.scenario import Scenario, all_doses
from gvci.errors import CatalogueError
from gvci.gate.words import shares
from gvci.model_card import grn_name
from gvci.registry import Entry, entries
from gvci.run import GRN_FOLDER, SUMMARIES, Run

MOST_RECENT = 8
STRONGEST = 5
SUPPORT = {
    "seen": "a combination seen in training",
    "held_out": "a combination held out of training",
    "outside": "outside the training data",
}


@dataclass(frozen=True)
class Example:
    """One gene of one pair, control beside predicted beside measured."""

    title: str
    what: str
    panel: Panel
    alt: str


@dataclass(frozen=True)
class Card:
    """Three labelled numbers and a sentence."""

    numbers: list[tuple[str, float]]
    sentence: str


def example(run: Run) -> Example | None:
    """The gene that was measured to change most in the pair to begin with.

    None without a model, or where neither cells nor summaries of the pair are here.
    """
    if run.kind == "grn":
        return None
    group, perturbation = default_pair(run)
    asked = Scenario(perturbation, group, dose=all_doses(run.data)[-1])
    if not can_answer(run, asked):
        return None
    found = answer(run, asked)
    # The perturbed gene itself is no discovery.
    others = found.table[~found.table["gene"].isin(perturbation.replace("+", " ").split())]
    known = others["measured"].fillna(others["predicted"])
    gene = str(others["gene"].iloc[int(np.argmax(known.abs()))])
    panel = Panel(gene, found.of(gene), found.unit)
    predicted, measured = panel.heading
    alt = (
        f"{gene} in {group} under {perturbation}: predicted change {delta(predicted)}"
        f"{f', measured {delta(measured)}' if measured is not None else ''} in mean {found.unit}."
    )
    what = f"{SUPPORT[found.support]}; its mean: {shares(found.share, found.rest)}"
    what += f"; {OF_SUMMARIES}" if found.control.summary else ""
    return Example(f"{group} under {perturbation}", what, panel, alt)


def dataset_numbers(run: Run) -> list[tuple[str, str]]:
    """Cells, genes, perturbations."""
    data = run.data
    return [
        ("Cells", f"{data.n_cells:,}"),
        ("Genes", f"{len(data.genes):,}"),
        ("Perturbations", f"{len(data.perturbations):,}"),
    ]


def dataset_note(run: Run) -> str:
    """Markdown: whether the cells are simulated, and how many groups there are."""
    groups = f"{len(set(run.data.groups)):,} covariate groups."
    if run.data.simulated:
        return f":orange-badge[Simulated] cells, not measured ones; {groups}"
    if run.cells_here:
        return f":green-badge[Real] measured cells; {groups}"
    return (
        f":green-badge[Real] measured cells; {groups} No cell is shipped: what you see are "
        "summaries. The simulated demo, with its cells, is below."
    )


def held_out(run: Run) -> Card | None:
    """R² on the DE genes of held-out pairs: model, best baseline, ceiling; None if unscored."""
    scores = run.scores.get("ood", {})
    models = scores.get("models")
    if run.kind == "grn" or not models or run.model.name not in models:
        return None
    rivals = [models[name]["r2_de"] for name in BASELINES if name in models]
    numbers = [
        ("Model R²", models[run.model.name]["r2_de"]),
        ("Best baseline", max((r for r in rivals if r is not None), default=None)),
        ("Ceiling", scores["ceiling"]["r2_de"]),
    ]
    return Card(numbers, str(scores.get("verdict", "")))


def strongest(run: Run) -> str:
    """The strongest targets of the first regulators, Markdown; empty without a network."""
    if run.grn is None:
        return ""
    network = opened(run, None)
    lines = []
    for regulator in network.default_regulators():
        shown = choose(network, Choice((regulator,), STRONGEST, ("kept", "added"), 0.0)).edges
        targets = ", ".join(map(italic, shown["target"]))
        lines += [f"{italic(regulator)} → {targets}"] if targets else []
    return "  \n".join(lines)


def network_counts(run: Run) -> Card | None:
    """Edges kept, added and removed."""
    if run.grn is None:
        return None
    counts = opened(run, None).counts()
    sentence = (
        f"{grn_name(run)}: edges above α = {number(run.grn.alpha)}; background "
        f"{number(run.grn.background)}."
    )
    return Card([(status.capitalize(), n) for status, n in counts.items()], sentence)


def demo() -> str:
    """The id of the run that the demo walks through, whichever is open now: of real cells if any.

    Raises:
        CatalogueError: it is missing.
    """
    shipped = [entry.id for entry in entries() if entry.shipped and entry.kind == "run"]
    if not shipped:
        message = "The shipped demo is missing. Restore the folder pretrained/demo."
        raise CatalogueError(message)
    return shipped[0]


def recent() -> list[Entry]:
    """The runs that can be opened, shipped first, then the newest."""
    return entries()[:MOST_RECENT]


def about(entry: Entry) -> str:
    """Kind, cells where they are known to be real, origin and date of a run."""
    network = "and" if (entry.path / GRN_FOLDER).is_dir() else "without a"
    kind = f"model {network} network" if entry.kind == "run" else "network"
    kind += " from real cells" if entry.shipped and (entry.path / SUMMARIES).is_dir() else ""
    origin = "shipped" if entry.shipped else "made on this computer"
    return f"{kind}, {origin}{f', {day(entry.created)}' if entry.created else ''}"
