"""What a job will need, before it starts: memory, disk and time, and a refusal above the limit.

The formulas are sums over the arrays that are alive at the peak; their factors were fitted to
measured peaks (`python -m benchmarks.memory` measures them again). A third more or less is normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from gvci.coexpression import NAME as COEXPRESSION
from gvci.config import PredictSettings, RefineSettings, TrainSettings
from gvci.data.laid import LARGE
from gvci.data.size import DataSize, cells_with, data_size
from gvci.data.split import parse_word
from gvci.errors import GvciError, JobError
from gvci.jobs.limits import allowed_memory, free_disk, gigabytes
from gvci.jobs.request import Request
from gvci.recipe import cells_file
from gvci.refiner.residuals import MOST_NUMBERS

LIBRARIES = {
    "refine": 480e6,
    "train": 610e6,
    "predict": 610e6,
}  # bytes of the process before it reads a cell
CSR = 8.0  # bytes of a value and its column
LABELS = 200.0  # bytes of a cell beside its values
SPARE_DISK = 100e6  # kept free for everybody
FEWEST_GENES = 50
HUMAN_REGULATORS = 1_800
COPIES = 8  # of the weights: live, gradient, Adam's two, lagged, best, and what is being saved
DENSE_CELLS = 8000  # that a member makes dense when it starts
PREDICT_COPIES = 5  # of the dense cells: factual, corrected, in parts, joined, as written
SHOWN_CELLS = 256  # that preset `paper` of refine is validated on


@dataclass(frozen=True)
class Estimate:
    """What a job needs.

    Attributes:
        memory: bytes at the peak.
        disk: bytes written, an unfinished training included.
        seconds: on one core, where nothing stops it early.
    """

    memory: float
    disk: float
    seconds: float


def estimate(request: Request) -> Estimate | None:
    """What a job needs; None for `prepare`, whose input is only known once it is read.

    Raises:
        GvciError: settings or cells that cannot be used.
    """
    if request.verb == "prepare":
        return None
    return _estimator(request)(data_size(cells_of(request)))


def cells_of(request: Request) -> Path:
    """The file of the cells: a run keeps its own, or knows where they were prepared."""
    folder = Path(request.data)
    return cells_file(folder / "data.h5ad") if request.verb == "predict" else folder


def require_room(request: Request, folder: Path) -> None:
    """Refuse a job that needs more than there is.

    Args:
        request: what is asked.
        folder: where it will be written.

    Raises:
        GvciError: not enough memory, with what would fit; not enough disk; cells or settings that
            cannot be used.
    """
    needs = estimate(request)
    disk, free = SPARE_DISK + (needs.disk if needs else 0.0), free_disk(folder)
    if disk > free:
        message = (
            f"It needs about {gigabytes(disk)} on disk, {gigabytes(free)} are free on the server. "
            "Delete old jobs, or set GVCI_HOME to another disk."
        )
        raise JobError(message)
    allowed = allowed_memory()
    if needs is not None and needs.memory > allowed:
        message = (
            f"It needs about {gigabytes(needs.memory)} of memory, {gigabytes(allowed)} are allowed"
            f"{_what_fits(request, allowed)}."
        )
        raise JobError(message)


def train_needs(size: DataSize, settings: TrainSettings) -> Estimate:
    """Memory, disk and time of `train` with its scores."""
    s = settings
    per_gene = s.outcome_embedding + s.latent + 3 * s.width + s.graph_latent
    fixed = s.outcome_embedding * s.width + 4 * s.depth * s.width**2
    weights = 4.0 * (size.genes * per_gene + fixed)
    means = 8.0 * size.arms * size.genes
    stages = s.members + s.inner_folds
    batch = 4.0 * min(s.batch_size, size.cells) * size.genes
    alive = 12 + 6 * s.samples * (2 if s.likelihood == "normal" else 3)
    drawn = s.match_cells if s.kernel == "log_mean" else 1
    memory = (
        LIBRARIES["train"]
        + _sparse(size)
        + 5 * 4.0 * min(size.cells, DENSE_CELLS) * size.genes
        + (COPIES + s.members) * weights
        + 4 * means
        + batch * (alive + drawn)
    )
    model = s.members * (weights + means / 2) + means / 2
    disk = size.file_bytes + model + weights * (10 + stages)
    step = 0.012 + 1.5e-5 * size.genes * s.batch_size / 64 * (1 + (s.samples - 1) / 4)
    start = 2 + 3e-8 * size.cells * size.genes
    return Estimate(memory, disk, stages * (s.max_steps * step + start) + 10 + 3 * start)


def predict_needs(size: DataSize, cells: int) -> Estimate:
    """Memory, disk and time of `predict` for so many of the cells."""
    dense = 4.0 * cells * size.genes
    memory = LIBRARIES["predict"] + _sparse(size) + PREDICT_COPIES * dense
    return Estimate(memory, 1.1 * dense, 8 + 1.2e-6 * cells * size.genes)


def refine_needs(size: DataSize, settings: RefineSettings, regulators: int) -> Estimate:
    """Memory, disk and time of `refine` with so many candidate regulators."""
    s, n = settings, size.genes
    pairs = float(n * min(n, regulators))
    sparse = _sparse(size)
    dense = 4.0 * min(size.cells * n, MOST_NUMBERS)
    table = 480 * pairs
    disk = size.file_bytes + 40 * pairs
    if s.method == "calibrated":
        levels = 1 + (s.level if s.level is not None else s.highest_level)
        memory = LIBRARIES["refine"] + sparse + max(2.6 * dense, table)
        seconds = 2 + levels * (1 + s.halves / 4 + s.seeds) * (1e-7 * size.cells * n + 1e-5 * pairs)
        return Estimate(memory, disk, seconds)
    widest = max(s.encoder_width, s.decoder_width)
    shown = 4.0 * min(SHOWN_CELLS, size.cells) * n * widest
    logits = 16.0 * n * n
    memory = LIBRARIES["refine"] + sparse + logits + max(2.5 * shown, table)
    step = 0.05 + 1.0 * (n / 2000) ** 1.87 * s.batch_size / 64
    checks = s.max_steps / s.evaluate_every * step
    return Estimate(memory, disk + 2 * logits, s.max_steps * step + checks)


def _sparse(size: DataSize) -> float:
    """Bytes for the values that are not 0: of a large matrix, which stays in the file, those of
    a portion, and the labels of its cells."""
    held = 1.2 * CSR * min(size.values, LARGE)
    return (2 if size.counts else 1) * held + LABELS * size.cells


# --- inside ----------------------------------------------------------------------------


def _estimator(request: Request) -> Callable[[DataSize], Estimate]:
    """Size → needs, of this request."""
    settings = request.checked_settings()
    if request.verb == "train":
        return lambda size: train_needs(size, cast("TrainSettings", settings))
    if request.verb == "predict":
        cells = _predicted_cells(request, cast("PredictSettings", settings))
        return lambda size: predict_needs(size, cells)
    regulators = _regulators(request.network)
    return lambda size: refine_needs(
        size, cast("RefineSettings", settings), regulators + size.labels
    )


def _predicted_cells(request: Request, settings: PredictSettings) -> int:
    """How many cells a prediction is of; without conditions at most all."""
    conditions = {k: v for word in settings.cells for k, v in parse_word(word).items()}
    return cells_with(cells_of(request), conditions)


def _regulators(network: str) -> int:
    """How many the prior has; of one that is not here yet as many as humans have."""
    from gvci.data.catalogue import catalogue_table

    if network.lower() == COEXPRESSION:
        return HUMAN_REGULATORS
    known = catalogue_table().set_index("name")["available"]
    if network in known.index and known[network] in ("downloadable", "by hand"):
        return HUMAN_REGULATORS
    file = Path(network)
    return _counted(network, file.stat().st_mtime_ns if file.exists() else 0)


@lru_cache(maxsize=32)
def _counted(network: str, version: int) -> int:
    """The regulators of a network that is here; counted once per version of the file."""
    from gvci.data.catalogue import load_network

    return len(load_network(network).adopted().sources)


def _what_fits(request: Request, allowed: int) -> str:
    """ ": use at most …", what would bring the memory below the limit."""
    if request.verb == "predict":
        return ": allow more (GVCI_MAX_MEMORY), or choose fewer cells"
    needs, size = _estimator(request), data_size(Path(request.data))

    def fits(genes: int) -> bool:
        share = genes / size.genes
        return needs(replace(size, genes=genes, values=int(size.values * share))).memory <= allowed

    fewest, most = FEWEST_GENES, size.genes
    if not fits(fewest):
        return ": allow more (GVCI_MAX_MEMORY), or use fewer cells"
    while most - fewest > max(10, fewest // 50):
        middle = (fewest + most) // 2
        fewest, most = (middle, most) if fits(middle) else (fewest, middle)
    batch = " or a smaller batch" if _smaller_batch_fits(request, allowed) else ""
    return f": use at most {fewest:,} genes{batch}"


def _smaller_batch_fits(request: Request, allowed: int) -> bool:
    settings = {**request.settings, "batch_size": 16}
    try:
        found = estimate(request.model_copy(update={"settings": settings}))
    except GvciError:
        return False
    return found is not None and found.memory <= allowed
