"""The report: one file, whole without internet, nothing in it runs, everything in it is escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from gvci.app import answer_files, prediction, scenario
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


def test_a_prediction_as_a_report():
    run = Run.open(DEMO)
    group, perturbation = scenario.default_pair(run)
    answer = prediction.answer(run, scenario.Scenario(perturbation, group))
    genes = list(answer.table["gene"].head(6))
    made = {f.label: f for f in answer_files.downloads(run, answer, genes, "violin")}
    report = made["Report (.html)"]
    assert report.name.endswith(".html")
    text = str(report.make())
    read = whole_without_internet(text)
    said = " ".join(" ".join(read.words).split())
    assert [tag for tag, _ in read.tags].count("svg") == 1
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
