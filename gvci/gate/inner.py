"""Inner folds: training combinations hidden from a member as the task hides its own.

Each fold hides some perturbations from one level of the task covariate. What a member says of
them is out of its sample: it chooses the number of steps and how far to trust the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gvci.baselines import BASELINES, best
from gvci.pseudobulk import FEWEST_CELLS, LEARNING_SPLITS, Pseudobulks, pseudobulks, squared_errors

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.prediction.member import Member

MOST_CONTROLS = 64
MOST_HIDDEN = 8


@dataclass
class InnerPairs:
    """The pairs of one fold: what is hidden, what is true, what the baseline says.

    Attributes:
        pairs: (group, perturbation) of each pair that is judged.
        gone: all pairs that the member must not see, those with few cells too.
        hidden: (cells,) True for cells that the member must not see.
        controls: group → positions of control cells that are transported.
        truth, control, baseline: (pairs, n) mean expression, log1p CP10k.
        said: the member's prediction (pairs, n) at each validation so far.
    """

    data: PerturbationData
    pairs: list[tuple[str, str]]
    gone: set[tuple[str, str]]
    hidden: np.ndarray
    controls: dict[str, np.ndarray]
    truth: np.ndarray
    control: np.ndarray
    baseline: np.ndarray
    said: list[np.ndarray] = field(default_factory=list)

    def judge(self, member: Member) -> float:
        """Mean over pairs of the error relative to the baseline's; keeps what was said."""
        self.said.append(predicted_means(self.data, member, self.pairs, self.controls))
        return float(np.mean(self.relative_errors(-1)))

    def relative_errors(self, validation: int) -> np.ndarray:
        """(pairs,) squared error at a validation, relative to the baseline's."""
        return relative_errors(self.said[validation], self.baseline, self.truth, self.control)

    def tensors(self) -> dict[str, Tensor]:
        """What was said, for a training that may be stopped."""
        return {f"{i:05d}": torch.from_numpy(said) for i, said in enumerate(self.said)}

    def take(self, tensors: dict[str, Tensor]) -> None:
        """Back to what was said."""
        self.said = [tensors[name].numpy() for name in sorted(tensors)]


def relative_errors(
    said: np.ndarray, baseline: np.ndarray, truth: np.ndarray, control: np.ndarray
) -> np.ndarray:
    """(pairs,) squared error relative to the baseline's: mean of all and of most changed genes."""
    own, rival = (squared_errors(means, truth, control) for means in (said, baseline))
    return np.asarray((own / rival.clip(1e-12)).mean(axis=1))


def predicted_means(
    data: PerturbationData,
    member: Member,
    pairs: list[tuple[str, str]],
    controls: dict[str, np.ndarray],
) -> np.ndarray:
    """(pairs, n) float32: control mean of the group + mean over its cells of μ(Z,T′) − μ(Z,T)."""
    answers = np.zeros((len(pairs), len(data.genes)), dtype=np.float32)
    for group, rows in controls.items():
        mine = [i for i, pair in enumerate(pairs) if pair[0] == group]
        shifts = mean_shifts(data, member, rows, [pairs[i][1] for i in mine])
        answers[mine] = pseudobulks(data).control_mean(group) + shifts
    return answers


def mean_shifts(
    data: PerturbationData, member: Member, rows: np.ndarray, labels: list[str]
) -> np.ndarray:
    """(labels, n): mean over these control cells of μ(Z, T′) − μ(Z, T)."""
    code = data.treatment_code
    y, x = torch.from_numpy(data.dense(rows)), torch.from_numpy(data.covariates[rows])
    t = torch.from_numpy(code.encode([data.columns.control] * len(rows)))
    z = member.latent(y, x, t)
    counted = member.core.settings.likelihood != "normal"
    depth = torch.from_numpy(data.depth[rows].astype(np.float32)[:, None]) if counted else None
    others = [torch.from_numpy(code.encode([label])).expand(len(rows), -1) for label in labels]
    return np.asarray(member.mean_shift(z, x, [t, *others], depth).numpy())


def control_cells(data: PerturbationData, groups: list[str], seed: int) -> dict[str, np.ndarray]:
    """Up to 64 learning control cells of each group, by seeded choice."""
    usable = np.isin(data.split, LEARNING_SPLITS) & data.is_control
    chosen: dict[str, np.ndarray] = {}
    for number, group in enumerate(groups):
        rows = np.flatnonzero(usable & (data.groups == group))
        order = np.random.default_rng([seed, number]).permutation(rows)
        chosen[group] = np.sort(order[:MOST_CONTROLS])
    return chosen


def inner_folds(data: PerturbationData, count: int, seed: int) -> list[InnerPairs]:
    """Folds shaped like the task; fewer, or none, where the data do not allow them.

    A combination (level, perturbation) can be hidden where it has ten cells, its group has
    control cells, and another level keeps the perturbation.
    """
    bulks = pseudobulks(data)
    combinations = _combinations(bulks)
    levels = sorted({level for level, _ in combinations})
    if not levels or count == 0:
        return []
    rng = np.random.default_rng([seed, 6])
    per_fold = _hidden_at_once(data, bulks)
    name = best(bulks)
    folds: list[InnerPairs] = []
    taken: set[tuple[str, str]] = set()
    order = [levels[i] for i in rng.permutation(len(levels))]
    for number in range(count):
        hidden = _next(order, number, combinations, taken, per_fold, rng)
        if not hidden:
            break
        taken |= set(hidden)
        folds.append(_fold(data, bulks, hidden, name, seed))
    return folds


def _next(
    order: list[str],
    number: int,
    combinations: list[tuple[str, str]],
    taken: set[tuple[str, str]],
    per_fold: int,
    rng: np.random.Generator,
) -> list[tuple[str, str]]:
    """Combinations of the next fold: levels take turns; with one perturbation, several levels."""
    labels = {label for _, label in combinations}
    if len(labels) == 1:
        free = [(level, next(iter(labels))) for level in order]
        return [c for c in free[number :: max(2, min(5, len(order)))] if c not in taken]
    for turn in range(len(order)):
        level = order[(number + turn) % len(order)]
        free = [c for c in combinations if c[0] == level and c not in taken]
        if free:
            picked = rng.permutation(len(free))[: min(per_fold, max(1, len(free) // 2))]
            return [free[i] for i in sorted(picked)]
    return []


def _combinations(bulks: Pseudobulks) -> list[tuple[str, str]]:
    """(level, perturbation) that can be hidden."""
    levels: dict[str, set[str]] = {}
    large: set[tuple[str, str]] = set()
    for (group, label), row in bulks.row.items():
        if label == bulks.control or (group, bulks.control) not in bulks.row:
            continue
        levels.setdefault(label, set()).add(bulks.level(group))
        if bulks.counts[row] >= FEWEST_CELLS:
            large.add((bulks.level(group), label))
    return sorted(pair for pair in large if len(levels[pair[1]]) > 1)


def _hidden_at_once(data: PerturbationData, bulks: Pseudobulks) -> int:
    """As many perturbations as the task hides from a level, within 1 and 8."""
    held_out = data.split == "ood"
    pairs = set(zip(data.groups[held_out], data.perturbation[held_out], strict=True))
    by_level: dict[str, set[str]] = {}
    for group, label in pairs:
        by_level.setdefault(bulks.level(group), set()).add(label)
    return min(MOST_HIDDEN, max((len(labels) for labels in by_level.values()), default=4))


def _fold(
    data: PerturbationData,
    bulks: Pseudobulks,
    combinations: list[tuple[str, str]],
    name: str,
    seed: int,
) -> InnerPairs:
    gone = {
        (group, label)
        for level, label in combinations
        for group in bulks.levels
        if bulks.level(group) == level
    }
    judged = [
        pair
        for pair, row in bulks.row.items()
        if pair in gone
        and bulks.counts[row] >= FEWEST_CELLS
        and (pair[0], bulks.control) in bulks.row
    ]
    rest = bulks.hiding(gone)
    hidden = np.array(
        [p in gone for p in zip(data.groups, data.perturbation, strict=True)], dtype=bool
    )
    return InnerPairs(
        data,
        judged,
        gone,
        hidden,
        control_cells(data, sorted({group for group, _ in judged}), seed),
        np.stack([bulks.mean(*pair) for pair in judged]),
        np.stack([bulks.control_mean(group) for group, _ in judged]),
        np.stack([BASELINES[name](rest, *pair).mean for pair in judged]),
    )
