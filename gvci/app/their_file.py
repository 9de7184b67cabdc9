"""Another program's predicted cells, uploaded: read through the door and scored beside ours."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gvci.app import export, uploads
from gvci.app.boards import CEILING, NAMES
from gvci.app.text import count, plain
from gvci.config import PredictMode
from gvci.data.door.limits import UPLOAD
from gvci.errors import FileError, SettingsError
from gvci.evaluation.foreign import evaluate_predictions
from gvci.evaluation.pairs import scorable_pairs
from gvci.run import Run

TYPES = ["h5ad"]
Tell = Callable[[str], None]


def needs(run: Run) -> str:
    """What the file has to have, plain text."""
    columns = run.data.columns
    named = ", ".join(f"'{name}'" for name in (columns.perturbation, *columns.covariates))
    return (
        f"An .h5ad of predicted cells: obs with {named}, labelled as in these data; genes by "
        f"name; X as {run.data.unit}, or counts. A few hundred cells per held-out pair are enough. "
        f"Up to {UPLOAD.size} unpacked. It is read and scored here and not kept."
    )


def default_name(file: str) -> str:
    """What the program is called until somebody says so: the file's name."""
    return plain(Path(file.replace("\\", "/")).stem, 40) or "your file"


def score(run: Run, file: str, content: bytes, name: str, split: str, tell: Tell) -> dict[str, Any]:
    """What `evaluate_predictions` says of an upload, beside the run.

    Args:
        file: its name, a label and never a path. name: of the program.
        tell: gets a line before every step.

    Raises:
        FileError, DataError, SettingsError: it cannot be used, in a sentence.
    """
    if name in (run.name, CEILING, *NAMES.values()) or not name.strip():
        message = f"'{plain(name, 40)}' is the name of another row of the table. Give another."
        raise SettingsError(message)
    if not file.lower().endswith(".h5ad"):
        message = f"{plain(file)} is not an .h5ad file. Save the predicted cells as .h5ad."
        raise FileError(message)
    pairs = scorable_pairs(run.data, split)
    tell("Reading and checking the file in a process of its own")
    cells = uploads.read_upload([(file, content)])
    tell(f"Matching its {count(cells.n_obs, 'cell')} and {count(cells.n_vars, 'gene')} with ours")
    told = Told(run, len(pairs), tell)
    with tempfile.TemporaryDirectory(prefix="gvci-") as folder:
        # What the door took in, written cleanly: the judge reads files only.
        clean = Path(folder) / export.file_name(default_name(file), kind="h5ad")
        cells.uns.clear()
        cells.write_h5ad(clean)
        return evaluate_predictions(
            clean, run.data, split, name=name, beside=told, beside_name=run.model.name
        )


class Told:
    """A run that says which pair it is asked about."""

    def __init__(self, run: Run, pairs: int, tell: Tell) -> None:
        self._run, self._pairs, self._tell = run, pairs, tell
        self._seen: set[tuple[str, str]] = set()

    def predict_mean(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: PredictMode = "residual"
    ) -> np.ndarray:
        """As the run's."""
        pair = (str(self._run.data.groups[rows[0]]), perturbation)
        if pair not in self._seen:
            self._seen.add(pair)
            at = f"{len(self._seen)} of {self._pairs}"
            self._tell(f"Scoring pair {at}: {plain(perturbation)} in {plain(pair[0])}")
        return self._run.predict_mean(rows, perturbation, dose, mode)

    def predict(
        self, rows: np.ndarray, perturbation: str, dose: float = 1.0, mode: PredictMode = "residual"
    ) -> np.ndarray:
        """As the run's."""
        return self._run.predict(rows, perturbation, dose, mode)

    def reconstruct(self, rows: np.ndarray) -> np.ndarray:
        """As the run's."""
        return self._run.reconstruct(rows)

    def gate(self, group: str, perturbation: str) -> dict[str, Any]:
        """As the run's."""
        return self._run.gate(group, perturbation)

    def mean_error(self, group: str, perturbation: str, change: np.ndarray) -> np.ndarray | None:
        """As the run's."""
        return self._run.mean_error(group, perturbation, change)


def report(answer: dict[str, Any]) -> list[str]:
    """How the file was matched, plain text."""
    about = answer["predictions"]
    first = (
        f"{count(about['n_cells'], 'predicted cell')} of {count(answer['n_pairs'], 'scored pair')} "
        f"were used, {count(about['n_genes'], 'gene')} matched."
    )
    return [first, *map(str, about["notes"]), *map(str, answer["notes"])]
