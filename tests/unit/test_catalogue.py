"""The catalogue: names, where files are found, downloads, special formats."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from gvci.data import catalogue
from gvci.data.entries import ENTRIES, CatalogueEntry
from gvci.errors import CatalogueError, FileError, GRNError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data folder, an empty cache, and no internet."""
    monkeypatch.delenv("GVCI_DATA_DIR", raising=False)
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))

    def refuse(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", refuse)
    return tmp_path / "cache"


def test_everything_the_command_line_promises_is_there() -> None:
    names = {entry.name for entry in ENTRIES}
    assert {"demo", "kang2018-ifnb", "papalexi2021-eccite", "sergio-ds1", "kang2018-full"} <= names
    assert {"dorothea", "collectri", "trrust", "demo-prior", "demo-truth"} <= names
    assert {"sergio-ds1-truth", "chea2015", "chea2016", "stat1-irf1", "hallmark"} <= names
    assert len(names) == len(ENTRIES)
    assert catalogue.find("kang2018-ifnb").columns["covariates"] == ("cell_type",)


@pytest.mark.parametrize(
    ("name", "kinds", "expected"),
    [
        ("DoRothEA", ("prior",), "dorothea"),
        ("demo", ("dataset",), "demo"),
        ("demo", ("prior", "truth"), "demo-prior"),
        ("demo-prior", ("prior",), "demo-prior"),
        ("KANG", ("dataset",), "kang2018-ifnb"),
        ("kang2018_ifnb_seurat.h5ad", ("dataset",), "kang2018-ifnb"),
        ("collectri", ("truth",), "collectri"),
        ("sergio-ds1", ("truth",), "sergio-ds1-truth"),
        ("h.all.v7.0.symbols.gmt", ("genes",), "hallmark"),
    ],
)
def test_names_aliases_and_file_names(name: str, kinds: tuple[Any, ...], expected: str) -> None:
    assert catalogue.find(name, *kinds).name == expected


def test_unknown_names_offer_near_ones() -> None:
    with pytest.raises(
        CatalogueError, match=r"no dataset 'kang2018-ifn'\. Did you mean kang2018-i"
    ):
        catalogue.load_dataset("kang2018-ifn")
    with pytest.raises(
        CatalogueError, match=r"no prior or truth 'dorotea'\. Did you mean dorothea"
    ):
        catalogue.load_network("dorotea")
    with pytest.raises(CatalogueError, match=r"no genes 'halmark'\. Did you mean hallmark\?"):
        catalogue.load_genes("halmark")
    # Gene names with a full stop are names, not files.
    with pytest.raises(CatalogueError):
        catalogue.load_genes("RP11-34P13.7")


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(FileError, match=r"There is no file nowhere/cells\.h5ad"):
        catalogue.load_dataset("nowhere/cells.h5ad")
    with pytest.raises(GRNError, match=r"There is no file edges\.csv"):
        catalogue.load_network("edges.csv")


def test_the_data_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.find("trrust")
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    assert catalogue.availability(entry) == "by hand"
    (tmp_path / "cache").mkdir()
    table = pd.DataFrame({"tf": ["A"], "target": ["B"], "mode": ["Repression"], "pmid": ["1"]})
    table.to_csv(tmp_path / "cache" / entry.file, sep="\t", index=False)
    assert catalogue.availability(entry) == "cached"
    with pytest.raises(CatalogueError, match="its SHA-256 is"):
        catalogue.locate(entry)
    table.to_csv(tmp_path / entry.file, sep="\t", index=False)
    assert catalogue.availability(entry) == "found in GVCI_DATA_DIR"
    assert catalogue.locate(entry) == tmp_path / entry.file
    network = catalogue.load_network("TRRUST")
    assert network.edges[["source", "target", "weight"]].to_numpy().tolist() == [["A", "B", -1.0]]


def test_what_to_do_by_hand_is_said() -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.load_dataset("kang2018-ifnb")
    for word in ("kang2018_ifnb_seurat.h5ad", "GVCI_DATA_DIR", "GSE96583"):
        assert word in str(caught.value)


def test_no_internet_names_the_url_the_file_and_the_folder() -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.load_dataset("kang2018-full")
    assert str(caught.value) == (
        "Kang 2018, PBMC ± IFN-β (all cells) could not be downloaded (there is no "
        "connection to exampledata.scverse.org: is there internet?). Fetch "
        "https://exampledata.scverse.org/pertpy/kang_2018.h5ad by hand, put it as kang_2018.h5ad "
        "into a folder and set GVCI_DATA_DIR to that folder."
    )


def test_the_demo_needs_no_file() -> None:
    adata, entry = catalogue.load_dataset("demo")
    assert entry is not None
    assert entry.simulated
    assert (entry.cells, entry.genes) == adata.shape
    prior, truth = catalogue.load_network("demo"), catalogue.load_network("demo-truth")
    assert len(prior) == len(truth)
    assert list(prior.genes) == list(adata.var_names)
    with pytest.raises(CatalogueError, match="is simulated here and is no file"):
        catalogue.locate(entry)


def test_human_chip_sets_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        "STAT1_20625510_CHIPSEQ_HELA_HUMAN\t\tA\tB",
        "STAT1_1_CHIPSEQ_MESC_MOUSE\t\tC",
        "STAT1 2 ChIP-Seq K562 Human\t\tB,1.0\tD,1.0",
    ]
    (tmp_path / "ChEA_2015.gmt.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    assert set(catalogue.load_network("chea2015").edges["target"]) == {"A", "B", "D"}


def test_joined_table_has_one_edge_per_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "tf\ttarget\tsource\texperiment\tsign\nIRF1\tA\tChEA_2015\tx\t\nIRF1\tA\tCollecTRI\t\t-1\n"
        "IRF1\tB\tReMap\t\t\nSTAT1\tA\tTRRUST_v2\t\t1\n"
    )
    path = tmp_path / "truth_STAT1_IRF1_targets.tsv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    edges = catalogue.load_network("stat1-irf1").edges.set_index(["source", "target"])
    assert len(edges) == 3
    assert edges.loc[("IRF1", "A"), "sources"] == "ChEA_2015;CollecTRI"
    assert edges.loc[("IRF1", "A"), "weight"] == -1.0
    curated = catalogue.load_network("stat1-irf1-curated")
    assert set(curated.edges["target"]) == {"A"}
    # The same file by its path, unrecognised: the database is not taken for the regulator.
    assert set(catalogue.load_network(path).sources) == {"IRF1", "STAT1"}


def test_wide_base_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = pd.DataFrame(
        {"peak_id": ["p", "q"], "gene_short_name": ["A", "A"], "STAT1": [1, 1], "IRF1": [0.0, 1.0]}
    )
    entry = catalogue.find("celloracle-promoter")
    wide.to_parquet(tmp_path / entry.file)
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path))
    edges = catalogue.load_network("celloracle-promoter").edges
    assert sorted(zip(edges["source"], edges["target"], strict=True)) == [
        ("IRF1", "A"),
        ("STAT1", "A"),
    ]


def test_table_says_what_can_be_had_here() -> None:
    table = catalogue.catalogue_table().set_index("name")
    assert table.loc["demo", "available"] == "shipped"
    assert table.loc["kang2018-full", "available"] == "downloadable"
    assert table.loc["kang2018-ifnb", "available"] == "by hand"
    assert table.loc["demo", "cells"] == 4428
    assert "SIMULATED" in table.loc["demo", "about"]
    assert not table.loc["celloracle-promoter", "may_ship"]


def test_every_entry_can_be_had_somehow_and_has_a_licence() -> None:
    for entry in ENTRIES:
        assert isinstance(entry, CatalogueEntry)
        assert entry.licence, entry.name
        assert entry.urls or entry.source or not entry.file or "derived" in entry.licence
        assert entry.sha256 is None or len(entry.sha256) == 64


@pytest.mark.realdata
def test_recorded_sizes_and_checksums_are_those_of_the_files(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GVCI_DATA_DIR", str(data_dir))
    found = [e for e in ENTRIES if e.file and (data_dir / e.file).is_file()]
    assert len(found) >= 12
    for entry in found:
        content = (data_dir / entry.file).read_bytes()
        assert entry.size == len(content)
        assert entry.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.realdata
def test_real_files_load(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GVCI_DATA_DIR", str(data_dir))
    assert len(catalogue.load_network("sergio-ds1-truth")) == 258
    assert len(catalogue.load_network("dorothea")) > 300_000
    assert {-1.0, 1.0} == set(catalogue.load_network("collectri").edges["weight"])
    assert "STAT1" in catalogue.load_network("chea2016").sources
    assert catalogue.load_network("stat1-irf1-curated").sources == ["STAT1", "IRF1"]
    assert "ISG15" in catalogue.load_genes("hallmark-interferon")
    adata, entry = catalogue.load_dataset(data_dir / "kang2018_ifnb_seurat.h5ad")
    assert entry is not None
    assert adata.shape == (entry.cells, entry.genes)
