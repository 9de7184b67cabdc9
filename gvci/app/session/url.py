"""Choices that live in the URL: most through `bind="query-params"` on a widget, lists here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from gvci.app.text import literal

NOTE_SECONDS = 8
T = TypeVar("T")


def linked_list(
    name: str, default: Sequence[str], resolve: Callable[[str], str | None]
) -> list[str]:
    """A list that lives in `?name=`, comma-joined or repeated, under the widget key `name`.

    Call before the widget; then `publish(name, value)` after it. Values that `resolve` cannot
    place are returned, so that the page can say why.
    """
    raw = tuple(st.query_params.get_all(name)) if name in st.query_params else None
    if name in st.session_state and raw == st.session_state.get(f"_url_{name}"):
        return lately(name, None) or []
    st.session_state[f"_url_{name}"] = raw
    if raw is None:
        st.session_state[name] = list(default)
        return lately(name, None) or []
    words = [
        word
        for value in raw
        for word in ([value] if resolve(value) is not None else value.split(","))
    ]
    resolved = {word.strip(): resolve(word.strip()) for word in words if word.strip()}
    good = list(dict.fromkeys(symbol for symbol in resolved.values() if symbol is not None))
    st.session_state[name] = good if good or not resolved else list(default)
    return lately(name, [word for word, symbol in resolved.items() if symbol is None]) or []


def publish(name: str, value: Sequence[str], default: Sequence[str]) -> None:
    """Write a linked list to the URL; the default leaves no trace there."""
    if list(value) == list(default):
        st.session_state[f"_url_{name}"] = None
        if name in st.query_params:
            del st.query_params[name]
        return
    # One parameter is safer than several of a name, unless a value has a comma of its own.
    own_commas = any("," in word for word in value)
    written = tuple(value) if own_commas else (",".join(value),)
    if tuple(st.query_params.get_all(name)) != written:
        st.query_params[name] = list(written) if len(written) > 1 else written[0]
    st.session_state[f"_url_{name}"] = written


def keep_known(name: str, options: Sequence[str], default: Sequence[str]) -> None:
    """Before a widget with other options than last time: drop what is no longer among them."""
    mine = [value for value in st.session_state[name] if value in set(options)]
    if mine != st.session_state[name]:
        st.session_state[name] = mine or list(default)


def follow(name: str, default: Sequence[str]) -> None:
    """A linked list whose default moves: an untouched list moves along."""
    if st.session_state[name] == st.session_state.get(f"_default_{name}"):
        st.session_state[name] = list(default)
    st.session_state[f"_default_{name}"] = list(default)


def tick(key: str, rows: Sequence[int]) -> None:
    """Before a selectable table: these rows are the ticked ones."""
    now = st.session_state.get(key)
    if now is None or list(now["selection"]["rows"]) != list(rows):
        st.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}


def unknown_in_url(name: str, options: Sequence[str], label: str) -> None:
    """Say it when a bound parameter of the URL is not among the options and so is ignored."""
    asked = st.query_params.get(name)
    asked = lately(name, asked if asked is not None and asked not in options else None)
    if asked:
        shown = ", ".join(literal(option) for option in list(options)[:8])
        st.warning(f"{label} '{literal(asked, 80)}' of the link is not known here. Known: {shown}.")


def lately(name: str, found: T | None) -> T | None:
    """What was found wrong in the URL, now or seconds ago.

    The URL is put right at once, and the browser may start the page once more by itself: the
    note must outlive that.
    """
    now = time.monotonic()
    if found:
        st.session_state[f"_wrong_{name}"] = (found, now)
        return found
    kept, at = st.session_state.get(f"_wrong_{name}", (None, now))
    return kept if now - at < NOTE_SECONDS else None


def forget_note(name: str) -> None:
    """What was wrong in the URL has been put right."""
    st.session_state.pop(f"_wrong_{name}", None)
