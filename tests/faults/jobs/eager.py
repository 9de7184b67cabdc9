"""The command line, with every validation kept: what a job's process is in these tests."""

from __future__ import annotations

import gvci.unfinished
from gvci.cli import main

gvci.unfinished.PAUSE_SECONDS = 0.0

if __name__ == "__main__":
    raise SystemExit(main())
