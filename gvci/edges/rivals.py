"""What a refined network must beat: scores of pairs that anyone can compute in a minute.

Each rival is a function data → table of scores, sources in rows and target genes in columns,
larger = more likely an edge. All read the cells of training and validation only, as the
refiner does. Pairs with a gene that was not measured score 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gvci.data.portions import portions
from gvci.pseudobulk import LEARNING_SPLITS

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData

NO_VARIANCE = 1e-12


def pearson(data: PerturbationData, sources: Sequence[str], genes: Sequence[str]) -> pd.DataFrame:
    """|Pearson| over all cells, 0 for genes without variation; (sources, genes), 0 to 1."""
    rows = data.rows(LEARNING_SPLITS)
    return _pearson(data, rows, np.zeros(len(rows), dtype=np.intp), sources, genes)


def pearson_within(
    data: PerturbationData, sources: Sequence[str], genes: Sequence[str]
) -> pd.DataFrame:
    """|Pearson| of the deviations from the mean of the cell's covariate group; 0 to 1.

    Cell types differ in thousands of genes, which correlates all their markers with each
    other: taking the groups' means out leaves what varies with the regulator. Perturbations
    stay in, they are the best of the signal.
    """
    rows = data.rows(LEARNING_SPLITS)
    groups = np.unique(data.groups[rows].astype(str), return_inverse=True)[1]
    return _pearson(data, rows, groups, sources, genes)


def tie_break(prior: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Prior edges first, each side ranked by a score: prior + score/(largest score).

    Scores of at most 1 are added as they are.
    """
    largest = float(scores.to_numpy().max(initial=0.0))
    return (prior != 0).astype(np.float64) + scores / max(1.0, largest)


def genie3(
    data: PerturbationData,
    sources: Sequence[str],
    genes: Sequence[str],
    *,
    trees: int = 50,
    cells: int = 1500,
    seed: int = 0,
) -> pd.DataFrame:
    """GENIE3 (Huynh-Thu et al. 2010): how much a forest on the sources uses each for a target.

    For every gene a random forest predicts its expression, scaled to variance 1, from the
    sources but itself (√ of them at each split, leaves of at least 5 cells); the score is the
    total decrease of variance at a source's splits, averaged over trees.

    Args:
        data: cells.
        sources: the regulators that are scored; the forests see no others.
        genes: target genes.
        trees: per forest. cells: drawn at most, for time. seed: of cells and forests.

    Returns:
        (sources, genes) at least 0; 0 for a gene's own expression and without variation.
    """
    from sklearn.ensemble import RandomForestRegressor

    rows = data.rows(LEARNING_SPLITS)
    if len(rows) > cells:
        rows = np.sort(np.random.default_rng(seed).choice(rows, cells, replace=False))
    measured = [source for source in dict.fromkeys(sources) if source in data.genes]
    table = pd.DataFrame(0.0, index=pd.Index(sources), columns=pd.Index(genes))
    values = data.dense(rows)
    x = values[:, data.genes.get_indexer(pd.Index(measured))]
    for gene in dict.fromkeys(genes):
        inside = [i for i, source in enumerate(measured) if source != gene]
        if gene not in data.genes or not inside:
            continue
        y = values[:, data.genes.get_loc(gene)].astype(np.float64)
        if y.var() < NO_VARIANCE:
            continue
        forest = RandomForestRegressor(
            trees, max_features="sqrt", min_samples_leaf=5, random_state=seed
        ).fit(x[:, inside], y / y.std())
        # sklearn's own feature_importances_ sum to 1 for every target: a target that nothing
        # explains would rank with one that is explained in full.
        used = [tree.tree_.compute_feature_importances(normalize=False) for tree in forest]
        table.loc[[measured[i] for i in inside], gene] = np.mean(used, axis=0)
    return table


def _pearson(
    data: PerturbationData,
    rows: np.ndarray,
    groups: np.ndarray,
    sources: Sequence[str],
    genes: Sequence[str],
) -> pd.DataFrame:
    """|Pearson| of deviations from group means, from sparse second moments."""
    n, sizes = len(rows), np.bincount(groups).astype(np.float64)
    of_source = data.genes.get_indexer(pd.Index(sources))
    of_gene = data.genes.get_indexer(pd.Index(genes))
    sums = np.zeros((len(data.genes), len(sizes)))
    squares = np.zeros(len(data.genes))
    products = np.zeros((len(of_source), len(data.genes)))
    for here, part in portions(data.expression, rows):
        cells = part.astype(np.float64)
        indicator = np.zeros((cells.shape[0], len(sizes)))
        indicator[np.arange(len(indicator)), groups[here]] = 1.0
        sums += cells.T @ indicator
        squares += np.asarray(cells.multiply(cells).mean(axis=0)).ravel() * (len(indicator) / n)
        products += (cells[:, of_source].T @ cells).toarray()
    means = sums.T / sizes[:, None]
    weighted = means * (sizes / n)[:, None]
    variance = squares - (weighted * means).sum(axis=0)
    scale = np.sqrt(np.where(variance > NO_VARIANCE, variance, np.inf))
    covariance = products / n - weighted[:, of_source].T @ means
    r = covariance / np.outer(scale[of_source], scale)
    values = np.clip(np.abs(r), 0.0, 1.0)[:, of_gene]
    values[of_source < 0, :] = 0.0
    values[:, of_gene < 0] = 0.0
    return pd.DataFrame(values, index=pd.Index(sources), columns=pd.Index(genes))
