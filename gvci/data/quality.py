"""Which cells are used, and on which scale (docs/method.md §5)."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from gvci.config import PrepareSettings
from gvci.data.columns import UNLABELLED
from gvci.data.dataset import DEPTH, SPLIT
from gvci.data.reals import numbers
from gvci.data.roles import Columns, doses, without_value
from gvci.errors import DataError, SettingsError

PAPER_COUNTS, PAPER_GENES, PAPER_MITO = 500, 750, 0.2
OUTLIER_MADS = 5.0
LARGEST_LOG = 20.0


def raw_matrix(adata: ad.AnnData, report: list[str]) -> tuple[sp.csr_matrix, bool]:
    """The values to start from, CSR float64, and whether they are to be normalised."""
    matrix = sp.csr_matrix(adata.X, dtype=np.float64)
    whole = _whole(matrix)
    if not whole and "counts" in adata.layers:
        counts = sp.csr_matrix(adata.layers["counts"], dtype=np.float64)
        if _whole(counts) and (counts.data >= 0).all():
            report.append("X holds no counts; the raw counts are taken from the layer 'counts'.")
            return counts, True
    if whole:
        return matrix, True
    largest = matrix.data.max(initial=0.0)
    if largest < LARGEST_LOG:
        report.append(
            f"The values look log-transformed (not whole numbers, largest {largest:.1f}): they are "
            "used as they are, and there are no raw counts."
        )
        return matrix, False
    report.append("X holds positive values that are not whole numbers: normalised like counts.")
    return matrix, True


def _whole(matrix: sp.csr_matrix) -> bool:
    return bool((matrix.data == np.rint(matrix.data)).all())


def summed(
    matrix: sp.csr_matrix, genes: pd.Index, report: list[str]
) -> tuple[sp.csr_matrix, pd.Index]:
    """Columns of the same gene added up, in the order of first occurrence."""
    unique = pd.Index(pd.unique(genes))
    gather = sp.csr_matrix(
        (np.ones(len(genes)), (np.arange(len(genes)), unique.get_indexer(genes))),
        shape=(len(genes), len(unique)),
    )
    report.append(f"{len(genes) - len(unique):,} columns of repeated gene names were summed.")
    return sp.csr_matrix(matrix @ gather), unique


def good_cells(
    obs: pd.DataFrame,
    columns: Columns,
    matrix: sp.csr_matrix,
    genes: pd.Index,
    is_counts: bool,
    settings: PrepareSettings,
    report: list[str],
) -> np.ndarray:
    """Mask of the cells that are labelled and pass quality control."""
    labels = obs[columns.perturbation].astype(str)
    unlabelled = without_value(obs, columns).any(axis=1)
    unlabelled |= labels.str.strip().str.lower().isin(UNLABELLED) & (labels != columns.control)
    total = np.asarray(matrix.sum(axis=1)).ravel()
    tests: list[tuple[np.ndarray, str]] = [
        (unlabelled.to_numpy(), "without a label"),
        (total == 0, "without any count"),
    ]
    if settings.qc == "paper":
        if not is_counts:
            message = "qc = paper has thresholds for counts, and these are not: use qc = default."
            raise SettingsError(message)
        mito = genes.str.upper().str.startswith("MT-")
        share = np.asarray(matrix[:, mito].sum(axis=1)).ravel() / np.maximum(total, 1)
        tests += [
            (total <= PAPER_COUNTS, f"with at most {PAPER_COUNTS} counts"),
            (np.diff(matrix.indptr) <= PAPER_GENES, f"with at most {PAPER_GENES} genes"),
            (share >= PAPER_MITO, f"with a mitochondrial share of {PAPER_MITO} or more"),
        ]
    elif is_counts:
        tests.append((_outliers(total), f"beyond {OUTLIER_MADS:g} MAD of the median log counts"))
    keep = np.ones(len(obs), dtype=bool)
    for bad, what in tests:
        if (bad & keep).any():
            report.append(f"{int((bad & keep).sum()):,} cells {what}: left out.")
        keep &= ~bad
    kept = labels[keep]
    if not (kept == columns.control).any() or not (kept != columns.control).any():
        message = (
            f"Quality control leaves {int(keep.sum()):,} of {len(obs):,} cells and of them "
            f"{int((kept == columns.control).sum()):,} controls ({' '.join(report)}) "
            "Both treated and control cells are needed: use qc = default, or look at the labels."
        )
        raise DataError(message)
    return keep


def _outliers(total: np.ndarray) -> np.ndarray:
    """Cells far out in log counts on the scale of the median absolute deviation."""
    log = np.log1p(total)
    median = np.median(log[total > 0]) if (total > 0).any() else 0.0
    spread = 1.4826 * np.median(np.abs(log[total > 0] - median)) if (total > 0).any() else 0.0
    return np.asarray((np.abs(log - median) > OUTLIER_MADS * spread) & (spread > 0))


def plain_obs(obs: pd.DataFrame, columns: Columns, report: list[str]) -> pd.DataFrame:
    """Labels as text, doses and real-valued covariates as numbers, other columns where they are
    plain numbers or text; unique cell names."""
    plain: dict[str, Any] = {}
    for column in obs.columns:
        name, values = str(column), obs[column]
        if name == columns.dose:
            plain[name] = doses(obs, columns)
        elif name in columns.real_covariates:
            plain[name] = numbers(values)
        elif name in columns.used:
            plain[name] = pd.Categorical(values.astype(str))
        elif name in ("_index", SPLIT, DEPTH) or "/" in name:
            continue
        elif pd.api.types.is_numeric_dtype(values.dtype):
            plain[name] = values.to_numpy()
        else:
            plain[name] = pd.Categorical(values.astype(str))
    if SPLIT in obs:
        report.append(f"The column '{SPLIT}' of the file is replaced.")
    names = pd.Index(obs.index.astype(str))
    if names.has_duplicates:
        names = pd.Index([f"{cell}-{i}" for i, cell in enumerate(names)])
        report.append("Cell names occurred more than once: they are numbered.")
    return pd.DataFrame(plain, index=names)


def log_normalised(counts: sp.csr_matrix, target_sum: float) -> sp.csr_matrix:
    """log1p of counts per `target_sum`, what scanpy's normalize_total and log1p give."""
    total = np.asarray(counts.sum(axis=1)).ravel()
    scaled = sp.csr_matrix(sp.diags(target_sum / total) @ counts)
    scaled.data = np.log1p(scaled.data)
    return scaled
