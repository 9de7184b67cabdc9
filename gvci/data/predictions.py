"""Predicted cells of another program, in the genes, labels and unit of a dataset."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.dataset import PerturbationData
from gvci.data.door.read import read_cells
from gvci.data.gene_match import match_genes
from gvci.data.roles import joined
from gvci.data.unit import to_log1p
from gvci.errors import DataError, listed, nearest


@dataclass(frozen=True)
class PredictedCells:
    """What a file says of the pairs that are asked for.

    Attributes:
        file: its name.
        expression: (cells, genes found) float32, in the data's unit.
        genes: positions of these genes in the data's, ascending.
        pairs: (group, perturbation) of each cell. names: of the cells.
        notes: what was found and done, in words.
    """

    file: str
    expression: np.ndarray
    genes: np.ndarray
    pairs: list[tuple[str, str]]
    names: list[str]
    notes: list[str]

    def of(self, group: str, perturbation: str) -> tuple[np.ndarray, list[str]]:
        """Expression and names of a pair's cells, maybe of none."""
        rows = [i for i, pair in enumerate(self.pairs) if pair == (group, perturbation)]
        return self.expression[rows], [self.names[i] for i in rows]


def read_predictions(
    path: Path, data: PerturbationData, asked: Collection[tuple[str, str]]
) -> PredictedCells:
    """Read predicted cells of these pairs; genes are matched by name, labels as the data's.

    obs must have the data's columns of perturbation and covariates; X is log1p of as many counts
    per cell as the data, or counts.

    Args:
        data: what is predicted: its columns, genes and control cells.
        asked: pairs (group, perturbation) that are scored.

    Raises:
        FileError: not an .h5ad file, or damaged.
        DataError: a column is missing, no pair is there, too few genes, or values that are
            neither counts nor log1p.
    """
    adata = read_cells(path)
    pairs, notes = _labels(adata.obs, data, path.name)
    wanted = set(asked)
    rows = np.array([i for i, pair in enumerate(pairs) if pair in wanted], dtype=np.intp)
    if not len(rows):
        raise DataError(_no_pair(pairs, sorted(wanted), data, path.name))
    notes += _left_over(pairs, wanted, data)
    match = match_genes(data.genes, adata.var, path.name)
    chosen = [pairs[i] for i in rows]
    names = [str(name) for name in adata.obs_names[rows]]
    values, unit = to_log1p(
        _dense(adata, rows, match.found), data, match.wanted, [group for group, _ in chosen], names,
        path.name,
    )  # fmt: skip
    return PredictedCells(
        path.name, values, match.wanted, chosen, names, [*match.sentences, *unit, *notes]
    )


def _labels(
    obs: pd.DataFrame, data: PerturbationData, file: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """(group, perturbation) of every cell; empty labels where one has no value."""
    columns = (data.columns.perturbation, *data.columns.covariates)
    missing = [name for name in columns if name not in obs]
    if missing:
        hints = "".join(nearest(name, obs.columns) for name in missing)
        message = (
            f"obs of {file} has no column {', '.join(repr(m) for m in missing)}; its columns: "
            f"{listed(obs.columns, 10)}. Predicted cells need the data's columns of perturbation "
            f"and covariates.{hints}"
        )
        raise DataError(message)
    unlabelled = obs[list(columns)].isna().any(axis=1).to_numpy()
    groups = joined(obs, data.columns.covariates)
    known = {_parts(label): label for label in data.perturbations}
    labels = [str(label) for label in obs[data.columns.perturbation].astype(str)]
    pairs = [
        ("", "") if bare else (str(group), known.get(_parts(label), label))
        for group, label, bare in zip(groups, labels, unlabelled, strict=True)
    ]
    count = int(unlabelled.sum())
    notes = [f"{count:,} cells without a perturbation or covariate are left out."] if count else []
    if data.columns.dose is not None:
        notes.append("Predicted cells of a pair are taken together, whatever their dose.")
    return pairs, notes


def _parts(label: str) -> tuple[str, ...]:
    """ "A+B" and "B + A" are the same combination."""
    return tuple(sorted(part.strip() for part in label.split("+")))


def _no_pair(
    pairs: list[tuple[str, str]],
    asked: list[tuple[str, str]],
    data: PerturbationData,
    file: str,
) -> str:
    """Why no cell is of a pair that is asked for."""
    words = [f"({', '.join(pair)})" for pair in asked]
    has = sorted({pair for pair in pairs if pair[1] and pair[1] != data.columns.control})
    others = listed(f"({', '.join(pair)})" for pair in has)
    found = f"it has {others}" if has else "it has no treated cells"
    hints = ""
    for name, own, other in (
        ("covariates", {p[0] for p in asked}, {p[0] for p in has}),
        ("perturbations", {p[1] for p in asked}, {p[1] for p in has}),
    ):
        if has and not own & other:
            hints += f" None of its {name} is among those asked for: {listed(sorted(own))}."
    return (
        f"No cell of {file} is of a held-out pair (group, perturbation) such as "
        f"{listed(words, 3)}; {found}.{hints} Label predicted cells as the data do."
    )


def _left_over(
    pairs: list[tuple[str, str]], asked: set[tuple[str, str]], data: PerturbationData
) -> list[str]:
    """Cells that nobody asked for."""
    control = sum(label == data.columns.control for _, label in pairs)
    others = [p for p in pairs if p[1] and p not in asked and p[1] != data.columns.control]
    notes = []
    if control:
        notes.append(
            f"{control:,} control cells of the file are not used: control cells are the measured "
            "ones for everybody."
        )
    if others:
        names = [f"({group}, {label})" for group, label in sorted(set(others))]
        notes.append(
            f"{len(others):,} cells of pairs that are not scored are not used: {listed(names, 3)}."
        )
    return notes


def _dense(adata: ad.AnnData, rows: np.ndarray, genes: np.ndarray) -> np.ndarray:
    """Some cells and genes of X, (rows, genes) float32."""
    matrix = adata.X
    if sp.issparse(matrix):
        some = matrix.tocsr()[rows][:, genes].toarray()
    else:
        some = np.asarray(matrix)[np.ix_(rows, genes)]
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
        return np.asarray(some, dtype=np.float32)
