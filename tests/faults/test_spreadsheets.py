"""FAULTS F40: no cell of an exported table starts a formula; numbers stay numbers."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci import cli
from gvci.app import (
    answer_files,
    export,
    network_files,
    prediction,
    recovery_view,
    regulators,
    scenario,
)
from gvci.app.edges import Choice, choose
from gvci.app.layout import lay_out
from gvci.app.recovered import Recovery, Target
from gvci.benchmark.epochs import curve
from gvci.run import Run
from gvci.spreadsheet import TRIGGERS, comment, csv_text, safe_cell

GVCI = Path(__file__).parents[2] / "gvci"
# Of every kind that starts a formula, also behind blanks and behind another country's separator.
STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r",
    "\n-",
    " +",
    "\ufeff@",
    "\0=",
    "x;=",
    "\uff1d",
    '"=',
    "'=",
)
WORDS = st.one_of(
    st.text(max_size=12),
    st.builds("{}{}".format, st.sampled_from(STARTS), st.text(max_size=6)),
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def cells_of(text: str, separator: str = ",") -> list[list[str]]:
    """As a spreadsheet reads it, lines of "#" included."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def require_safe(text: str) -> None:
    """No cell starts a formula, where cells end at commas and where they end at semicolons."""
    for row in cells_of(text):
        for cell in row:
            shown = cell.lstrip(" \ufeff\0")
            assert is_number(cell) or not shown.startswith((*TRIGGERS, "\t", "\r", "\n")), cell
    for line in text.splitlines():
        for cell in line.split(";")[1:]:
            assert not cell.lstrip(' "\ufeff').startswith(TRIGGERS), line


@given(st.lists(st.tuples(WORDS, NUMBERS, st.integers(-9, 9)), min_size=1, max_size=5), WORDS)
def test_f40_any_table_parses_back_without_a_formula(
    rows: list[tuple[str, float, int]], title: str
) -> None:
    frame = pd.DataFrame(rows, columns=[title, "x", "n"])
    for text, tolerance in ((csv_text(frame), 1e-7), (export.csv(frame, {title: title}), 1e-5)):
        require_safe(text)
        table = cells_of("".join(text.splitlines(keepends=True)[text.startswith("# ") :]))
        assert table[0] == [safe_cell(title), "x", "n"]
        assert len(table) == 1 + len(rows)
        for (name, x, n), (word, number, whole) in zip(rows, table[1:], strict=True):
            assert word == safe_cell(name)
            assert int(whole) == n
            assert float(number) == pytest.approx(x, rel=tolerance)


@given(WORDS)
def test_f40_a_word_keeps_all_its_letters(word: str) -> None:
    """What is added are apostrophes; what is taken are control characters."""
    safe = str(safe_cell(word))
    kept = "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in word)
    assert safe.replace("'", "") == kept.replace("'", "")
    assert safe_cell(safe) == safe


@pytest.mark.parametrize(
    ("word", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-SUM(A1)", "'-SUM(A1)"),
        ("@x", "'@x"),
        ("\tx", "' x"),
        ("\rx", "' x"),
        ("a;=1", "a;'=1"),
        ("HLA-A", "HLA-A"),
        ("STAT1+IRF1", "STAT1+IRF1"),
        ("", ""),
    ],
)
def test_f40_each_trigger_gets_an_apostrophe(word: str, safe: str) -> None:
    assert safe_cell(word) == safe


@pytest.mark.parametrize("number", [-1.5, -3, 0.0, np.float32(-2), np.int64(-7), True, None])
def test_f40_numbers_are_untouched(number: object) -> None:
    assert safe_cell(number) is number


def test_f40_negative_numbers_and_awkward_names_come_back() -> None:
    frame = pd.DataFrame({"gene": ["-A", "B#1", 'say "x", y'], "x": [-1.25, -2e-9, np.nan]})
    back = pd.read_csv(io.StringIO(export.csv(frame, {"a": "b, =c"})), comment="#")
    assert list(back["gene"]) == ["'-A", "B#1", 'say "x", y']
    assert back["x"].dtype == np.float64
    np.testing.assert_allclose(back["x"], frame["x"])
    twice = pd.DataFrame([["=a", "b"]], columns=["kind", "kind"])
    assert csv_text(twice) == '"kind","kind"\n"\'=a","b"\n'
    assert comment("a,=b", "c;@d\n=e") == "# a,'=b: c;'@d =e\n"


def test_f40_there_is_one_way_to_write_csv() -> None:
    """In gvci/spreadsheet.py, for a hash, and for what only gvci reads."""
    found = set()
    for path in GVCI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("to_csv", "writer", "DictWriter"):
                found.add(path.relative_to(GVCI).as_posix())
    assert found == {"spreadsheet.py", "grn/network.py", "workspaces.py"}


# --- every file that is written --------------------------------------------------------


def test_f40_files_of_the_pages(hostile_run: Run) -> None:
    """The edges, the genes and the cells of an answer, and scores and curves of a network."""
    run, texts = hostile_run, []
    network = regulators.opened(run, None)
    choice = Choice(tuple(network.regulators), 30, ("kept", "added", "removed"))
    edges = choose(network, choice).edges
    made = network_files.downloads(run, network, edges, lay_out(edges, network.regulators), choice)
    for perturbation in run.data.perturbations:
        for group in sorted(set(run.data.groups)):
            answer = prediction.answer(run, scenario.Scenario(perturbation, group))
            made += answer_files.downloads(run, answer, [], "violin")[:2]
    row = {"auprc": -0.5, "auroc": 0.5, "early_precision": 0.1, "intervals": None}
    scores = {"refined": row, "prior": row, "differences": {}, "base_rate": 0.1}
    curves = pd.DataFrame({"rival": ["=refined"], "recall": [-0.1], "precision": [0.2]})
    target = Target("=truth", "@truth", ("=cmd", "-A"))
    found = Recovery(target, {"all": scores}, {"all": curves}, [])
    made += recovery_view.downloads(run, found, "all", "=Mine")[:2]
    for file in made:
        if file.name.endswith(".csv"):
            texts.append(str(file.make()))
            require_safe(texts[-1])
    assert len(texts) >= 1 + 2 * len(run.data.perturbations) + 2
    assert any("'=cmd" in text for text in texts)
    negative = pd.read_csv(io.StringIO(texts[1]), comment="#")["predicted"]
    assert negative.dtype == np.float64
    assert (negative < 0).any()


def test_f40_the_effects_of_the_command_line(hostile_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "effects.csv"
    assert cli.main(["effects", str(hostile_run.path), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    require_safe(text)
    table = pd.read_csv(out)
    assert set(table["gene"]) == {safe_cell(gene) for gene in hostile_run.data.genes}
    assert table["effect"].dtype == np.float64
    assert (table["effect"] < 0).any()


def test_f40_the_curves_of_a_benchmark() -> None:
    frame = pd.DataFrame(
        {"dataset": "=data", "label": "@row", "epoch": [1, 1], "seed": [0, 1], "failure": None,
         "r2_all": [-0.5, -0.7], "r2_de": [-1.0, -2.0]}
    )  # fmt: skip
    text = csv_text(curve(frame))
    require_safe(text)
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["dataset"], row["label"], float(row["r2_all_mean"])) == ("'=data", "'@row", -0.6)
