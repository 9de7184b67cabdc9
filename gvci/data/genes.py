"""Which genes are kept, and which differ between treated and control cells (docs/method.md §5)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.portions import portions
from gvci.errors import listed


def differential_genes(
    expression_treated: np.ndarray | sp.spmatrix,
    expression_control: np.ndarray | sp.spmatrix,
    n: int,
) -> np.ndarray:
    """Positions of the n genes that differ most: by |Welch t| of treated against control (C.1).

    The ranking of scanpy's rank_genes_groups with method "t-test" and rankby_abs. Ties go to
    the gene that comes first; genes that vary nowhere come last.

    Args:
        expression_treated, expression_control: (cells, genes) log1p expression, at least one
            cell each; dense or sparse.
    """
    return most_changed(moments(expression_treated), moments(expression_control), n)


Moments = tuple[np.ndarray, np.ndarray, int]


def most_changed(treated: Moments, control: Moments, n: int) -> np.ndarray:
    """`differential_genes` from the moments of either side."""
    (mean_1, var_1, n_1), (mean_0, var_0, n_0) = treated, control
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.abs(mean_1 - mean_0) / np.sqrt(var_1 / n_1 + var_0 / n_0)
    score = np.nan_to_num(score, nan=0.0, posinf=np.inf)
    return np.argsort(-score, kind="stable")[:n]


def moments(expression: np.ndarray | sp.spmatrix, rows: np.ndarray | None = None) -> Moments:
    """Mean, variance (ddof 1) per gene, and the number of cells; of some rows, or of all."""
    n = int(expression.shape[0]) if rows is None else len(rows)
    if sp.issparse(expression):
        mean, square = np.zeros(expression.shape[1]), np.zeros(expression.shape[1])
        for _, part in portions(sp.csr_matrix(expression), rows):
            matrix, share = part.astype(np.float64), part.shape[0] / n
            mean += share * np.asarray(matrix.mean(axis=0)).ravel()
            square += share * np.asarray(matrix.multiply(matrix).mean(axis=0)).ravel()
        variance = np.maximum(square - mean**2, 0.0)
    else:
        values = np.asarray(expression if rows is None else expression[rows], dtype=np.float64)
        mean, variance = values.mean(axis=0), values.var(axis=0)
    return mean, variance * n / max(n - 1, 1), n


def choose_genes(
    expression: sp.csr_matrix,
    genes: pd.Index,
    labels: np.ndarray,
    settings: PrepareSettings,
    report: list[str],
) -> np.ndarray:
    """Positions, in file order, of highly variable genes, perturbed genes and those to keep."""
    wanted = pd.Index(settings.keep_genes)
    absent = wanted[~wanted.isin(genes)]
    if len(absent):
        report.append(
            f"{len(absent):,} of {len(wanted):,} genes to keep are not measured: {listed(absent)}."
        )
    if settings.n_genes >= len(genes):
        report.append(f"All {len(genes):,} genes are kept.")
        return np.arange(len(genes))
    variable, flavour = _highly_variable(expression, settings.n_genes)
    words = {word for label in set(labels) for word in re.split(r"[\s+]+", label)}
    perturbed = genes.isin(words)
    kept = variable | perturbed | genes.isin(wanted)
    report.append(
        f"{int(kept.sum()):,} of {len(genes):,} genes: {int(variable.sum()):,} highly variable in "
        f"the training cells ({flavour}), with {int(perturbed.sum()):,} perturbed genes and "
        f"{int(genes.isin(wanted).sum()):,} genes to keep."
    )
    return np.flatnonzero(kept)


def _highly_variable(expression: sp.csr_matrix, n: int) -> tuple[np.ndarray, str]:
    import scanpy as sc

    training = ad.AnnData(expression.astype(np.float32))
    for flavour in ("cell_ranger", "seurat"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = sc.pp.highly_variable_genes(
                    training, flavor=flavour, n_top_genes=n, inplace=False
                )
        except ValueError:  # cell_ranger's bins are not unique where means repeat
            continue
        return table["highly_variable"].to_numpy(dtype=bool), flavour
    variance = moments(expression)[1]
    return np.isin(np.arange(len(variance)), np.argsort(-variance, kind="stable")[:n]), "variance"


def de_genes_by_pair(
    adata: ad.AnnData,
    groups: np.ndarray,
    labels: np.ndarray,
    control: str,
    train: np.ndarray,
    n: int,
) -> dict[str, dict[str, Sequence[str]]]:
    """DE genes of each (group, perturbation) with two training cells on either side."""
    found: dict[str, dict[str, Sequence[str]]] = {}
    expression = sp.csr_matrix(adata.X)
    for group in sorted(set(groups)):
        inside = train & (groups == group)
        controls = expression[inside & (labels == control)]
        for label in sorted(set(labels[inside]) - {control}):
            treated = expression[inside & (labels == label)]
            if min(controls.shape[0], treated.shape[0]) >= 2:
                positions = differential_genes(treated, controls, n)
                found.setdefault(group, {})[label] = [str(g) for g in adata.var_names[positions]]
    return found
