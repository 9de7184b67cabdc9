"""docs/tutorial.md does what it says: its blocks run in order, in one folder, on one core."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

import pytest

from gvci.cli import main

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def same(wanted: str, got: str) -> bool:
    """Equal but for white space and for what `...` stands for."""
    return doctest.OutputChecker().check_output(f"{wanted.strip()}\n", f"{got.strip()}\n", LIKE)


def said(command: str) -> str:
    """What a command prints: its fault where it has one, else its output without progress."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:3] == ["python", "-m", "gvci"], command
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[3:])
    return err.getvalue() if code else out.getvalue()


def printed(code: str, names: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(TUTORIAL), "exec"), names)
    return out.getvalue()


def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GVCI_HOME", str(tmp_path / "home"))
    text = TUTORIAL.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    output, ran = "", 0
    for kind, body in blocks:
        if kind == "python":
            output = printed(body, names)
        elif kind == "text":
            assert same(body, output), output
            ran += 1
        elif kind == "console":
            for command, wanted in re.findall(
                r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", body, flags=re.MULTILINE
            ):
                output = said(command)
                assert same(wanted, output), f"{command}\n{output}"
                ran += 1
    assert ran == 12
