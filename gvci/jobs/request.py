"""What a job is asked to do, and the words of the command line that do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gvci.config import PredictSettings, PrepareSettings, RefineSettings, TrainSettings
from gvci.config.base import Settings

Verb = Literal["prepare", "refine", "train", "predict"]
PREDICTED = "predicted.h5ad"
LONGEST_TITLE = 200
KINDS: Mapping[str, type[Settings]] = {
    "prepare": PrepareSettings,
    "refine": RefineSettings,
    "train": TrainSettings,
    "predict": PredictSettings,
}


class Request(BaseModel):
    """One verb with its inputs; paths come from gvci itself, never from what anyone typed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    verb: Verb
    data: str = Field(
        min_length=1, description="prepared cells; prepare: a name or a file; predict: a run"
    )
    network: str = Field(default="none", description="refine: the prior; train: the GRN, or none")
    preset: str = "standard"
    settings: dict[str, Any] = Field(default_factory=dict, description="on top of the preset")
    title: str = Field(default="", description="a label for people")
    name: str = Field(
        default="", description="prepare: what the cells are called; refine: what the prior is"
    )
    created: str = Field(default="", description="when it was asked for, ISO")
    workspace: str | None = Field(
        default=None, description="whose key shows the job; None: everyone's"
    )

    @field_validator("title", "name")
    @classmethod
    def _short(cls, text: str) -> str:
        return text[:LONGEST_TITLE]

    def checked_settings(self) -> Settings:
        """The settings of the verb.

        Raises:
            SettingsError: unknown preset, unknown setting, or a value out of range.
        """
        kind = KINDS[self.verb]
        return (
            kind.preset(self.preset, **self.settings)
            if kind.presets
            else kind.checked(self.settings)
        )

    def words(self, job_id: str, folder: Path) -> list[str]:
        """The command line that does this in a job's folder."""
        if self.verb == "predict":
            return self._predict_words(job_id, folder / PREDICTED)
        out = folder / "data.h5ad" if self.verb == "prepare" else folder
        words = [self.verb, self.data, "--out", str(out), "--job", job_id]
        if self.name:
            words.append(f"--name={self.name}".replace("\0", ""))  # no argument may hold it
        if self.verb == "refine":
            words += ["--prior", self.network]
        if self.verb == "train":
            words += ["--grn", self.network]
        if KINDS[self.verb].presets:
            words += ["--preset", self.preset]
        changes = [f"{name}={json.dumps(value)}" for name, value in self.settings.items()]
        return words + (["--set", *changes] if changes else [])

    def _predict_words(self, job_id: str, out: Path) -> list[str]:
        # "=" keeps a label that begins with "-" a label.
        asked = PredictSettings.checked(self.settings)
        words = ["predict", self.data, "--out", str(out), "--job", job_id]
        words += [f"--perturbation={asked.perturbation}", f"--dose={asked.dose!r}"]
        words += [f"--mode={asked.mode}", f"--seed={asked.seed}"]
        return words + [f"--cells={cells}" for cells in asked.cells]
