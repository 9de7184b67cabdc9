"""What a benchmark compares: a TOML file of models × datasets × holdouts × seeds.

kind = "table1"                 table1: held-out scores; table2: marginal estimators;
seeds = [0, 1, 2, 3, 4]         fig6a: networks of genes, epoch by epoch

[[datasets]]
data = "kang2018-ifnb"          a catalogue name, "sim", or a file, beside the spec or as given
prior = "dorothea"              a catalogue name or a file; "sim" and "demo" bring their own
holdouts = ["cell_type=B cells", "auto"]     none: as the file was prepared, or as usual
prepare = {n_genes = 1000}      and simulate = {preset = "hard", depth = 1000} for "sim"

[[models]]
name = "VCI"
preset = "paper"
predict = ["mean", "residual"]
model = "vci"                   and any other setting of training
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field

from gvci.baselines import BASELINES
from gvci.config import PrepareSettings, RefineSettings, Settings, SimulateSettings, TrainSettings
from gvci.data.catalogue import find
from gvci.errors import GvciError, SettingsError, listed, nearest

SIM = "sim"
SIMULATED = (SIM, "demo")  # they bring their prior
Kind = Literal["table1", "table2", "fig6a"]
Way = Literal["residual", "ungated", "mean", "sample", "given"]
Network = Literal["original", "refined", "random"]
MODELS: tuple[str, ...] = get_args(TrainSettings.model_fields["model"].annotation)


class Dataset(Settings):
    """Cells, what is held out of them in turn, and the prior network."""

    data: str = Field(description="a catalogue name, 'sim', or an .h5ad file")
    name: str = Field("", description="in tables; the data's own by default")
    title: str = ""
    prior: str | None = Field(None, description="a catalogue name or a file")
    holdouts: tuple[str, ...] = Field(
        (), description="what is held out in turn: 'column=level', 'auto' or 'none'"
    )
    paper: str | None = Field(None, description="whose printed figures stand beside, e.g. Marson")
    simulate: SimulateSettings | None = None
    prepare: PrepareSettings = PrepareSettings.checked({})

    @property
    def varies(self) -> bool:
        """Whether each seed has cells of its own."""
        return self.data == SIM

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """From a table of the spec; files are looked for in `folder` first.

        Raises:
            SettingsError: an unknown setting, or a value that is not usable.
            CatalogueError: neither a file nor a name of the catalogue.
        """
        given = {"name": Path(str(values.get("data", ""))).stem, **values}
        for kind in ("data", "prior"):
            if isinstance(given.get(kind), str):
                given[kind] = _found(kind, given[kind], folder)
        given["simulate"] = _simulation(given)
        given["prepare"] = PrepareSettings.checked(given.get("prepare", {}))
        made = cls.checked(given)
        if made.prepare.holdout or made.prepare.ood:
            message = "say what to hold out by holdouts, not in prepare."
            raise SettingsError(message)
        return made


class Model(Settings):
    """How a model is trained, and the ways in which its cells are predicted.

    Or where the cells are that another program predicts: `predictions`, a path with {dataset},
    {holdout} and {seed} in it.
    """

    name: str
    preset_name: str = ""
    predict: tuple[Way, ...] = ("residual",)
    settings: TrainSettings = TrainSettings.checked({})
    predictions: str = ""

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path = Path()) -> Self:
        """From a table of the spec: what is not the model's own is a setting of training.

        Raises:
            SettingsError: an unknown model, preset or setting, or a value that is not usable.
        """
        if "predictions" in values:
            return cls._foreign(values, folder)
        own = {key: value for key, value in values.items() if key in ("name", "predict")}
        more = {key: value for key, value in values.items() if key not in (*own, "preset")}
        if "seed" in more:
            message = "seeds are those of the benchmark: name them above the tables."
            raise SettingsError(message)
        model = str(more.get("model", MODELS[0]))
        if model not in MODELS:
            message = f"There is no model '{model}'.{nearest(model, MODELS)} Models: "
            message += f"{listed(MODELS, 20)}; the simple baselines are always there."
            raise SettingsError(message)
        preset = str(values.get("preset", TrainSettings.usual_preset(model)))
        settings = TrainSettings.preset(preset, **more)
        return cls._named({**own, "preset_name": preset, "settings": settings})

    @classmethod
    def _foreign(cls, values: Mapping[str, Any], folder: Path) -> Self:
        more = set(values) - {"name", "predictions"}
        if more:
            message = (
                f"predictions of another program have a name only, not {listed(sorted(more))}."
            )
            raise SettingsError(message)
        path = str((folder / str(values["predictions"])).resolve())
        try:
            path.format(dataset="", holdout="", seed=0)
        except (KeyError, ValueError, IndexError):
            message = (
                f"'{path}' may have {{dataset}}, {{holdout}} and {{seed}} in it, nothing else."
            )
            raise SettingsError(message) from None
        return cls._named({**values, "predictions": path, "predict": ("given",)})

    @classmethod
    def _named(cls, values: Mapping[str, Any]) -> Self:
        made = cls.checked(values)
        if made.name in (*BASELINES, "ceiling"):
            message = f"'{made.name}' is what the tables call a baseline: give another name."
            raise SettingsError(message)
        return made


class Spec(Settings):
    """A benchmark."""

    kind: Kind
    title: str = ""
    about: str = Field("", description="what a reader of the tables should know")
    seeds: tuple[int, ...] = Field((0, 1, 2, 3, 4), min_length=1)
    epochs: tuple[int, ...] = Field((), description="table2, fig6a: the epochs of the table")
    own: str = Field("", description="the model whose standing is put in words; the first")
    networks: tuple[Network, ...] = Field(
        ("original", "refined", "random"), min_length=1, description="fig6a: of genes"
    )
    refine: RefineSettings = RefineSettings.checked({})
    datasets: tuple[Dataset, ...]
    models: tuple[Model, ...]

    @classmethod
    def read(cls, file: Path) -> Self:
        """A spec from its file.

        Raises:
            SettingsError: not readable as TOML, or something in it is unknown, not usable, twice
                there or not there; says in which table.
        """
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            message = f"The benchmark {file} cannot be read as TOML: {error}"
            raise SettingsError(message) from None
        tables: dict[str, Sequence[Any]] = {}
        for kind, read in (
            ("datasets", lambda table: Dataset.read(table, file.parent)),
            ("models", lambda table: Model.read(table, file.parent)),
        ):
            tables[kind] = _tables(values, kind, read, file)
        with_refine = values | {"refine": _refinement(values, file)}
        made: Self = _within(file.name, cls.checked, with_refine | tables)
        _within(file.name, _consistent, made)
        return made.model_copy(update={"own": made.own or made.models[0].name})


def _tables(values: Mapping[str, Any], kind: str, read: Any, file: Path) -> tuple[Any, ...]:
    """The tables of one kind, each read; at least one, with names of their own."""
    given = values.get(kind)
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        message = f"{file.name} has no [[{kind}]]: name at least one."
        raise SettingsError(message)
    made = [
        _within(f"{file.name}, {kind} {i + 1} ({table.get('name', table.get('data', '?'))})",
                read, table)
        for i, table in enumerate(given)
    ]  # fmt: skip
    names = [one.name for one in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"{file.name} has two {kind} of the name '{twice}': give each its own."
        raise SettingsError(message)
    return tuple(made)


def _within(where: str, read: Any, values: Any) -> Any:
    """What `read` makes; its refusal says where."""
    try:
        return read(values)
    except GvciError as error:
        message = f"{where}: {error}"
        raise SettingsError(message) from None


def _simulation(values: Mapping[str, Any]) -> SimulateSettings | None:
    given = dict(values.get("simulate", {}))
    if values.get("data") != SIM:
        if given:
            message = f"simulate belongs to data = '{SIM}' only."
            raise SettingsError(message)
        return None
    if "seed" in given:
        message = "the seed of a simulation is that of the benchmark: name it in seeds."
        raise SettingsError(message)
    return SimulateSettings.preset(given.pop("preset", "demo"), **given)


def _refinement(values: Mapping[str, Any], file: Path) -> RefineSettings:
    given = dict(values.get("refine", {}))
    preset = given.pop("preset", "standard")
    made: RefineSettings = _within(
        f"{file.name}, refine", lambda g: RefineSettings.preset(preset, **g), given
    )
    return made


def _found(kind: str, word: str, folder: Path) -> str:
    """An absolute path for a file that is there; else the word, if it may be had one day.

    Raises:
        CatalogueError: neither a file's name nor one of the catalogue.
    """
    if word in SIMULATED:
        return word
    for path in (folder / word, Path(word)):
        if path.is_file():
            return str(path.resolve())
    if Path(word).suffix or len(Path(word).parts) > 1:
        return word  # a file that is missing
    return find(word, *(("dataset",) if kind == "data" else ("prior", "truth"))).name


def _consistent(spec: Spec) -> None:
    """Refuse what the parts cannot do together."""
    names = [model.name for model in spec.models]
    if spec.own and spec.own not in names:
        message = f"own = '{spec.own}' is not among the models.{nearest(spec.own, names)}"
        raise SettingsError(message)
    if len(set(spec.seeds)) < len(spec.seeds) or min(spec.seeds) < 0:
        message = f"seeds are whole numbers from 0, each once, not {listed(spec.seeds, 9)}."
        raise SettingsError(message)
    trained = [m for m in spec.models if not m.predictions]
    graph = [m for m in trained if m.settings.model == "graphvci"]
    without = [d for d in spec.datasets if d.prior is None and d.data not in SIMULATED]
    if graph and without:
        message = (
            f"{graph[0].name} needs a network of genes: give dataset {without[0].name} a prior."
        )
        raise SettingsError(message)
    if spec.kind == "table1":
        return
    if not spec.epochs or min(spec.epochs) < 1:
        message = f"{spec.kind} needs epochs, whole numbers from 1."
        raise SettingsError(message)
    wanted = ("graphvci",) if spec.kind == "fig6a" else ("graphvci", "vci")
    others = [m.name for m in spec.models if m not in trained or m.settings.model not in wanted]
    if others:
        message = f"{spec.kind} is of the models {listed(wanted)}: leave {others[0]} out."
        raise SettingsError(message)
