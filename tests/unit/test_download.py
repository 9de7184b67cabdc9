"""Downloads, from a server on this machine: whole, resumed, refused, and never half."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gvci.data import download, files
from gvci.data.catalogue import find
from gvci.data.entries import CatalogueEntry
from gvci.errors import CatalogueError
from tests.web import Page, Site

CONTENT = bytes(range(256)) * 4000  # about a megabyte, several blocks


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GVCI_DATA_DIR", raising=False)
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def entry(site: Site, cache: Path) -> CatalogueEntry:
    """Something that is fetched from the site, with no published checksum."""
    site.pages["file"] = Page(CONTENT)
    known = find("trrust-online")
    return replace(known, file="file.tsv", urls=(f"{site.url}/file",), sha256=None)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def refusal(entry: CatalogueEntry) -> str:
    with pytest.raises(CatalogueError) as caught:
        files.locate(entry)
    assert "\n" not in str(caught.value)
    assert entry.urls[0] in str(caught.value)
    assert "GVCI_DATA_DIR" in str(caught.value)
    return str(caught.value)


def test_a_file_arrives_whole_with_progress_and_leaves_nothing_beside_it(
    entry: CatalogueEntry, cache: Path
) -> None:
    told: list[tuple[int, int, str]] = []
    path = files.locate(entry, lambda *words: told.append(words))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT), "")
    assert [done for done, *_ in told] == sorted({done for done, *_ in told})
    assert len(told) >= 3
    assert sorted(p.name for p in cache.iterdir()) == ["checksums.json", "file.tsv"]


def test_the_second_time_nothing_is_asked(entry: CatalogueEntry, site: Site) -> None:
    files.locate(entry)
    files.locate(entry)
    assert len(site.asked) == 1


def test_redirects_are_followed(entry: CatalogueEntry, site: Site) -> None:
    site.pages["old"] = Page(to="/older")
    site.pages["older"] = Page(to=f"{site.url}/file")
    moved = replace(entry, urls=(f"{site.url}/old",))
    assert files.locate(moved).read_bytes() == CONTENT


def test_a_circle_of_redirects_is_one_sentence(entry: CatalogueEntry, site: Site) -> None:
    site.pages["file"] = Page(to="/file")
    assert "redirects in a circle" in refusal(entry)


def test_what_is_not_there_is_said_and_the_next_address_tried(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    gone = replace(entry, urls=(f"{site.url}/gone",))
    assert "127.0.0.1 answers 404 Not Found" in refusal(gone)
    assert not (cache / "file.tsv").exists()
    both = replace(entry, urls=(f"{site.url}/gone", f"{site.url}/file"))
    assert files.locate(both).read_bytes() == CONTENT


def test_a_cut_connection_is_taken_up_where_it_ended(entry: CatalogueEntry, site: Site) -> None:
    site.pages["file"].cuts = [300_000, 200_000]
    assert files.locate(entry).read_bytes() == CONTENT
    ranges = [asked for _, asked, _ in site.asked]
    assert ranges[0] == ""
    assert len(ranges) == 3
    starts = [int(asked[6:-1]) for asked in ranges[1:]]
    assert 0 < starts[0] < starts[1] <= 500_000


def test_a_server_that_always_cuts_is_given_up_and_its_part_kept(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    site.pages["file"].cuts = [200_000] + [0] * 9
    assert "was cut after" in refusal(entry)
    assert 0 < (cache / "file.tsv.part").stat().st_size <= 200_000
    assert not (cache / "file.tsv").exists()
    # Another day, another process: the rest only.
    site.pages["file"].cuts, site.asked[:] = [], []
    assert files.locate(entry).read_bytes() == CONTENT
    assert site.asked[0][1].startswith("bytes=")
    assert site.asked[0][2] == '"v1"'
    assert not (cache / "file.tsv.part").exists()


def test_a_part_of_another_version_is_thrown_away(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    site.pages["file"].cuts = [200_000] + [0] * 9
    refusal(entry)
    site.pages["file"] = Page(CONTENT[::-1], tag='"v2"')
    assert files.locate(entry).read_bytes() == CONTENT[::-1]


def test_without_a_version_a_part_is_continued_where_a_checksum_will_tell(
    entry: CatalogueEntry, site: Site
) -> None:
    site.pages["file"] = Page(CONTENT, tag="", cuts=[200_000] + [0] * 9)
    known = replace(entry, sha256=sha(CONTENT))
    refusal(known)
    site.pages["file"].cuts, site.asked[:] = [], []
    assert files.locate(known).read_bytes() == CONTENT
    assert site.asked[0][1].startswith("bytes=")


def test_without_a_version_and_without_a_checksum_it_starts_again(
    entry: CatalogueEntry, site: Site
) -> None:
    site.pages["file"] = Page(CONTENT, tag="", cuts=[200_000, 300_000])
    assert files.locate(entry).read_bytes() == CONTENT
    assert [asked for _, asked, _ in site.asked] == ["", "", ""]


def test_a_server_that_knows_no_parts_sends_all_again(entry: CatalogueEntry, site: Site) -> None:
    site.pages["file"] = Page(CONTENT, ranges=False, cuts=[200_000, 300_000])
    assert files.locate(entry).read_bytes() == CONTENT
    assert [asked != "" for _, asked, _ in site.asked] == [False, True, True]


def test_a_part_that_is_too_long_starts_again(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    site.pages["file"].cuts = [200_000] + [0] * 9
    refusal(entry)
    site.pages["file"] = Page(CONTENT[:1000])
    short = replace(entry, sha256=sha(CONTENT[:1000]))
    assert files.locate(short).read_bytes() == CONTENT[:1000]


def test_a_wrong_checksum_is_refused_with_both_sums_and_nothing_kept(
    entry: CatalogueEntry, cache: Path
) -> None:
    wrong = replace(entry, sha256="0" * 64)
    said = refusal(wrong)
    assert f"its SHA-256 is {sha(CONTENT)} instead of {'0' * 64}" in said
    assert "published" in said
    assert not list(cache.glob("file*"))


def test_the_first_download_records_a_sum_that_later_ones_must_match(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    assert files.checksum(entry) == "recorded on first download"
    path = files.locate(entry)
    assert json.loads((cache / "checksums.json").read_text()) == {"file.tsv": sha(CONTENT)}
    assert files.checksum(entry) == sha(CONTENT)
    path.unlink()
    site.pages["file"] = Page(b"something else", tag='"v2"')
    said = refusal(entry)
    assert "downloaded first" in said
    assert sha(b"something else") in said
    assert sha(CONTENT) in said
    assert not path.exists()


def test_a_cached_file_that_changed_is_refused_with_both_sums(entry: CatalogueEntry) -> None:
    path = files.locate(entry)
    path.write_bytes(b"changed")
    with pytest.raises(CatalogueError, match="Delete it, and it is fetched again") as caught:
        files.locate(entry)
    assert sha(b"changed") in str(caught.value)
    assert sha(CONTENT) in str(caught.value)


def test_a_silent_server_times_out_with_a_sentence(
    entry: CatalogueEntry, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SILENT_SECONDS", 0.2)
    site.pages["file"].pause = 2.0
    assert "127.0.0.1 was silent for 0.2 s" in refusal(entry)


def test_a_trickle_is_given_up(
    entry: CatalogueEntry, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "WINDOW_SECONDS", 0.2)
    monkeypatch.setattr(download, "BLOCK", 100)
    monkeypatch.setattr(download, "SLOWEST", 100_000)
    site.pages["file"].trickle = 0.02
    assert "it comes at less than 100,000 bytes a second" in refusal(entry)


def test_a_web_page_in_place_of_the_file_is_not_recorded(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    site.pages["file"] = Page(b"<html>Sign in to the hospital's network", kind="text/html")
    assert "answers with a web page, not the file" in refusal(entry)
    assert not (cache / "checksums.json").exists()


def test_a_length_that_is_not_told_is_taken_as_it_comes(entry: CatalogueEntry, site: Site) -> None:
    site.pages["file"].told = False
    assert files.locate(entry).read_bytes() == CONTENT


def test_a_full_disk_is_seen_before_the_first_byte(
    entry: CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage)
    assert f"it needs {len(CONTENT):,} bytes" in refusal(entry)


def test_two_processes_do_not_write_one_part(
    entry: CatalogueEntry, site: Site, cache: Path
) -> None:
    import fcntl

    cache.mkdir()
    with (cache / "file.tsv.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "another process is downloading it now" in refusal(entry)
    assert files.locate(entry).read_bytes() == CONTENT


def test_no_connection_is_said(entry: CatalogueEntry, site: Site) -> None:
    site.close()
    said = refusal(entry)
    site._thread.join()
    assert "there is no connection to 127.0.0.1: is there internet?" in said


def test_a_cache_that_cannot_be_written_is_named(
    entry: CatalogueEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GVCI_CACHE_DIR", "/proc/nowhere")
    said = refusal(entry)
    assert "/proc/nowhere cannot be written" in said
    assert "GVCI_CACHE_DIR" in said


def test_a_licence_is_shown_and_must_be_accepted(entry: CatalogueEntry, site: Site) -> None:
    asks = replace(entry, ask_licence=True, licence="for academic use only")
    with pytest.raises(CatalogueError) as caught:
        files.locate(asks)
    assert "for academic use only" in str(caught.value)
    assert "--accept-licence" in str(caught.value)
    assert not site.asked
    assert files.locate(asks, accept_licence=True).read_bytes() == CONTENT
    # Accepted once; what is here needs no second answer.
    assert files.locate(asks).read_bytes() == CONTENT


def test_only_the_base_network_of_the_paper_asks() -> None:
    from gvci.data.entries import ENTRIES

    asking = [entry for entry in ENTRIES if entry.ask_licence]
    assert [entry.name for entry in asking] == ["celloracle-promoter"]
    assert "NON-COMMERCIAL" in asking[0].licence
    assert not asking[0].may_ship
