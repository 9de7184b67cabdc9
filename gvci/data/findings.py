"""check(): everything that is wrong or remarkable about a dataset, in one pass.

Codes are stable: tests, pages and other programs may rely on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.errors import listed, nearest

Level = Literal["error", "warning", "note"]
FEWEST_CELLS, FEWEST_GENES = 10, 2


@dataclass(frozen=True)
class Columns:
    """Which obs columns mean what, and which label is the control."""

    perturbation: str
    control: str
    covariates: tuple[str, ...] = ()
    dose: str | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """All obs columns that are read."""
        return (self.perturbation, *self.covariates, *((self.dose,) if self.dose else ()))


def joined(obs: pd.DataFrame, covariates: Sequence[str]) -> np.ndarray:
    """Covariate group of each cell: its levels joined by " · "; "all cells" without any."""
    if not covariates:
        return np.full(len(obs), "all cells", dtype=object)
    first, *rest = (obs[name].astype(str) for name in covariates)
    for values in rest:
        first = first.str.cat(values, sep=" · ")
    return np.asarray(first, dtype=object)


@dataclass(frozen=True)
class Finding:
    """One thing found: how bad, a stable code, where, how many, and what to do."""

    level: Level
    code: str
    where: str
    count: int
    message: str
    fix: str

    @property
    def sentence(self) -> str:
        """Message and fix as the user reads them."""
        return f"{self.message} {self.fix}".strip()


def check(adata: ad.AnnData, columns: Columns) -> list[Finding]:
    """All findings about a dataset, errors first; empty when there is nothing to say.

    Codes, errors: too_few_cells, too_few_genes, missing_column, missing_values,
    no_control_cells, one_level, negative_values, not_finite, duplicate_genes, empty_gene_names,
    confounded, identifier, dose_not_numeric. Warnings: unlabelled_cells, duplicate_cells,
    no_controls_in_group. Notes: single_level_covariate, small_perturbation, gene_not_measured.
    """
    findings = [*_size(adata), *_names(adata), *_values(adata), *_labels(adata, columns)]
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda f: order[f.level])


def _size(adata: ad.AnnData) -> list[Finding]:
    found = []
    sizes = (("cells", adata.n_obs, FEWEST_CELLS), ("genes", adata.n_vars, FEWEST_GENES))
    for what, have, need in sizes:
        if have < need:
            message = f"{have:,} {what}; at least {need} are needed."
            fix = "Check that the file is the one you meant and that filters left something."
            found.append(Finding("error", f"too_few_{what}", what, have, message, fix))
    return found


def _names(adata: ad.AnnData) -> list[Finding]:
    found = []
    genes = pd.Index(adata.var_names.astype(str))
    repeated = genes[genes.duplicated()].unique()
    if len(repeated):
        message = f"{len(repeated):,} gene names occur more than once: {listed(repeated)}."
        fix = "Sum them (setting duplicate_genes=sum) or rename them."
        found.append(Finding("error", "duplicate_genes", "var_names", len(repeated), message, fix))
    empty = int((genes.str.strip() == "").sum())
    if empty:
        message, fix = f"{empty:,} genes have no name.", "Name or remove them."
        found.append(Finding("error", "empty_gene_names", "var_names", empty, message, fix))
    cells = adata.obs_names
    twice = cells[cells.duplicated()].unique()
    if len(twice):
        message = f"{len(twice):,} cell names occur more than once: {listed(twice)}."
        fix = "Nothing is lost: cells are told apart by position."
        found.append(Finding("warning", "duplicate_cells", "obs_names", len(twice), message, fix))
    return found


def _values(adata: ad.AnnData) -> list[Finding]:
    values = adata.X.data if sp.issparse(adata.X) else np.asarray(adata.X).ravel()
    found = []
    finite = np.isfinite(values)
    broken = int((~finite).sum())
    if broken:
        cell, gene = _first(adata, lambda block: ~np.isfinite(block))
        message = f"{broken:,} values are NaN or infinite; the first: gene {gene} in cell {cell}."
        fix = "Replace them by counts or leave those cells out."
        found.append(Finding("error", "not_finite", "X", broken, message, fix))
    negative = int((values[finite] < 0).sum())
    if negative:
        cell, gene = _first(adata, lambda block: block < 0)
        message = f"{negative:,} values are negative; the first: gene {gene} in cell {cell}."
        fix = "The data look scaled. Give raw counts, or log-normalised values before scaling."
        found.append(Finding("error", "negative_values", "X", negative, message, fix))
    return found


def _first(adata: ad.AnnData, fault: Any) -> tuple[str, str]:
    """Names of the first cell and gene whose value has the fault."""
    if sp.issparse(adata.X):
        matrix = adata.X.tocoo()
        at = int(np.flatnonzero(fault(matrix.data))[0])
        row, column = matrix.row[at], matrix.col[at]
    else:
        row, column = np.argwhere(fault(np.asarray(adata.X)))[0]
    return str(adata.obs_names[row]), str(adata.var_names[column])


def _labels(adata: ad.AnnData, columns: Columns) -> list[Finding]:
    missing = [name for name in columns.used if name not in adata.obs]
    if missing:
        hints = "".join(nearest(name, adata.obs.columns) for name in missing)
        message = (
            f"obs has no column {', '.join(repr(m) for m in missing)}; "
            f"its columns: {listed(adata.obs.columns, 10)}."
        )
        fix = f"Name the column that you mean.{hints}"
        return [Finding("error", "missing_column", "obs", len(missing), message, fix)]
    found = []
    unlabelled = adata.obs[list(columns.used)].isna().any(axis=1)
    if unlabelled.any():
        where = listed([c for c in columns.used if adata.obs[c].isna().any()])
        count = int(unlabelled.sum())
        message, fix = f"{count:,} cells have no value in {where}.", "They are left out."
        found.append(Finding("warning", "unlabelled_cells", where, count, message, fix))
    obs = adata.obs[~unlabelled]
    return [*found, *_treatments(adata, obs, columns), *_covariates(obs, columns)]


def _treatments(adata: ad.AnnData, obs: pd.DataFrame, columns: Columns) -> list[Finding]:
    labels = obs[columns.perturbation].astype(str)
    counts = labels.value_counts()
    where = f"obs['{columns.perturbation}']"
    found = []
    if columns.control not in counts:
        message = (
            f"No cells are labelled '{columns.control}' in {where}. "
            f"Labels found: {listed(counts.index, 10)}."
        )
        fix = f"Name the control label.{nearest(columns.control, counts.index)}"
        found.append(Finding("error", "no_control_cells", where, 0, message, fix))
    elif len(counts) == 1:
        message = f"All {len(labels):,} cells are '{columns.control}'."
        fix = "There is nothing to learn: at least one perturbation is needed."
        found.append(Finding("error", "one_level", where, 1, message, fix))
    if columns.dose is not None:
        doses = pd.to_numeric(obs[columns.dose], errors="coerce")
        bad = int(doses.isna().sum())
        if bad:
            message = f"{bad:,} doses in obs['{columns.dose}'] are not numbers."
            fix = "Give numbers, or leave the dose column out."
            found.append(Finding("error", "dose_not_numeric", columns.dose, bad, message, fix))
    few = counts[(counts < 30) & (counts.index != columns.control)]
    if len(few):
        message = f"{len(few)} perturbations have fewer than 30 cells: {listed(few.index)}."
        fix = "They take part in training and are not scored."
        found.append(Finding("note", "small_perturbation", where, len(few), message, fix))
    genes = set(adata.var_names)
    parts = {part.strip() for label in counts.index for part in label.split("+")}
    parts -= {columns.control}
    # "IRF7 OE" perturbs IRF7.
    absent = sorted(part for part in parts if not genes & {part, *part.split()})
    if absent and len(absent) < len(parts):
        message = f"{len(absent)} perturbed genes are not measured: {listed(absent)}."
        fix = "Their cells can be used; their own expression cannot be shown."
        found.append(Finding("note", "gene_not_measured", where, len(absent), message, fix))
    return found


def _covariates(obs: pd.DataFrame, columns: Columns) -> list[Finding]:
    found = []
    labels = obs[columns.perturbation].astype(str)
    treated = labels != columns.control
    for name in columns.covariates:
        values = obs[name].astype(str)
        levels = values.nunique()
        if levels == 1:
            message, fix = f"The covariate '{name}' has one level, '{values.iloc[0]}'.", ""
            found.append(Finding("note", "single_level_covariate", name, 1, message, fix))
        elif levels == len(values):
            message = f"The covariate '{name}' is different in every cell: it is an identifier."
            fix = "Leave it out."
            found.append(Finding("error", "identifier", name, levels, message, fix))
        elif labels.groupby(values).nunique().eq(1).all() and treated.any() and (~treated).any():
            message = (
                f"Every level of '{name}' has a single perturbation, "
                "so the two cannot be told apart."
            )
            fix = "Leave the covariate out, or add cells of both kinds."
            found.append(Finding("error", "confounded", name, levels, message, fix))
    if columns.covariates and treated.any() and (~treated).any():
        groups = joined(obs, columns.covariates)
        lonely = sorted(set(groups[treated]) - set(groups[~treated]))
        if lonely:
            message = f"{len(lonely)} groups have treated but no control cells: {listed(lonely)}."
            fix = "Effects there are not estimable."
            code = "no_controls_in_group"
            found.append(Finding("warning", code, "obs", len(lonely), message, fix))
    return found
