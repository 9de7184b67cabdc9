"""Frozen settings objects, shared by the form, the command line and JSON."""

from gvci.config.base import Settings, load_settings, read_words
from gvci.config.data import PrepareSettings, SimulateSettings
from gvci.config.predict import PredictSettings
from gvci.config.refine import RefineSettings
from gvci.config.train import PUBLISHED, PredictMode, TrainSettings

__all__ = [
    "PUBLISHED",
    "PredictMode",
    "PredictSettings",
    "PrepareSettings",
    "RefineSettings",
    "Settings",
    "SimulateSettings",
    "TrainSettings",
    "load_settings",
    "read_words",
]
