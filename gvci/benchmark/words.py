"""How figures and names are written in the tables of a benchmark."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pandas as pd

from gvci.benchmark.compare import Gain
from gvci.verdict import TITLES as NAMES
from gvci.verdict import number

SCORES = {
    "r2_all": "R² all",
    "r2_de": "R² DE",
    "r2_all_native": "R² all, native",
    "r2_de_native": "R² DE, native",
    "pearson_delta": "Pearson Δ",
    "pearson_delta_top20": "Pearson Δ top 20",
    "pearson_delta_de": "Pearson Δ DE",
    "systema_delta": "Systema Δ",
    "centroid_accuracy": "centroid accuracy",
    "pds": "PDS",
    "rank": "rank ↓",
    "mse": "MSE ↓",
    "mae": "MAE ↓",
    "e_distance": "E-distance ↓",
    "mmd": "MMD ↓",
    "wasserstein": "Wasserstein ↓",
    "des": "DES",
    "cell_correlation": "per-cell corr.",
    "spread_ratio": "spread ratio → 1",
    "coverage": "coverage → 0.95",
    "cell_truth": "cells against truth",
    "response_truth": "responses against truth",
}
OF_CELLS = (
    "e_distance", "mmd", "wasserstein", "des", "cell_correlation", "spread_ratio", "coverage",
    "cell_truth", "response_truth",
)  # fmt: skip
OF_MEANS = tuple(score for score in SCORES if score not in ("r2_all", "r2_de", *OF_CELLS))
WAYS = {
    "residual": "residual",
    "ungated": "network alone",
    "mean": "decoder's mean",
    "sample": "draws",
    "given": "as given",
    "plug_in": "plug-in mean",
    "robust": "robust (eq. 14)",
    "treated_mean": "plain mean of treated cells",
}
CEILING = "ceiling (split halves)"
NONE = "–"


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The tidy table with a column `label`: model and way, or the baseline's name."""
    labels = [
        CEILING if role == "ceiling" else NAMES[model] if role == "baseline"
        else model if pd.isna(way) else f"{model}, {WAYS[way]}"
        for role, model, way in zip(table["role"], table["model"], table["predicted"], strict=True)
    ]  # fmt: skip
    return table.assign(label=labels)


def score_title(score: str) -> str:
    """A score's name in tables; an arrow says that less is better, or what is best."""
    return SCORES.get(score, score)


def spread(values: Iterable[float], digits: int = 3) -> str:
    """Mean ± sd; the mean alone of one value."""
    known = [float(value) for value in values]
    if not known:
        return NONE
    text = number(float(np.mean(known)), digits)
    return f"{text} ± {np.std(known, ddof=1):.{digits}f}" if len(known) > 1 else text


def signed(value: float) -> str:
    """Four decimals, with its sign and a true minus."""
    text = number(value, 4)
    return text if value < 0 and text.startswith("−") else f"+{text.removeprefix('−')}"


def gain_cell(gain: Gain | None) -> str:
    """Difference, its interval over pairs, the seeds' spread, and who is ahead."""
    if gain is None:
        return NONE
    text = signed(gain.difference)
    if gain.low is not None and gain.high is not None:
        text += f" [{signed(gain.low)}, {signed(gain.high)}]"
    if gain.spread is not None:
        text += f" ± {gain.spread:.4f}"
    return text + {"ahead": " ✓", "behind": " ✗", "tied": ""}[gain.side]


def lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    everything = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in everything]


def minutes(seconds: float) -> str:
    """As read: 40 s, 2.5 min."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def made_by(command: str) -> str:
    """The command, the day, the machine and the libraries behind the figures."""
    used = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")}
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, " + ", ".join(f"{n} {v}" for n, v in used.items()) + "."
    )
