"""python -m gvci.pretrained: make `pretrained/demo` again, from the simulator to the card."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gvci import cli
from gvci.model_card import facts, warnings
from gvci.registry import CARD, SHIPPED
from gvci.run import DATA, Run
from gvci.verdict import number

SEED = 0


def main() -> int:
    """Prepare, refine and train with the command line's own verbs; write the card."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GVCI_HOME"] = folder  # the notes of these runs are of no use to anyone
        data, grn, run = (str(Path(folder) / name) for name in ("demo.h5ad", "grn", "demo"))
        for words in (
            ["prepare", "demo", "--out", data],
            ["refine", data, "--prior", "demo", "--out", grn, "--seed", str(SEED)],
            ["train", data, "--grn", grn, "--out", run, "--seed", str(SEED)],
        ):
            code = cli.main(words)
            if code:
                return code
        made = Run.open(Path(run))
        (made.path / CARD).write_text(card(made), encoding="utf-8")
        target = SHIPPED / "demo"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made.path, target)
    return 0


def card(run: Run) -> str:
    """What the shipped run is, how it was made, how good it is, and what it is not."""
    scores = run.scores["ood"]
    held_out = sorted({f"{p['perturbation']} in {p['group']}" for p in scores["pairs"]})
    assert run.grn is not None
    counts = ", ".join(f"{n:,} {status}" for status, n in run.grn.counts().items())
    lines = [
        f"# {run.name} on {run.data.title}",
        "",
        "**Simulated, not measured.** Cells from gvci's own simulator "
        f"(`gvci/data/simulate.py`): {run.data.n_cells:,} cells × {len(run.data.genes):,} genes, "
        f"{len(run.data.perturbations)} perturbations. Gene names are borrowed for orientation; "
        "no number here says anything about the real genes. Licence: MIT, as the project.",
        "",
        *(f"- {label}: {words.rstrip('.')}." for label, words in facts(run)),
        f"- Edges: {counts} (α = {run.grn.alpha:.2f} over a background of "
        f"{run.grn.background:.2f}).",
        *(f"- Warning: {sentence}" for sentence in warnings(run)),
        "",
        f"{scores['verdict']}",
        "",
        f"| held-out pairs | {' | '.join(_SHOWN.values())} |",
        f"|---{'|---' * len(_SHOWN)}|",
    ]
    for name, row in {**scores["models"], "ceiling": scores["ceiling"]}.items():
        own = run.name if name == run.model.name else name
        lines.append(f"| {own} | " + " | ".join(_cell(row, key) for key in _SHOWN) + " |")
    lines += [
        "",
        "E-distance of a baseline: control cells moved by its change. Per-cell correlation and "
        "spread ratio of a baseline are 0 by definition.",
        "",
        f"Held out ({len(held_out)}): {'; '.join(held_out)}.",
        "",
        f"Made by `make pretrained` (`{DATA}` is the prepared dataset it was trained on).",
        "",
    ]
    return "\n".join(lines)


_SHOWN = {
    "r2_all": "R² all",
    "r2_de": "R² DE",
    "pearson_delta": "Pearson Δ",
    "e_distance": "E-distance",
    "cell_correlation": "per-cell correlation",
    "spread_ratio": "spread ratio",
}


def _cell(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return "undefined" if value is None else number(value, 3)


if __name__ == "__main__":
    raise SystemExit(main())
