"""Every error that gvci raises on purpose.

    GvciError                 one sentence: what, where, how many, what to do
    ├── SettingsError         a setting that does not exist or makes no sense
    ├── DataError             a dataset that cannot be used
    │   ├── FileError         a file that is not what its name says, damaged or missing
    │   └── FindingsError     check() found errors; carries all of them
    ├── GRNError              a network that cannot be used
    ├── CatalogueError        an unknown name, or a file that cannot be had
    ├── CheckpointError       a model file that is damaged, foreign, or from other genes
    ├── PredictionError       a counterfactual that this model cannot answer
    ├── TrainingError         training that diverged or cannot start
    └── JobError              a job that cannot start, does not exist, or cannot be kept

Pages and the command line show `str(error)` as it is and exit with code 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gvci.data.findings import Finding


class GvciError(Exception):
    """The root of all errors of gvci (`gvci.errors`): its text is written for the user."""


class SettingsError(GvciError):
    """A setting that does not exist or makes no sense."""


class DataError(GvciError):
    """A dataset that cannot be used."""


class FileError(DataError):
    """A file that is not what its name says, is damaged, or is missing."""


class FindingsError(DataError):
    """check() found errors.

    Attributes:
        findings: all findings of the check, warnings and notes included.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(" ".join(f.sentence for f in findings if f.level == "error"))


class GRNError(GvciError):
    """A network that cannot be used."""


class CatalogueError(GvciError):
    """An unknown name, or a file that cannot be had."""


class CheckpointError(GvciError):
    """A model file that is damaged, foreign, or from other genes."""


class PredictionError(GvciError):
    """A counterfactual that this model cannot answer."""


class TrainingError(GvciError):
    """Training that diverged or cannot start."""


class JobError(GvciError):
    """A job that cannot start, does not exist, or cannot be kept."""


def listed(names: Iterable[object], most: int = 5) -> str:
    """The first few names and how many more there are: "A, B, C and 4 more"."""
    everything = [str(name) for name in names]
    shown = ", ".join(everything[:most])
    rest = len(everything) - most
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def nearest(name: str, names: Iterable[object]) -> str:
    """ " Did you mean …?" for the three closest names, or an empty string; starts with a space."""
    choices = {str(n).lower(): str(n) for n in names}
    close = get_close_matches(name.lower(), list(choices), n=3, cutoff=0.6)
    return f" Did you mean {', '.join(choices[c] for c in close)}?" if close else ""
