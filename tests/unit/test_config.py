"""Settings: presets, JSON, words, and faults as one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gvci.config import (
    PredictSettings,
    PrepareSettings,
    RefineSettings,
    Settings,
    SimulateSettings,
    TrainSettings,
    load_settings,
)
from gvci.errors import SettingsError

KINDS = [PrepareSettings, RefineSettings, TrainSettings, SimulateSettings]


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_and_presets_are_usable_and_survive_json(kind: type[Settings]) -> None:
    for settings in (kind(), *(kind.preset(name) for name in kind.presets)):
        assert kind.model_validate_json(settings.model_dump_json()) == settings
        with pytest.raises(ValidationError):
            settings.seed = 1  # type: ignore[attr-defined]


def test_changes_lie_over_a_preset() -> None:
    assert SimulateSettings.preset("demo", seed=3).seed == 3
    assert SimulateSettings.preset("demo") == SimulateSettings()


def test_order_is_preset_then_file_then_words_then_named(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text('{"max_steps": 11, "seed": 1, "alpha": 0.5}')
    settings = load_settings(
        RefineSettings, "quick", file, ["seed=2", "penalty=3"], alpha=0.25, batch_size=None
    )
    assert (settings.max_steps, settings.seed, settings.penalty, settings.alpha) == (11, 2, 3, 0.25)
    assert settings.highest_level == RefineSettings.presets["quick"]["highest_level"]
    assert settings.batch_size == RefineSettings().batch_size


def test_words_are_json_or_text() -> None:
    settings = load_settings(
        PrepareSettings, words=['covariates=["cell_type"]', "control=NT", "n_genes=50"]
    )
    assert (settings.covariates, settings.control, settings.n_genes) == (("cell_type",), "NT", 50)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["alhpa=1"], "There is no setting 'alhpa'. Did you mean alpha? Settings: alpha,"),
        (["alpha=2"], "Setting 'alpha' = 2 is not usable: Input should be less than 1."),
        (["alpha"], "--set takes key=value, not 'alpha'."),
        (["max_steps=many"], "Setting 'max_steps' = 'many' is not usable"),
    ],
)
def test_faults_are_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(RefineSettings, words=words)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_preset_lists_presets() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(RefineSettings, "fast")
    assert str(caught.value) == "There is no preset 'fast'. Presets: quick, standard, paper."


@pytest.mark.parametrize("text", ["not json", "[1, 2]", "3"])
def test_unreadable_settings_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(SettingsError, match="cannot be read as a JSON object"):
        load_settings(RefineSettings, config=tmp_path / "s.json")
    with pytest.raises(SettingsError, match="cannot be read as a JSON object"):
        load_settings(RefineSettings, config=tmp_path / "missing.json")


@pytest.mark.parametrize(
    "kind", [PredictSettings, PrepareSettings, RefineSettings, SimulateSettings, TrainSettings]
)
def test_every_setting_says_what_it_is(kind: type[Settings]) -> None:
    assert not [name for name, field in kind.model_fields.items() if not field.description]
