"""A trained model in as few bits as its answers allow.

Some tensors hardly touch an answer and some decide it, and none says so of itself. So each is
rounded alone and the answers are looked at; then bits are taken off where a byte costs least, for
as long as the answers stay what they are to half precision.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from gvci.packing import HALF, pack, same, unpack
from gvci.prediction.trained_model import TrainedModel
from gvci.run import Run

MOST, FEWEST = 12, 4  # bits of whole numbers
SMALLEST = 2048  # values; less is not worth a look
TOLERANCE = 2.0**-11  # float16's rounding, relative
MARGIN = 0.8  # the errors of tensors add up a little otherwise than in squares
CELLS, LABELS = 128, 2
GATE = "gate."  # speaks only in pairs that were not measured: few cells would test it


def fewest_bits(run: Run) -> dict[str, int]:
    """Tensor → bits, for `TrainedModel.save`; empty where float16 already changes the answers.

    Answers are the decoder's means and the counterfactuals of 128 cells; over cells and genes the
    root mean square of their change may be 2⁻¹¹ of their own (or of 1), all tensors together.
    """
    trial = _Trial(run)
    tensors = trial.tensors
    bits = {name: HALF for name, tensor in tensors.items() if tensor.is_floating_point()}
    start = trial.error(bits)
    if not start <= 1:  # also where float16 overflows
        return {}
    twins = same(tensors)
    large = [
        name for name in bits
        if tensors[name].numel() >= SMALLEST and not name.startswith(GATE) and name not in twins
    ]  # fmt: skip
    # The squared error of rounding to steps falls with the square of the steps' number.
    alone = {name: max(0.0, trial.error({**bits, name: 8}) ** 2 - start**2) for name in large}
    budget = 1.0
    while True:
        found = _taken_off(bits, {name: tensors[name].numel() for name in large}, alone, budget)
        if trial.error(found) <= 1:
            return found
        budget *= MARGIN


def _taken_off(
    bits: dict[str, int], sizes: dict[str, int], alone: dict[str, float], budget: float
) -> dict[str, int]:
    """Take bits off where the error grows least per bit, until it would exceed the budget.

    Args:
        bits: all tensors at float16.
        sizes: values of the tensors that may have fewer.
        alone: squared error of each at 8 bits.
        budget: largest sum of squared errors.
    """

    def error(name: str, few: int) -> float:
        return 0.0 if few == HALF else alone[name] * (127 / (2 ** (few - 1) - 1)) ** 2

    found = dict(bits)
    while True:
        spent = sum(error(name, found[name]) for name in sizes)
        steps = []
        for name, size in sizes.items():
            few = MOST if found[name] == HALF else found[name] - 1
            more = error(name, few) - error(name, found[name])
            if few >= FEWEST and spent + more <= budget:
                steps.append((more / (size * (found[name] - few)), name, few))
        if not steps:
            return found
        _, name, few = min(steps)
        found[name] = few


class _Trial:
    """The answers of a model before and after rounding."""

    def __init__(self, run: Run) -> None:
        model = run.model
        self.data = run.data
        self.tensors: dict[str, Tensor] = model.tensors()
        self.header = {
            **model.header, "gate": model.gate.to_json(), "members": len(model.members),
        }  # fmt: skip
        seen = np.flatnonzero(run.data.split != "ood")
        self.rows = seen[:: max(1, len(seen) // CELLS)][:CELLS]
        self.exact = self.answers(model)

    def answers(self, model: TrainedModel) -> list[np.ndarray]:
        """What a model of these names says of cells of all kinds."""
        asked = Run.of(model, self.data)
        labels = model.treatment_code.levels[:LABELS]
        return [asked.reconstruct(self.rows), *(asked.predict(self.rows, one) for one in labels)]

    def error(self, bits: dict[str, int]) -> float:
        """The largest change of an answer, over what is allowed."""
        rounded = unpack(*pack(self.tensors, bits))
        said = self.answers(TrainedModel.made_of(rounded, self.header))
        return max(
            _size(now - before) / (TOLERANCE * max(1.0, _size(before)))
            for now, before in zip(said, self.exact, strict=True)
        )


def _size(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2, dtype=np.float64)))
