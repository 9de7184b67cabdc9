"""Many jobs, many users, many clicks; and names that are labels, never paths."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvci.cli import main
from gvci.errors import JobError, SettingsError
from gvci.jobs import control, queue
from gvci.jobs.folder import job_folder, jobs_home, new_id
from gvci.jobs.process import alive, end
from gvci.jobs.request import Request
from gvci.jobs.state import Job, jobs, jobs_of_all, read_job
from tests.faults.jobs.conftest import SLEEPER, ended, living_in, until

QUICK = (sys.executable, str(Path(__file__).with_name("quick.py")))
STUBBORN = ("sh", "-c", "trap '' TERM; sleep 600 & while :; do sleep 1; done")
PATHS = [
    "../../etc/passwd", "..", ".", "", "/etc/passwd", "C:\\Windows\\x", "\\\\host\\share", "a\0b",
    "x" * 300, "CON", "~", "%2e%2e%2f", "jobs/..", "{8}", " ", "\n", "${HOME}",
    "12345678-1234-4234-8234-1234567890ab/../x", "12345678123442348234123456789012",
    "{12345678-1234-4234-8234-1234567890ab}", "12345678-1234-4234-8234-1234567890AB",
]  # fmt: skip


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that do nothing."""
    monkeypatch.setattr(control, "PROGRAM", SLEEPER)


# --- F32: clicks and users -------------------------------------------------------------


def test_f32_a_double_click_makes_one_job(asleep, request_of):
    click, found = new_id(), []
    clicks = [
        threading.Thread(target=lambda: found.append(control.start(request_of(), click)))
        for _ in range(8)
    ]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert {job.id for job in found} == {click}
    assert len({job.process["pid"] for job in found}) == 1
    assert [job.id for job in jobs_of_all()] == [click]


def test_f32_two_clicks_on_resume_make_one_process(asleep, request_of):
    job = control.stop(control.start(request_of()).id)
    found: list[Job] = []
    clicks = [
        threading.Thread(target=lambda: found.append(control.resume(job.id))) for _ in range(6)
    ]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert len({job.process["pid"] for job in found}) == 1


def test_f32_a_workspace_sees_its_own_jobs_and_everyones(asleep, request_of):
    mine, theirs, all_of_us = (
        control.start(request_of().model_copy(update={"workspace": key}))
        for key in ("canary-a", "canary-b", None)
    )
    assert {job.id for job in jobs("canary-a")} == {mine.id, all_of_us.id}
    assert {job.id for job in jobs("canary-b")} == {theirs.id, all_of_us.id}
    assert {job.id for job in jobs()} == {all_of_us.id}
    assert "canary-b" not in repr(jobs("canary-a"))
    assert read_job(theirs.id).id == theirs.id, "the id itself is a key too"


# --- the queue -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2])
def test_f32_so_many_work_at_a_time_and_first_come_first_served(
    request_of, home: Path, monkeypatch: pytest.MonkeyPatch, count: int
):
    monkeypatch.setattr(control, "PROGRAM", QUICK)
    monkeypatch.setenv("GVCI_JOBS_AT_ONCE", str(count))
    started = [control.start(request_of()).id for _ in range(4)]
    for job_id in started:
        assert ended(read_job(job_id)).state == "done"
    begun, working, most = [], set(), 0
    for line in (home / "notes.txt").read_text().splitlines():
        word, job_id = line.split()
        begun += [job_id] if word == "begin" else []
        working ^= {job_id}
        most = max(most, len(working))
    assert most == count
    assert begun == started if count == 1 else set(begun[:2]) == set(started[:2])


def test_f32_too_many_waiting_jobs_are_refused(asleep, request_of, monkeypatch):
    monkeypatch.setattr(control, "MOST_WAITING", 2)
    for _ in range(2):
        control.start(request_of())
    with pytest.raises(JobError, match="2 jobs are waiting already"):
        control.start(request_of())
    assert [job.order for job in queue.waiting()] == [1, 2]


@pytest.mark.parametrize("word", ["0", "-1", "two", "1.5"])
def test_f32_a_senseless_number_at_a_time_is_refused(monkeypatch, word: str):
    monkeypatch.setenv("GVCI_JOBS_AT_ONCE", word)
    with pytest.raises(SettingsError, match="GVCI_JOBS_AT_ONCE is"):
        queue.at_once()


def test_f28_a_process_that_does_not_listen_is_ended_with_its_children(request_of, monkeypatch):
    monkeypatch.setattr(control, "PROGRAM", STUBBORN)
    job = control.start(request_of())
    until(job, lambda now: len(_group(now)) > 1)
    before = time.monotonic()
    job = control.stop(job.id, patience=0.3)
    assert time.monotonic() - before < 8
    assert job.state == "stopped"
    assert "Stopped on request" in job.sentence
    assert not alive(job.process)
    assert _group(job) == []


def _group(job: Job) -> list[int]:
    """Living processes of a job's group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdecimal() and int(fields[2]) == job.process["pid"] and fields[0] != "Z":
            found.append(int(entry.name))
    return found


# --- F38, F41: names and ids -----------------------------------------------------------


@pytest.mark.parametrize("text", PATHS)
def test_f38_f41_what_is_not_an_id_opens_nothing(home: Path, text: str):
    for ask in (job_folder, read_job, control.stop, control.resume, control.delete):
        with pytest.raises(JobError, match="not the id of a job"):
            ask(text)


@given(st.text(max_size=60) | st.uuids().map(str) | st.uuids().map(lambda u: u.hex))
def test_f38_f41_any_text_stays_inside_the_folder_of_jobs(text: str):
    try:
        folder = job_folder(text)
    except JobError:
        return
    assert folder.resolve().parent == jobs_home().resolve()
    assert folder.name == text


@given(st.text(max_size=400) | st.sampled_from(PATHS))
@settings(max_examples=30)
def test_f38_a_title_is_a_label_and_never_a_path(cells: Path, tmp_path_factory, title: str):
    with living_in(tmp_path_factory.mktemp("labels")) as patch:
        patch.setattr(control, "PROGRAM", SLEEPER)
        job = control.start(Request(verb="train", data=str(cells), title=title))
        assert [p.name for p in jobs_home().iterdir() if not p.name.startswith(".")] == [job.id]
        assert read_job(job.id).title == (title[:200] or "train data.h5ad")
        assert title not in job.request.words(job.id, job.folder) if len(title) > 40 else True


def test_f38_links_are_not_followed(asleep, request_of, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "canary.txt").write_text("canary")
    job = control.stop(control.start(request_of()).id)
    (job.folder / "inside").symlink_to(precious)
    linked = new_id()
    (jobs_home() / linked).symlink_to(precious)
    for ask in (read_job, control.resume, control.delete):
        with pytest.raises(JobError, match="is a link, which is not followed"):
            ask(linked)
    control.delete(job.id)
    assert not job.folder.exists()
    assert (precious / "canary.txt").read_text() == "canary"


# --- cleaning up, and the command line -------------------------------------------------


@pytest.fixture
def old_and_new(asleep, request_of) -> dict[str, Job]:
    """A stopped, a lost, a finished job of 40 days ago, a stopped one of today, one that waits."""
    found = {name: control.start(request_of(name)) for name in ("stopped", "lost", "done", "new")}
    for name in ("stopped", "new"):
        control.stop(found[name].id)
    for name in ("lost", "done"):
        end(found[name].process, 0.0)
    from gvci.jobs.ending import finish

    finish(found["done"].folder, "done", "finished", "Finished.", 1.0)
    then = time.time() - 40 * 86_400
    for name in ("stopped", "lost", "done"):
        for path in (*found[name].folder.iterdir(), found[name].folder):
            os.utime(path, (then, then), follow_symlinks=False)
    found["queued"] = control.start(request_of("queued"))
    return found


@pytest.mark.parametrize("results", [False, True])
def test_f33_clean_up_keeps_what_is_young_or_works(old_and_new, results: bool):
    gone = {"stopped", "lost", *(["done"] if results else [])}
    deleted = control.clean(30.0, results=results)
    assert set(deleted) == {old_and_new[name].id for name in gone}
    assert {job.id for job in jobs_of_all()} == {
        job.id for name, job in old_and_new.items() if name not in gone
    }
    assert [p.name for p in jobs_home().glob(".trash*")] == []


def test_f28_the_verb_jobs(old_and_new, capsys):
    assert main(["jobs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    states = {row["title"]: row["state"] for row in rows}
    expected = {"stopped": "stopped", "lost": "lost", "done": "done", "new": "stopped"}
    assert states == {**expected, "queued": "queued"}
    queued = old_and_new["queued"].id
    assert main(["jobs", "stop", queued[:13]]) == 0
    assert "Stopped on request" in capsys.readouterr().out
    assert main(["jobs", "resume", queued]) == 0
    assert read_job(queued).state == "queued"
    assert main(["jobs", "delete", queued]) == 2
    assert "Stop it first" in capsys.readouterr().err
    assert main(["jobs", "clean", "--days", "30", "--results"]) == 0
    assert "Deleted 3 jobs" in capsys.readouterr().out
    assert main(["jobs", "show", old_and_new["new"].id]) == 0
    assert main(["jobs", "delete", old_and_new["new"].id]) == 0
    assert main(["jobs"]) == 0
    told = capsys.readouterr().out
    assert queued in told
    assert old_and_new["new"].id not in told.splitlines()[-1]


@pytest.mark.parametrize("words", [["stop"], ["show", "nothing"], ["show", ""]])
def test_f41_the_verb_jobs_without_a_job(capsys, words):
    assert main(["jobs", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
