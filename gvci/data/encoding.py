"""How labels become numbers: treatments T and covariates X (docs/method.md §1)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from gvci.data.reals import usable
from gvci.errors import CheckpointError, PredictionError, listed, nearest


@dataclass(frozen=True)
class TreatmentCode:
    """One-hot over single perturbations times dose; combinations "A+B" add up.

    Attributes:
        levels: single perturbations, sorted; column 0 of T is the control, then these.
        control: label of the control.
    """

    levels: tuple[str, ...]
    control: str

    @classmethod
    def of(cls, labels: Sequence[str], control: str) -> TreatmentCode:
        """The levels that these labels are made of.

        A label with "+" is a combination only if one of its parts also occurs alone (as a
        perturbation or the control), so that "Ca2+ ionophore" stays one treatment.
        """
        names = set(labels) - {control}
        singles = {name for name in names if "+" not in name} | {control}
        levels: set[str] = set()
        for name in names:
            parts = [part.strip() for part in name.split("+")]
            combined = all(parts) and any(part in singles for part in parts)
            levels |= set(parts) if combined else {name}
        return cls(tuple(sorted(levels - {control})), control)

    @property
    def width(self) -> int:
        """r: the control's column and one per level."""
        return 1 + len(self.levels)

    def parts(self, label: str) -> tuple[str, ...]:
        """The single perturbations in a label; empty for the control.

        Raises:
            PredictionError: the label, or a part of it, was not in the training data.
        """
        if label == self.control:
            return ()
        if label in self.levels:
            return (label,)
        parts = tuple(p for p in (word.strip() for word in label.split("+")) if p != self.control)
        unknown = [part for part in parts if part not in self.levels]
        if unknown:
            message = (
                f"The model has not seen the perturbation '{unknown[0]}', so it cannot predict "
                f"it.{nearest(unknown[0], self.levels)} It knows {len(self.levels)}: "
                f"{listed(self.levels, 8)}."
            )
            raise PredictionError(message)
        return parts

    def encode(self, labels: Sequence[str], doses: Sequence[float] | None = None) -> np.ndarray:
        """T, float32 (cells, r). A dose scales the perturbations of its cell; 0 is the control.

        Raises:
            PredictionError: an unknown label.
        """
        columns = {level: i + 1 for i, level in enumerate(self.levels)}
        words = np.asarray(labels, dtype=object).astype(str)
        unique, inverse = np.unique(words, return_inverse=True)
        table = np.zeros((len(unique), self.width), dtype=np.float32)
        for row, label in enumerate(unique):
            parts = self.parts(str(label))
            table[row, [columns[p] for p in parts] if parts else [0]] = 1.0
        code = table[inverse]
        if doses is not None:
            amounts = np.asarray(doses, dtype=np.float32)
            code[:, 1:] *= amounts[:, None]
            code[amounts == 0] = np.eye(1, self.width, dtype=np.float32)  # nothing was given
        return code

    def to_json(self) -> dict[str, Any]:
        """For the checkpoint's header."""
        return {"levels": list(self.levels), "control": self.control}


@dataclass(frozen=True)
class CovariateCode:
    """Each categorical covariate one-hot, then each real-valued one standardised.

    Attributes:
        levels: categorical covariate → its levels, sorted.
        real: real-valued covariate → the mean that is taken off and the sd divided by.
    """

    levels: Mapping[str, tuple[str, ...]]
    real: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """m: all levels of all categorical covariates, and one per real-valued one."""
        return sum(len(values) for values in self.levels.values()) + len(self.real)

    def encode(self, values: Mapping[str, Sequence[Any] | np.ndarray]) -> np.ndarray:
        """X, float32 (cells, m).

        Args:
            values: covariate → its value in each cell, a label or a number.

        Raises:
            PredictionError: a covariate is missing, a level was not in the training data, or
                a real-valued one is not finite.
        """
        absent = [name for name in (*self.levels, *self.real) if name not in values]
        if absent:
            message = (
                f"The covariate '{absent[0]}' is missing. "
                f"The model needs {listed((*self.levels, *self.real))}."
            )
            raise PredictionError(message)
        blocks = [self._one_hot(name, values[name]) for name in self.levels]
        blocks += [self._standardised(name, values[name]) for name in self.real]
        return np.concatenate(blocks, axis=1)

    def _one_hot(self, name: str, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        levels = self.levels[name]
        labels = np.asarray(values, dtype=object).astype(str)
        unknown = sorted(set(labels) - set(levels))
        if unknown:
            message = (
                f"The model has not seen {name} = {listed(unknown)}. It knows {listed(levels, 10)}."
            )
            raise PredictionError(message)
        return np.asarray(labels[:, None] == np.asarray(levels)[None, :], dtype=np.float32)

    def _standardised(self, name: str, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        mean, sd = self.real[name]
        given = np.asarray(values, dtype=np.float64)
        bad = int((~usable(given)).sum())
        if bad:
            message = f"{bad:,} values of {name} are not finite numbers. Give one for every cell."
            raise PredictionError(message)
        return np.asarray((given - mean) / sd, dtype=np.float32)[:, None]

    def to_json(self) -> dict[str, Any]:
        """For the checkpoint's header."""
        return {
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "real": {name: list(scale) for name, scale in self.real.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What `to_json` gave; headers before real-valued covariates hold the levels alone.

        Raises:
            CheckpointError: it is neither.
        """
        try:
            whole = isinstance(stored.get("levels"), Mapping)
            levels = stored["levels"] if whole else stored
            real = {
                str(name): (float(mean), float(sd))
                for name, (mean, sd) in (stored["real"] if whole else {}).items()
            }
            code = cls({str(name): tuple(map(str, v)) for name, v in levels.items()}, real)
            sound = all(math.isfinite(mean) and 0 < sd < math.inf for mean, sd in real.values())
        except (AttributeError, KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            message = "The covariates of the model file cannot be read. Train again."
            raise CheckpointError(message)
        return code
