"""The choices of a link and of a visit, without Streamlit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gvci.app import runs, tour
from gvci.app.link import NOTE_SECONDS, Link, who_can_open
from gvci.app.visitor import Visitor
from gvci.jobs.folder import new_id


class Parameters(dict[str, list[str]]):
    """A link's parameters as Streamlit gives them: the last one by name, all by `get_all`."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name)[-1]

    def __setitem__(self, name: str, value: str | list[str]) -> None:
        super().__setitem__(name, [value] if isinstance(value, str) else list(value))

    def get(self, name: str) -> str | None:
        return self.get_all(name)[-1] if name in self else None

    def get_all(self, name: str) -> list[str]:
        return super().__getitem__(name) if name in self else []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def link(said: list[str]) -> Iterator[Link]:
    return Link(Parameters(), {}, said.append)


def known(word: str) -> str | None:
    return word.upper() if word.upper() in {"A", "B", "C"} else None


def test_a_list_is_read_put_right_and_written(link: Link):
    link.query["x"] = "a, b,nobody"
    assert link.linked_list("x", ["C"], known) == ["nobody"]
    assert link.visit["x"] == ["A", "B"]
    link.publish("x", ["A", "B"], ["C"])
    assert link.query.get_all("x") == ["A,B"]
    link.publish("x", ["C"], ["C"])
    assert "x" not in link.query


def test_a_value_with_a_comma_is_repeated_and_not_joined(link: Link):
    link.publish("x", ["a,b", "c"], [])
    assert link.query.get_all("x") == ["a,b", "c"]


@pytest.mark.parametrize(("stays", "left"), [(False, []), (True, ["A"])])
def test_what_stays_is_there_when_the_link_says_nothing_of_it(
    link: Link, stays: bool, left: list[str]
):
    link.query["x"] = "a"
    link.linked_list("x", [], known, stays=stays)
    link.publish("x", link.visit["x"], [])
    del link.query["x"]  # the viewer went to another page and came back
    link.linked_list("x", [], known, stays=stays)
    assert link.visit["x"] == left
    link.query["x"] = "b"
    link.linked_list("x", [], known, stays=stays)
    assert link.visit["x"] == ["B"]  # a link that says something wins


def test_an_untouched_list_follows_its_default(link: Link):
    for default in (["A"], ["B"]):
        link.linked_list("x", default, known)
        link.follow("x", default)
    assert link.visit["x"] == ["B"]
    link.visit["x"] = ["C"]
    link.follow("x", ["A"])
    assert link.visit["x"] == ["C"]
    link.keep_known("x", ["A"], ["A"])
    assert link.visit["x"] == ["A"]


def test_what_was_wrong_is_said_for_a_while(
    link: Link, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    now = 100.0
    monkeypatch.setattr("gvci.app.link.time.monotonic", lambda: now)
    link.query["view"] = "<b>"
    link.unknown_in_url("view", ["Graph"], "The view")
    link.put("view", None)
    link.unknown_in_url("view", ["Graph"], "The view")
    assert len(said) == 2
    assert "<b>" not in said[0]
    assert "Known: Graph." in said[0]
    now += NOTE_SECONDS
    link.unknown_in_url("view", ["Graph"], "The view")
    assert len(said) == 2


def test_the_address_has_every_choice_and_its_run(link: Link):
    link.query["run"], link.query["tfs"] = "other", ["A", "B"]
    assert link.address("http://h/network?x=1", "demo") == "http://h/network?run=demo&tfs=A&tfs=B"
    assert "on this computer only" in who_can_open(link.address(None, "demo"))
    assert "Whoever opens it" in who_can_open("http://lab.example/network")


def test_a_workspace_is_kept_and_a_broken_key_refused(link: Link, said: list[str]):
    visitor = Visitor(link)
    assert visitor.workspace() is None
    key = visitor.own_workspace()
    del link.query["workspace"]
    assert visitor.workspace() == key == link.query["workspace"]
    link.query["workspace"] = "../x"
    assert visitor.workspace() == key
    assert "not whole" in said[-1]
    link.query["workspace"] = other = new_id()
    assert visitor.workspace() == other


def test_a_job_that_is_not_there_is_said(link: Link, said: list[str]):
    link.query["job"] = new_id()
    assert Visitor(link).job_in_url() is None
    assert "Showing all jobs" in said[0]
    assert "job" not in link.query


def test_the_demo_is_what_pages_are_about_unless_the_link_says_otherwise(
    link: Link, said: list[str]
):
    link.query["run"] = "nobody"
    assert runs.chosen(link, runs.openable(link)) == "demo"
    assert "instead" in said[0]
    assert "run" not in link.query


@pytest.mark.parametrize("word", ["0", "-1", "x", "1e3", "100"])
def test_a_wrong_step_of_the_walk_is_no_step(link: Link, word: str):
    link.query["tour"] = word
    assert tour.current(link) is None


def test_the_walk_is_kept_until_it_is_left(link: Link):
    tour.keep(link, 2)
    assert link.query["tour"] == "3"
    del link.query["tour"]
    assert tour.current(link) == 2
    tour.leave(link)
    assert tour.current(link) is None
