"""Which cells a step sees and how fast it learns: the same for every network."""

from __future__ import annotations

import math

import numpy as np

from gvci.config import TrainSettings

LAST_RATE = 0.05
VALIDATION_CELLS = 512  # that a training is watched by


class Pace:
    """Order of the training cells and the learning rate; both depend on seed and step alone.

    Args:
        train: positions of the training cells.
        settings: batch size and schedule.
        seed: of the order.

    Attributes:
        per_epoch: steps; a last batch of one cell is dropped.
    """

    def __init__(self, train: np.ndarray, settings: TrainSettings, seed: int) -> None:
        self._train, self._settings, self._seed = train, settings, seed
        size = settings.batch_size
        self.per_epoch = len(train) // size + (len(train) % size > 1)
        self._epoch, self._order = -1, train  # which epoch's order of the cells is at hand

    def place(self, step: int) -> tuple[int, int]:
        """Epoch, and step within it, from 0."""
        return divmod(step, self.per_epoch)

    def rows(self, step: int) -> np.ndarray:
        """Positions of the step's cells."""
        epoch, place = self.place(step)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, 3, epoch]).permutation(self._train)
        size = self._settings.batch_size
        return self._order[place * size : (place + 1) * size]

    def rate(self, step: int) -> float:
        """Factor on the learning rates."""
        s = self._settings
        if s.schedule == "step":
            return float(s.learning_rate_decay ** (self.place(step)[0] // s.learning_rate_step))
        warm = min(1.0, (step + 1) / max(1, min(s.warm_up, s.max_steps // 4)))
        along = min(1.0, step / s.max_steps)
        return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * along)))
