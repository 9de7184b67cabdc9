"""What the pages need, loaded before the server says that it is up, and cheap to have from then on.

Loading takes seconds that else the first viewer waits for.
"""

from __future__ import annotations

import gc
import pkgutil
import sys
from importlib import import_module

NEW_MODULES = 20
_frozen = 0


def load(*packages: str) -> None:
    """Import all modules of these packages."""
    for package in packages:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    freeze()


def freeze() -> None:
    """Spare the collector the libraries: Streamlit has it run after every page, and to look
    through them takes longer than a page. Does something only when modules have come.
    """
    global _frozen
    if len(sys.modules) < _frozen + NEW_MODULES:
        return
    _frozen = len(sys.modules)
    gc.unfreeze()
    gc.collect()
    gc.freeze()
