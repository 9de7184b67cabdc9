"""The report of benchmarks/edges.py: parts in, markdown out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.parts import Part
from gvci.benchmark.words import made_by
from gvci.edges.recovery import RIVALS

TITLES = {
    "refined": "**refined**",
    "prior": "prior",
    "correlation": "abs. Pearson",
    "correlation_within": "abs. Pearson within groups",
    "prior_correlation": "prior + abs. Pearson",
    "prior_correlation_within": "tie-break: prior + abs. Pearson within groups",
    "genie3": "GENIE3",
    "prior_genie3": "prior + GENIE3",
}
# What is compared: a view of the pairs and a score.
HEADLINES = (("all", "auprc"), ("prior", "auroc"), ("novel", "auprc"))
NAMES = {
    ("all", "auprc"): "TF AUPRC",
    ("all", "early_precision"): "early precision",
    ("prior", "auprc"): "in-prior AUPRC",
    ("prior", "auroc"): "in-prior AUROC",
    ("novel", "auprc"): "novel AUPRC",
    ("novel", "auroc"): "novel AUROC",
}
DATASETS = {
    "sim": "Simulator (gvci, demo screen; a seed is a network, its cells and its prior)",
    "sergio": "SERGIO DS1 knock-outs (a seed is a prior with 30 % of the true edges dropped and as "
    "many false ones)",
    "kang": "Kang 2018, PBMC ± IFN-β (prior: DoRothEA motifs; truth: ChEA, CollecTRI, TRRUST)",
    "papalexi": "Papalexi 2021, THP-1 ± IFN-γ, 299 genes (same prior and truth)",
}

# Every rival is shown against the default preset, the strongest ones against the others.
STRONGEST = ("prior_correlation_within", "genie3", "prior_genie3")


def report(
    parts: Sequence[Part],
    missing: Sequence[str],
    command: str,
    seconds: float,
    paper_steps: int | None = None,
) -> str:
    """The whole file; `paper_steps` is where preset paper was cut short."""
    lines = [
        "# Edge recovery, refined against its rivals",
        "",
        made_by(command),
        f"This run took {seconds / 60:.1f} min; parts finished before it were not run again. "
        f"Refining alone took {sum(p['refine_s'] for p in parts) / 60:.1f} min over all parts.",
        "",
        "Pairs: every (regulator of the truth, other gene). TF = all of them, in-prior = those in "
        "the prior, novel = those outside. Early precision = precision among the first pairs, as "
        "many as there are true edges. Rivals were computed in the same run on the same cells "
        "(training and validation). GENIE3 = scikit-learn forests of 50 trees on the scored "
        "regulators and at most 1,500 cells; they are kept between runs. Intervals: 95 % paired "
        "bootstrap of refined − rival over target genes; they hold the cells fixed.",
    ]
    if paper_steps is not None and any(part["preset"] == "paper" for part in parts):
        lines += ["", f"Preset paper was cut short at {paper_steps:,} steps, for time."]
    lines += ["", "## In short: paired intervals above 0, over rivals and seeds", ""]
    lines += verdicts(parts)
    for dataset, title in DATASETS.items():
        mine = [part for part in parts if part["dataset"] == dataset]
        if mine:
            lines += ["", f"## {title}", *_dataset(mine)]
    if missing:
        lines += ["", "## Missing", "", *(f"- {sentence}" for sentence in missing)]
    return "\n".join(lines) + "\n"


def verdicts(parts: Sequence[Part]) -> list[str]:
    """A row per dataset and preset: how many intervals, over rivals and seeds, lie above 0."""
    table = [_row(["", *(NAMES[headline] for headline in HEADLINES), "open or behind"])]
    table.append(_row(["---"] * (len(HEADLINES) + 2)))
    for dataset, preset in dict.fromkeys((part["dataset"], part["preset"]) for part in parts):
        mine = [p for p in parts if (p["dataset"], p["preset"]) == (dataset, preset)]
        cells, others = [], []
        for view, score in HEADLINES:
            blocks = [part["answer"]["views"][view] or {} for part in mine]
            gains = [pair for block in blocks for pair in block.get("differences", {}).items()]
            sides = [(name, _side(gain[score])) for name, gain in gains]
            sides = [(name, side) for name, side in sides if side is not None]
            cells.append(f"{sum(s == 'above' for _, s in sides)} of {len(sides)}")
            others += [name for name, side in sides if side != "above"]
        names = [TITLES[name] for name in RIVALS if name in others]
        table.append(_row([f"{dataset}, {preset}", *cells, ", ".join(names) or "none"]))
    return table


def _side(gain: dict[str, float | None]) -> str | None:
    if gain["low"] is None or gain["high"] is None:
        return None
    return "above" if gain["low"] > 0 else "below" if gain["high"] < 0 else "open"


def _dataset(parts: list[Part]) -> list[str]:
    first = parts[0]
    seeds = list(dict.fromkeys(part["seed"] for part in parts))
    presets = list(dict.fromkeys(part["preset"] for part in parts))
    answer = first["answer"]
    lines = [
        "",
        f"{first['cells']:,} cells × {first['genes']:,} genes, {len(answer['sources'])} "
        f"regulators, {answer['n_true']:,} true of {answer['n_pairs']:,} pairs"
        + (f"; seeds {', '.join(map(str, seeds))}, mean ± sd." if len(seeds) > 1 else "."),
        "",
        *_scores(parts, presets),
    ]
    for preset in presets:
        rivals = RIVALS if preset == presets[0] else STRONGEST
        lines += ["", *_gains([p for p in parts if p["preset"] == preset], preset, rivals)]
    if first["dataset"] in ("kang", "papalexi"):
        lines += ["", *_regulators(parts, presets)]
    return lines


def _scores(parts: list[Part], presets: list[str]) -> list[str]:
    rows = [
        (f"{TITLES['refined']}, {preset}", [p for p in parts if p["preset"] == preset], "refined")
        for preset in presets
    ]
    one_each = [p for p in parts if p["preset"] == presets[0]]
    rows += [(TITLES[name], one_each, name) for name in RIVALS if one_each[0]["answer"].get(name)]
    table = [_row(["", *NAMES.values(), "level", "refine s"]), _row(["---"] * (len(NAMES) + 3))]
    for title, chosen, name in rows:
        cells = [_spread(_value(p, view, name, score) for p in chosen) for view, score in NAMES]
        levels, times = "", ""
        if name == "refined":
            levels = ", ".join("–" if p["level"] is None else str(p["level"]) for p in chosen)
            times = _spread((p["refine_s"] for p in chosen), digits=1)
        table.append(_row([title, *cells, levels, times]))
    return table


def _gains(parts: list[Part], preset: str, rivals: Sequence[str]) -> list[str]:
    """Refined − rival for each seed; a rival that is ahead, or may be, is marked."""
    table = [
        f"Differences, preset {preset} (✓ the interval is above 0, ✗ below, otherwise open):",
        "",
        _row(["refined −", "seed", *(NAMES[headline] for headline in HEADLINES)]),
        _row(["---"] * (len(HEADLINES) + 2)),
    ]
    for name in rivals:
        for part in parts:
            if not part["answer"].get(name):
                continue
            cells = []
            for view, score in HEADLINES:
                block = part["answer"]["views"][view] or {}
                cells.append(_gain(block.get("differences", {}).get(name, {}).get(score)))
            table.append(_row([TITLES[name], str(part["seed"]), *cells]))
    return table


def _regulators(parts: list[Part], presets: list[str]) -> list[str]:
    """AUPRC of each regulator's own column."""
    sources = parts[0]["answer"]["sources"]
    heads = [f"{s} ({b['n_true']} of {b['n_pairs']:,})" for s, b in sources.items()]
    table = ["AUPRC per regulator, with 95 % intervals:", "", _row(["", *heads])]
    table.append(_row(["---"] * (len(heads) + 1)))
    for preset in presets:
        answer = next(p["answer"] for p in parts if p["preset"] == preset)
        cells = [_with_interval(answer["sources"][source]["refined"]) for source in sources]
        table.append(_row([f"{TITLES['refined']}, {preset}", *cells]))
        best = []
        for source in sources:
            block = answer["sources"][source]
            rivals = {n: block[n]["auprc"] for n in RIVALS if block.get(n)}
            rivals = {n: v for n, v in rivals.items() if v is not None}
            name = max(rivals, key=lambda n: rivals[n])
            best.append(f"{TITLES[name]}: {_gain(block['differences'][name]['auprc'])}")
        table.append(_row([f"{preset} − best rival", *best]))
    for name in RIVALS:
        blocks = [sources[source].get(name) for source in sources]
        if all(blocks):
            table.append(_row([TITLES[name], *(_with_interval(block) for block in blocks)]))
    return table


def _value(part: Part, view: str, name: str, score: str) -> float | None:
    block = part["answer"]["views"][view]
    value: float | None = block[name][score] if block and block.get(name) else None
    return value


def _spread(values: Iterable[float | None], digits: int = 3) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    text = f"{np.mean(known):.{digits}f}"
    return f"{text} ± {np.std(known, ddof=1):.{digits}f}" if len(known) > 1 else text


def _gain(gain: dict[str, float | None] | None) -> str:
    if gain is None or gain["difference"] is None:
        return "–"
    if gain["low"] is None or gain["high"] is None:
        return f"{gain['difference']:+.3f}"
    mark = {"above": " ✓", "below": " ✗", "open": ""}[_side(gain) or "open"]
    return f"{gain['difference']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]{mark}"


def _with_interval(scores: dict[str, Any]) -> str:
    if scores["auprc"] is None:
        return "–"
    ends = scores.get("intervals", {}).get("auprc")
    text = f"{scores['auprc']:.3f}"
    return text if ends is None else f"{text} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
