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
from gvci.data.numbering import Treatments, numbered
from gvci.data.portions import averages, row_squares
from gvci.devices import WHOLE, Share
from gvci.errors import TrainingError
from gvci.model import Batch


class Matcher:
    """Draws batches from training cells; (X, T′) pairs without cells add nothing.

    Args:
        data: cells with their split.
        settings: kernel, cells to draw, batch size.
        hidden: (cells,) True for cells that this training must not see.

    Raises:
        TrainingError: no treated or no control training cell.
    """

    def __init__(
        self, data: PerturbationData, settings: TrainSettings, hidden: np.ndarray | None = None
    ) -> None:
        self.data, self.settings = data, settings
        self.expression, self.covariates = data.expression, data.covariates
        seen = np.ones(data.n_cells, dtype=bool) if hidden is None else ~hidden
        train = np.flatnonzero((data.split == "train") & seen)
        treated = train[~data.is_control[train]]
        if not len(treated) or len(treated) == len(train):
            message = (
                f"{len(treated):,} of {len(train):,} training cells are treated; both treated and "
                "control cells are needed. Hold out less."
            )
            raise TrainingError(message)
        self.validation = np.flatnonzero((data.split == "validation") & seen)
        # OOD cells may carry labels that no training cell has: only the others are coded.
        coded = data.split != "ood"
        self.treatment = Treatments(data.treatment_code, data.perturbation, data.dose, coded)
        self.train, self.treated = train, treated
        self.counted = settings.likelihood != "normal"
        self.squares = row_squares(self.expression)
        self._index_strata()
        if settings.kernel == "means":
            self._average_strata()

    def _index_strata(self) -> None:
        """Training cells sorted by (stratum, perturbation, dose), and where each run starts."""
        _, self.stratum = numbered(self.data.strata)
        amounts, dose = np.unique(self.data.dose, return_inverse=True)
        doses = np.array([f"{amount:.6g}" for amount in amounts], dtype=object)[dose]
        _, self.arm = numbered(self.data.perturbation, doses)
        self.n_arms = int(self.arm.max()) + 1
        self.cell = self.stratum * self.n_arms + self.arm
        self.order = self.train[np.argsort(self.cell[self.train], kind="stable")]
        keys = np.arange((int(self.stratum.max()) + 1) * self.n_arms)
        sorted_cells = self.cell[self.order]
        self.starts = np.searchsorted(sorted_cells, keys)
        self.counts = np.searchsorted(sorted_cells, keys, side="right") - self.starts

    def _average_strata(self) -> None:
        """Mean and spread of all training cells of each stratum and treatment: no draw needed."""
        key, n = self.cell[self.train], self.expression.shape[1]
        means = averages(self.expression, self.train, key, self.counts, np.float32)
        self.means = np.asarray(means.toarray())
        weights = (1 / self.counts[key], (key, np.arange(len(key))))
        average = sp.csr_matrix(weights, shape=(len(self.counts), len(key)), dtype=np.float32)
        squares = average @ self.squares[self.train]
        self.spreads = ((squares - (self.means**2).sum(axis=1)) / n).clip(min=0)

    def epochs(self, rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
        """Endless epochs, each a list of row arrays; a last batch under two cells is dropped."""
        size = self.settings.batch_size
        while True:
            order = rng.permutation(self.train)
            yield [order[i : i + size] for i in range(0, len(order), size) if len(order) - i > 1]

    def batch(self, rows: np.ndarray, rng: np.random.Generator, share: Share = WHOLE) -> Batch:
        """The cells of `rows`, each with a T′ of a random treated training cell.

        Draws are made for all rows; the share's alone become dense.
        """
        partners = self._partners(rows, rng)
        key = self.stratum[rows] * self.n_arms + self.arm[partners]
        stratum = np.unique(key, return_inverse=True)[1][share.cells]
        offsets = np.zeros((len(rows), 0))
        if self.settings.kernel != "means":
            offsets = rng.random((len(rows), self.settings.match_cells))
        rows, partners, key, offsets = (a[share.cells] for a in (rows, partners, key, offsets))
        counts = self.counts[key]
        if self.settings.kernel == "means":
            own, matched, spread = self.data.dense(rows), self.means[key], self.spreads[key]
        else:
            places = self.starts[key][:, None] + (offsets * counts[:, None]).astype(np.int64)
            positions = np.minimum(places, len(self.order) - 1)
            own, matched, spread = self._matched(rows, self.order[positions])
        return Batch(
            torch.from_numpy(own),
            torch.from_numpy(self.covariates[rows]),
            torch.from_numpy(self.treatment[rows]),
            torch.from_numpy(self.treatment[partners]),
            torch.from_numpy(matched),
            torch.from_numpy(spread),
            torch.from_numpy((counts > 0).astype(np.float32)),
            torch.from_numpy(stratum),
            *self._counted(rows),
            share,
        )

    def _partners(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A treated training cell for each cell; for `means` one for all cells of a stratum."""
        if self.settings.kernel != "means":
            return rng.choice(self.treated, size=len(rows))
        present, place = np.unique(self.stratum[rows], return_inverse=True)
        return rng.choice(self.treated, size=len(present))[place]

    def _counted(self, rows: np.ndarray) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        if not self.counted:
            return None, None
        counts = np.asarray(self.data.counts[rows].toarray(), dtype=np.float32)
        depth = self.data.depth[rows].astype(np.float32)[:, None]
        return torch.from_numpy(counts), torch.from_numpy(depth)

    def _matched(
        self, rows: np.ndarray, cells: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Y; mean and spread of the drawn cells, or the cells themselves for `log_mean`."""
        batch, drawn = cells.shape
        n = self.expression.shape[1]
        if self.settings.kernel == "log_mean":
            dense = self.data.dense(cells.ravel()).reshape(batch, drawn, n)
            return self.data.dense(rows), dense, np.zeros(batch, dtype=np.float32)
        picked = self.expression[np.concatenate([rows, cells.ravel()])]
        # Under one pointer for all cells drawn for a cell every gene comes several times: they
        # add up when they become dense.
        starts = np.concatenate([picked.indptr[:batch], picked.indptr[batch::drawn]])
        together = (picked.data, picked.indices, starts)
        own, mean = sp.csr_matrix(together, shape=(2 * batch, n)).toarray().reshape(2, batch, n)
        mean /= np.float32(drawn)
        explained = np.einsum("ij,ij->i", mean, mean, dtype=np.float64)
        spread = (self.squares[cells].mean(axis=1) - explained) / n
        return own, mean, spread.clip(min=0).astype(np.float32)
