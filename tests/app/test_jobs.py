"""The Jobs page: each state, links to jobs, hostile labels; nothing here needs a real training."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gvci.app import jobs_view
from gvci.app.theme import LIGHT
from gvci.jobs import control
from gvci.jobs.ending import finish
from gvci.jobs.folder import PROCESS, new_id, write_json
from gvci.jobs.process import end
from gvci.jobs.progress import Reporter
from gvci.jobs.request import Request
from gvci.jobs.state import OPEN, Job, jobs_of_all, read_job
from gvci.registry import register
from tests.app.conftest import DEMO, OpenPage, said, sound, strip

SLEEPER = ("sh", "-c", "exec sleep 600")
HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:b) $x$ :material/home: **b**"
Make = Callable[..., Job]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Jobs in a state, with processes that sleep."""
    monkeypatch.setattr(control, "PROGRAM", SLEEPER)

    def made(state: str, title: str = "My job", workspace: str | None = None, **more) -> Job:
        asked = {"verb": "train", "data": str(DEMO / "data.h5ad"), "settings": {"seed": 5}, **more}
        job = control.start(Request(**asked, title=title, workspace=workspace))
        if state != "queued":
            write_json(job.folder / PROCESS, {**job.process, "stage": "working"})
            Reporter(job.folder)(120, 800, "member 1")
        if state not in OPEN:
            end(job.process, 0.0)
        if state == "done":
            finish(job.folder, "done", "finished", "Finished after 3 min.", 180.0)
        if state in ("stopped", "fault"):
            reason = "asked" if state == "stopped" else "fault"
            finish(job.folder, "stopped", reason, "Training diverged at step 120 (epoch 3).", None)
        return read_job(job.id)

    yield made
    for job in jobs_of_all():
        end(job.process, 0.0)


STATES = {
    "queued": ("Queued", "It waits: 0 jobs are before it", {"Stop"}),
    "running": ("Running", "It works, also when this page is closed", {"Stop"}),
    "done": ("Done", "Finished after 3 min", set()),
    "stopped": ("Stopped", "Training diverged at step 120", {"Resume"}),
    "fault": ("Stopped by a fault", "Training diverged at step 120", {"Resume"}),
    "lost": ("Lost", "It stopped unexpectedly at step 120 of 800", {"Resume"}),
}


@pytest.mark.parametrize("state", STATES)
def test_a_job_of_each_state(open_page: OpenPage, make: Make, state: str):
    badge, sentence, buttons = STATES[state]
    job = make(state)
    test = open_page("jobs", job=job.id)
    text = sound(test)
    assert badge in text
    assert sentence in text
    assert "My job" in text
    shown = {button.label for button in test.button if button.label in ("Stop", "Resume")}
    assert shown == buttons
    assert ("Delete for good" in text) == (state not in OPEN)


def test_stop_resume_and_delete(open_page: OpenPage, make: Make):
    job = make("running")
    test = open_page("jobs", job=job.id)
    test.button(key="stop").click().run()
    assert "Stopped on request at step 120" in sound(test)
    assert read_job(job.id).state == "stopped"
    test.button(key="resume").click().run()
    assert "Queued" in sound(test)
    assert read_job(job.id).state == "queued"
    control.stop(job.id)
    test.run()
    test.button(key="delete").click().run()
    assert "No job yet" in sound(test)
    assert "job" not in test.query_params
    assert jobs_of_all() == []


def test_f41_links_to_no_job_leave_a_note_and_the_list(open_page: OpenPage, make: Make):
    make("lost", title="Still here")
    for wrong in ("../../x", "<svg onload=alert(1)>", new_id(), "", "x" * 3000):
        test = open_page("jobs", job=wrong)
        text = sound(test)
        assert "Showing all jobs" in text
        assert "Still here" in text
        assert "<svg" not in text
        assert "job" not in test.query_params


def test_f44_unreadable_jobs_are_counted_and_the_rest_is_shown(open_page: OpenPage, make: Make):
    make("lost", title="Still here")
    broken = make("lost", title="Gone")
    (broken.folder / "request.json").write_text('{"verb": "tr')
    text = sound(open_page("jobs"))
    assert "Still here" in text
    assert "1 directory holds a job that cannot be read" in text
    assert broken.id not in text, "nobody knows whose it is, and its id would be a key"
    assert "cannot be read" in sound(open_page("jobs", job=broken.id))


def test_f21_labels_and_logs_are_shown_literally(open_page: OpenPage, make: Make):
    job = make("lost", title=HOSTILE)
    (job.folder / "log.txt").write_text(f"{HOSTILE}\n")
    (job.folder / "metrics.jsonl").write_text(
        "\n".join(
            json.dumps({"stage": HOSTILE, "step": i, "validation_r2": i / 9}) for i in range(3)
        )
    )
    for query in ({}, {"job": job.id}):
        test = open_page("jobs", **query)
        assert HOSTILE.replace("**", "") in sound(test).replace("**", "")
        for element in [*test.markdown, *test.caption, *test.subheader]:
            assert not re.search(r"(?<!\\)<img", element.value)
            assert not re.search(r"(?<!\\)\]\(javascript", element.value)


def test_f32_a_workspace_shows_its_own_jobs_only(open_page: OpenPage, make: Make):
    keys = {name: new_id() for name in ("a", "b")}
    for name, key in keys.items():
        make("lost", title=f"canary {name}", workspace=key)
    make("lost", title="for everyone")
    for name, key in keys.items():
        text = said(open_page("jobs", workspace=key))
        assert f"canary {name}" in text
        assert "for everyone" in text
        assert f"canary {'b' if name == 'a' else 'a'}" not in text
    for query in ({}, {"workspace": "../a"}, {"workspace": new_id()}):
        assert "canary" not in said(open_page("jobs", **query))


def test_a_finished_job_opens_its_run(open_page: OpenPage, make: Make):
    job = make("done")
    shutil.copytree(DEMO, job.folder, dirs_exist_ok=True)
    register(job.folder.resolve(), "run", "made by a job")
    test = open_page("jobs", job=job.id)
    sound(test)
    labels = {link.label for link in test.get("page_link")}
    assert {"Open the network", "Open the model", "Again with other settings"} <= labels
    entry = jobs_view.result(job)
    assert entry is not None
    text = sound(open_page("counterfactual", run=entry.id))
    assert "made by a job" not in text.split("\n")[0]


def test_the_strip_is_about_the_job(open_page: OpenPage, make: Make, tmp_path: Path):
    assert "`" in strip(open_page("jobs")), "the list is about no job: the open run, with its hash"
    job = make("stopped", verb="refine", network="dorothea")
    text = strip(open_page("jobs", job=job.id))
    assert text.startswith(":material/database: Demo (simulated), ")
    assert "cells · :material/hub: GRN: dorothea · :material/calendar_today:" in text
    assert "`" not in text
    cells = Path(shutil.copy(DEMO / "data.h5ad", tmp_path))
    gone = make("stopped", data=str(cells))
    cells.unlink()
    assert "no longer there" in strip(open_page("jobs", job=gone.id))
    done = make("done")
    shutil.copytree(DEMO, done.folder, dirs_exist_ok=True)
    register(done.folder.resolve(), "run", "made by a job")
    assert ":material/neurology: made by a job" in strip(open_page("jobs", job=done.id))


def test_f32_a_run_of_a_workspace_opens_for_who_has_the_link(open_page: OpenPage, make: Make):
    job = make("done", workspace=new_id())
    shutil.copytree(DEMO, job.folder, dirs_exist_ok=True)
    register(job.folder.resolve(), "run", "canary run", listed=False)
    assert "canary run" not in sound(open_page("data"))
    entry = jobs_view.result(job)
    assert entry is not None
    test = open_page("home", run=entry.id)
    sound(test)
    box = next(box for box in test.selectbox if box.label == "Run")
    assert "canary run" in box.options
    assert not [box for box in open_page("home").selectbox if "canary run" in box.options]


def test_curves_follow_the_metrics(make: Make, tmp_path: Path):
    job = make("running")
    rows = [
        {"stage": stage, "step": step, "validation_r2": step / 100, "score": -1.0, "epoch": 1}
        for stage in ("inner 1", "member 1")
        for step in (10, 20)
    ]
    (job.folder / "metrics.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    table = jobs_view.metrics(job)
    figure = jobs_view.curves(table, LIGHT)
    assert figure is not None
    assert [trace.name for trace in figure.data[:2]] == ["inner 1", "member 1"]
    assert list(figure.data[1].y) == [0.1, 0.2]
    assert figure.data[0].line.color == LIGHT.control
    assert figure.data[1].line.color == LIGHT.predicted
    assert "At step 20: R² of means, validation cells 0.200" in jobs_view.alt(table)
    assert list(jobs_view.table(table)["step"]) == [10, 20, 10, 20]
    assert jobs_view.curves(jobs_view.metrics(make("queued")), LIGHT) is None


def test_the_time_left_is_in_the_bar(make: Make):
    job = make("running")
    content = {"step": 200, "steps": 800, "words": "member 1", "seconds": 60.0, "left": 180.4}
    (job.folder / "progress.json").write_text(json.dumps(content))
    found = jobs_view.bar(read_job(job.id))
    assert found == (0.25, "Step 200 of 800 (member 1), about 3 min left")
    assert AppTest is not None
