"""Frozen settings objects, shared by the form, the command line and JSON.

A setting has one name, one default and one sentence of help, here. Presets are named
sets of values; `load_settings` lays a preset, a JSON file and `key=value` words over
the defaults, in this order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from gvci.errors import SettingsError, listed, nearest


class Settings(BaseModel):
    """Base of all settings: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_word_is_a_list_of_one(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values  # settings within settings, checked already
        lists = {n for n, f in cls.model_fields.items() if "tuple" in str(f.annotation)}
        return {k: (v,) if k in lists and isinstance(v, str) else v for k, v in values.items()}

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The settings of a named preset, with changes on top.

        Raises:
            SettingsError: unknown preset, unknown setting, or a value out of range.
        """
        if name not in cls.presets:
            message = f"There is no preset '{name}'. Presets: {listed(cls.presets)}."
            raise SettingsError(message)
        return cls.checked({**cls.presets[name], **changes})

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """The settings with these values; the first fault becomes one sentence."""
        try:
            return cls(**values)
        except ValidationError as error:
            fault = error.errors()[0]
            name = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                message = (
                    f"There is no setting '{name}'.{nearest(name, cls.model_fields)} "
                    f"Settings: {listed(cls.model_fields, 40)}."
                )
            elif not name:  # of several settings at once
                message = f"These settings do not go together: {fault['ctx']['error']}."
            else:
                message = f"Setting '{name}' = {fault['input']!r} is not usable: {fault['msg']}."
            raise SettingsError(message) from None


SettingsType = TypeVar("SettingsType", bound=Settings)


def load_settings(
    kind: type[SettingsType],
    preset: str | None = None,
    config: Path | None = None,
    words: Sequence[str] = (),
    **given: Any,
) -> SettingsType:
    """Settings from a preset, then a JSON file, then `key=value` words, then named values.

    Named values that are None count as not given.

    Raises:
        SettingsError: unknown preset or setting, unreadable JSON, a value out of range.
    """
    values = read_words(config, words)
    values.update({key: value for key, value in given.items() if value is not None})
    return kind.preset(preset, **values) if preset else kind.checked(values)


def read_words(config: Path | None, words: Sequence[str]) -> dict[str, Any]:
    """Settings named in a JSON file, then in `key=value` words.

    Raises:
        SettingsError: unreadable JSON, or a word without "=".
    """
    values: dict[str, Any] = {}
    if config is not None:
        try:
            values.update(json.loads(config.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            message = f"The settings file {config} cannot be read as a JSON object: {error}"
            raise SettingsError(message) from None
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            message = f"--set takes key=value, not '{word}'."
            raise SettingsError(message)
        try:
            values[key.strip()] = json.loads(text)
        except ValueError:
            values[key.strip()] = text
    return values
