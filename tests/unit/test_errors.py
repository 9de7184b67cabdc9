"""The tree of errors, and the words they share."""

from __future__ import annotations

import inspect

import pytest

from gvci import errors
from gvci.data.findings import Finding
from gvci.errors import FindingsError, GvciError, listed, nearest


def test_every_error_is_a_gvci_error_and_drawn_in_the_tree() -> None:
    for name, thing in inspect.getmembers(errors, inspect.isclass):
        if issubclass(thing, Exception):
            assert issubclass(thing, GvciError)
            assert name in str(errors.__doc__)


def test_findings_error_says_the_errors_only() -> None:
    error = Finding("error", "a", "X", 1, "Bad.", "Fix it.")
    note = Finding("note", "b", "X", 1, "By the way.", "")
    raised = FindingsError([error, note])
    assert str(raised) == "Bad. Fix it."
    assert raised.findings == [error, note]


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ""), (["A"], "A"), (list("ABCDEFG"), "A, B, C, D, E and 2 more"), ([1, 2], "1, 2")],
)
def test_listed(names: list[object], expected: str) -> None:
    assert listed(names) == expected


def test_nearest() -> None:
    assert nearest("stat11", ["STAT1", "IRF1"]) == " Did you mean STAT1?"
    assert nearest("xyz", ["STAT1"]) == ""
