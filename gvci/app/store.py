"""Results that all viewers share, within a budget of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

OBJECT = 64


class Store:
    """Key → value; what was used longest ago goes when the values outgrow the budget.

    A value is made once, whoever asks for it at the same time; it is read-only from then on.
    """

    def __init__(self, most: int) -> None:
        """Hold at most so many bytes, and always the newest value."""
        self._most, self._bytes = most, 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock, self._making = Lock(), dict[Hashable, Lock]()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value under a key, made now if it is not held."""
        with self._lock:
            if key in self._held:
                return self._used(key)
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._held:
                    return self._used(key)
            try:
                value = make()
                self._put(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _used(self, key: Hashable) -> Any:
        self._held.move_to_end(key)
        return self._held[key][0]

    def _put(self, key: Hashable, value: Any) -> None:
        size = size_of(value)
        with self._lock:
            self._held[key] = (value, size)
            self._bytes += size
            while self._bytes > self._most and len(self._held) > 1:
                _, (_, freed) = self._held.popitem(last=False)
                self._bytes -= freed


def size_of(value: Any) -> int:
    """Bytes that a result holds, roughly: its arrays, tables and texts, and a little an object."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes) + OBJECT
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum()) + OBJECT
    if isinstance(value, pd.Index | pd.Series):
        return int(value.memory_usage(deep=True)) + OBJECT
    if isinstance(value, str | bytes):
        return len(value) + OBJECT
    if isinstance(value, Mapping):
        return OBJECT + sum(size_of(k) + size_of(v) for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return OBJECT + sum(map(size_of, value))
    if is_dataclass(value):
        return OBJECT + sum(size_of(getattr(value, field.name)) for field in fields(value))
    if hasattr(value, "to_plotly_json"):
        return size_of(value.to_plotly_json())
    return OBJECT
