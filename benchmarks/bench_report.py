"""The tables and curves of results/bench.json, written into README.md between its markers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks import growth
from benchmarks.bench_curves import curves
from benchmarks.parts import write
from benchmarks.process import ROOT
from gvci.benchmark.words import made_by

README, CURVES = ROOT / "benchmarks/README.md", ROOT / "benchmarks/results/growth.svg"
POINTS = ROOT / "benchmarks/results/growth.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
Found = Mapping[str, Mapping[str, Any]]
ROWS = {
    "step dot": "step, `paper` with decoder dot",
    "step att": "step, `paper` (decoder att)",
    "step standard": "step, `standard`",
    "evaluate dot": "evaluation, `paper` with decoder dot",
    "evaluate att": "evaluation, `paper`",
    "evaluate standard": "evaluation, `standard`",
    "predict dot": "500 cells predicted, `paper` with decoder dot",
    "predict att": "500 cells predicted, `paper`",
    "predict standard": "500 cells predicted, `standard`",
    "refiner paper": "refiner `paper`, step",
    "refiner regression": "refiner `standard`, level 1",
    "refiner standard": "refiner `standard`, all of it",
    "estimator": "marginal effects",
}
WORKS = {
    "read": "read and check", "start": "start of `standard`", "step": "training step",
    "predict": "500 cells predicted", "refine": "`refine quick`",
}  # fmt: skip
MEMORIES = {"start": "starting to train", "step": "training", "refine": "refining"}
WAYS = {
    "mapped": "mapped file", "memory": "in memory", "cold": "mapped, dropped before each step",
}  # fmt: skip


def publish(kept: Found) -> None:
    """Write the curves and what stands between the markers."""
    found = {name: one["found"] for name, one in kept.items()}
    days = sorted({str(one["day"]) for one in kept.values()})
    lines = [
        made_by("make bench"),
        f"Parts measured {' to '.join(dict.fromkeys(days[:1] + days[-1:]))}.",
    ]
    lines = [" ".join(lines), "", *forms(found), *large(found), *stream(found), *grown(found)]
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write(README, before + BEGIN + "\n" + "\n".join(lines).strip() + "\n" + END + after)


def forms(found: Found) -> list[str]:
    """Ours beside the literal form, at the paper's size and on the demo."""
    lines = [
        "| what | ours, s | literal, s | ratio | peak, GiB (literal) | 1 and 2 threads, s "
        "| demo: ours, literal, s | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, title in ROWS.items():
        ours, other = found.get(f"paper/{row}/ours", {}), found.get(f"paper/{row}/literal", {})
        small = [found.get(f"demo/{row}/{form}", {}) for form in ("ours", "literal")]
        if not ours and not small[0]:
            continue
        two = found.get(f"threads/{row}", {})
        peak = f"{ours['peak_gib']:.2f}" if ours else ""
        cells = (
            title, *compared(ours, other), peak + (f" ({other['peak_gib']:.2f})" if other else ""),
            f"{seconds(wall(ours))}, {seconds(wall(two))}" if ours and two else "",
            ", ".join(filter(None, compared(*small)[:2])), compared(*small)[2],
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    scores = found.get("scores")
    if scores:
        lines.append(
            f"| all scores of 20,000 × 2,000 cells | {seconds(processor(scores))} "
            f"| {seconds(scores['literal_s'])} | {scores['ratio']:.0f} "
            f"| {scores['memory_gib']:.2f} beside the cells | | | |"
        )
    big = found.get("20k/refiner paper")
    if big:
        lines.append(
            "| refiner `paper`, step at 20,000 genes, 100,000 edges "
            f"| {seconds(processor(big))} | not run | | {big['peak_gib']:.1f} | | | |"
        )
    return [*lines, ""] if len(lines) > 2 else []


def compared(ours: Mapping[str, Any], literal: Mapping[str, Any]) -> tuple[str, str, str]:
    """Seconds of either, and their ratio; empty where one was not measured."""
    mine, theirs = processor(ours), processor(literal)
    if not mine or not theirs:
        return seconds(mine), seconds(theirs), ""
    ratio = theirs / mine
    return seconds(mine), seconds(theirs), f"{ratio:.{0 if ratio >= 10 else 1}f}"


def large(found: Found) -> list[str]:
    """100,000 cells × 5,000 genes within the limit."""
    titles = {"refine": "`refine --preset quick`", "train": "`train`, 400 steps, with its scores"}
    rows = {titles[name]: found.get(f"scale/{name}") for name in titles}
    there = {title: row for title, row in rows.items() if row}
    if not there:
        return []
    one = next(iter(there.values()))
    lines = [
        f"**{one['cells']:,} cells × 5,000 genes within 16 GiB** ({one['values']:,} values are not "
        f"0, a file of {one['file_gib']:.1f} GiB; no process may allocate more):",
        "",
        "| command | seconds | own memory, GiB | mapped pages, GiB |",
        "|---|---|---|---|",
    ]
    for title, row in there.items():
        numbers = f"{row['seconds']:.0f} | {row['anon_gib']:.2f} | {row['mapped_gib']:.2f}"
        lines.append(f"| {title} | {numbers} |")
    return [*lines, ""]


def stream(found: Found) -> list[str]:
    """1,000,000 cells × 2,000 genes, mapped and in memory."""
    there = {way: found[f"scale/{way}"] for way in WAYS if f"scale/{way}" in found}
    if not there:
        return []
    one = next(iter(there.values()))
    lines = [
        f"**{one['cells']:,} cells × 2,000 genes, streamed** ({one['values']:,} values are not 0, "
        f"a file of {one['file_gib']:.1f} GiB). Own memory is anonymous, "
        f"{one['libraries_anon']:.2f} GiB of it libraries; mapped pages are the system's to take.",
        "",
        "| cells | step, s | of the processor | reading, s | start, s | own memory, GiB "
        "| while stepping | mapped pages, GiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way, row in there.items():
        most = max(value for name, value in row.items() if name.endswith("_anon"))
        lines.append(
            f"| {WAYS[way]} | {row['step_clock_s']:.3f} | {row['step_s']:.3f} "
            f"| {row['read_s']:.0f} | {row['start_s']:.0f} | {most:.2f} "
            f"| {row['step_anon']:.2f} | {row['mapped']:.2f} |"
        )
    return [*lines, ""]


def grown(found: Found) -> list[str]:
    """The exponents, with the seconds at either end; all points are in a file of their own."""
    axes = {axis: rows for axis in growth.AXES if len(rows := points_of(found, axis)) > 1}
    if not axes:
        return []
    write(CURVES, curves(axes))
    write(POINTS, "\n".join(["# Growth, point by point", "", *every_point(axes)]))
    ends = " | ".join(f"{axis} {min(rows):,} → {max(rows):,}" for axis, rows in axes.items())
    lines = [
        "![Seconds over sizes](results/growth.svg)",
        "",
        f"| exponent (seconds at either end) | {ends} |",
        "|---" * (len(axes) + 1) + "|",
    ]
    for work, title in WORKS.items():
        cells = [slope(rows, f"{work}_s") for rows in axes.values()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for work, title in MEMORIES.items():
        cells = [
            " → ".join(own(rows[at(rows)], work) for at in (min, max)) for rows in axes.values()
        ]
        lines.append(f"| own memory {title}, GiB | {' | '.join(cells)} |")
    return [*lines, "", "All points: [results/growth.md](results/growth.md).", ""]


def every_point(axes: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> list[str]:
    """A table per axis."""
    lines: list[str] = []
    for axis, rows in axes.items():
        lines += [f"| {axis} | {' | '.join(f'{size:,}' for size in rows)} |"]
        lines += ["|---" * (len(rows) + 1) + "|"]
        for work, title in WORKS.items():
            took = (seconds(row[f"{work}_s"]) for row in rows.values())
            lines.append(f"| {title}, s | {' | '.join(took)} |")
        for work, title in MEMORIES.items():
            cells = (own(row, work) for row in rows.values())
            lines.append(f"| own memory {title}, GiB | {' | '.join(cells)} |")
        lines.append("")
    return lines


def slope(rows: Mapping[int, Mapping[str, Any]], name: str) -> str:
    """The exponent, and the seconds at either end."""
    took = [row[name] for row in rows.values()]
    fitted = growth.exponent([float(size) for size in rows], took)
    return f"{fitted:.2f} ({seconds(took[0])} → {seconds(took[-1])})"


def own(row: Mapping[str, Any], work: str) -> str:
    """Anonymous memory beyond that of the libraries."""
    return f"{row[f'{work}_anon'] - row['libraries_anon']:.2f}"


def points_of(found: Found, axis: str) -> dict[int, Mapping[str, Any]]:
    """Size → what was measured there."""
    names = {value: f"growth/{axis}/{value}" for value in growth.AXES[axis]}
    return {value: found[name] for value, name in names.items() if name in found}


def processor(one: Mapping[str, Any]) -> float:
    """Seconds of the processor; 0 where it was not measured."""
    return float(one.get("processor_s", one.get("seconds", 0.0)))


def wall(one: Mapping[str, Any]) -> float:
    """Seconds of the clock."""
    return float(one.get("clock_s", one.get("seconds", 0.0)))


def seconds(value: float) -> str:
    """Two digits, or three above 100."""
    if not value:
        return ""
    digits = max(0, 1 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f}"
