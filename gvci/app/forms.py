"""Settings as widgets: one field after another, read off the pydantic class that the CLI uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from gvci.config import RefineSettings, TrainSettings
from gvci.config.base import Settings

Kind = Literal["choice", "switch", "whole", "number"]
KINDS: Mapping[str, type[Settings]] = {"refine": RefineSettings, "train": TrainSettings}
APART = ("model", "method", "seed")  # chosen above the form


@dataclass(frozen=True)
class Field:
    """One setting.

    Attributes:
        name: as in the settings.
        label: for people.
        kind: which widget.
        value: of the preset; None where nothing is set.
        options: of a choice.
        low, high: bounds of a number, None where there is none.
        help: what it is.
    """

    name: str
    label: str
    kind: Kind
    value: Any
    options: tuple[Any, ...]
    low: float | None
    high: float | None
    help: str


def fields(verb: str, preset: str) -> list[Field]:
    """The settings of a verb with the values of a preset; what is no plain value is left out."""
    kind = KINDS[verb]
    values = kind.preset(preset).model_dump()
    found = []
    for name, info in kind.model_fields.items():
        shape = _shape(info.annotation)
        if name in APART or shape is None:
            continue
        widget, options = shape
        low, high = _bounds(info.metadata)
        label = name.replace("_", " ").capitalize()
        help_text = info.description or ""
        found.append(Field(name, label, widget, values[name], options, low, high, help_text))
    return found


def changes(verb: str, preset: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The chosen values that differ from the preset's."""
    values = KINDS[verb].preset(preset).model_dump()
    return {name: value for name, value in chosen.items() if value != values.get(name)}


def _shape(annotation: Any) -> tuple[Kind, tuple[Any, ...]] | None:
    """The widget of a type and its options."""
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return _shape(rest[0]) if len(rest) == 1 else None
    plain: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number"}
    return (plain[annotation], ()) if annotation in plain else None


def _bounds(metadata: list[Any]) -> tuple[float | None, float | None]:
    """Lowest and highest value that a field's constraints allow, open ends included."""
    names = ("ge", "gt", "le", "lt")
    found = {n: getattr(rule, n) for rule in metadata for n in names if hasattr(rule, n)}
    return found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
