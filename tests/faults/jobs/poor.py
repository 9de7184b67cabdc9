"""The command line with hardly more memory than its libraries take (RLIMIT_AS)."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np

from gvci.cli import main
from gvci.making import make_run

SPARE = 8_000_000

if __name__ == "__main__":
    assert make_run  # what a training imports is here
    np.linalg.inv(np.eye(64) @ np.eye(64))  # a library that would end the process has its buffers
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    raise SystemExit(main())
