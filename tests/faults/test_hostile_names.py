"""FAULTS F21: names that attack are shown as they are, on every page and in every file."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gvci.app import answer_files, network_files, prediction, regulators, scenario
from gvci.app.edges import Choice, choose
from gvci.app.layout import lay_out
from gvci.registry import register
from gvci.run import Run
from gvci.spreadsheet import safe_cell
from tests.app.conftest import OpenPage, open_page, own_runs, said, sound
from tests.faults.hostile import CANARY, NAMES, PERTURBED, live, texts

__all__ = ["open_page", "own_runs"]  # fixtures

# What shows text as it is, whatever it holds.
PLAIN = {"arrow_data_frame", "code", "plotly_chart", "vega_lite_chart", "echarts_chart"}
# Options and values of widgets are plain text; labels, bodies and help are Markdown.
PLAIN_FIELDS = {
    "options", "default", "id", "form_id", "value", "values", "formatted_value",
    "formatted_options", "raw_value", "raw_values", "placeholder", "query_param_key", "url",
}  # fmt: skip


@pytest.fixture
def name(hostile_run: Run) -> str:
    """The id of the hostile run, which has a hostile title as well."""
    found = register(hostile_run.path, "run", NAMES["handler"] + NAMES["icon"])
    assert found is not None
    return found


def shown_literally(test: AppTest) -> str:
    """The text of a page, after looking at every text in it that is read as Markdown."""
    text = sound(test)
    for element in test._tree.walk() if hasattr(test._tree, "walk") else _walk(test._tree):
        kind, proto = getattr(element, "type", ""), getattr(element, "proto", None)
        if proto is None or kind in PLAIN or not hasattr(proto, "ListFields"):
            continue
        assert not getattr(proto, "allow_html", False)
        for field, value in texts(proto):
            if field not in PLAIN_FIELDS:
                assert not live(value), (kind, field, value[:300])
    return text


def _walk(node: Any):
    for child in getattr(node, "children", {}).values():
        yield child
        yield from _walk(child)


@pytest.mark.parametrize("where", ["home", "network", "counterfactual", "data", "train", "jobs"])
def test_f21_every_page(open_page: OpenPage, name: str, where: str) -> None:
    shown_literally(open_page(where, run=name))


def test_f21_the_eye_is_not_fooled_either(open_page: OpenPage, name: str) -> None:
    """The check above can fail: a hostile piece that is not escaped is found."""
    assert live(NAMES["link"]) == ["](javascript:"]

    assert set(live("  ".join(NAMES.values()))) > {"<script>window", "$x^2", "\u202e"}
    text = said(open_page("counterfactual", run=name))
    assert NAMES["script"] in text or NAMES["handler"] in text


@pytest.mark.parametrize("perturbation", [NAMES[kind] for kind in PERTURBED])
@pytest.mark.parametrize("chart", ["violin", "ecdf"])
def test_f21_predictions(open_page: OpenPage, name: str, perturbation: str, chart: str) -> None:
    test = open_page("counterfactual", run=name, perturbation=perturbation, chart=chart)
    shown_literally(test)
    assert test.multiselect(key="perturbation").value == [perturbation]
    for figure in test.get("plotly_chart"):
        assert "<script" not in figure.proto.spec.replace("\\u003c", "<")
        assert "<img" not in figure.proto.spec.replace("\\u003c", "<")


def test_f21_hostile_genes_are_chosen_and_drawn(open_page: OpenPage, name: str) -> None:
    asked = [NAMES[kind] for kind in ("script", "formula", "icon", "long", "emoji", "direction")]
    test = open_page("counterfactual", run=name, genes=asked)
    shown_literally(test)
    assert set(test.session_state["genes"]) >= set(asked[:3])


@pytest.mark.parametrize("kind", [*NAMES, "nul"])
def test_f21_every_name_as_a_link_and_a_query(open_page: OpenPage, name: str, kind: str) -> None:
    """In the URL of each page, as a regulator, gene, perturbation, group, job and run.

    A NUL comes by no file: HDF5 cannot hold one, and a text that holds one is refused.
    """
    hostile = NAMES.get(kind, "STAT1\0IRF1")
    shown_literally(open_page("network", run=name, tfs=hostile, gene=hostile[:60], edge=hostile))
    shown_literally(
        open_page("counterfactual", run=name, perturbation="?" + hostile, cells=hostile)
    )
    shown_literally(open_page("home", run=hostile))
    shown_literally(open_page("jobs", job=hostile))
    shown_literally(open_page("train", what=hostile, cells=hostile, title=hostile[:100]))


def test_f21_all_regulators_are_drawn(open_page: OpenPage, name: str) -> None:
    test = open_page("network", run=name)
    options = test.multiselect(key="tfs").options
    assert len(set(options) & set(NAMES.values())) >= 4
    test.multiselect(key="tfs").set_value(options).run()
    text = shown_literally(test)
    assert "Showing" in text
    for edge in (
        test.dataframe[0].value[["Regulator", "Target"]].drop_duplicates("Regulator").to_numpy()
    ):
        shown_literally(open_page("network", run=name, tfs=options, edge=list(edge)))


def test_f21_the_score_view(open_page: OpenPage, name: str) -> None:
    shown_literally(open_page("network", run=name, view="Precision and recall"))


# --- files -----------------------------------------------------------------------------


class Tags(HTMLParser):
    """What an HTML reader finds: tags, attributes that run code, text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [key for key, _ in attrs if key.startswith("on")]

    def handle_data(self, data: str) -> None:
        (self.scripts if self.tags and self.tags[-1] == "script" else self.words).append(data)


def made(run: Run) -> dict[str, str | bytes]:
    """Every file of the Network and Counterfactual pages, by its label and name."""
    network = regulators.opened(run, None)
    hubs = tuple(network.regulators[:12])
    choice = Choice(hubs, 20, ("kept", "added", "removed"))
    edges = choose(network, choice).edges
    files = network_files.downloads(run, network, edges, lay_out(edges, list(hubs)), choice)
    group = sorted(set(run.data.groups))[0]
    for kind in PERTURBED[:2]:
        answer = prediction.answer(run, scenario.Scenario(NAMES[kind], group))
        genes = [NAMES[k] for k in ("script", "formula", "long", "handler") if k in NAMES]
        known = [gene for gene in genes if gene in list(answer.genes)]
        for style in ("violin", "ecdf"):
            files += answer_files.downloads(run, answer, known, style)
    return {f"{i} {file.label} {file.name}": file.make() for i, file in enumerate(files)}


@pytest.fixture(scope="module")
def files(hostile_run: Run) -> dict[str, str | bytes]:
    return made(hostile_run)


def of_kind(files: dict[str, str | bytes], ending: str) -> list[str | bytes]:
    found = [content for name, content in files.items() if name.endswith(ending)]
    assert found
    return found


def test_f21_file_names_are_tame(files: dict[str, str | bytes]) -> None:
    for name in files:
        word = name.split(" ")[-1]
        assert set(word) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
        assert len(word) <= 110


def test_f21_csv(files: dict[str, str | bytes], hostile_run: Run) -> None:
    back = [pd.read_csv(io.StringIO(str(text)), comment="#") for text in of_kind(files, ".csv")]
    edges = back[0]
    safe = {str(safe_cell(name)) for name in hostile_run.data.genes}
    assert set(edges["source"]) | set(edges["target"]) <= safe
    assert len(set(edges["source"]) & {str(safe_cell(name)) for name in NAMES.values()}) >= 4
    cells = next(table for table in back if "kind" in table)
    assert len(cells.columns) == 2 + 60
    assert np.isfinite(cells.iloc[:, 2:].to_numpy()).all()


def test_f21_svg(files: dict[str, str | bytes]) -> None:
    for content in of_kind(files, ".svg"):
        root = ElementTree.fromstring(content)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "foreignObject", "image", "a", "iframe"}
        assert not [k for e in root.iter() for k in e.attrib if k.lower().startswith("on")]
        assert CANARY in "".join(root.itertext())  # as text


def test_f21_graphml(files: dict[str, str | bytes], hostile_run: Run) -> None:
    (content,) = of_kind(files, ".graphml")
    assert isinstance(content, bytes)
    graph = nx.read_graphml(io.BytesIO(content))
    assert set(graph) <= set(hostile_run.data.genes)
    assert len(set(graph) & set(NAMES.values())) >= 4
    assert b"<script" not in content


def test_f21_html(files: dict[str, str | bytes]) -> None:
    pages = [str(content) for content in of_kind(files, ".html")]
    assert len(pages) > 1  # the interactive page and the reports
    for page in pages:
        tags = Tags()
        tags.feed(page)
        assert not {"img", "iframe", "object", "embed"} & set(tags.tags)
        assert not tags.handlers
    (content,) = (page for page in pages if "vis.DataSet" in page)
    tags = Tags()
    tags.feed(content)
    assert not {"img", "svg", "iframe", "object", "embed"} & set(tags.tags)
    assert not tags.handlers
    assert CANARY in str(content)  # escaped
    nodes = [s for s in tags.scripts if "nodes = new vis.DataSet(" in s]
    assert "<script>window" not in nodes[0]  # though a script would not mind
    listed = json.loads(nodes[0].split("nodes = new vis.DataSet(")[1].split("]);")[0] + "]")
    assert len({node["id"] for node in listed} & set(NAMES.values())) >= 4
