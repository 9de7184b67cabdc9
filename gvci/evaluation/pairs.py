"""Which pairs (group, perturbation) are scored, and the measured cells beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gvci.errors import DataError, listed
from gvci.metrics.distances import MOST_COMPARED
from gvci.metrics.sorted_cells import SortedCells
from gvci.pseudobulk import LEARNING_SPLITS, pseudobulks

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.data.genes import Moments

MORE_THAN = 30
MOST_CELLS = 500


@dataclass(frozen=True)
class Pair:
    """A group and a perturbation with its true cells and the group's control cells."""

    group: str
    perturbation: str
    cells: np.ndarray
    controls: np.ndarray


class GroupCells:
    """The learning cells of one group: where predictions start from; read once for all its pairs.

    Attributes:
        controls: positions of its control cells.
        classic, native: control cells and cells to transport, at most 500 of each.
        compared: control cells whose transported selves are compared with measured cells, at most
            200, in random order.
    """

    def __init__(
        self, data: PerturbationData, learning: np.ndarray, controls: np.ndarray, seed: Any
    ) -> None:
        rng = np.random.default_rng(seed)
        self.data, self.controls = data, controls
        self.classic, self.native = some(controls, rng), some(learning, rng)
        self.compared = rng.permutation(controls)[:MOST_COMPARED]

    @cached_property
    def moments(self) -> Moments:
        """Mean, variance and number of the control cells."""
        from gvci.data.genes import moments

        return moments(self.data.expression, self.controls)

    @property
    def mean(self) -> np.ndarray:
        """(genes,) mean of the control cells, log1p CP10k."""
        return self.moments[0]

    @cached_property
    def cells(self) -> np.ndarray:
        """The compared control cells, (cells, genes) float32."""
        return self.data.dense(self.compared)

    @cached_property
    def tested(self) -> SortedCells:
        """The classic control cells, which tests for differential expression compare with."""
        return SortedCells.of(self.data.dense(self.classic))


class Centroids:
    """True mean of every perturbation that a group was measured under: what a pair stands beside.

    Of a pair that is scored the mean of its true cells; of other perturbations of the group,
    where they have more than 30 learning cells, the mean of those. A model may have learned from
    the latter; as places that a prediction must not be nearest to, they are as good.
    """

    def __init__(self, data: PerturbationData, pairs: Sequence[Pair]) -> None:
        bulks = pseudobulks(data)
        self._means = {
            pair: bulks.means[row]
            for pair, row in bulks.row.items()
            if bulks.counts[row] > MORE_THAN and pair[1] != bulks.control
        }
        for pair in pairs:
            self._means[pair.group, pair.perturbation] = data.mean(pair.cells)

    def others(self, pair: Pair) -> np.ndarray:
        """(perturbations, genes) means of the group's other perturbations; maybe of none."""
        own = self._means[pair.group, pair.perturbation]
        found = [
            mean
            for (group, label), mean in sorted(self._means.items(), key=lambda item: item[0])
            if group == pair.group and label != pair.perturbation
        ]
        return np.stack(found) if found else np.zeros((0, len(own)))


def target_genes(perturbation: str, genes: Sequence[str]) -> list[int]:
    """Positions of the genes that a label names: STAT1, or IRF7 in "IRF7 OE", both of "A+B"."""
    words = {part.strip() for part in perturbation.split("+")}
    words |= {word for part in words for word in re.split(r"\s+", part)}
    return [i for i, gene in enumerate(genes) if gene in words]


def scorable_pairs(data: PerturbationData, split: str) -> list[Pair]:
    """The pairs with > 30 true cells in the split and control cells in the learning splits.

    Raises:
        DataError: there is none; says how many cells the largest has and what to do.
    """
    inside = data.split == split
    learning = np.isin(data.split, LEARNING_SPLITS)
    treated = np.flatnonzero(inside & ~data.is_control)
    if not len(treated):
        message = (
            f"The split '{split}' has no treated cells; the dataset's splits are "
            f"{listed(sorted(set(data.split)))}. Hold cells out when preparing (--holdout or "
            "--ood auto), or evaluate another split."
        )
        raise DataError(message)
    members: dict[tuple[str, str], list[int]] = {}
    for cell in treated:
        pair = (str(data.groups[cell]), str(data.perturbation[cell]))
        members.setdefault(pair, []).append(int(cell))
    pairs: list[Pair] = []
    controls = {
        group: np.flatnonzero(learning & data.is_control & (data.groups == group))
        for group in {group for group, _ in members}
    }
    for (group, perturbation), cells in sorted(members.items()):
        if len(cells) > MORE_THAN and len(controls[group]) > 1:
            pairs.append(Pair(group, perturbation, np.array(cells), controls[group]))
    if pairs:
        return pairs
    group, perturbation = max(members, key=lambda pair: len(members[pair]))
    largest = len(members[group, perturbation])
    if largest > MORE_THAN:
        message = (
            f"No pair of group and perturbation in the split '{split}' can be scored: the largest "
            f"({group}, {perturbation}, {largest:,} cells) has fewer than 2 control cells in "
            "training to compare with. Prepare the data so that its group keeps control cells."
        )
    else:
        message = (
            f"No pair of group and perturbation has more than {MORE_THAN} true cells in the split "
            f"'{split}', which a score needs: the largest ({group}, {perturbation}) has {largest}, "
            f"and pairs are not pooled. {_enough(data, split, largest)}"
        )
    raise DataError(message)


def _enough(data: PerturbationData, split: str, largest: int) -> str:
    """What would make a pair large enough."""
    if split != "test":
        return "Hold out larger groups when preparing, or evaluate another split."
    share = float(data.meta.get("settings", {}).get("test", 0.1))
    needed = share * (MORE_THAN + 1) / largest
    larger = (
        f"Prepare with a larger share of test cells (--set test={np.ceil(100 * needed) / 100:g}, "
        f"now {share:g})"
        if needed < 0.5
        else "The pairs are too small for a test split; prepare with fewer covariates, so that "
        "groups are larger"
    )
    return f"{larger}, or evaluate the held-out pairs: --split ood."


def some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most 500 of the rows, in order."""
    if len(rows) <= MOST_CELLS:
        return rows
    return np.sort(rng.choice(rows, MOST_CELLS, replace=False))
