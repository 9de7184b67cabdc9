"""One problem: cells with some held out, the prior network, and who knows the truth.

A problem's prepared cells are kept in the benchmark's folder, for all models and seeds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvci.benchmark.sources import code_hash
from gvci.benchmark.spec import SIM, SIMULATED, Dataset
from gvci.config import PrepareSettings, SimulateSettings
from gvci.data.catalogue import availability, find, load_dataset, load_network, locate
from gvci.data.entries import Kind
from gvci.data.prepare import prepare
from gvci.data.simulate import Simulation, simulate
from gvci.data.truth import true_counterfactuals
from gvci.errors import CatalogueError, FileError, SettingsError
from gvci.grn import GRN
from gvci.making import link_or_copy

if TYPE_CHECKING:
    from gvci.data.dataset import PerturbationData
    from gvci.data.entries import CatalogueEntry
    from gvci.evaluation.scoring import Truth

DATA: tuple[Kind, ...] = ("dataset",)
NETWORK: tuple[Kind, ...] = ("prior", "truth")
MODULES = ("gvci.data.catalogue", "gvci.data.prepare", "gvci.data.simulate")


@dataclass(frozen=True)
class Problem:
    """What is asked; `cells`, `prior` and `truth` bring what it is asked of.

    Attributes:
        dataset: cells and prior as the spec names them.
        holdout: what is held out; empty for what the data say themselves.
        seed: of the simulation; None where all seeds share the cells.
        files: SHA-256 of the files behind it.
    """

    dataset: Dataset
    holdout: str
    seed: int | None
    files: tuple[str, ...]

    @property
    def label(self) -> str:
        """For tables: what is held out, and whose cells."""
        held_out = {"": "as given", "none": "nothing held out"}.get(self.holdout, self.holdout)
        return held_out if self.seed is None else f"{held_out}, seed {self.seed}"

    @property
    def key(self) -> dict[str, Any]:
        """What its cells depend on."""
        known = self.dataset.model_dump(mode="json", include={"simulate", "prepare"})
        about = {"holdout": self.holdout, "seed": self.seed, "files": self.files}
        # A file that is named anew is the same file; what is simulated is its name.
        named = [word for word in (self.dataset.data, self.dataset.prior) if word in SIMULATED]
        return {**known, **about, "simulated": named, "code": code_hash(*MODULES)}

    @property
    def file(self) -> str:
        """Name of its prepared cells."""
        return f"{slug(self.dataset.name)}-{slug(self.label)}-{digest(self.key)}.h5ad"

    @cached_property
    def simulation(self) -> Simulation | None:
        """The simulator's truth, where there is one."""
        if self.dataset.data not in SIMULATED:
            return None
        settings = self.dataset.simulate or SimulateSettings.preset("demo")
        known = settings if self.seed is None else settings.model_copy(update={"seed": self.seed})
        return simulate(known)

    def cells(self, folder: Path) -> Path:
        """The file of its prepared cells in the folder, made if it is not there.

        Raises:
            GvciError: as `prepare`; or a prepared file whose holdout is asked to be another.
        """
        kept = folder / self.file
        if kept.is_file():
            return kept
        data = self.dataset
        if self.simulation is not None:
            adata = self.simulation.adata
            entry: CatalogueEntry | None = find("demo", "dataset")
        else:
            adata, entry = load_dataset(data.data)
            if "gvci" in adata.uns:
                self._require_as_prepared()
                link_or_copy(Path(data.data), kept)
                return kept
        title = data.title or (data.name if entry is None else entry.title)
        simulated = entry is not None and entry.simulated
        made = prepare(
            adata, self._settings(entry), name=data.name, title=title, simulated=simulated
        )
        made.write(kept)
        return kept

    def _settings(self, entry: CatalogueEntry | None) -> PrepareSettings:
        """What the catalogue says of the cells, then the spec, then what is held out."""
        usual = {} if entry is None else {k: v for k, v in entry.columns.items() if v is not None}
        given = self.dataset.prepare.model_dump(exclude_unset=True)
        if self.holdout in ("auto", "none"):
            held_out: dict[str, Any] = {"ood": self.holdout}
        elif self.holdout:
            held_out = {"holdout": (self.holdout,)}
        elif entry is not None and "ood_level" not in given:
            held_out = {"holdout": entry.holdout, "ood": entry.ood}
        else:
            held_out = {}
        return PrepareSettings.checked({**usual, **given, **held_out})

    def _require_as_prepared(self) -> None:
        if self.holdout or self.dataset.prepare.model_fields_set:
            message = (
                f"{self.dataset.data} is prepared already, with its cells held out: leave "
                "holdouts and prepare out of the spec, or name the raw file."
            )
            raise SettingsError(message)

    @cached_property
    def prior(self) -> GRN | None:
        """The prior network; the simulation's own where none is named."""
        if self.dataset.prior is not None:
            return load_network(self.dataset.prior).adopted()
        return None if self.simulation is None else self.simulation.prior

    def truth(self, data: PerturbationData) -> Truth | None:
        """Every cell's counterfactuals, where a simulator knows them."""
        return None if self.simulation is None else true_counterfactuals(self.simulation, data)


def problems(dataset: Dataset, seeds: tuple[int, ...]) -> list[Problem]:
    """All problems of a dataset: its holdouts, times the seeds where each has its own cells.

    Raises:
        GvciError: a file is not here; says how to get it.
    """
    files = tuple(checksum(path) for path in _files(dataset))
    own: tuple[int | None, ...] = seeds if dataset.varies else (None,)
    return [
        Problem(dataset, word, seed, files) for seed in own for word in dataset.holdouts or ("",)
    ]


def _files(dataset: Dataset) -> list[Path]:
    """The files that a dataset is read from; nothing is downloaded here, for parts run at once.

    Raises:
        FileError: some are missing; says of each how to get it.
    """
    found: list[Path] = []
    missing: list[str] = []
    for word, kinds in ((dataset.data, DATA), (dataset.prior, NETWORK)):
        if word is None or word == SIM:
            continue
        if Path(word).is_file():
            found.append(Path(word))
        elif Path(word).suffix or len(Path(word).parts) > 1:
            missing.append(f"There is no file {word}. Put it there, or name another in the spec.")
        else:
            path, sentence = _of_catalogue(find(word, *kinds))
            found += [path] if path else []
            missing += [sentence] if sentence else []
    if missing:
        raise FileError(" ".join(missing))
    return found


def _of_catalogue(entry: CatalogueEntry) -> tuple[Path | None, str]:
    """The entry's file, if it has one and it is here; else what to do about it."""
    where = availability(entry)
    if where == "downloadable":
        sentence = (
            f"{entry.title} is not here. Fetch {entry.urls[0]}, put it as {entry.file} into a "
            "folder and set GVCI_DATA_DIR to that folder."
        )
        return None, sentence
    try:
        return (None if where == "shipped" else locate(entry)), ""
    except CatalogueError as error:
        return None, str(error)


@cache
def checksum(path: Path) -> str:
    """SHA-256 of a file, read once a run."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(key: object) -> str:
    """Ten hex digits for what a result depends on."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:10]


def slug(words: str) -> str:
    """Words as part of a file's name."""
    return "".join(c if c.isalnum() or c in "-+." else "_" for c in words)[:60]
