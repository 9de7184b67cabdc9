"""Growth curves as a small SVG that is read on light and on dark paper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WORKS = {"read": "read", "start": "start", "step": "step", "predict": "predict", "refine": "refine"}
# Okabe and Ito's, those that stand out on white and on black.
COLOURS = ("#56a5e0", "#d55e00", "#009e73", "#cc79a7", "#b58900")
WIDTH, HEIGHT, LEFT, TOP, GAP = 190, 190, 46, 44, 26
GREY = "#808080"


def curves(axes: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> str:
    """Seconds over size, both logarithmic, a panel for each axis."""
    every = [row[f"{work}_s"] for rows in axes.values() for row in rows.values() for work in WORKS]
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    total = LEFT + len(axes) * (WIDTH + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 48}" '
        f'font-family="sans-serif" font-size="11" fill="{GREY}" role="img" '
        'aria-label="Seconds over genes, cells, edges and perturbations">'
    ]
    for number, (work, colour) in enumerate(zip(WORKS, COLOURS, strict=True)):
        x = LEFT + number * 90
        lines.append(f'<line x1="{x}" x2="{x + 18}" y1="12" y2="12" {stroke(colour)}/>')
        lines.append(f'<text x="{x + 24}" y="16">{WORKS[work]}</text>')
    for number, (axis, rows) in enumerate(axes.items()):
        lines += panel(axis, rows, LEFT + number * (WIDTH + GAP), low, high, number == 0)
    return "\n".join([*lines, "</svg>", ""])


def panel(
    axis: str, rows: Mapping[int, Mapping[str, Any]], left: int, low: int, high: int, first: bool
) -> list[str]:
    """One axis: its frame, its ticks, and a line for each work."""
    sizes = sorted(rows)
    begin, end = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: float) -> float:
        return left + 8 + (math.log10(size) - begin) / (end - begin) * (WIDTH - 16)

    def y(took: float) -> float:
        return TOP + HEIGHT - (math.log10(took) - low) / (high - low) * HEIGHT

    lines = [
        f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" '
        f'stroke="{GREY}" stroke-opacity="0.5"/>',
        f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 34}" text-anchor="middle">{axis}</text>',
    ]
    for power in range(low, high + 1):
        at = y(10.0**power)
        lines.append(
            f'<line x1="{left}" x2="{left + WIDTH}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="{GREY}" stroke-opacity="0.2"/>'
        )
        if first:
            said = f"{10.0**power:g} s"
            lines.append(f'<text x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">{said}</text>')
    for size in (sizes[0], sizes[-1]):
        anchor = "start" if size == sizes[0] else "end"
        place = f'x="{left if anchor == "start" else left + WIDTH}" y="{TOP + HEIGHT + 16}"'
        lines.append(f'<text {place} text-anchor="{anchor}">{size:,}</text>')
    for work, colour in zip(WORKS, COLOURS, strict=True):
        points = [(x(size), y(rows[size][f"{work}_s"])) for size in sizes]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        lines.append(f'<polyline points="{path}" fill="none" {stroke(colour)}/>')
        lines += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in points]
    return lines


def stroke(colour: str) -> str:
    """A line's look."""
    return f'stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
