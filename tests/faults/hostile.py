"""Names that would act if anything took them for more than text, and a run full of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.grn import GRN
from gvci.making import make_run
from gvci.run import Run
from gvci.training.loop import refine

CANARY = "__pwned"
NAMES = {
    "script": "<script>window.__pwned=1</script>",
    "handler": '"><img src=x onerror="window.__pwned=2;alert(2)">',
    "closing": "</script><svg onload=window.__pwned=3>",
    "link": "[click](javascript:window.__pwned=4)",
    "image": "![x](https://evil.example/x.png)",
    "formula": "$x^2_{pwned}$ `code` **bold** _it_ ~~no~~",
    "icon": ":material/skull: :smile: :red[pwned]",
    "direction": "gene\u202egpj.exe",
    "emoji": "🧬👩‍🔬",
    "cell": "=cmd|' /C calc'!A0",
    "entity": "&lt;b&gt;pwned&lt;/b&gt; <b>pwned</b>",
    "comment": "# a,=1+1;@SUM(1)",
    "long": "L" * 10_240,
}
PERTURBED = ("script", "handler", "link", "cell")
# What must never stand in a place that reads Markdown or HTML without being escaped.
LIVE = (
    "<script>window", "<img src=x", "</script><svg", "](javascript:", "](https://evil",
    "$x^2", "`code`", "**bold**", ":material/skull", ":smile:", ":red[pwned", "\u202e",
    "<b>pwned", "&lt;b",
)  # fmt: skip


def hostile_names(data: PerturbationData, prior: GRN) -> tuple[PerturbationData, GRN]:
    """The same cells, genes, groups and labels under hostile names."""
    control, genes = data.columns.control, list(data.genes)
    first = [name for name in data.perturbations if name in genes]
    others = [name for name in genes if name not in first]
    new = dict(zip(first, (NAMES[kind] for kind in PERTURBED), strict=False))
    rest = [name for kind, name in NAMES.items() if NAMES[kind] not in new.values()]
    # Those that regulate come first, so that the pages draw them.
    regulators = [name for name in dict.fromkeys(prior.sources) if name in others]
    order = [*regulators, *(name for name in others if name not in regulators)]
    new |= dict(zip(order, rest, strict=False))
    adata = data.adata.copy()
    adata.var_names = [new.get(gene, gene) for gene in genes]
    labels = adata.obs["perturbation"].astype(str)
    adata.obs["perturbation"] = pd.Categorical([new.get(x, x) for x in labels])
    groups = sorted(set(adata.obs["cell_type"].astype(str)))
    kinds = dict(zip(groups, (NAMES[k] for k in ("handler", "formula", "icon")), strict=True))
    column = "cell_type <b>pwned :smile:"
    adata.obs[column] = pd.Categorical([kinds[x] for x in adata.obs.pop("cell_type").astype(str)])
    adata.obs_names = [f"{NAMES['link']} {i}" for i in range(adata.n_obs)]
    columns = type(data.columns)("perturbation", control, (column,))
    meta = {**data.meta, "name": NAMES["handler"], "title": f"{NAMES['script']} {NAMES['icon']}"}
    edges = prior.edges.assign(
        source=[new.get(x, x) for x in prior.edges["source"]],
        target=[new.get(x, x) for x in prior.edges["target"]],
    )
    names = pd.Index([new.get(str(gene), str(gene)) for gene in prior.genes])
    return PerturbationData(adata, columns, meta), GRN(names, edges, NAMES["closing"])


def make_hostile_run(data: PerturbationData, prior: GRN, folder: Path) -> Run:
    """A trained run of them, with its network."""
    cells, network = hostile_names(data, prior)
    cells.write(folder / "cells.h5ad")
    grn = refine(cells, network, RefineSettings.preset("paper", max_steps=4, evaluate_every=2))
    few = {"max_steps": 4, "evaluate_every": 2, "inner_folds": 1, "members": 1}
    small = {"latent": 8, "width": 16, "depth": 1, "outcome_embedding": 16, "graph_latent": 8}
    settings = TrainSettings.checked({**few, **small})
    return make_run(folder / "cells.h5ad", grn, settings, NAMES["closing"], folder / "run")


def live(text: str) -> list[str]:
    """Which of the hostile pieces a Markdown reader would not show as they are."""
    escaped = re.sub(r"\\.", "", text.replace("\u2060", ""))
    return [piece for piece in LIVE if piece in escaped]


def texts(message: object) -> Iterator[tuple[str, str]]:
    """Every text of a protobuf message, with the name of its field."""
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        for one in value if isinstance(value, (list, tuple)) or _repeats(value) else [value]:
            if isinstance(one, str):
                yield field.name, one
            elif hasattr(one, "ListFields"):
                yield from texts(one)


def _repeats(value: object) -> bool:
    return type(value).__name__.startswith("Repeated")


def spread(rows: int) -> np.ndarray:
    """Some numbers of both signs."""
    return np.linspace(-2, 2, rows)
