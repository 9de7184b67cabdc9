"""check(): everything that is wrong or remarkable about a dataset, in one pass.

Codes are stable: tests, pages and other programs may rely on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.data.columns import looks_like_control
from gvci.data.naming import symbol_column
from gvci.data.portions import blocks
from gvci.data.reals import numbers, usable
from gvci.data.roles import Columns, doses, joined, without_value
from gvci.errors import listed, nearest
from gvci.grn.kinds import ENSEMBL, kind_of

__all__ = ["Finding", "check"]

Level = Literal["error", "warning", "note"]
FEWEST_CELLS, FEWEST_GENES = 10, 2
MOST_LEVELS_OF_NUMBERS = 20
MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)"
DATE = rf"\d{{1,2}}-{MONTH}|{MONTH}-\d{{2}}|\d{{4}}-\d{{2}}-\d{{2}}.*|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}"


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

    Codes, errors: too_few_cells, too_few_genes, missing_column,
    no_control_cells, one_level, negative_values, not_finite, duplicate_genes, empty_gene_names,
    confounded, identifier, column_named_twice, dose_not_numeric, negative_dose,
    covariate_not_numeric, covariate_not_finite. Warnings: unlabelled_cells, duplicate_cells,
    no_controls_in_group, single_cell_perturbation, numeric_covariate, constant_covariate,
    ensembl_ids, dates_for_genes. Notes: single_level_covariate, small_perturbation,
    gene_not_measured.
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
    found += _other_names(adata, genes)
    cells = adata.obs_names
    twice = cells[cells.duplicated()].unique()
    if len(twice):
        message = f"{len(twice):,} cell names occur more than once: {listed(twice)}."
        fix = "Nothing is lost: cells are told apart by position."
        found.append(Finding("warning", "duplicate_cells", "obs_names", len(twice), message, fix))
    return found


def _other_names(adata: ad.AnnData, genes: pd.Index) -> list[Finding]:
    """Ids where networks have symbols, and what a spreadsheet made of MARCH1."""
    found = []
    if kind_of(genes) == "Ensembl ids":
        ids = sum(bool(ENSEMBL.fullmatch(gene)) for gene in genes)
        message = f"{ids:,} of {len(genes):,} genes are named by Ensembl ids, networks by symbols."
        column = symbol_column(adata)
        fix = (
            f"Name them by var['{column}']: the choice Gene names, or --gene-names {column}."
            if column
            else "Name them by symbols: --gene-names symbols (GENCODE's), or FILE.csv of both."
        )
        found.append(Finding("warning", "ensembl_ids", "var_names", ids, message, fix))
    dates = genes[genes.str.fullmatch(DATE, flags=re.IGNORECASE)]
    if len(dates):
        message = f"{len(dates):,} gene names look like dates: {listed(dates)}."
        fix = "A spreadsheet has changed them (MARCH1 to 1-Mar): take the names from the source."
        found.append(Finding("warning", "dates_for_genes", "var_names", len(dates), message, fix))
    return found


def _values(adata: ad.AnnData) -> list[Finding]:
    values = adata.X.data if sp.issparse(adata.X) else np.asarray(adata.X).ravel()
    found = []
    broken = sum(int((~np.isfinite(block)).sum()) for block in blocks(values))
    if broken:
        cell, gene = _first(adata, lambda block: ~np.isfinite(block))
        message = f"{broken:,} values are NaN or infinite; the first: gene {gene} in cell {cell}."
        fix = "Replace them by counts or leave those cells out."
        found.append(Finding("error", "not_finite", "X", broken, message, fix))
    negative = sum(int((np.isfinite(b) & (b < 0)).sum()) for b in blocks(values))
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
    twice = sorted({name for name in columns.used if columns.used.count(name) > 1})
    if twice:
        message = f"{len(twice)} obs columns are named for two purposes: {listed(twice)}."
        fix = "Name each once: as perturbation, dose, covariate or real-valued covariate."
        found.append(Finding("error", "column_named_twice", "obs", len(twice), message, fix))
    missing_values = without_value(adata.obs, columns)
    unlabelled = missing_values.any(axis=1)
    if unlabelled.any():
        where = listed(missing_values.columns[missing_values.any()])
        count = int(unlabelled.sum())
        message, fix = f"{count:,} cells have no value in {where}.", "They are left out."
        found.append(Finding("warning", "unlabelled_cells", where, count, message, fix))
    obs = adata.obs[~unlabelled]
    found += [*_treatments(adata, obs, columns), *_doses(obs, columns)]
    return [*found, *_covariates(obs, columns), *_real_covariates(obs, columns)]


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
        alike = [label for label in counts.index if looks_like_control(label)]
        hint = f" Did you mean {alike[0]}?" if len(alike) == 1 else ""
        fix = f"Name the control label.{nearest(columns.control, counts.index) or hint}"
        found.append(Finding("error", "no_control_cells", where, 0, message, fix))
    elif len(counts) == 1:
        message = f"All {len(labels):,} cells are '{columns.control}'."
        fix = "There is nothing to learn: at least one perturbation is needed."
        found.append(Finding("error", "one_level", where, 1, message, fix))
    treated = counts[counts.index != columns.control]
    lone, few = treated[treated == 1], treated[(treated > 1) & (treated < 30)]
    if len(lone):
        message = f"{len(lone)} perturbations have a single cell: {listed(lone.index)}."
        fix = "Their effects are not estimable: they are excluded from effects and scores."
        found.append(Finding("warning", "single_cell_perturbation", where, len(lone), message, fix))
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
        joined = next((label for label in absent if _two_of(label, parts - {label})), None)
        if joined is not None:
            both = "+".join(_two_of(joined, parts))
            fix += f" If {joined} is two perturbations at once, name it {both}."
        found.append(Finding("note", "gene_not_measured", where, len(absent), message, fix))
    return found


def _two_of(label: str, others: set[str]) -> tuple[str, ...]:
    """The two perturbations that a label joins by something else than "+", or none."""
    for separator in ("_", "|", ",", ";", "&", "-", ":", "/"):
        first, found, second = label.partition(separator)
        if found and first != second and {first.strip(), second.strip()} <= others:
            return first.strip(), second.strip()
    return ()


def _doses(obs: pd.DataFrame, columns: Columns) -> list[Finding]:
    """Faults in the doses of treated cells; a control's dose is not asked for."""
    if columns.dose is None:
        return []
    treated = obs[columns.perturbation].astype(str) != columns.control
    given = doses(obs, columns)[treated]
    found = []
    bad = ~usable(given)
    if bad.any():
        first = listed(pd.unique(obs.loc[treated, columns.dose].astype(str)[bad]))
        message = f"{int(bad.sum()):,} doses in obs['{columns.dose}'] are not numbers: {first}."
        fix = "Give numbers, or leave the dose column out."
        found.append(
            Finding("error", "dose_not_numeric", columns.dose, int(bad.sum()), message, fix)
        )
    negative = int((given < 0).sum())
    if negative:
        message = f"{negative:,} doses in obs['{columns.dose}'] are negative."
        fix = "Give amounts, 0 or more, not their logarithms."
        found.append(Finding("error", "negative_dose", columns.dose, negative, message, fix))
    return found


def _covariates(obs: pd.DataFrame, columns: Columns) -> list[Finding]:
    found = []
    labels = obs[columns.perturbation].astype(str)
    treated = labels != columns.control
    for name in columns.covariates:
        values = obs[name].astype(str)
        levels = values.nunique()
        hint = ""
        if _looks_real(obs[name]):
            hint = "If it is a measurement, name it with --real-covariates."
            message = (
                f"The covariate '{name}' has {levels:,} different values, most of them not whole "
                "numbers, and each is taken as a kind of its own."
            )
            found.append(Finding("warning", "numeric_covariate", name, levels, message, hint))
        if levels == 1:
            message, fix = f"The covariate '{name}' has one level, '{values.iloc[0]}'.", ""
            found.append(Finding("note", "single_level_covariate", name, 1, message, fix))
        elif levels == len(values):
            message = f"The covariate '{name}' is different in every cell: it is an identifier."
            fix = f"Leave it out. {hint}".strip()
            found.append(Finding("error", "identifier", name, levels, message, fix))
        elif labels.groupby(values).nunique().eq(1).all() and treated.any() and (~treated).any():
            message = (
                f"Every level of '{name}' has a single perturbation, "
                "so the two cannot be told apart."
            )
            fix = f"Leave the covariate out, or add cells of both kinds. {hint}".strip()
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


def _looks_real(values: pd.Series) -> bool:
    """Many different values, most of them numbers with a fraction."""
    different = numbers(pd.Series(values.unique()))
    if len(different) <= MOST_LEVELS_OF_NUMBERS:
        return False
    finite = different[np.isfinite(different)]
    return bool((finite != np.rint(finite)).sum() > len(different) / 2)


def _real_covariates(obs: pd.DataFrame, columns: Columns) -> list[Finding]:
    found = []
    for name in columns.real_covariates:
        values = numbers(obs[name])
        text, huge = np.isnan(values), ~usable(values) & ~np.isnan(values)
        if text.any():
            count, first = int(text.sum()), listed(pd.unique(obs[name].astype(str)[text]))
            message = f"{count:,} values of the real-valued covariate '{name}' are not numbers: "
            fix = "Give numbers, make them missing (NaN), or name it with --covariates."
            code = "covariate_not_numeric"
            found.append(Finding("error", code, name, count, f"{message}{first}.", fix))
        if huge.any():
            count = int(huge.sum())
            message = (
                f"{count:,} cells have an infinite or too large value of the real-valued "
                f"covariate '{name}'; the first: {obs.index[huge][0]}."
            )
            fix = "Give finite numbers, or make them missing (NaN): those cells are then left out."
            found.append(Finding("error", "covariate_not_finite", name, count, message, fix))
        if len(values) and (values == values[0]).all():
            message = f"The real-valued covariate '{name}' is {values[0]:g} in every cell."
            fix = "It carries nothing and can be left out."
            found.append(Finding("warning", "constant_covariate", name, 1, message, fix))
    return found
