"""A ranking scored again and again under weights of the target genes: the edge bootstrap.

Edges of one target share that target's noise, so the bootstrap draws target genes, not pairs:
a resample weighs every pair by how often its target was drawn. Only the places of true edges
matter, so the pairs are summed once per target gene and stretch of the ranking, and all
resamples follow from three sparse products.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

# Stretches × resamples held at a time, 8 bytes each.
MOST_NUMBERS = 2_000_000
SCORES = ("auprc", "auroc", "early_precision")


class Ranking:
    """Pairs of one score, sorted once.

    The tie groups that hold a true edge are numbered k = 0 … m − 1 from the top. Under weights
    of the targets, P_k is the true and T_k the false pairs tied in group k, F_k the false pairs
    ranked above it.
    """

    def __init__(
        self, truth: np.ndarray, scores: np.ndarray, targets: np.ndarray, n_targets: int
    ) -> None:
        """Sort.

        Args:
            truth: (pairs,) True where the edge is real.
            scores: (pairs,) finite, larger = more likely.
            targets: (pairs,) position of each pair's target gene.
            n_targets: number of target genes.
        """
        order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
        truth, scores = np.asarray(truth, dtype=bool)[order], np.asarray(scores)[order]
        targets = np.asarray(targets)[order]
        starts = np.ones(len(scores), dtype=bool)
        starts[1:] = scores[1:] != scores[:-1]
        group = np.cumsum(starts) - 1
        holds = np.zeros(int(group[-1]) + 1 if len(group) else 0, dtype=bool)
        holds[group[truth]] = True
        self.size = int(holds.sum())
        place = (np.cumsum(holds) - holds)[group]
        shape = (self.size + 1, n_targets)

        def summed(chosen: np.ndarray) -> sp.csr_matrix:
            ones = np.ones(int(chosen.sum()))
            return sp.csr_matrix((ones, (place[chosen], targets[chosen])), shape=shape)

        self._true = summed(truth)
        self._tied = summed(~truth & holds[group])
        self._between = summed(~holds[group])

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """AUPRC, AUROC and early precision under each column of weights.

        With P and F the sums of all true and all false pairs, AUPRC = Σ_k (P_k/P) · (true up to
        k)/(pairs up to k) and AUROC = 1 − Σ_k P_k (F_k + T_k/2)/(P·F). Early precision = the share
        of true pairs among the first P, ties cut in proportion. These are the definitions of
        gvci/metrics with weighted pairs.

        Args:
            weights: (targets, resamples), at least 0.

        Returns:
            Name of the score → (resamples,); NaN where it is undefined.
        """
        parts = [self._scores(part) for part in self._parts(weights)]
        return {name: np.concatenate([part[name] for part in parts]) for name in SCORES}

    def precision(self, weights: np.ndarray, recalls: np.ndarray) -> np.ndarray:
        """Precision where each recall is first reached, (recalls, resamples); NaN if never."""
        return np.concatenate(
            [self._precision(part, recalls) for part in self._parts(weights)], axis=1
        )

    def _parts(self, weights: np.ndarray) -> list[np.ndarray]:
        step = max(1, MOST_NUMBERS // (self.size + 1))
        starts = range(0, weights.shape[1], step)
        return [np.ascontiguousarray(weights[:, at : at + step]) for at in starts]

    def _sums(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """P_k, T_k, F_k, each (m, resamples), and the sum of all false pairs."""
        true, tied = self._true @ weights, self._tied @ weights
        between = np.cumsum(self._between @ weights, axis=0)
        false = between[-1] + tied.sum(axis=0)
        above = between + np.cumsum(tied, axis=0) - tied
        m = self.size
        return true[:m], tied[:m], above[:m], false

    def _scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        true, tied, above, false = self._sums(weights)
        so_far = np.cumsum(true, axis=0)
        pairs = so_far + above + tied
        with np.errstate(divide="ignore", invalid="ignore"):
            total = true.sum(axis=0)
            # Where true is 0 the group was not drawn and counts for nothing: no 0/0 is kept.
            precision = so_far / np.maximum(pairs, 1e-300)
            auprc = (true * precision).sum(axis=0) / total
            auroc = 1 - (true * (above + tied / 2)).sum(axis=0) / (total * false)
            room = (total - pairs) / np.maximum(true + tied, 1e-300) + 1
            early = (true * np.clip(room, 0, 1)).sum(axis=0) / total
        return {"auprc": auprc, "auroc": auroc, "early_precision": early}

    def _precision(self, weights: np.ndarray, recalls: np.ndarray) -> np.ndarray:
        true, tied, above, _ = self._sums(weights)
        so_far = np.cumsum(true, axis=0)
        pairs = so_far + above + tied
        values = np.full((len(recalls), weights.shape[1]), np.nan)
        for b in np.flatnonzero(true.sum(axis=0) > 0):
            total = so_far[-1, b]
            # Recalls are sums of whole numbers; the tolerance is for their division.
            at = np.searchsorted(so_far[:, b], recalls * total * (1 - 1e-12))
            kept = np.minimum(at, self.size - 1)
            first = np.maximum(kept, np.flatnonzero(true[:, b] > 0)[0])
            values[:, b] = so_far[first, b] / pairs[first, b]
        return values


def resampled(n_targets: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each target gene is drawn: (targets, resamples), columns sum to n_targets."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_targets, np.full(n_targets, 1 / n_targets), size=resamples)
    return np.ascontiguousarray(counts.T, dtype=np.float64)


def interval(values: np.ndarray) -> list[float] | None:
    """2.5 and 97.5 % points of the defined values; None where fewer than half are defined."""
    defined = values[np.isfinite(values)]
    if len(values) == 0 or 2 * len(defined) < len(values):
        return None
    low, high = np.percentile(defined, (2.5, 97.5))
    return [float(low), float(high)]
