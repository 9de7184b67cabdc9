"""The card of a shipped run: data, licence, how it was made, how good it is, and what it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gvci.model_card import facts, warnings
from gvci.run import DATA, Run
from gvci.shipped.entries import RUNS, Shipped
from gvci.verdict import number

ROOT = Path(__file__).resolve().parents[2]
GPL = ROOT / "assets" / "licences" / "GPL-3.0.txt"
SHOWN = {
    "r2_all": "R² all",
    "r2_de": "R² DE",
    "pearson_delta": "Pearson Δ",
    "e_distance": "E-distance",
    "cell_correlation": "per-cell correlation",
    "spread_ratio": "spread ratio",
}


def card(run: Run) -> str:
    """The Markdown of a shipped run, whose folder has its name."""
    shipped = RUNS[run.path.name]
    scores = run.scores["ood"]
    held_out = sorted({f"{p['perturbation']} in {p['group']}" for p in scores["pairs"]})
    lines = [
        f"# {run.name} on {run.data.title}",
        "",
        shipped.origin,
        "",
        *(f"- {label}: {words.rstrip('.')}." for label, words in _sources(run, shipped)),
        *(f"- {label}: {words.rstrip('.')}." for label, words in facts(run)),
        *(f"- {sentence}" for sentence in _edges(run)),
        *(f"- Warning: {sentence}" for sentence in warnings(run)),
        "",
        f"{scores['verdict']}",
        "",
        f"| held-out pairs | {' | '.join(SHOWN.values())} |",
        f"|---{'|---' * len(SHOWN)}|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in score_rows(run).items()),
        "",
        "E-distance of a baseline: control cells moved by its change. Per-cell correlation and "
        "spread ratio of a baseline are 0 by definition. "
        f"{_unmoved(scores, run.model.name)}",
        "",
        f"Held out ({len(held_out)}): {'; '.join(held_out)}.",
        "",
        "**Good for:**",
        *(f"- {words}" for words in shipped.good_for),
        "",
        "**Not for:**",
        *(f"- {words}" for words in shipped.not_for),
        "",
        "**To know:**",
        *(f"- {words}" for words in shipped.caveats),
        "",
        *_made(run, shipped),
        "",
    ]
    return "\n".join(lines)


def score_rows(run: Run) -> dict[str, list[str]]:
    """Model, every baseline and the ceiling → the shown scores of the held-out pairs."""
    scores = run.scores["ood"]
    rows = {**scores["models"], "ceiling": scores["ceiling"]}
    return {
        run.name if name == run.model.name else name: [_cell(row, key) for key in SHOWN]
        for name, row in rows.items()
    }


def licence(shipped: Shipped) -> str:
    """The file LICENCE: whose work is in the folder, and the terms."""
    if not shipped.notices:
        return (ROOT / "LICENSE").read_text(encoding="utf-8")
    head = (
        "What is in this folder was computed by gvci (MIT License, the file LICENSE of the "
        "project) from the work of others, named below. It is offered under the GNU General Public "
        "License, version 3, whose text follows the notices."
    )
    return "\n\n".join([head, *shipped.notices, GPL.read_text(encoding="utf-8")])


def _sources(run: Run, shipped: Shipped) -> list[tuple[str, str]]:
    data, prior = shipped.data, shipped.network
    size = f"{run.data.n_cells:,} cells × {len(run.data.genes):,} genes"
    many = len(run.data.perturbations)
    size += f", {many} perturbation{'s' * (many != 1)}"
    parts = [data.title, size, data.source, data.citation]
    rows = [("Data", "; ".join(filter(None, parts))), ("Licence of the data", data.licence)]
    parts = [prior.title, prior.source, prior.citation]
    rows += [("Prior", "; ".join(filter(None, parts))), ("Licence of the prior", prior.licence)]
    terms = "MIT, as the project" if not shipped.notices else "GPL-3.0; see the file `LICENCE`"
    return [*rows, ("Licence of this folder", terms)]


def _edges(run: Run) -> list[str]:
    grn = run.grn
    assert grn is not None
    counts = ", ".join(f"{n:,} {status}" for status, n in grn.counts().items())
    adopted = grn.table[grn.table["status"].isin(("kept", "added"))]
    sure = int((adopted["seeds"] == 1).sum())
    made = grn.meta["settings"]["seeds"]
    said = [
        f"Edges: {counts} (α = {grn.alpha:.2f} over a background of {grn.background:.2f}). "
        f"{grn.meta['support']}",
        f"Seeds: {sure:,} of the {len(adopted):,} listed edges are adopted in all of {made} "
        "refinements, each on cells drawn anew with replacement (column `seeds`).",
    ]
    return said + ([grn.meta["trimmed"]["sentence"]] if "trimmed" in grn.meta else [])


def _unmoved(scores: dict[str, Any], name: str) -> str:
    """On how many held-out pairs control cells, left as they are, are nearer than the model."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in scores["pairs"]:
        found.setdefault((row["group"], row["perturbation"]), {})[row["model"]] = row["e_distance"]
    nearer = sum(pair["no_change"] < pair[name] for pair in found.values())
    return (
        f"On {nearer} of {len(found)} held-out pairs control cells left as they are come nearer to "
        "the measured ones than the prediction, by E-distance."
    )


def _made(run: Run, shipped: Shipped) -> list[str]:
    recipe = shipped.recipe("")
    words = {verb: " ".join(map(_quoted, recipe[verb])) for verb in ("prepare", "refine", "train")}
    cells = (
        f"`{DATA}` is the prepared dataset it was trained on."
        if shipped.own
        else "The cells are prepared again from `recipe.json` where their file is in GVCI_DATA_DIR "
        "or was fetched."
    )
    return [
        "Made by `make pretrained`, which stores every tensor in as few bits as its answers allow, "
        "as",
        "",
        "```sh",
        f"python -m gvci prepare {words['prepare']} --out data",
        f"python -m gvci refine data {words['refine']} --out grn",
        f"python -m gvci train data --grn grn {words['train']} --out {run.path.name}",
        "```",
        "",
        cells,
    ]


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _cell(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return "undefined" if value is None else number(value, 3)
