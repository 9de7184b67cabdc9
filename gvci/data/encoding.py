"""How labels become numbers: treatments T and covariates X (METHOD.md §1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gvci.errors import PredictionError, listed, nearest


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
    """Each covariate one-hot, concatenated.

    Attributes:
        levels: covariate name → its levels, sorted.
    """

    levels: Mapping[str, tuple[str, ...]]

    @property
    def width(self) -> int:
        """m: all levels of all covariates."""
        return sum(len(values) for values in self.levels.values())

    def encode(self, labels: Mapping[str, Sequence[str]]) -> np.ndarray:
        """X, float32 (cells, m).

        Raises:
            PredictionError: a covariate is missing or a level was not in the training data.
        """
        blocks = []
        for name, levels in self.levels.items():
            if name not in labels:
                message = (
                    f"The covariate '{name}' is missing. The model needs {listed(self.levels)}."
                )
                raise PredictionError(message)
            values = np.asarray(labels[name], dtype=object).astype(str)
            unknown = sorted(set(values) - set(levels))
            if unknown:
                message = (
                    f"The model has not seen {name} = {listed(unknown)}. "
                    f"It knows {listed(levels, 10)}."
                )
                raise PredictionError(message)
            blocks.append((values[:, None] == np.asarray(levels)[None, :]).astype(np.float32))
        return np.concatenate(blocks, axis=1)

    def to_json(self) -> dict[str, Any]:
        """For the checkpoint's header."""
        return {name: list(values) for name, values in self.levels.items()}
