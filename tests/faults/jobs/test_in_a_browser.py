"""Jobs in a real browser: restarts of the server, reloads, tabs, double clicks, two users."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from gvci.jobs import control
from gvci.jobs.folder import new_id
from gvci.jobs.state import OPEN, jobs_of_all, read_job
from tests.browser.conftest import Visit, serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.flaky(reruns=1)]
SLOW = 90_000  # milliseconds that a busy machine may take to import torch
# A training that is stopped long before it ends.
LONG = {"what": "Train a model", "train_preset": "quick", "train_quick_max_steps": "100000"}

Open = Callable[..., Visit]


@pytest.fixture
def open_at(chromium: Browser) -> Iterator[Open]:
    """Visitors, each with a browser of their own."""
    contexts = []

    def opened(address: str) -> Visit:
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        context.set_default_timeout(SLOW)
        contexts.append(context)
        return Visit(context, address)

    yield opened
    for context in contexts:
        context.close()


def start(visit: Visit, clicks: int = 1, **query: str) -> str:
    """Start a long training on the Train page; its id from the address of the Jobs page."""
    page = visit.open(f"train?{urlencode({**LONG, **query})}")
    button = page.get_by_role("button", name="Start", exact=True)
    expect(button).to_be_enabled(timeout=SLOW)
    button.click(click_count=clicks, delay=20)
    page.wait_for_url(re.compile(r"/jobs\?.*job="), timeout=SLOW)
    visit.settled()
    return parse_qs(urlsplit(page.url).query)["job"][0]


def step(page: Page) -> int:
    """The step that the bar shows, once there is one."""
    words = page.get_by_text(re.compile(r"Step [\d,]+ of"))
    expect(words).to_be_visible(timeout=SLOW)
    found = re.search(r"Step ([\d,]+) of", words.inner_text())
    assert found
    return int(found[1].replace(",", ""))


def grows(page: Page) -> None:
    """The page follows the job by itself."""
    before = step(page)
    expect(page.get_by_text(f"Step {before:,} of")).to_have_count(0, timeout=SLOW)
    assert step(page) > before


def only(job_id: str) -> int:
    """There is one job, and it works; its process."""
    (job,) = jobs_of_all()
    assert job.id == job_id
    assert job.state in OPEN
    return int(job.process["pid"])


def test_f30_a_job_outlives_the_server_and_is_found_by_its_address(home: Path, open_at: Open):
    home.mkdir(parents=True)
    with serving(home) as address:
        visit = open_at(address)
        job_id = start(visit)
        grows(visit.page)
        pid = only(job_id)
    assert only(job_id) == pid, "the server is gone, the job works on"
    with serving(home) as address:
        again = open_at(address)
        page = again.open(f"jobs?job={job_id}")
        expect(page.get_by_text("Running")).to_be_visible(timeout=SLOW)
        grows(page)
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_text("Stopped on request")).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert read_job(job_id).state == "stopped"


def test_f31_f32_reloads_tabs_back_and_double_clicks_leave_one_job(home: Path, open_at: Open):
    home.mkdir(parents=True)
    with serving(home) as address:
        visit = open_at(address)
        job_id = start(visit, clicks=2)
        pid = only(job_id)
        visit.page.reload()
        visit.settled()
        expect(visit.page.get_by_text("Running")).to_be_visible(timeout=SLOW)
        assert only(job_id) == pid
        second = open_at(address)
        grows(second.open(f"jobs?job={job_id}"))
        visit.page.go_back()
        visit.settled()
        expect(visit.page.get_by_text("on one core")).to_be_visible(timeout=SLOW)
        visit.page.go_forward()
        visit.settled()
        assert only(job_id) == pid
        visit.page.close()
        grows(second.page)
        assert only(job_id) == pid
        second.page.get_by_role("button", name="Stop", exact=True).click()
        expect(second.page.get_by_text("Stopped on request")).to_be_visible(timeout=SLOW)
        assert second.dialogs == []


def test_f32_two_users_start_at_once_and_see_their_own(home: Path, open_at: Open):
    home.mkdir(parents=True)
    with serving(home) as address:
        visits = {name: open_at(address) for name in ("canary-a", "canary-b")}
        keys = {name: new_id() for name in visits}
        ids = {
            name: start(visit, title=name, workspace=keys[name]) for name, visit in visits.items()
        }
        assert len(set(ids.values())) == 2
        assert {job.state for job in jobs_of_all()} == {"running", "queued"} or len(
            jobs_of_all()
        ) == 2
        for name, visit in visits.items():
            other = "canary-b" if name == "canary-a" else "canary-a"
            page = visit.open(f"jobs?workspace={keys[name]}")
            expect(page.get_by_text(name)).to_be_visible(timeout=SLOW)
            assert other not in visit.page.content()
        nobody = open_at(address)
        nobody.open("jobs")
        assert "canary" not in nobody.page.content()
        for job_id in ids.values():
            control.stop(job_id)
