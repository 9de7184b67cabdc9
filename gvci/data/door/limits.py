"""How much of a foreign file is read: unpacked size, seconds, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gvci.errors import SettingsError

GIB = 2**30
MOST_GIB = "GVCI_MOST_GIB"
DEFAULT_GIB = 32.0


@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Attributes:
        unpacked: bytes that all of its values may have together.
        seconds: from start to end.
        above: what to do with a larger file, as a sentence.
    """

    unpacked: int
    seconds: float
    above: str

    @property
    def size(self) -> str:
        """The limit in words: "2 GiB"."""
        return f"{self.unpacked / GIB:.3g} GiB"

    @property
    def memory(self) -> int:
        """Bytes of address space: values, a copy of them while they are sorted, and libraries."""
        return min(
            2 * self.unpacked + GIB, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        )


UPLOAD = Limits(
    2 * GIB, 30, "Keep X, obs and the layer 'counts' only, or use the command line: gvci prepare."
)


def command_line() -> Limits:
    """The limits of files that the user of this machine names: 32 GiB, or GVCI_MOST_GIB.

    Raises:
        SettingsError: GVCI_MOST_GIB is not a positive number.
    """
    text = os.environ.get(MOST_GIB, "").strip()
    try:
        gib = float(text) if text else DEFAULT_GIB
    except ValueError:
        gib = 0.0
    if not 0 < gib < 2**20:
        message = f"{MOST_GIB} = '{text}' is not usable: give the limit in GiB, e.g. {MOST_GIB}=64."
        raise SettingsError(message)
    above = f"Keep what is needed only, or raise the limit: {MOST_GIB}=64."
    return Limits(int(gib * GIB), 60 + 60 * gib, above)
