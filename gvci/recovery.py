"""Edge recovery: does a network rank known edges above the other pairs (paper Fig. 6b)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gvci.baselines import LEARNING_SPLITS
from gvci.errors import GRNError, listed
from gvci.metrics import auprc, auroc

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.grn import GRN
    from gvci.refiner.result import RefinedGRN


def evaluate_edges(
    grn: RefinedGRN | GRN,
    truth: GRN,
    data: PerturbationData | None = None,
    sources: list[str] | None = None,
) -> dict[str, Any]:
    """Does the network rank a regulator's known targets above its other genes?

    Candidates: every pair (source, other gene of the network), for the sources that the truth
    knows. Positives: the truth's edges among them. Scores: `refined`, the network's absolute
    weight, 0 for pairs that it does not list; `prior`, 0/1; `correlation`, |Pearson| over
    the training and validation cells; `prior_correlation`, prior with |Pearson| as tie-break.

    Args:
        grn: a refined network, or any edge list (its prior is None without such a column).
        truth: known edges.
        data: cells for the correlations; without them both are None.
        sources: the regulators to score; by default all that truth and network share.

    Returns:
        {"refined": {"auprc", "auroc"}, "prior", "correlation", "prior_correlation",
        "n_true", "n_pairs", "base_rate": the AUPRC of chance, "sources": {source: the same},
        "notes"}; pooled over the sources, rivals that cannot be had are None.

    Raises:
        GRNError: truth and network share no regulator, or no true edge is left.
    """
    genes = pd.Index(grn.genes)
    # A GRN keeps its rows in `edges`, a refined one in `table`.
    table: pd.DataFrame = grn.table if hasattr(grn, "table") else grn.edges
    chosen, notes = _sources(table, genes, truth, sources)
    scores = {"refined": _matrix(table, "weight", chosen, genes)}
    if "prior" in table:
        scores["prior"] = (_matrix(table, "prior", chosen, genes) != 0).astype(np.float64)
    if data is not None:
        scores["correlation"] = _correlations(data, chosen, genes)
        unmeasured = int((~genes.isin(data.genes)).sum())
        if unmeasured:
            notes.append(f"{unmeasured:,} of {len(genes):,} genes are not in the cells: |r| = 0.")
        if "prior" in scores:
            scores["prior_correlation"] = scores["prior"] + scores["correlation"]
    known = _matrix(truth.edges.assign(known=1.0), "known", chosen, genes) != 0
    candidate = np.array([genes != source for source in chosen])
    if not (known & candidate).any():
        message = (
            f"None of the true targets of {listed(chosen)} is among the network's {len(genes):,} "
            "genes. Use a truth with the same kind of gene names, or other sources."
        )
        raise GRNError(message)
    pooled = _ranked(known, candidate, scores)
    each = {
        source: _ranked(known[[i]], candidate[[i]], {k: v[[i]] for k, v in scores.items()})
        for i, source in enumerate(chosen)
    }
    return {**pooled, "sources": each, "notes": notes}


def _sources(
    table: pd.DataFrame, genes: pd.Index, truth: GRN, wanted: list[str] | None
) -> tuple[list[str], list[str]]:
    """The regulators to score, sorted, and what had to be left out."""
    known = set(truth.edges["source"]) & set(genes)
    if wanted is None:
        chosen = sorted(known & set(table["source"]))
        if chosen:
            return chosen, []
        message = (
            f"None of the {truth.edges['source'].nunique():,} regulators of the truth "
            f"{truth.name} is among the network's {table['source'].nunique():,} "
            f"(truth: {listed(truth.sources, 3)}; network: {listed(table['source'].unique(), 3)}). "
            "Use a truth with the same kind of gene names."
        )
        raise GRNError(message)
    chosen = [source for source in dict.fromkeys(wanted) if source in known]
    if chosen:
        missing = [source for source in dict.fromkeys(wanted) if source not in known]
        note = f"Left out, not in both the truth and the network's genes: {listed(missing)}."
        return chosen, [note] if missing else []
    message = (
        f"None of the sources {listed(wanted)} is in both the truth {truth.name} and the network's "
        f"{len(genes):,} genes. Regulators of both: "
        f"{listed(sorted(known & set(table['source']))) or 'none'}."
    )
    raise GRNError(message)


def _matrix(table: pd.DataFrame, column: str, sources: list[str], genes: pd.Index) -> np.ndarray:
    """(sources, genes) absolute values of a column of an edge table, 0 where it has no row."""
    rows = pd.Index(sources).get_indexer(pd.Index(table["source"]))
    columns = genes.get_indexer(pd.Index(table["target"]))
    inside = (rows >= 0) & (columns >= 0)
    matrix = np.zeros((len(sources), len(genes)))
    values = pd.to_numeric(table[column]).fillna(0.0).to_numpy(dtype=np.float64)
    matrix[rows[inside], columns[inside]] = np.abs(values[inside])
    return matrix


def _correlations(data: PerturbationData, sources: list[str], genes: pd.Index) -> np.ndarray:
    """(sources, genes) |Pearson| over training and validation cells; 0 for flat genes."""
    cells = data.expression[data.rows(LEARNING_SPLITS)].astype(np.float64)
    mean = np.asarray(cells.mean(axis=0)).ravel()
    variance = np.asarray(cells.multiply(cells).mean(axis=0)).ravel() - mean**2
    scale = np.sqrt(np.where(variance > 1e-12, variance, np.inf))
    of_source, of_gene = data.genes.get_indexer(pd.Index(sources)), data.genes.get_indexer(genes)
    products = (cells[:, of_source].T @ cells).toarray() / cells.shape[0]
    r = (products - np.outer(mean[of_source], mean)) / np.outer(scale[of_source], scale)
    values: np.ndarray = np.clip(np.abs(r), 0.0, 1.0)[:, of_gene]
    values[of_source < 0, :] = 0.0
    values[:, of_gene < 0] = 0.0
    return values


def _ranked(
    known: np.ndarray, candidate: np.ndarray, scores: dict[str, np.ndarray]
) -> dict[str, Any]:
    """AUPRC and AUROC of every score over the candidate pairs, and their numbers."""
    truth = known[candidate]
    result: dict[str, Any] = {
        rival: {
            "auprc": auprc(truth, scores[rival][candidate]),
            "auroc": auroc(truth, scores[rival][candidate]),
        }
        if rival in scores
        else None
        for rival in ("refined", "prior", "correlation", "prior_correlation")
    }
    n_true, n_pairs = int(truth.sum()), int(truth.size)
    rate = n_true / n_pairs if n_pairs else None
    return {**result, "n_true": n_true, "n_pairs": n_pairs, "base_rate": rate}
