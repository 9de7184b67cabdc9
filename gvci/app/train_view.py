"""What the Train page offers: cells, networks, presets; and the request that it makes of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvci.app.provenance import of_cells, of_network
from gvci.app.text import count, literal
from gvci.coexpression import NAME as COEXPRESSION
from gvci.config import TrainSettings
from gvci.config.train import PUBLISHED
from gvci.data.catalogue import catalogue_table
from gvci.data.size import DataSize, data_size
from gvci.errors import GvciError
from gvci.jobs import control
from gvci.jobs.ending import spell
from gvci.jobs.estimate import estimate, require_room
from gvci.jobs.folder import jobs_home
from gvci.jobs.limits import allowed_memory, gigabytes
from gvci.jobs.request import Request
from gvci.jobs.state import Job, jobs
from gvci.registry import Entry, entries
from gvci.run import DATA, GRN_FOLDER
from gvci.verdict import TITLES
from gvci.workspaces import own_entries, uploads

VERBS = {"refine": "Refine a network", "train": "Train a model"}
MODELS = {name: TITLES.get(name, name) for name in ("graphvci", "vci", *PUBLISHED)}
PRESETS: Mapping[str, Mapping[str, str]] = {
    "refine": {
        "quick": "Correlation or regression, whichever the prior speaks for; no stability.",
        "standard": "Also inferred activities, and how stable each edge is over halves of cells.",
        "paper": "The graph network of eqs. 11–13: hours for 2,000 genes.",
    },
    "train": {
        "quick": "A first look: few steps, one member.",
        "standard": "The recommended model: inner folds choose its steps, members are averaged.",
        "paper": "The paper's model and its authors' values: hours on a CPU.",
    },
}


@dataclass(frozen=True)
class Cells:
    """A dataset that can be chosen.

    Attributes:
        id: stands in the URL.
        path: of the prepared file; None for an entry of the catalogue that is to be prepared first.
        size: None for the same.
    """

    id: str
    title: str
    path: Path | None
    size: DataSize | None

    @property
    def label(self) -> str:
        """Title and size."""
        if self.size is None:
            return f"{self.title} (to be prepared)"
        return f"{self.title}: {self.size.cells:,} × {count(self.size.genes, 'gene')}"


@dataclass(frozen=True)
class Network:
    """A network that can be chosen; `word` is what the command line takes.

    `name` is what people call it, where its file does not tell.
    """

    id: str
    label: str
    word: str
    name: str = ""


WITHOUT = Network("none", "No network", "none")
CORRELATION = Network(
    COEXPRESSION, "Co-expression of these cells (no independent evidence)", COEXPRESSION
)


def datasets(workspace: str | None) -> list[Cells]:
    """Prepared cells, each file once; then what the catalogue could prepare."""
    found: dict[tuple[int, int], Cells] = {}
    places = [(entry.id, entry.path / DATA) for entry in _entries(workspace)]
    places += [
        (job.id, job.folder / DATA)
        for job in jobs(workspace)
        if job.request is not None and job.request.verb == "prepare" and job.state == "done"
    ]
    for name, path in places:
        try:
            at, size = path.stat(), data_size(path)
        except (OSError, GvciError):
            continue
        # A run has a link to the very file that it was made from.
        found.setdefault((at.st_dev, at.st_ino), Cells(name, size.title, path, size))
    return [*found.values(), *_to_prepare()]


def _entries(workspace: str | None) -> list[Entry]:
    """The runs that this visitor may choose from: those of the workspace first."""
    own = own_entries(workspace)
    return [*own, *(entry for entry in entries() if entry not in own)]


def _to_prepare() -> list[Cells]:
    table = catalogue_table()
    here = table["kind"].str.contains("dataset") & (table["available"] != "by hand")
    return [
        Cells(str(row["name"]), str(row["title"]), None, None)
        for _, row in table[here & (table["name"] != "demo")].iterrows()
    ]


def priors(cells: Cells, workspace: str | None) -> list[Network]:
    """What a refinement can start at: networks of the workspace, of the catalogue, correlation.

    Simulated networks come first for simulated cells; for measured ones they mean nothing.
    """
    brought = [
        Network(
            one.id, f"Yours: {one.labels[0]} ({one.words})", str(one.path.resolve()), one.labels[0]
        )
        for one in (uploads(workspace) if workspace else [])
        if one.kind == "network"
    ]
    table = catalogue_table()
    here = table["kind"].str.contains("prior") & (table["available"] != "by hand")
    simulated = cells.size is not None and cells.size.simulated
    named = table[here].sort_values("simulated", ascending=not simulated, kind="stable")
    catalogue = [
        Network(str(row["name"]), str(row["title"]), str(row["name"]))
        for _, row in named.iterrows()
        if simulated or not row["simulated"]
    ]
    return [*brought, *catalogue, CORRELATION]


def networks(cells: Cells, workspace: str | None) -> list[Network]:
    """What a model can be trained on: refined on these cells, refined on others, priors, none."""
    own: list[Network] = []
    others: list[Network] = []
    for entry in _entries(workspace):
        folder = entry.path if entry.kind == "grn" else entry.path / GRN_FOLDER
        if not (folder / "grn.json").is_file():
            continue
        same = _same_file(entry.path / DATA, cells.path)
        title = f"{'Refined on these cells' if same else 'Refined on other cells'}: {entry.title}"
        (own if same else others).append(Network(entry.id, title, str(entry.path)))
    rest = [network for network in priors(cells, workspace) if network != CORRELATION]
    return [*own, *others, *rest, WITHOUT]


def _same_file(one: Path, other: Path | None) -> bool:
    try:
        return other is not None and one.samefile(other)
    except OSError:
        return False


def strip(cells: Cells, network: Network | None = None) -> str:
    """What a training would be about, as a page's provenance, Markdown."""
    size = cells.size
    if size is None:
        return f":material/database: {literal(cells.label, 80)}"
    about = of_cells(cells.title, size.simulated, count(size.cells, "cell"))
    return about if network is None else f"{about} · {of_network(network.label)}"


def presets(verb: str, model: str) -> list[str]:
    """The presets that a model has."""
    if verb == "train" and model in PUBLISHED:
        return [TrainSettings.usual_preset(model)]
    return list(PRESETS[verb])


def fixed(verb: str, model: str, seed: int) -> dict[str, Any]:
    """Settings that are chosen above the form, where they are not as every preset has them."""
    settings: dict[str, Any] = {"seed": seed}
    if verb == "train" and model != "graphvci":
        settings["model"] = model
    return settings


def request(
    verb: str,
    cells: Cells,
    network: Network,
    preset: str,
    settings: Mapping[str, Any],
    title: str,
    workspace: str | None,
) -> Request:
    """What is asked for."""
    assert cells.path is not None
    names = [cells.title, *([network.label] if network != WITHOUT else [])]
    return Request(
        verb="train" if verb == "train" else "refine",
        data=str(cells.path.resolve()),
        network=network.word,
        preset=preset,
        settings=dict(settings),
        title=title.strip() or f"{VERBS[verb]}: {' · '.join(names)}",
        name=network.name if verb == "refine" else "",
        workspace=workspace,
    )


def preparation(cells: Cells, workspace: str | None) -> Request:
    """Prepare an entry of the catalogue as it is usually prepared."""
    return Request(
        verb="prepare", data=cells.id, title=f"Prepare {cells.title}", workspace=workspace
    )


def needs(asked: Request) -> str:
    """Time, memory and disk in words.

    Raises:
        GvciError: cells or settings that cannot be used, or too little memory or disk.
    """
    asked.checked_settings()
    require_room(asked, jobs_home())
    found = estimate(asked)
    if found is None:
        return "How long it takes depends on the download and on the number of cells."
    return (
        f"About {spell(found.seconds)} on one core, {gigabytes(found.memory)} of memory "
        f"({gigabytes(allowed_memory())} allowed), {gigabytes(found.disk)} on disk."
    )


def start(asked: Request, visit: str) -> Job:
    """Start it; the same request of one visit is one job, however often the button is clicked.

    Raises:
        GvciError: as `control.start`.
    """
    return control.start(asked, str(uuid.uuid5(uuid.UUID(visit), asked.model_dump_json())))


def link(job: Job) -> dict[str, str]:
    """The URL of the Jobs page that shows a job, with the key that its list needs."""
    key = job.request.workspace if job.request is not None else None
    return {"job": job.id, **({"workspace": key} if key else {})}
