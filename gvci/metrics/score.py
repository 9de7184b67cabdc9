"""What a score is: a number, or None where it is undefined."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Variation below float32's rounding of log1p CP10k counts as none.
NO_VARIATION = 1e-6

Score = float | None


def average(scores: Iterable[Score]) -> Score:
    """Mean of the defined scores; None where none is."""
    defined = [score for score in scores if score is not None]
    return float(np.mean(defined)) if defined else None


def finite(*arrays: np.ndarray) -> bool:
    """All values are finite."""
    return all(bool(np.isfinite(array).all()) for array in arrays)


def number(value: float) -> Score:
    """The value as a score: None where it is not finite."""
    return float(value) if np.isfinite(value) else None
