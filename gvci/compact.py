"""A trained model in as few bits as its answers allow.

Some tensors hardly touch an answer and some decide it, and none says so of itself. So every one,
the largest first, is stored in the fewest bits with which the answers stay what they are to half
precision.
"""

from __future__ import annotations

import numpy as np

from gvci.packing import HALF, pack, unpack
from gvci.prediction import TrainedModel
from gvci.run import Run

BITS = (4, 5, 6, 7, 8, 9, 10, 11, 12)
SMALLEST = 4096  # values; less is not worth a search
TOLERANCE = 2.0**-11  # float16's rounding, relative
CELLS, LABELS = 256, 2
GATE = "gate."  # speaks only in pairs that were not measured: few cells would test it


def fewest_bits(run: Run) -> dict[str, int]:
    """Tensor → bits, for `TrainedModel.save`; empty where float16 already changes the answers.

    Answers are the decoder's means and the counterfactuals of 256 cells; over cells and genes the
    root mean square of their change may be 2⁻¹¹ of their own (or of 1), all tensors together.
    """
    model = run.model
    header = {**model.header, "gate": model.gate.to_json(), "members": len(model.members)}
    tensors = model.tensors()
    bits = {name: HALF for name, tensor in tensors.items() if tensor.is_floating_point()}
    exact = _answers(run, model)
    allowed = [TOLERANCE * max(1.0, _size(answer)) for answer in exact]

    def bearable(tried: dict[str, int]) -> bool:
        rounded = unpack(*pack(tensors, tried))
        said = _answers(run, TrainedModel.made_of(rounded, header))
        changes = (_size(a - b) for a, b in zip(said, exact, strict=True))
        return all(change <= most for change, most in zip(changes, allowed, strict=True))

    if not bearable(bits):  # also where float16 overflows
        return {}
    large = [n for n in bits if tensors[n].numel() >= SMALLEST and not n.startswith(GATE)]
    for name in sorted(large, key=lambda name: (-tensors[name].numel(), name)):
        bits[name] = next((few for few in BITS if bearable({**bits, name: few})), HALF)
    return bits


def _answers(run: Run, model: TrainedModel) -> list[np.ndarray]:
    """What a model with these names says of cells of all kinds."""
    data = run.data
    seen = np.flatnonzero(data.split != "ood")
    rows = seen[:: max(1, len(seen) // CELLS)][:CELLS]
    asked = Run.of(model, data)
    labels = model.treatment_code.levels[:LABELS]
    return [asked.reconstruct(rows), *(asked.predict(rows, label) for label in labels)]


def _size(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2, dtype=np.float64)))
