"""Each entry of the catalogue is read: the real file where it is here, else one like it.

Files like the real ones have their columns and their way of writing, and come from a server on
this machine, or from a folder where the entry must be fetched by hand.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci.commands.cells import _usual
from gvci.config import PrepareSettings
from gvci.data import catalogue
from gvci.data.entries import ENTRIES, CatalogueEntry
from gvci.data.prepare import prepare
from tests.web import Page, Site

REAL = Path(os.environ.get("GVCI_DATA_DIR") or "nowhere")
FILED = [entry for entry in ENTRIES if entry.file]
LIKE = [entry for entry in FILED if not (REAL / entry.file).is_file()]
GENES = ["STAT1", "IRF1", "ISG15", "GBP1", "MX1", "CD86"]

# Labels of the perturbation, then obs columns with their levels, as each file has them.
CELLS: dict[str, tuple[str, list[str], dict[str, list[object]]]] = {
    "kang2018-full": (
        "label", ["ctrl", "stim"],
        {"cell_type": ["CD14+ Monocytes", "B cells"], "replicate": ["patient_1015"]},
    ),
    "kang2018-ifnb": (
        "perturbation", ["control", "IFN-beta"],
        {"cell_type": ["CD14+ Monocytes", "B cells"], "donor": ["unknown"]},
    ),
    "papalexi2021-full": (
        "perturbation", ["control", "STAT1g1", "STAT1g2"], {"hto": ["rep1-tx", "rep2-tx"]},
    ),
    "papalexi2021-eccite": ("perturbation", ["control", "STAT1"], {"donor": ["rep1", "rep2"]}),
    "sergio-ds1": ("perturbation", ["control", "STAT1"], {"cell_type": ["a", "b", "c"]}),
    "norman2019": ("perturbation_name", ["control", "STAT1", "STAT1+IRF1"], {"leiden": ["0"]}),
    "adamson2016": ("perturbation", ["63(mod)_pBA580", "STAT1_pDS001"], {"nperts": [1]}),
    "replogle2022-k562": ("perturbation", ["control", "STAT1", "IRF1"], {"batch": [1, 2]}),
    "sciplex3": (
        "perturbation", ["control", "Enzastaurin (LY317615)"],
        {"cell_line": ["A549", "K562"], "dose_value": [10.0, 100.0, 1000.0]},
    ),
    "sciplex": (
        "perturbation", ["Vehicle", "Raltitrexed"],
        {"cell_type": ["A549", "K562"], "replicate": ["rep1", "rep2"], "dose": [10.0, 100.0, 1e3]},
    ),
    "marson": (
        "target", ["NTC", "STAT1", "IRF1"],
        {"stim_celltype": ["resting_cd4", "restimulated_cd8"], "donor": ["d1", "d2"]},
    ),
    "marson-raw": ("target", ["NTC", "STAT1"], {"celltype": ["CD4", "CD8"]}),
    "l008": (
        "target_gene", ["control", "STAT1", "IRF1"],
        {"cell_type": ["rest", "stim"], "donor": ["d1", "d2"]},
    ),
    "l008-raw": ("target_gene", ["Cas9-", "STAT1"], {"condition": ["rest", "stim"]}),
}  # fmt: skip
# What the catalogue leaves to the user, because the file does not say it.
ASKED = {
    "adamson2016": {"control": "63(mod)_pBA580"},
    "marson-raw": {"perturbation": "target", "control": "NTC"},
}


def cells(name: str) -> ad.AnnData:
    """Counts with the columns of a dataset; every combination of levels has cells."""
    column, labels, others = CELLS[name]
    rng = np.random.default_rng(0)
    levels = [labels, *others.values()]
    grid = np.array(np.meshgrid(*[np.arange(len(level)) for level in levels])).reshape(
        len(levels), -1
    )
    grid = np.repeat(grid, 12, axis=1)
    obs = pd.DataFrame(
        {
            key: [level[j] for j in grid[i]]
            for i, (key, level) in enumerate(zip([column, *others], levels, strict=True))
        }
    )
    obs.index = pd.Index([f"cell{i}" for i in range(len(obs))])
    counts = sp.csr_matrix(rng.poisson(5.0, (len(obs), len(GENES))).astype(np.float32))
    if "dose_value" in obs or "dose" in obs:
        dose = "dose_value" if "dose_value" in obs else "dose"
        obs.loc[obs[column].isin(["control", "Vehicle"]), dose] = 0.0
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=GENES))


def network(name: str) -> bytes | pd.DataFrame:
    """A file of the same form with three edges: STAT1 → IRF1, STAT1 → ISG15, IRF1 → GBP1."""
    chip = (
        b"STAT1_20625510_CHIPSEQ_HELA_HUMAN\t\tIRF1\tISG15\n"
        b"IRF1_19129219_CHIPCHIP_H3396_HUMAN\t\tGBP1\nIRF1_1_CHIPSEQ_MESC_MOUSE\t\tMx1\n"
    )
    joined = (
        b"tf\ttarget\tsource\texperiment\tsign\nSTAT1\tIRF1\tChEA_2015\tx\t\n"
        b"STAT1\tISG15\tTRRUST_v2\t\t1\nIRF1\tGBP1\tCollecTRI\t\t1\n"
    )
    texts = {
        "collectri": b"source,target,weight\nSTAT1,IRF1,1\nSTAT1,ISG15,1\nIRF1,GBP1,-1\n",
        "collectri-online": b"source,target,weight,resources,references,sign_decision\n"
        b"STAT1,IRF1,1,ExTRI,1;2,PMID\nSTAT1,ISG15,1,ExTRI,1,PMID\nIRF1,GBP1,-1,ExTRI,3,PMID\n",
        "trrust": b"tf\ttarget\tmode\tpmid\nSTAT1\tIRF1\tActivation\t1\n"
        b"STAT1\tISG15\tUnknown\t1\nIRF1\tGBP1\tRepression\t2\n",
        "trrust-online": b"STAT1\tIRF1\tActivation\t1;2\nSTAT1\tISG15\tUnknown\t1\n"
        b"IRF1\tGBP1\tRepression\t2\n",
        "chea2015": chip, "chea2016": chip,
        "chea2022": b"STAT1 20625510 ChIP-Seq HeLa Human\t\tIRF1\tISG15\n"
        b"IRF1 19129219 ChIP-ChIP H3396 Human\t\tGBP1\nIRF1 1 ChIP-Seq mESC Mouse\t\tMx1\n",
        "stat1-irf1": joined, "stat1-irf1-curated": joined,
        "sergio-ds1-truth": b"tf,target,sign\nSTAT1,IRF1,1\nSTAT1,ISG15,1\nIRF1,GBP1,-1\n",
    }  # fmt: skip
    if name == "dorothea":
        rows = [("STAT1", "IRF1"), ("STAT1", "ISG15"), ("IRF1", "GBP1")]
        return pd.DataFrame(rows, columns=["tf", "target"]).assign(jaspar=0, hocomoco=1)
    if name == "celloracle-promoter":
        wide = {"peak_id": list("pqr"), "gene_short_name": ["IRF1", "ISG15", "GBP1"]}
        return pd.DataFrame(wide | {"STAT1": [1.0, 1.0, 0.0], "IRF1": [0.0, 0.0, 1.0]})
    return texts[name]


HALLMARK = (
    b"HALLMARK_INTERFERON_GAMMA_RESPONSE\turl\tSTAT1\tIRF1\n"
    b"HALLMARK_INTERFERON_ALPHA_RESPONSE\turl\tISG15\nHALLMARK_HYPOXIA\turl\tVEGFA\n"
)


def write(entry: CatalogueEntry, path: Path) -> None:
    """A small file that is written like the entry's."""
    if "dataset" in entry.kinds:
        cells(entry.name).write_h5ad(path)
        return
    made = HALLMARK if "genes" in entry.kinds else network(entry.name)
    if isinstance(made, pd.DataFrame):
        made.to_parquet(path)
    else:
        path.write_bytes(gzip.compress(made) if path.suffix == ".gz" else made)


@pytest.fixture
def had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[CatalogueEntry], CatalogueEntry]]:
    """Makes a small file of an entry to be had here: by download, or in GVCI_DATA_DIR."""
    site = Site()
    monkeypatch.setenv("GVCI_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("GVCI_DATA_DIR", str(tmp_path / "mirror"))

    def have(entry: CatalogueEntry) -> CatalogueEntry:
        if not entry.urls:
            write(entry, tmp_path / "mirror" / entry.file)
            return entry
        write(entry, tmp_path / entry.file)
        site.pages["there"] = Page((tmp_path / entry.file).read_bytes())
        site.pages["moved"] = Page(to="/there")
        served = replace(entry, urls=(f"{site.url}/moved",), sha256=None)
        others = tuple(served if e.name == entry.name else e for e in ENTRIES)
        monkeypatch.setattr(catalogue, "ENTRIES", others)
        if entry.ask_licence:
            catalogue.locate(served, accept_licence=True)
        return served

    yield have
    site.close()


def usual(entry: CatalogueEntry) -> PrepareSettings:
    """What the catalogue says of the columns, and what it leaves to the user."""
    asked = {"validation": 0.2, "test": 0.2, "holdout": (), "ood": "none"} | ASKED.get(
        entry.name, {}
    )
    return PrepareSettings.checked(_usual(entry, asked) | asked)


@pytest.mark.parametrize("entry", [e for e in FILED if "dataset" in e.kinds], ids=lambda e: e.name)
def test_a_dataset_is_had_read_and_prepared_by_its_columns(
    entry: CatalogueEntry, had: Callable[[CatalogueEntry], CatalogueEntry]
) -> None:
    had(entry)
    adata, found = catalogue.load_dataset(entry.name)
    assert found is not None
    assert found.name == entry.name
    data = prepare(adata, usual(entry), name=entry.name)
    column, labels, _ = CELLS[entry.name]
    assert data.columns.perturbation == column
    assert data.columns.control == labels[0]
    assert set(data.perturbation) == set(labels)
    assert (
        data.columns.covariates == tuple(entry.columns.get("covariates", ())) or not entry.columns
    )
    assert list(data.genes) == GENES


@pytest.mark.parametrize(
    "entry", [e for e in FILED if {"prior", "truth"} & set(e.kinds)], ids=lambda e: e.name
)
def test_a_network_is_had_and_read(
    entry: CatalogueEntry, had: Callable[[CatalogueEntry], CatalogueEntry]
) -> None:
    had(entry)
    edges = catalogue.load_network(entry.name).edges
    assert set(zip(edges["source"], edges["target"], strict=True)) == {
        ("STAT1", "IRF1"),
        ("STAT1", "ISG15"),
        ("IRF1", "GBP1"),
    }


@pytest.mark.parametrize("entry", [e for e in FILED if "genes" in e.kinds], ids=lambda e: e.name)
def test_a_gene_set_is_had_and_read(
    entry: CatalogueEntry, had: Callable[[CatalogueEntry], CatalogueEntry]
) -> None:
    had(entry)
    genes = catalogue.load_genes(entry.name)
    assert genes[:3] == ["STAT1", "IRF1", "ISG15"]
    assert ("VEGFA" in genes) == (entry.name == "hallmark")


@pytest.mark.realdata
@pytest.mark.parametrize("entry", [e for e in FILED if e not in LIKE], ids=lambda e: e.name)
def test_the_real_file_is_read(entry: CatalogueEntry) -> None:
    if "dataset" in entry.kinds:
        adata, _ = catalogue.load_dataset(entry.name)
        assert adata.shape == (entry.cells, entry.genes)
        column = str(entry.columns["perturbation"])
        assert entry.columns["control"] in set(adata.obs[column].astype(str))
        assert set(entry.columns["covariates"]) <= set(adata.obs)
    elif "genes" in entry.kinds:
        assert {"ISG15", "STAT1"} <= set(catalogue.load_genes(entry.name))
    else:
        grn = catalogue.load_network(entry.name)
        assert len(grn) >= 200
        assert not any("reversed" in note for note in grn.notes)


def test_every_way_of_the_issue_has_its_entry() -> None:
    names = {entry.name for entry in ENTRIES}
    assert {"sciplex", "sciplex3", "marson", "marson-raw", "l008", "l008-raw"} <= names
    assert {"kang2018-full", "kang2018-ifnb", "papalexi2021-eccite", "papalexi2021-full"} <= names
    assert {"norman2019", "adamson2016", "replogle2022-k562", "celloracle-promoter"} <= names
    assert {"dorothea", "collectri", "trrust", "chea2015", "hallmark"} <= names


@pytest.mark.parametrize("entry", FILED, ids=lambda e: e.name)
def test_an_entry_says_where_it_comes_from_and_what_may_be_done_with_it(
    entry: CatalogueEntry,
) -> None:
    assert entry.licence
    assert entry.title
    assert entry.about
    assert entry.citation or "derived" in entry.licence
    assert entry.urls or entry.source or "derived" in entry.licence
    assert all(url.startswith("https://") for url in entry.urls)
    if "dataset" in entry.kinds and entry.name != "marson-raw":
        assert entry.columns["perturbation"]
