"""From raw cells to a PerturbationData: quality, scale, splits, genes, DE genes.

Every step says in the report what it dropped or chose. Splits come before genes: highly
variable genes and DE genes are chosen on training cells only (docs/method.md §5).
"""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from gvci.config import PrepareSettings
from gvci.data.columns import find_columns
from gvci.data.dataset import COUNTS, DEPTH, SPLIT, PerturbationData
from gvci.data.door.taken import NOTES
from gvci.data.findings import check
from gvci.data.genes import choose_genes, de_genes_by_pair, differential_genes
from gvci.data.naming import other_names, with_gene_names
from gvci.data.quality import good_cells, log_normalised, plain_obs, raw_matrix, summed
from gvci.data.roles import joined
from gvci.data.split import hold_out, split_cells
from gvci.errors import FindingsError
from gvci.grn.names import OTHER_NAME

__all__ = ["differential_genes", "prepare"]


def prepare(
    adata: ad.AnnData,
    settings: PrepareSettings,
    *,
    name: str = "dataset",
    title: str | None = None,
    simulated: bool = False,
    licence: str = "",
    citation: str = "",
) -> PerturbationData:
    """Quality control, normalisation, splits, genes and DE genes; `adata` is not changed.

    Returns:
        Data whose meta holds name, title, simulated, licence, citation, settings, report,
        holdout and de_genes[group][perturbation] (names, from training cells).

    Raises:
        DataError: columns or control label are unclear, or no cell survives.
        FindingsError: check() found errors.
        SettingsError: a hold-out that does not exist or makes no sense, or gene names that
            are not known.
    """
    columns, said = find_columns(adata.obs, settings)
    report = [*adata.uns.get(NOTES, ()), *said]
    others = other_names(adata)
    adata = with_gene_names(adata, settings.gene_names, report)
    findings = check(adata, columns)
    may_sum = settings.duplicate_genes == "sum"
    if any(f.level == "error" and not (may_sum and f.code == "duplicate_genes") for f in findings):
        raise FindingsError(findings)
    matrix, is_counts = raw_matrix(adata, report)
    genes = pd.Index(adata.var_names.astype(str))
    if genes.has_duplicates:
        matrix, genes = summed(matrix, genes, report)
    keep = good_cells(adata.obs, columns, matrix, genes, is_counts, settings, report)
    matrix = matrix[keep]
    expressed = np.asarray(matrix.sum(axis=0)).ravel() > 0
    if not expressed.all():
        report.append(f"{int((~expressed).sum()):,} genes are expressed in no cell: left out.")
        matrix, genes = matrix[:, expressed], genes[expressed]
    obs = plain_obs(adata.obs[keep], columns, report)
    expression = log_normalised(matrix, settings.target_sum) if is_counts else matrix

    held_out = hold_out(obs, columns, expression, settings)
    report.append(held_out.sentence)
    groups = joined(obs, columns.covariates)
    labels = obs[columns.perturbation].astype(str).to_numpy()
    split = split_cells(groups + "\t" + labels, held_out.mask, settings)
    sizes = pd.Series(split).value_counts()
    report.append(f"Cells: {', '.join(f'{n:,} {part}' for part, n in sizes.items())}.")
    train = split == "train"
    chosen = choose_genes(expression[train], genes, labels, settings, report)
    obs[SPLIT] = pd.Categorical(split)
    var = pd.DataFrame(index=genes[chosen])
    if others:
        var[OTHER_NAME] = [others.get(gene, "") for gene in var.index]
    prepared = ad.AnnData(expression[:, chosen].astype(np.float32), obs=obs, var=var)
    if is_counts:
        prepared.layers[COUNTS] = matrix[:, chosen].astype(np.float32)
        prepared.obs[DEPTH] = np.asarray(matrix.sum(axis=1)).ravel()
    de_genes = de_genes_by_pair(prepared, groups, labels, columns.control, train, settings.n_de)
    meta = {
        "name": name,
        "title": title or name,
        "simulated": simulated,
        "licence": licence,
        "citation": citation,
        "settings": settings.model_dump(mode="json"),
        "report": report,
        "holdout": {"rule": held_out.rule, "cells": int(held_out.mask.sum())},
        "de_genes": de_genes,
    }
    return PerturbationData(prepared, columns, meta)
