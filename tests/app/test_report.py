"""The report: one file, whole without internet, nothing in it runs, everything in it is escaped."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from gvci.app import (
    answer_files,
    boards,
    compare_files,
    compare_view,
    curves_view,
    effects_chart,
    effects_files,
    estimates,
    prediction,
    scenario,
)
from gvci.app.boards import Board
from gvci.app.estimates import Asked
from gvci.app.report import MOST_ROWS, Report, Section, page
from gvci.run import Run
from tests.app.conftest import DEMO

HOSTILE = "</td><script>window.__pwned=1</script><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def said(self) -> str:
        """All words, with single blanks."""
        return " ".join(" ".join(self.words).split())

    @property
    def figures(self) -> int:
        """How many drawings."""
        return [tag for tag, _ in self.tags].count("svg")


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(DEMO)


def whole_without_internet(text: str) -> Reader:
    read = Reader(text)
    loading = ("script", "link", "iframe", "img", "object", "embed", "image")
    assert not [tag for tag, _ in read.tags if tag in loading]
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    style = "".join(re.findall(r"<style>(.*?)</style>", text, flags=re.S))
    assert "url(http" not in style
    assert "@import" not in style
    return read


def test_a_prediction_as_a_report(run: Run):
    group, perturbation = scenario.default_pair(run)
    answer = prediction.answer(run, scenario.Scenario(perturbation, group))
    genes = list(answer.table["gene"].head(6))
    made = {f.label: f for f in answer_files.downloads(run, answer, genes, "violin")}
    report = made["Report (.html)"]
    assert report.name.endswith(".html")
    text = str(report.make())
    read = whole_without_internet(text)
    said = read.said
    assert read.figures == 1
    assert "These cells are simulated, not measured." in said
    assert "arXiv:2210.00116" in said
    assert run.fingerprint in said
    assert "ridge regression" in said, "no model number without its baselines"
    for gene in genes:
        assert gene in said
    first = answer.table.head(50)
    rows = re.findall(r"<tr><td>([^<]*)</td><td class=n>([^<]*)</td>", text)[: len(first)]
    assert [gene for gene, _ in rows] == list(first["gene"])
    values = [float(value.replace("−", "-")) for _, value in rows]
    np.testing.assert_allclose(values, first.iloc[:, 1], atol=6e-4)
    assert str(made["Report (.html)"].make()) == text, "the same view gives the same file"


def test_hostile_words_stay_words():
    table = pd.DataFrame({HOSTILE: [HOSTILE, "b"], "n": [1, 2]})
    section = Section(HOSTILE, [HOSTILE], alt=HOSTILE, table=table)
    text = page(Report(HOSTILE, [HOSTILE], [section], {HOSTILE: HOSTILE, "dataset": HOSTILE}))
    read = whole_without_internet(text)
    assert " ".join(read.words).count("window.__pwned=1") >= 7


def test_long_tables_say_so():
    table = pd.DataFrame({"n": np.arange(MOST_ROWS + 34), "x": 0.5, "none": [None] * 234})
    text = page(Report("t", [], [Section("s", table=table)], {}))
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 34} rows." in text
    assert text.count("<tr>") == MOST_ROWS + 1


# --- Effects --------------------------------------------------------------------------------

GROUP = "CD14+ Monocytes · donor1"


def test_effects_as_a_report(run: Run):
    found = estimates.estimate(run, Asked("STAT1", GROUP))
    groups = estimates.in_groups(run, found.asked)
    rows = effects_chart.of_groups(groups, "IRF1", bands=False, group=GROUP)
    files = effects_files.downloads(run, found, 0.05, "IRF1", groups, rows)
    text = str(files[-1].make())
    read = whole_without_internet(text)
    assert files[-1].name.endswith(".html")
    assert read.figures == 3, "volcano, forest of genes, forest of groups"
    for words in (
        "These cells are simulated, not measured.", "42 treated cells, 150 control cells",
        "IRF1 in every group", "not identifiable", "(eq. 23)", "95 % interval", run.fingerprint,
    ):  # fmt: skip
        assert words in read.said
    first = found.table["gene"].head(50)
    listed = re.findall(r"<tr><td>([^<]*)</td><td>[−+\d]", text)[:50]
    assert listed == list(first)


def test_what_cannot_be_estimated_as_a_report(run: Run):
    found = estimates.estimate(run, Asked("STAT1", "B cells · donor1"))
    files = effects_files.downloads(run, found, 0.05, "STAT1", None, None)
    read = whole_without_internet(str(files[-1].make()))
    assert read.figures == 1, "no volcano without a p"
    assert "Not identifiable: no treated cells here, plug-in only" in read.said
    assert "Volcano" not in read.said


def test_a_gene_with_a_hostile_name_in_the_report_of_effects(run: Run):
    found = estimates.estimate(run, Asked("STAT1", GROUP))
    names = [HOSTILE, *found.table["gene"].iloc[1:]]
    hostile = replace(
        found, table=found.table.assign(gene=names), asked=Asked(HOSTILE, HOSTILE), unit=HOSTILE
    )
    rows = effects_chart.of_genes(hostile, HOSTILE)
    table = hostile.table.assign(group=HOSTILE)
    files = effects_files.downloads(run, hostile, 0.05, HOSTILE, table, rows)
    read = whole_without_internet(str(files[-1].make()))
    assert read.figures == 3
    assert read.said.count("window.__pwned=1") >= 8


# --- Compare --------------------------------------------------------------------------------


def report_of(run: Run | None, board: Board, scores: list[str]) -> Reader:
    """The report of a table of scores, judged on the first one."""
    labels = compare_view.order(board, scores[0])
    files = compare_files.downloads(run, board, labels, scores, scores[0])
    return whole_without_internet(str(files[-1].make()))


def test_scores_of_a_run_as_a_report(run: Run):
    board = boards.of_answer(run, run.scores["ood"])
    read = report_of(run, board, ["r2_de", "mse"])
    assert read.figures == 1
    assert compare_view.claim(board, "r2_de") in read.said
    for words in (
        "These cells are simulated, not measured.", "Noise ceiling", "graphVCI standard",
        "graphVCI standard against every other row", "a tie with", compare_view.RULE,
        run.fingerprint, *board.notes,
    ):  # fmt: skip
        assert words in read.said


def test_scores_of_a_benchmark_as_a_report():
    table = boards.read("table1-kang")
    board = boards.of_benchmark(table, boards.EVERYTHING, "r2_de")
    read = report_of(None, board, ["r2_de", "r2_all", "e_distance"])
    assert read.figures == 1
    assert "Table 1 on Kang 2018" in read.said
    assert "These cells are simulated" not in read.said
    assert str(board.about["command"]) in read.said


def test_a_rival_with_a_hostile_name_in_the_report_of_scores(run: Run):
    answer = copy.deepcopy(dict(run.scores["ood"]))
    rows = [row for row in answer["pairs"] if row["model"] == "ridge"]
    answer["pairs"] += [row | {"model": HOSTILE} for row in rows]
    answer["notes"] = [HOSTILE]
    board = replace(boards.of_answer(run, answer, HOSTILE), title=HOSTILE)
    read = report_of(run, board, ["r2_de"])
    assert f"Your file {HOSTILE} ties with" in read.said
    assert read.said.count("window.__pwned=1") >= 6


def test_training_curves_as_a_report():
    table = boards.read("fig6a-demo")
    files = curves_view.downloads(table, "r2_de")
    read = whole_without_internet(str(files[-1].make()))
    assert read.figures == 1
    for sentence in curves_view.sentences(table, "r2_de"):
        assert sentence in read.said
    assert "These cells are simulated, not measured." in read.said
    hostile = table.copy()
    hostile.attrs |= {"title": HOSTILE, "about": HOSTILE, "command": HOSTILE}
    files = curves_view.downloads(hostile, "r2_de")
    read = whole_without_internet(str(files[-1].make()))
    assert read.said.count("window.__pwned=1") >= 4
