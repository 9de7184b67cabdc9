"""The catalogue on the Data page: what it says, and a download from a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gvci.app import catalogue_view
from gvci.data import catalogue
from gvci.data.entries import ENTRIES
from tests.app.conftest import OpenPage, sound
from tests.web import Page, Site

HALLMARK = b"HALLMARK_INTERFERON_GAMMA_RESPONSE\turl\tSTAT1\tIRF1\n"
ASKS, PLAIN = "celloracle-promoter", "hallmark"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serves two entries; one asks for its licence."""
    server = Site()
    server.pages["file"] = Page(HALLMARK)
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    served = tuple(
        replace(entry, urls=(f"{server.url}/file",), sha256=None)
        if entry.name in (ASKS, PLAIN)
        else entry
        for entry in ENTRIES
    )
    monkeypatch.setattr(catalogue, "ENTRIES", served)
    yield server
    server.close()


def test_every_entry_says_how_to_get_it() -> None:
    table = catalogue_view.table().set_index("Name")
    how = table["Here, or how to get it"]
    assert how["demo"] == "here, made by gvci"
    assert how["kang2018-full"].endswith("python -m gvci fetch kang2018-full")
    assert how["sciplex"] == (
        "fetch it by hand from https://osf.io/5n2mz (folder main/datasets), then put it as "
        "sciplex_prepped.h5ad into GVCI_DATA_DIR"
    )
    assert table.loc["kang2018-full", "Cells × genes"] == "24,673 × 15,706"
    assert table.loc["norman2019", "Cells × genes"] == "111,255 × ?"
    assert table.loc["marson", "Columns"] == (
        "perturbation=target, control=NTC, covariates=stim_celltype donor"
    )
    assert table.loc["kang2018-full", "SHA-256"] == "recorded on first download"
    assert set(table["May be passed on"]) == {"yes", "no"}


def test_a_download_shows_its_licence_and_where_it_went(site: Site, open_page: OpenPage) -> None:
    test = open_page("data")
    assert "demo" not in test.selectbox[-1].options
    test.selectbox[-1].select(PLAIN).run()
    assert "MSigDB (CC BY 4.0)" in sound(test)
    next(b for b in test.button if b.label == "Download").click().run()
    assert "MSigDB hallmark sets v7.0 is here, downloaded before." in sound(test)
    assert catalogue.load_genes(PLAIN) == ["STAT1", "IRF1"]


def test_a_licence_must_be_accepted_before_the_button_works(
    site: Site, open_page: OpenPage
) -> None:
    test = open_page("data")
    test.selectbox[-1].select(ASKS).run()
    assert "NON-COMMERCIAL" in sound(test)
    button = next(b for b in test.button if b.label == "Download")
    assert button.disabled
    test.checkbox[-1].check().run()
    button = next(b for b in test.button if b.label == "Download")
    assert not button.disabled
    button.click().run()
    assert "here, downloaded before" in sound(test)


def test_what_cannot_be_had_is_one_sentence(site: Site, open_page: OpenPage) -> None:
    site.pages.clear()
    test = open_page("data")
    test.selectbox[-1].select(PLAIN).run()
    next(b for b in test.button if b.label == "Download").click().run()
    text = sound(test)
    assert "127.0.0.1 answers 404 Not Found" in text
    assert "set GVCI_DATA_DIR to that folder" in text
