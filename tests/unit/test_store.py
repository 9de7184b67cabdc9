"""Shared results: made once, within a budget."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from gvci.app.store import Store, size_of


def test_a_value_is_made_once_whoever_asks_at_the_same_time() -> None:
    made, go_on, shelf = [], Event(), Store(10**6)

    def make() -> str:
        go_on.wait(10)
        made.append(1)
        return "value"

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(shelf.get, "key", make) for _ in range(8)]
        go_on.set()
        assert [one.result(10) for one in asked] == ["value"] * 8
    assert len(made) == 1


def test_what_was_used_longest_ago_goes_first() -> None:
    shelf, made = Store(3 * 8_100), []

    def get(key: str) -> None:
        shelf.get(key, lambda: made.append(key) or np.zeros(1_000))

    for key in ("a", "b", "c", "a", "d", "a", "c", "b"):
        get(key)
    assert made == ["a", "b", "c", "d", "b"]


def test_a_value_beyond_the_budget_is_held_until_the_next() -> None:
    shelf, made = Store(10), []
    for _ in range(2):
        shelf.get("large", lambda: made.append(1) or np.zeros(1_000))
    assert len(made) == 1


def test_a_failure_is_not_held() -> None:
    shelf = Store(10**6)

    def fail() -> None:
        message = "no"
        raise ValueError(message)

    with pytest.raises(ValueError, match="no"):
        shelf.get("key", fail)
    assert shelf.get("key", lambda: 1) == 1


@dataclass
class Held:
    values: np.ndarray
    names: list[str]


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (np.zeros((100, 10), dtype=np.float32), 4_000, 4_100),
        (Held(np.zeros(1_000), ["a" * 1_000]), 9_000, 9_400),
        ({"x": (np.zeros(1_000), None)}, 8_000, 8_400),
        (pd.DataFrame({"x": np.zeros(1_000)}), 8_000, 8_400),
        (pd.Index(["a" * 100] * 10), 1_000, 2_000),
        (go.Figure(data=[{"type": "scatter", "y": np.zeros(1_000)}]), 8_000, 40_000),
    ],
)
def test_size_follows_arrays_tables_and_texts(value: object, least: int, most: int) -> None:
    assert least <= size_of(value) <= most
