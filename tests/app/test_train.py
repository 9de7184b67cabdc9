"""The Train page: what can be chosen, what it will take, and one job per click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from streamlit.testing.v1 import AppTest

from gvci.app import forms, train_view
from gvci.config import RefineSettings, TrainSettings
from gvci.jobs import control
from gvci.jobs.folder import new_id
from gvci.jobs.process import end
from gvci.jobs.state import jobs_of_all
from tests.app.conftest import DEMO, OpenPage, sound, strip

SLEEPER = ("sh", "-c", "exec sleep 600")
TRAIN = {"what": "Train a model"}


@pytest.fixture(autouse=True)
def asleep(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs start, and do nothing."""
    monkeypatch.setattr(control, "PROGRAM", SLEEPER)
    yield
    for job in jobs_of_all():
        end(job.process, 0.0)


def started(test: AppTest) -> dict:
    """The request of the one job there is."""
    (job,) = jobs_of_all()
    assert job.request is not None
    return job.request.model_dump()


def test_what_it_takes_is_told_before_the_start(open_page: OpenPage):
    for query in ({}, TRAIN):
        text = sound(open_page("train", **query))
        assert "on one core" in text
        assert "GB of memory" in text
        assert re.search(r"\d+ MB on disk", text)
    assert jobs_of_all() == [], "opening a page starts nothing"


def test_a_refinement_and_a_training_start(open_page: OpenPage):
    test = open_page("train")
    test.number_input(key="seed").set_value(7)
    test.text_input(key="title").set_value("../../etc/passwd")
    test.button(key="start").click().run()
    asked = started(test)
    assert asked["verb"] == "refine"
    assert asked["data"] == str(DEMO / "data.h5ad")
    assert asked["network"] == "demo-prior"
    assert asked["settings"] == {"seed": 7}
    assert asked["title"] == "../../etc/passwd"


def test_a_network_of_ones_own_is_brought_here(open_page: OpenPage):
    test = open_page("train")
    content = b"TF,target,score\nSTAT1,GBP1,1\nSTAT1,IRF1,2\n"
    test.file_uploader(key="edge_list").upload("chip.csv", content, "text/csv").run()
    assert "chip.csv: 2 edges. It is chosen." in sound(test)
    assert "Yours: chip.csv (2 edges)" in strip(test)
    test.button(key="start").click().run()
    (job,) = jobs_of_all()
    assert job.request is not None
    assert job.request.name == "chip.csv"
    assert "--name=chip.csv" in job.request.words("id", Path())
    assert Path(job.request.network).read_text().splitlines()[1].startswith("STAT1,GBP1")


def test_a_broken_network_is_a_sentence_and_the_choice_stays(open_page: OpenPage):
    test = open_page("train", **TRAIN)
    test.file_uploader(key="edge_list").upload("x.csv", b"a,b\n1,2\n", "text/csv").run()
    assert not test.exception
    assert len(test.error) == 1
    assert "names its columns only" in test.error[0].value
    assert not test.button(key="start").disabled


def test_changed_settings_are_sent_and_no_others(open_page: OpenPage):
    test = open_page("train", **TRAIN)
    test.number_input(key="train_standard_max_steps").set_value(123)
    test.number_input(key="train_standard_learning_rate").set_value(0.002)
    test.selectbox(key="train_standard_decoder").set_value("att")
    test.toggle(key="train_standard_softmax").set_value(True)
    test.button(key="start").click().run()
    asked = started(test)
    assert asked["settings"] == {
        "seed": 0, "max_steps": 123, "learning_rate": 0.002, "decoder": "att", "softmax": True
    }  # fmt: skip
    assert Path(asked["network"]).samefile(DEMO), "the network refined on these cells comes first"


def test_f32_clicks_on_start_make_one_job(open_page: OpenPage):
    test = open_page("train", **TRAIN)
    for _ in range(3):
        test.button(key="start").click().run()
        test = test if [b for b in test.button if b.key == "start"] else open_page("train", **TRAIN)
    visit = new_id()
    cells = train_view.datasets(None)[0]
    asked = train_view.request("train", cells, train_view.WITHOUT, "quick", {"seed": 1}, "", None)
    twice = [train_view.start(asked, visit).id for _ in range(2)]
    assert twice[0] == twice[1]
    other = train_view.start(asked, new_id()).id
    assert other != twice[0], "another visitor gets a job of his own"


def test_settings_that_make_no_sense_are_a_sentence(open_page: OpenPage):
    test = open_page("train", **TRAIN)
    test.selectbox(key="train_standard_likelihood").set_value("nb")
    test.selectbox(key="train_standard_constructed").set_value("sample").run()
    text = sound(test)
    assert "set constructed to residual" in text
    assert not [button for button in test.button if button.key == "start"]


def test_f34_too_much_memory_is_refused_on_the_page(open_page: OpenPage, monkeypatch):
    monkeypatch.setenv("GVCI_MAX_MEMORY", "0.3")
    test = open_page("train", **TRAIN)
    assert "of memory, 0.3 GB are allowed" in sound(test)
    assert not [button for button in test.button if button.key == "start"]


def test_the_strip_is_about_the_cells_and_the_network(open_page: OpenPage):
    text = strip(open_page("train", prior="dorothea"))
    assert "cells · :material/hub: GRN: " in text
    assert "`" not in text, "no hash: nothing is made yet"


def test_cells_of_the_catalogue_are_prepared_first(open_page: OpenPage):
    test = open_page("train", cells="kang2018-full")
    assert "(to be prepared)" in strip(test)
    assert "has to be prepared first" in sound(test)
    test.button(key="start").click().run()
    asked = started(test)
    assert (asked["verb"], asked["data"]) == ("prepare", "kang2018-full")


def test_published_networks_take_the_papers_values(open_page: OpenPage):
    test = open_page("train", **TRAIN, model=train_view.MODELS["cpa"])
    sound(test)
    test.button(key="start").click().run()
    asked = started(test)
    assert asked["settings"] == {"seed": 0, "model": "cpa"}
    assert asked["preset"] == "paper"
    assert asked["network"] == "none"


@pytest.mark.parametrize(
    "query",
    [
        {"cells": "../../etc/passwd"}, {"network": "<svg onload=alert(1)>", **TRAIN},
        {"what": "rm"}, {"train_standard_max_steps": "-5", **TRAIN}, {"seed": "nan"},
    ],
)  # fmt: skip
def test_f41_senseless_links_are_ignored(open_page: OpenPage, query: dict[str, str]):
    text = sound(open_page("train", **query))
    assert "on one core" in text
    assert "<svg" not in text.replace("'<svg onload=alert(1)>' of the link is not known", "")


@pytest.mark.parametrize("verb", ["refine", "train"])
def test_every_plain_setting_is_in_the_form_once(verb: str):
    kind = {"refine": RefineSettings, "train": TrainSettings}[verb]
    for preset in kind.presets:
        found = forms.fields(verb, preset)
        names = [field.name for field in found]
        assert set(names) == set(kind.model_fields) - set(forms.APART)
        values = kind.preset(preset).model_dump()
        for field in found:
            assert field.value == values[field.name]
            assert field.value is not PydanticUndefined
            assert field.kind != "choice" or field.value in field.options
        assert forms.changes(verb, preset, {f.name: f.value for f in found}) == {}


def test_bounds_are_those_of_the_settings():
    by_name = {field.name: field for field in forms.fields("refine", "standard")}
    assert (by_name["level"].low, by_name["level"].high) == (0, 2)
    assert (by_name["keep_prior"].low, by_name["keep_prior"].high) == (0, 1)
    assert by_name["alpha"].value is None
