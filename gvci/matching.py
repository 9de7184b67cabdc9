"""Batches with their counterfactual treatment T′ and the cells drawn for p̂ = `match`.

Everything is drawn for a whole batch by array indexing; the expression matrix stays CSR and
only the batch becomes dense.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
import torch

from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.errors import TrainingError
from gvci.model import Batch


class Matcher:
    """Draws batches from training cells; (X, T′) pairs without cells add nothing.

    Raises:
        TrainingError: no treated or no control training cell.
    """

    def __init__(self, data: PerturbationData, settings: TrainSettings) -> None:
        self.data, self.settings = data, settings
        self.expression, self.covariates = data.expression, data.covariates
        train = data.rows("train")
        treated = train[~data.is_control[train]]
        if not len(treated) or len(treated) == len(train):
            message = (
                f"{len(treated):,} of {len(train):,} training cells are treated; both treated and "
                "control cells are needed. Hold out less."
            )
            raise TrainingError(message)
        # OOD cells may carry labels that no training cell has: only the others are coded.
        coded = data.split != "ood"
        self.treatment = np.zeros((data.n_cells, data.treatment_code.width), dtype=np.float32)
        self.treatment[coded] = data.treatment_code.encode(
            list(data.perturbation[coded]), list(data.dose[coded])
        )
        self.train, self.treated = train, treated
        self.squares = np.asarray(self.expression.multiply(self.expression).sum(axis=1)).ravel()
        self._index_groups()

    def _index_groups(self) -> None:
        """Training cells sorted by (group, perturbation, dose), and where each run starts."""
        _, self.group = np.unique(self.data.groups.astype(str), return_inverse=True)
        doses = np.char.mod("%.6g", self.data.dose.astype(np.float64))
        arms = np.char.add(np.char.add(self.data.perturbation.astype(str), "\t"), doses)
        _, self.arm = np.unique(arms, return_inverse=True)
        self.n_arms = int(self.arm.max()) + 1
        cell = self.group * self.n_arms + self.arm
        self.order = self.train[np.argsort(cell[self.train], kind="stable")]
        keys = np.arange((int(self.group.max()) + 1) * self.n_arms)
        sorted_cells = cell[self.order]
        self.starts = np.searchsorted(sorted_cells, keys)
        self.counts = np.searchsorted(sorted_cells, keys, side="right") - self.starts

    def epochs(self, rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
        """Endless epochs, each a list of row arrays; a last batch under two cells is dropped."""
        size = self.settings.batch_size
        while True:
            order = rng.permutation(self.train)
            yield [order[i : i + size] for i in range(0, len(order), size) if len(order) - i > 1]

    def batch(self, rows: np.ndarray, rng: np.random.Generator) -> Batch:
        """The cells of `rows`, each with a T′ of a random treated training cell."""
        partners = rng.choice(self.treated, size=len(rows))
        key = self.group[rows] * self.n_arms + self.arm[partners]
        counts = self.counts[key]
        drawn = self.settings.match_cells
        offsets = (rng.random((len(rows), drawn)) * counts[:, None]).astype(np.int64)
        positions = np.minimum(self.starts[key][:, None] + offsets, len(self.order) - 1)
        matched, spread = self._matched(self.order[positions])
        return Batch(
            torch.from_numpy(self.data.dense(rows)),
            torch.from_numpy(self.covariates[rows]),
            torch.from_numpy(self.treatment[rows]),
            torch.from_numpy(self.treatment[partners]),
            torch.from_numpy(matched),
            torch.from_numpy(spread),
            torch.from_numpy(counts > 0),
        )

    def _matched(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of the drawn cells, or the cells themselves for `log_mean`."""
        batch, drawn = cells.shape
        n = self.expression.shape[1]
        if self.settings.kernel == "log_mean":
            dense = self.data.dense(cells.ravel()).reshape(batch, drawn, n)
            return dense, np.zeros(batch, dtype=np.float32)
        picked = self.expression[cells.ravel()]
        rows = np.repeat(np.arange(batch), drawn)
        average = sp.csr_matrix(
            (np.full(batch * drawn, 1 / drawn, dtype=np.float32), (rows, np.arange(batch * drawn))),
            shape=(batch, batch * drawn),
        )
        mean = np.asarray((average @ picked).toarray(), dtype=np.float32)
        squares = self.squares[cells].mean(axis=1)
        spread = (squares - (mean.astype(np.float64) ** 2).sum(axis=1)) / n
        return mean, spread.clip(min=0).astype(np.float32)
