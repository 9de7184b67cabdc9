"""The three-minute demo: from Home over the pages with their own controls, left at any step."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from gvci.app import tour
from gvci.run import Run
from tests.app.conftest import DEMO, OpenPage, sound

ORDER = ("network", "network", "counterfactual", "network")
STEPS = [tour.Step(page, page, "", {}) for page in ORDER]


def button(test: AppTest, key: str) -> bool:
    return any(b.key == key for b in test.button)


@pytest.mark.parametrize(
    ("current", "page", "shown"),
    [
        (0, "network", 0), (1, "network", 1), (1, "counterfactual", 2), (2, "counterfactual", 2),
        (2, "network", 3), (3, "counterfactual", None), (0, "counterfactual", None),
        (0, "data", None),
    ],
)  # fmt: skip
def test_the_walk_follows_who_goes_ahead(current: int, page: str, shown: int | None):
    assert tour.at(STEPS, current, page) == shown


def test_the_stops_name_real_choices():
    run = Run.open(DEMO)
    planned = tour.steps(run)
    pair = planned[2].query
    assert pair["perturbation"] in run.model.treatment_code.levels
    for name in run.data.columns.covariates:
        assert pair[f"c_{name}"] in run.data.covariate_code.levels[name]
    assert all("<" not in step.words for step in planned)


def test_from_home_to_the_end_and_out(open_page: OpenPage):
    test = open_page("home")
    next(b for b in test.button if b.label.startswith("Start the 3-minute demo")).click().run()
    text = sound(test)
    assert "1 of" in text
    assert "Showing 50 of" in text
    test.button(key="tour_next").click().run()
    assert "2 of" in sound(test)
    assert "Ask what if" in sound(test)
    test.button(key="tour_next").click().run()
    text = sound(test)
    assert "3 of" in text
    assert "Held-out combination" in [b.label for b in test.get("badge")] or "Held-out" in text
    test.button(key="tour_back").click().run()
    assert "2 of" in sound(test)
    test.button(key="tour_leave").click().run()
    assert "Ask what if" not in sound(test)
    assert not button(test, "tour_next")
    assert "tour" not in test.query_params


def test_a_link_into_the_walk_and_wrong_ones(open_page: OpenPage):
    assert "Know when not to trust it" in sound(open_page("counterfactual", tour="4"))
    assert "goes on elsewhere" in sound(open_page("data", tour="4"))
    for word in ("0", "-1", "x", "<svg>", "1e3"):
        assert not button(open_page("network", tour=word), "tour_next")
    assert button(open_page("network", tour="99"), "tour_leave")


def test_about_says_what_it_is_not(open_page: OpenPage):
    text = sound(open_page("about"))
    assert "It is not proof of binding" in text
    assert "arXiv:2210.00116" in text.replace("\\", "")
    tables = [table.value.to_csv() for table in open_page("about").dataframe]
    assert any("NON-COMMERCIAL" in table for table in tables)
    assert any("torch" in table for table in tables)
