"""Cross-fitting: every cell is answered by a model that did not see it (Chernozhukov et al. 2018).

The cells of each covariate group and perturbation are dealt into K folds, and K models are
trained as the run's was, each with one fold hidden: its cells keep their place in the data under
a split that learning does not read. They are kept beside the run and used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gvci.config import PredictMode, TrainSettings
from gvci.data.dataset import SPLIT, PerturbationData
from gvci.data.numbering import numbered
from gvci.errors import CheckpointError, GRNError, PredictionError, SettingsError
from gvci.estimator.effects import ESTIMATION_SPLITS
from gvci.grn import GRN
from gvci.prediction.trained_model import TrainedModel
from gvci.progress import Progress
from gvci.run import Run
from gvci.training.ensemble import train
from gvci.unfinished import forget

HIDDEN = "hidden"
NO_FOLD = -1


class CrossFitted:
    """A predictor whose answer for a cell is that of its own fold's model.

    Attributes:
        folds: (cells,) fold of each cell, −1 for cells that are held out.
        runs: fold → its model on these cells.
    """

    def __init__(
        self, data: PerturbationData, folds: np.ndarray, models: Sequence[TrainedModel]
    ) -> None:
        self.folds = folds
        self.runs = [Run.of(model, data) for model in models]

    def predict(
        self,
        rows: np.ndarray,
        perturbation: str,
        dose: float = 1.0,
        mode: PredictMode = "residual",
    ) -> np.ndarray:
        """(rows, genes) log1p CP10k of these cells under the perturbation.

        Raises:
            PredictionError: a held-out cell, which is in no fold; or as `Run.predict`.
        """
        own = self.folds[rows]
        outside = int((own == NO_FOLD).sum())
        if outside:
            message = (
                f"{outside:,} of {len(own):,} cells are held out, so they are in no fold of the "
                "cross-fitting. Ask the run itself about them."
            )
            raise PredictionError(message)
        answer = np.zeros((len(own), len(self.runs[0].data.genes)), dtype=np.float32)
        for fold in np.unique(own):
            mine = own == fold
            answer[mine] = self.runs[fold].predict(rows[mine], perturbation, dose, mode)
        return answer


def cross_fit(run: Run, folds: int, progress: Progress | None = None) -> CrossFitted:
    """K models with the run's settings, data and network, each blind to one fold.

    Each takes as long as the run's own training. Finished ones lie in RUN/crossfit-K, and one
    that was stopped goes on there. The network is the run's: where it was refined, all cells
    had a part in it.

    Args:
        run: the trained model.
        folds: K, 2 or more.
        progress: as for `training.fit`.

    Raises:
        SettingsError: fewer than two folds, or more than cells.
        GRNError: the run was trained on a network that it does not hold.
        TrainingError: as `ensemble.train`.
    """
    settings = TrainSettings.checked(run.model.header["settings"])
    network, wanted = run.grn, run.model.header.get("grn_hash")
    if wanted is not None and network is None:
        message = (
            f"{run.path} was trained on a network that it does not hold, so its model cannot be "
            "trained again for cross-fitting. Train it on a refined network, or without one."
        )
        raise GRNError(message)
    grn = None if network is None or wanted is None else network.adopted()
    return cross_fitted(run.data, grn, settings, folds, run.path / f"crossfit-{folds}", progress)


def cross_fitted(
    data: PerturbationData,
    grn: GRN | None,
    settings: TrainSettings,
    folds: int,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> CrossFitted:
    """The same from data, network and settings.

    Args:
        data, grn, settings, progress: as for `ensemble.train`.
        folds: K, 2 or more.
        folder: where models are kept, finished and unfinished; None to keep nothing.

    Raises:
        SettingsError, TrainingError: as `cross_fit`.
    """
    assigned = deal(data, folds, settings.seed)
    models = []
    for fold in range(folds):
        seen = hiding(data, assigned == fold)
        file = None if folder is None else folder / f"fold {fold + 1}.safetensors"
        model = None if file is None else _finished(file, seen, grn, settings)
        if model is None:
            header = {"fold": fold + 1, "folds": folds}
            unfinished = None if file is None else file.with_suffix("")
            tell = _shifted(progress, fold, folds)
            model = train(seen, grn, settings, header, tell, None, unfinished)
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                model.save(file)
                forget(file.with_suffix(""))
        models.append(model)
    return CrossFitted(data, assigned, models)


def deal(data: PerturbationData, folds: int, seed: int) -> np.ndarray:
    """(cells,) fold of each cell, −1 for held-out ones; equal within group × perturbation.

    Raises:
        SettingsError: fewer than two folds, or more than cells.
    """
    rows = data.rows(ESTIMATION_SPLITS)
    if not 2 <= folds <= len(rows):
        message = (
            f"Cross-fitting takes 2 to {len(rows):,} folds, as many as cells at most; "
            f"{folds:,} were asked for. Ask for 5, or for 0 to leave it out."
        )
        raise SettingsError(message)
    rng = np.random.default_rng([seed, 7])
    _, pairs = numbered(data.groups[rows], data.perturbation[rows])
    assigned = np.full(data.n_cells, NO_FOLD)
    order = rows[np.lexsort((rng.permutation(len(rows)), pairs))]
    # One round over all pairs, so that small pairs do not all begin at the first fold.
    assigned[order] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return assigned


def hiding(data: PerturbationData, cells: np.ndarray) -> PerturbationData:
    """The same data with some cells (a mask) in a split that learning does not read."""
    import anndata as ad

    obs = data.adata.obs.copy()
    obs[SPLIT] = np.where(cells, HIDDEN, data.split)
    layers = dict(data.adata.layers)
    adata = ad.AnnData(data.adata.X, obs=obs, var=data.adata.var, layers=layers)
    return PerturbationData(adata, data.columns, data.meta)


def _finished(
    file: Path, data: PerturbationData, grn: GRN | None, settings: TrainSettings
) -> TrainedModel | None:
    """The model of a fold that was trained before, of the same cells, network and settings."""
    try:
        model = TrainedModel.load(file)
    except CheckpointError:
        return None  # not there, or damaged: train it
    network = None if grn is None else grn.restricted(data.genes, data.name).fingerprint()
    made_of = (data.fingerprint, network, settings.model_dump())
    found = tuple(model.header.get(name) for name in ("data_hash", "grn_hash", "settings"))
    return model if found == made_of else None


def _shifted(progress: Progress | None, fold: int, folds: int) -> Progress | None:
    """Progress of one fold as progress of all."""
    if progress is None:
        return None
    return lambda done, planned, words: progress(
        fold * planned + done, folds * planned, f"fold {fold + 1} {words}".strip()
    )
