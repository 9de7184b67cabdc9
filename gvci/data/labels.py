"""How many cells have which labels: what is left of a dataset where its cells are not.

A run that is shipped carries no cell. From the numbers of cells per group, perturbation, dose and
split, all that asks for labels is answered as with the cells; whoever asks for expression is told
how to get them.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Never

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.dataset import SPLIT, PerturbationData
from gvci.data.roles import Columns
from gvci.data.tables import compact, parquet
from gvci.errors import DataError, FileError

NOTES, TABLE = "labels.json", "labels.parquet"
FORMAT = 1
MOST_CELLS = 20_000_000
CELLS = "cells"


class AbsentCells(PerturbationData):
    """Labels of all cells, without their expression; in the order of the labels.

    Attributes:
        how: how to get the cells, in a sentence.
    """

    def __init__(
        self, obs: pd.DataFrame, var: pd.DataFrame, columns: Columns, meta: dict[str, Any],
        fingerprint: str,
    ) -> None:  # fmt: skip
        self.adata, self.columns, self.meta = ad.AnnData(obs=obs, var=var), columns, dict(meta)
        self.findings, self._fingerprint = [], fingerprint
        self.how = "Put the file data.h5ad of this run back."

    @property
    def why(self) -> str:
        """That the cells are not here, and how to get them."""
        return f"This needs the cells of {self.title}, which are not here. {self.how}"

    @cached_property
    def expression(self) -> sp.csr_matrix:
        """Refused.

        Raises:
            DataError: always; says how to get the cells.
        """
        self._refuse()

    @cached_property
    def counts(self) -> sp.csr_matrix:
        """Refused, as `expression` is."""
        self._refuse()

    @cached_property
    def depth(self) -> np.ndarray:
        """Refused, as `expression` is."""
        self._refuse()

    @cached_property
    def fingerprint(self) -> str:
        """That of the cells, as it was noted."""
        return self._fingerprint

    def _refuse(self) -> Never:
        raise DataError(self.why)


def write_labels(data: PerturbationData, folder: Path) -> None:
    """Write the numbers of cells per labels, and what else is known of the dataset but its cells.

    Raises:
        DataError: there are real-valued covariates, which belong to single cells.
    """
    if data.columns.real_covariates:
        message = (
            f"{data.title} has real-valued covariates ({', '.join(data.columns.real_covariates)}), "
            "which are of single cells and have no summary. Keep its cells with the run."
        )
        raise DataError(message)
    names = [*data.columns.covariates, data.columns.perturbation, SPLIT]
    obs = pd.DataFrame({name: data.adata.obs[name].astype(str).to_numpy() for name in names[:-1]})
    obs[SPLIT] = data.split
    if data.columns.dose is not None:
        obs[data.columns.dose] = data.dose
        names.append(data.columns.dose)
    counted = obs.groupby(names, observed=True).size().rename(CELLS).reset_index()
    table = compact(counted.astype({CELLS: np.int64}))
    ids = {n: data.adata.var[n].astype(str).tolist() for n in _texts(data.adata.var)}
    notes = {
        "format": FORMAT,
        "data_hash": data.fingerprint,
        "cells": data.n_cells,
        "columns": vars(data.columns),
        "meta": data.meta,
        "genes": [str(gene) for gene in data.genes],
        "gene_columns": ids,
        "checksum": hashlib.sha256(table).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_bytes(table)
    (folder / NOTES).write_text(json.dumps(notes, sort_keys=True) + "\n", encoding="utf-8")


def read_labels(folder: Path) -> AbsentCells:
    """Read what `write_labels` wrote.

    Raises:
        FileError: missing, damaged, or more cells than can be.
    """
    try:
        notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        columns = Columns.from_json(notes["columns"])
        table = parquet((folder / TABLE).read_bytes(), notes["checksum"])
        n = table.pop(CELLS).to_numpy()
        if notes["format"] != FORMAT or (n < 1).any() or n.sum() != notes["cells"]:
            raise ValueError
        if not 0 < n.sum() <= MOST_CELLS or not set(columns.used) | {SPLIT} == set(table):
            raise ValueError
        obs = table.loc[table.index.repeat(n)].reset_index(drop=True)
        obs.index = pd.Index([f"cell {i + 1}" for i in range(len(obs))])
        genes = pd.Index([str(gene) for gene in notes["genes"]])
        var = pd.DataFrame(notes["gene_columns"], index=genes)
        return AbsentCells(obs, var, columns, notes["meta"], str(notes["data_hash"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        message = (
            f"The labels of {folder} are damaged or of another version ({NOTES} and {TABLE} are "
            "needed). Make them again, or put the run's data.h5ad back."
        )
        raise FileError(message) from None


def _texts(var: pd.DataFrame) -> list[str]:
    """Columns of names."""
    return [str(name) for name in var if not pd.api.types.is_numeric_dtype(var[name])]
