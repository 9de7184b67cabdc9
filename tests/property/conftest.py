"""Property tests: the same examples on every machine, and no deadline on a busy one."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gvci", deadline=None, derandomize=True, database=None)
settings.load_profile("gvci")
