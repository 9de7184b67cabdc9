"""Edge recovery: does a network rank known edges above the other pairs (paper Fig. 6b)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gvci import metrics
from gvci.edges.ranking import SCORES, Ranking, interval, resampled
from gvci.edges.rivals import genie3 as forests
from gvci.edges.rivals import pearson, pearson_within, tie_break
from gvci.errors import GRNError, listed

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.grn import GRN
    from gvci.refiner.result import RefinedGRN

RIVALS = (
    "prior",
    "correlation",
    "correlation_within",
    "prior_correlation",
    "prior_correlation_within",
    "genie3",
    "prior_genie3",
)
View = Literal["all", "prior", "novel"]
VIEWS: tuple[View, ...] = ("all", "prior", "novel")
RESAMPLES = 400
# Above this weight a sigmoid has no digits left to tell edges apart in float32.
SATURATED = 1 - 1e-6


def evaluate_edges(
    grn: RefinedGRN | GRN,
    truth: GRN,
    data: PerturbationData | None = None,
    sources: list[str] | None = None,
    *,
    genie3: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
    further: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:
    """Does the network rank a regulator's known targets above its other genes?

    Candidates: every pair (source, other gene of the network), for the sources that the truth
    knows. Positives: the truth's edges among them. Scores: `refined`, the network's order of
    strength, pairs that it does not list last; `prior`, 0/1; `correlation`, |Pearson| over
    the training and validation cells; `correlation_within`, the same within covariate groups;
    `genie3`, see gvci/edges/rivals.py; `prior_correlation`, `prior_correlation_within` and
    `prior_genie3`, the prior with the other as tie-break.

    Intervals are 95 % bootstrap intervals over target genes; differences are refined − rival
    on the same resamples. They tell how much the score depends on which genes were scored,
    not how much it would vary with new cells.

    Args:
        grn: a refined network, or any edge list (its prior is None without such a column).
        truth: known edges.
        data: cells for the correlations; without them these are None.
        sources: the regulators to score; by default all that truth and network share.
        genie3: run GENIE3 too (minutes); needs data.
        resamples: of the target genes; 0 for no intervals.
        seed: of the resamples and of GENIE3.
        further: more rivals, name → scores with sources as rows and targets as columns.

    Returns:
        {"refined": {"auprc", "auroc", "early_precision", "intervals": {score: [low, high]}},
        each rival: the same, "differences": {rival: {score: {"difference", "low", "high"}}},
        "n_true", "n_pairs", "base_rate": the AUPRC of chance,
        "sources": {source: the same}, "views": {"all": the same over all pairs, "prior": over
        pairs in the prior, "novel": over the others}, "notes"}; pooled over the sources, rivals
        that cannot be had and undefined scores are None.

    Raises:
        GRNError: truth and network share no regulator, or no true edge is left; or the network
            lists its strongest edges only.
    """
    forest_seed = seed if genie3 else None
    pairs = _candidates(grn, truth, data, sources, further or {}, forest_seed)
    draws = resampled(len(pairs.genes), resamples, seed) if resamples else None
    views = {view: pairs.scored(pairs.mask(view), draws) for view in VIEWS}
    each = {
        source: pairs.scored(pairs.mask("all", row), draws)
        for row, source in enumerate(pairs.sources)
    }
    assert views["all"] is not None
    return {**views["all"], "sources": each, "views": views, "notes": pairs.notes}


def curve(
    grn: RefinedGRN | GRN,
    truth: GRN,
    data: PerturbationData | None = None,
    sources: list[str] | None = None,
    *,
    view: View = "all",
    resamples: int = 100,
    points: int = 101,
    further: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Precision–recall curves of the network and its rivals, with bootstrap bands.

    The precision at a recall is that of the shortest list, cut between tie groups, that
    reaches it: the steps whose area is the AUPRC.

    Args:
        grn, truth, data, sources, further: as for `evaluate_edges`.
        view: all pairs, only those in the prior, or only those outside ("novel").
        resamples: of the target genes, for the bands. points: recalls from 0 to 1.

    Returns:
        Columns rival ("refined" first), recall, precision, low, high (95 %, pointwise); attrs
        "base_rate", the precision of chance. No rows where the view has no true edge.

    Raises:
        GRNError: truth and network share no regulator, or no true edge is left.
    """
    pairs = _candidates(grn, truth, data, sources, further or {})
    mask = pairs.mask(view)
    recalls = np.linspace(0, 1, points)
    weights = np.ones((len(pairs.genes), 1))
    if resamples:
        weights = np.hstack([weights, resampled(len(pairs.genes), resamples)])
    tables = []
    if mask is not None and (pairs.known & mask).any():
        for name in pairs.scores:
            values = pairs.ranking(name, mask).precision(weights, recalls)
            table = pd.DataFrame({"rival": name, "recall": recalls, "precision": values[:, 0]})
            table["low"], table["high"] = table["precision"], table["precision"]
            if resamples:
                table["low"], table["high"] = np.nanpercentile(values[:, 1:], (2.5, 97.5), axis=1)
            tables.append(table)
    columns = ["rival", "recall", "precision", "low", "high"]
    result = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    result.attrs["base_rate"] = float(pairs.known[mask].mean()) if tables else None
    return result


@dataclass(frozen=True)
class _Candidates:
    """The pairs to rank, (sources, genes), and every score of them."""

    sources: list[str]
    genes: pd.Index
    known: np.ndarray
    in_prior: np.ndarray | None
    scores: dict[str, np.ndarray]
    notes: list[str]

    def mask(self, view: View, row: int | None = None) -> np.ndarray | None:
        """The pairs of a view, of one source if given; None for a view that needs a prior."""
        mask = np.array([self.genes != source for source in self.sources])
        if view != "all":
            if self.in_prior is None:
                return None
            mask &= self.in_prior if view == "prior" else ~self.in_prior
        if row is not None:
            mask &= (np.arange(len(self.sources)) == row)[:, None]
        return mask

    def ranking(self, name: str, mask: np.ndarray) -> Ranking:
        """One score of the pairs in the mask, sorted."""
        targets = np.nonzero(mask)[1]
        return Ranking(self.known[mask], self.scores[name][mask], targets, len(self.genes))

    def scored(self, mask: np.ndarray | None, draws: np.ndarray | None) -> dict[str, Any] | None:
        """All scores over the pairs in the mask, their intervals and differences."""
        if mask is None:
            return None
        known = self.known[mask]
        result: dict[str, Any] = dict.fromkeys(("refined", *RIVALS))
        drawn: dict[str, dict[str, np.ndarray]] = {}
        for name, values in self.scores.items():
            result[name] = {score: getattr(metrics, score)(known, values[mask]) for score in SCORES}
            if draws is not None:
                drawn[name] = self.ranking(name, mask).scores(draws)
                ends = {score: interval(drawn[name][score]) for score in SCORES}
                result[name]["intervals"] = ends
        differences = {
            rival: {
                score: _difference(
                    result["refined"][score],
                    result[rival][score],
                    drawn["refined"][score] - drawn[rival][score] if drawn else None,
                )
                for score in SCORES
            }
            for rival in self.scores
            if rival != "refined"
        }
        n_true, n_pairs = int(known.sum()), int(known.size)
        rate = n_true / n_pairs if n_pairs else None
        counts = {"n_true": n_true, "n_pairs": n_pairs, "base_rate": rate}
        return {**result, "differences": differences, **counts}


def _difference(
    mine: float | None, other: float | None, drawn: np.ndarray | None
) -> dict[str, float | None]:
    """Refined − rival, and its interval over paired resamples."""
    ends = interval(drawn) if drawn is not None else None
    low, high = ends if ends is not None else (None, None)
    value = mine - other if mine is not None and other is not None else None
    return {"difference": value, "low": low, "high": high}


def _candidates(
    grn: RefinedGRN | GRN,
    truth: GRN,
    data: PerturbationData | None,
    wanted: list[str] | None,
    further: Mapping[str, pd.DataFrame],
    forest_seed: int | None = None,
) -> _Candidates:
    """The pairs and their scores; GENIE3's where its forests have a seed."""
    genes = pd.Index(grn.genes)
    # A GRN keeps its rows in `edges`, a refined one in `table`.
    whole = getattr(grn, "require_whole", None)
    if whole is not None:
        whole("A score of recovered edges")
    table: pd.DataFrame = grn.table if hasattr(grn, "table") else grn.edges
    chosen, notes = _sources(table, genes, truth, wanted)
    known = _matrix(truth.edges, np.ones(len(truth.edges)), chosen, genes) != 0
    if not (known & np.array([genes != source for source in chosen])).any():
        message = (
            f"None of the true targets of {listed(chosen)} is among the network's {len(genes):,} "
            "genes. Use a truth with the same kind of gene names, or other sources."
        )
        raise GRNError(message)
    scores = {"refined": _matrix(table, _places(table), chosen, genes)}
    in_prior = None
    if "prior" in table:
        in_prior = _matrix(table, _numbers(table["prior"]), chosen, genes) != 0
        scores["prior"] = in_prior.astype(np.float64)
    tables = {name: frame.reindex(index=chosen, columns=genes) for name, frame in further.items()}
    if data is not None:
        tables["correlation"] = pearson(data, chosen, genes)
        tables["correlation_within"] = pearson_within(data, chosen, genes)
        if forest_seed is not None:
            tables["genie3"] = forests(data, chosen, genes, seed=forest_seed)
        unmeasured = int((~genes.isin(data.genes)).sum())
        if unmeasured:
            notes.append(f"{unmeasured:,} of {len(genes):,} genes are not in the cells: |r| = 0.")
    elif forest_seed is not None:
        notes.append("GENIE3 was not run: it needs the cells (--data).")
    scores |= {name: frame.fillna(0.0).to_numpy() for name, frame in tables.items()}
    if in_prior is not None:
        prior = pd.DataFrame(in_prior, index=chosen, columns=genes)
        for name in ("correlation", "correlation_within", "genie3"):
            if name in tables:
                frame = tables[name].fillna(0.0)
                scores[f"prior_{name}"] = tie_break(prior, frame).to_numpy()
    return _Candidates(chosen, genes, known, in_prior, scores, notes)


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


def _matrix(
    table: pd.DataFrame, values: np.ndarray, sources: list[str], genes: pd.Index
) -> np.ndarray:
    """(sources, genes) values of the rows of an edge table, 0 where it has no row."""
    rows = pd.Index(sources).get_indexer(pd.Index(table["source"]))
    columns = genes.get_indexer(pd.Index(table["target"]))
    inside = (rows >= 0) & (columns >= 0)
    matrix = np.zeros((len(sources), len(genes)))
    matrix[rows[inside], columns[inside]] = values[inside]
    return matrix


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    """As float64, 0 where missing."""
    return np.asarray(pd.to_numeric(column).fillna(0.0), dtype=np.float64)


def _places(table: pd.DataFrame) -> np.ndarray:
    """(rows,) places in the network's order of strength, 1 = weakest, equal for ties.

    A posterior near 1 runs out of digits long before its logit does, so a column `logit` is
    used where there is one; without it, saturated weights of a table that is sorted strongest
    first keep the table's order.
    """
    if "logit" in table:
        return _dense_ranks(_numbers(table["logit"]))
    weights = np.abs(_numbers(table["weight"]))
    places = _dense_ranks(weights)
    saturated = int((weights >= SATURATED).sum())
    if "status" in table and saturated and weights.max() <= 1 and (np.diff(weights) <= 0).all():
        places[:saturated] = places[0] + np.arange(saturated, 0, -1)
    return places


def _dense_ranks(values: np.ndarray) -> np.ndarray:
    """1 for the smallest value, and so on; equal values share a rank."""
    return np.unique(values, return_inverse=True)[1].astype(np.float64) + 1.0
