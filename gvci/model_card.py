"""What a trained model is, how good it is and what it is not, as label and words.

Shown on the pages and written into the shipped card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gvci.baselines import BASELINES
from gvci.config import TrainSettings
from gvci.errors import GvciError
from gvci.gate.words import gate_sentence
from gvci.metrics import Score
from gvci.verdict import TITLES, number

if TYPE_CHECKING:
    from gvci.run import Run

Scores = Mapping[str, Any]
HEADS = {
    "additive": "additive heads: kriged start + f(Z) + g(WZ, T)",
    "joint": "one head on Z and T",
}
NETWORKS = {
    "ae": "autoencoder of expression, covariates and treatment",
    "cevae": "causal-effect variational autoencoder",
    "ganite": "GANITE's counterfactual block",
    "cpa": "compositional perturbation autoencoder, adversarial",
}
DECODERS = {"dot": "key-independent decoder", "att": "key-dependent decoder"}


def grn_name(run: Run) -> str:
    """The network that a model decodes through, or that a GRN directory holds."""
    if run.kind == "run" and run.model.name != "graphvci":
        return "none"
    notes = run.grn.meta if run.grn is not None else {}
    name = str(notes.get("name") or notes.get("prior") or run.card.get("grn") or "none")
    if run.card.get("settings", {}).get("graph") == "random":
        return f"random, with as many edges as {name}"
    return name


def title(run: Run) -> str:
    """Model, preset and GRN, e.g. "graphVCI standard · GRN: demo refined"."""
    return f"{run.name} · GRN: {grn_name(run)}"


def facts(run: Run) -> list[tuple[str, str]]:
    """Label and words, one fact a row, of a run with a model."""
    rows = [
        ("Model", f"{run.name}: {_parts(run)}"),
        ("GRN", grn_name(run)),
        ("Training", _training(run)),
        ("Unmeasured pairs", gate_sentence(run.model.gate)),
    ]
    scores = run.scores.get("ood", {})
    if run.model.name not in scores.get("models", {}):
        why = scores.get("refused") or "No held-out pair has been scored for this run."
        return [*rows, ("Held-out pairs", str(why)), *_watched(run)]
    own = scores["models"][run.model.name]
    found = [
        ("Held-out mean", _of_means(scores, run.model.name)),
        ("Held-out distribution", _of_distributions(scores, run.model.name)),
        ("Single cells", _apart(own["cell_correlation"], own.get("spread_ratio"))),
    ]
    notes = " ".join(_alike(scores.get("notes", []), run.data.perturbations))
    return [*rows, *found, *([("Note", notes)] if notes else [])]


def _alike(notes: Sequence[str], perturbations: Sequence[str]) -> list[str]:
    """Notes that differ in the name of a perturbation only are told once."""
    names, alike = set(perturbations), dict[tuple[str, ...], list[str]]()
    for note in notes:
        words = tuple("…" if word.strip(".,") in names else word for word in note.split())
        alike.setdefault(words, []).append(note)
    return [
        said[0] + f" (And {len(said) - 1} more like it.)" * (len(said) > 1)
        for said in alike.values()
    ]


def warnings(run: Run) -> list[str]:
    """What the training warned of: counterfactuals that stopped varying over cells."""
    return [str(sentence) for sentence in run.card.get("warnings", [])]


def _parts(run: Run) -> str:
    """The architecture in words, and where the settings leave their preset."""
    settings = _settings(run)
    words = [NETWORKS.get(settings.model) or HEADS[settings.heads]]
    if settings.model == "graphvci":
        softmax = "with softmax" if settings.softmax else "without softmax"
        words.append(f"{DECODERS[settings.decoder]} {softmax}")
    else:
        words.append("no graph")
    changed = _changed(str(run.card.get("preset", "")), settings)
    return ", ".join(words) + (f". Unlike the preset: {changed}" if changed else "")


def _changed(preset: str, settings: TrainSettings) -> str:
    """Settings that differ from those of the preset of that name today."""
    try:
        usual = TrainSettings.preset(preset).model_dump()
    except GvciError:
        return ""
    own = settings.model_dump()
    apart = [name for name in own if name not in ("seed", "model") and own[name] != usual[name]]
    return ", ".join(f"{name} {own[name]}" for name in apart)


def _settings(run: Run) -> TrainSettings:
    return run.model.members[0].core.settings


def _training(run: Run) -> str:
    members, steps = len(run.model.members), run.card.get("steps", 0)
    many = "1 member" if members == 1 else f"{members} members, averaged"
    return f"{many}; {steps:,} steps each; seed {_settings(run).seed}"


def _of_means(scores: Scores, name: str) -> str:
    """R² on all and on the DE genes beside the strongest baseline and the ceiling."""
    n = scores["n_pairs"]
    genes = {"r2_all": "all genes", "r2_de": f"the {scores['n_de']} most changed"}
    parts = []
    for score, what in genes.items():
        rivals = {r: scores["models"][r][score] for r in BASELINES if r in scores["models"]}
        known = {r: value for r, value in rivals.items() if value is not None}
        best = max(known, key=lambda r: known[r], default=None)
        beside = [] if best is None else [f"{TITLES[best]} {number(known[best], 3)}"]
        beside.append(f"two halves of the measured cells {_said(scores['ceiling'][score])}")
        own = _said(scores["models"][name][score])
        parts.append(f"R² {own} on {what} ({', '.join(beside)})")
    return f"{'; '.join(parts)}; {n:,} {'pair' if n == 1 else 'pairs'}"


def _of_distributions(scores: Scores, name: str) -> str:
    """E-distance beside that of the nearest baseline's shifted cells."""
    key, models = "e_distance", scores["models"]
    rivals = {r: models[r].get(key) for r in BASELINES if r in models}
    known = {r: value for r, value in rivals.items() if value is not None}
    best = min(known, key=lambda r: known[r], default=None)
    beside = "" if best is None else f", control cells moved by {TITLES[best]} {_said(known[best])}"
    return (
        f"E-distance to the measured cells {_said(models[name].get(key))}{beside} "
        "(0 = the same distribution)"
    )


def _watched(run: Run) -> list[tuple[str, str]]:
    """Single cells on validation, for a run without held-out scores."""
    seen = run.card.get("watched", {})
    if "cell_correlation" not in seen:
        return []
    words = _apart(seen["cell_correlation"], seen.get("spread_ratio"))
    return [("Single cells", f"{words}; validation cells")]


def _apart(correlation: Score, spread: Score) -> str:
    """Per-cell correlation and spread ratio in words."""
    return (
        f"tells cells apart: correlation {_said(correlation)} of a cell's own deviation "
        f"(0 = collapsed to group means). Predicted cells differ {_said(spread)} times as "
        "much as measured ones (0 = all alike)"
    )


def _said(score: Score) -> str:
    return "undefined" if score is None else number(score, 3)
