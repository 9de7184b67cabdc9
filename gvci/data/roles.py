"""Which obs columns play which part, and what is read from them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gvci.data.numbering import numbered
from gvci.data.reals import numbers, usable


@dataclass(frozen=True)
class Columns:
    """Which obs columns mean what, and which label is the control.

    Attributes:
        covariates: categorical; their levels make the groups.
        real_covariates: read as numbers.
    """

    perturbation: str
    control: str
    covariates: tuple[str, ...] = ()
    dose: str | None = None
    real_covariates: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Columns:
        """From a file, which has lists in the place of tuples.

        Raises:
            TypeError, AttributeError: not what a file of gvci says.
        """
        named: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
        return cls(**named)

    @property
    def used(self) -> tuple[str, ...]:
        """All obs columns that are read."""
        dose = (self.dose,) if self.dose else ()
        return (self.perturbation, *self.covariates, *self.real_covariates, *dose)


def joined(obs: pd.DataFrame, covariates: Sequence[str]) -> np.ndarray:
    """Covariate group of each cell: its levels joined by " · "; "all cells" without any."""
    if not covariates:
        return np.full(len(obs), "all cells", dtype=object)
    names, place = numbered(*(obs[name].astype(str) for name in covariates), between=" · ")
    return np.asarray(np.array(names, dtype=object)[place])


def without_value(obs: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """(cells, used columns): True where a value is missing. A control needs no dose."""
    missing = pd.DataFrame({name: obs[name].isna() for name in columns.used}, index=obs.index)
    if columns.dose is not None:
        missing[columns.dose] &= obs[columns.perturbation].astype(str) != columns.control
    return missing


def doses(obs: pd.DataFrame, columns: Columns) -> np.ndarray:
    """(cells,) float64: 1 without a dose column; 0 for a control whose dose is no number."""
    if columns.dose is None:
        return np.ones(len(obs))
    given = numbers(obs[columns.dose])
    is_control = (obs[columns.perturbation].astype(str) == columns.control).to_numpy()
    return np.where(is_control & ~usable(given), 0.0, given)
