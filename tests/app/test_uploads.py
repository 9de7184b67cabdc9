"""The Data page: bad files are one sentence each, good ones end in commands."""

from __future__ import annotations

import io
import re
import time
import warnings
import zipfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gvci import workspaces
from gvci.data.dataset import PerturbationData
from gvci.grn.aliases import gencode
from gvci.jobs.folder import new_id
from gvci.jobs.state import OPEN, jobs_of_all, read_job
from tests.app.conftest import OpenPage, sound, strip
from tests.faults import door_files as make

HOSTILE = '"><img src=x onerror=alert(1)>'
NAMES = ["control", "STAT1", "control", "IRF1"] * 10


def h5ad(folder: Path, columns: dict[str, list[str] | list[float]]) -> bytes:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(columns, index=[f"cell{i}" for i in range(40)])
    var = pd.DataFrame(index=[f"gene{i}" for i in range(12)])
    cells = ad.AnnData(rng.poisson(2.0, (40, 12)).astype(np.float32), obs=obs, var=var)
    cells.write_h5ad(folder / "made.h5ad")
    return (folder / "made.h5ad").read_bytes()


def upload(open_page: OpenPage, name: str, content: bytes) -> AppTest:
    return upload_all(open_page, {name: content})


def upload_all(open_page: OpenPage, files: dict[str, bytes]) -> AppTest:
    test = open_page("data")
    given = [(name, content, "application/octet-stream") for name, content in files.items()]
    return test.file_uploader(key="cells_file").set_value(given).run()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "y")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"not cells", b"", zipped(), b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_what_is_not_hdf5(open_page: OpenPage, content: bytes):
    """FAULTS F01."""
    assert "mine.h5ad is not an .h5ad file" in sound(upload(open_page, "mine.h5ad", content))


@pytest.mark.parametrize("name", ["cells.csv.gz", "cells.h5", "cells.h5ad"])
def test_archives_are_refused_with_what_to_do(open_page: OpenPage, name: str):
    """FAULTS F39."""
    text = sound(upload(open_page, name, zipped()))
    assert "archives are not opened. Unpack it and give the .h5ad" in text


def test_the_page_says_what_it_takes_before(open_page: OpenPage):
    """FAULTS F08, F09: kinds and limits are there before anything is given."""
    test = open_page("data")
    text = sound(test)
    for word in (".h5ad", "10x .h5", ".csv", "Matrix Market", "500 MB", "2 GiB", "30 s", "pickles"):
        assert word in text
    widget = test.file_uploader(key="cells_file")
    assert set(widget.allowed_type) == {
        ".h5ad", ".h5", ".hdf5", ".csv", ".tsv", ".txt", ".mtx", ".gz"
    }  # fmt: skip
    assert widget.accept_multiple_files


def test_a_hostile_file_then_a_good_one(open_page: OpenPage, tmp_path: Path):
    """FAULTS F04, F11a: the sentence, nothing of the other file, and the page goes on."""
    bad = make.external_names(tmp_path).read_bytes()
    test = upload(open_page, "mine.h5ad", bad)
    text = sound(test)
    assert "/obs/_index of mine.h5ad keeps its values in another file" in text
    assert make.CANARY not in text
    assert str(tmp_path) not in text
    good = ("good.h5ad", h5ad(tmp_path, {"perturbation": NAMES}), "application/octet-stream")
    assert "Nothing stands in the way" in sound(
        test.file_uploader(key="cells_file").set_value([good]).run()
    )


def test_a_table_of_counts(open_page: OpenPage):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.poisson(2.0, (40, 12)), columns=[f"gene{i}" for i in range(12)])
    table.insert(0, "perturbation", NAMES)
    table.index = pd.Index([f"cell{i}" for i in range(40)])
    text = sound(upload(open_page, "mine.csv", table.to_csv().encode()))
    assert "Rows of mine.csv are taken as cells and columns as genes" in text
    assert "Nothing stands in the way" in text


def test_three_files_of_one_matrix(open_page: OpenPage):
    head = b"%%MatrixMarket matrix coordinate integer general\n"
    rng = np.random.default_rng(0)
    entries = [(g + 1, c + 1) for g in range(12) for c in range(40) if rng.random() < 0.6]
    lines = "\n".join(f"{g} {c} 3" for g, c in entries)
    files = {
        "s1_matrix.mtx": head + f"12 40 {len(entries)}\n{lines}\n".encode(),
        "s1_barcodes.tsv": "\n".join(f"cell{i}" for i in range(40)).encode(),
        "s1_genes.tsv": "\n".join(f"ENSG{i:011d}\tgene{i}" for i in range(12)).encode(),
    }
    text = sound(upload_all(open_page, files))
    assert "s1_matrix.mtx and 2 more: 40 cells × 12 genes" in text.replace("**", "")
    del files["s1_genes.tsv"]
    text = sound(upload_all(open_page, files))
    assert "give either one file, or the three of a Matrix Market matrix together" in text


def test_labels_beside_a_matrix(open_page: OpenPage, tmp_path: Path):
    """A file without labels leads nowhere; with labels.csv, given before or after, it does."""
    bare = h5ad(tmp_path, {"batch": ["a", "b"] * 20})
    table = "\n".join(["cell,perturbation", *(f"cell{i},{p}" for i, p in enumerate(NAMES))])
    for files in (
        {"labels.csv": table.encode(), "bare.h5ad": bare},
        {"bare.h5ad": bare, "labels.csv": table.encode()},
    ):
        test = upload_all(open_page, files)
        text = sound(test)
        assert "labels.csv labels 40 of 40 cells: perturbation." in text
        assert "Nothing stands in the way" in text
        assert "gvci prepare bare.h5ad \\\n    --labels labels.csv" in test.code[-1].value


def test_a_file_given_later_takes_the_place_of_the_one_before(open_page: OpenPage, tmp_path: Path):
    good = h5ad(tmp_path, {"perturbation": NAMES})
    text = sound(upload_all(open_page, {"notes.h5ad": b"no cells", "good.h5ad": good}))
    assert "good.h5ad: 40 cells" in text.replace("**", "")
    assert "notes" not in text


def test_ensembl_ids_and_repeated_genes_in_clicks(open_page: OpenPage, tmp_path: Path):
    """FAULTS F13, F14, F15: controls called NT, ids for names, one of them twice."""
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"perturbation": ["NT", "STAT1", "NT", "IRF1"] * 10})
    var = pd.DataFrame({"gene_symbols": [*(f"gene{i}" for i in range(11)), "gene0"]})
    var.index = pd.Index([*(f"ENSG{i:011d}" for i in range(11)), f"ENSG{0:011d}"])
    obs.index = obs.index.astype(str)
    with warnings.catch_warnings(category=UserWarning, action="ignore"):
        cells = ad.AnnData(rng.poisson(2.0, (40, 12)).astype(np.float32), obs=obs, var=var)
        cells.write_h5ad(tmp_path / "ids.h5ad")
    test = upload(open_page, "ids.h5ad", (tmp_path / "ids.h5ad").read_bytes())
    text = sound(test)
    assert "12 of 12 genes are named by Ensembl ids, networks by symbols." in text
    assert "--gene-names gene_symbols" in text
    test.selectbox(key="gene_names").set_value("gene_symbols").run()
    text = sound(test)
    assert "1 gene names occur more than once: gene0." in text
    assert "Ensembl ids" not in text
    test.checkbox(key="sum_genes").check().run()
    assert "Nothing stands in the way" in sound(test)
    assert "--gene-names gene_symbols" in test.code[-1].value
    assert "--set duplicate_genes=sum" in test.code[-1].value
    assert "--control NT" in test.code[-1].value


def test_cut_short(open_page: OpenPage, tmp_path: Path):
    content = h5ad(tmp_path, {"perturbation": NAMES})
    text = sound(upload(open_page, "mine.h5ad", content[: len(content) // 2]))
    assert "mine.h5ad is cut short or damaged" in text
    assert str(tmp_path) not in text


def test_no_perturbation_column(open_page: OpenPage, tmp_path: Path):
    content = h5ad(tmp_path, {"batch": ["a", "b"] * 20})
    text = sound(upload(open_page, "mine.h5ad", content))
    assert "No column of obs is plainly the perturbation" in text
    assert "gvci prepare" not in text


def test_no_control_cells_then_a_choice(open_page: OpenPage, tmp_path: Path):
    """FAULTS F15: the labels found are named and one can be picked."""
    content = h5ad(tmp_path, {"perturbation": ["zero", "STAT1"] * 20})
    test = upload(open_page, "mine.h5ad", content)
    column = next(box for box in test.selectbox if box.label == "Perturbation column")
    column.set_value("perturbation").run()
    text = sound(test)
    assert "No cells are labelled 'control'" in text
    assert "STAT1, zero" in text or "zero, STAT1" in text
    label = next(box for box in test.selectbox if box.label == "Control label")
    label.set_value("zero").run()
    assert "Nothing stands in the way" in sound(test)


def test_commands_of_a_good_file(open_page: OpenPage, tmp_path: Path):
    types = ["B cells"] * 20 + ["T cells"] * 20
    content = h5ad(tmp_path, {"perturbation": NAMES, "cell_type": types})
    test = upload(open_page, "my cells.h5ad", content)
    sound(test)
    split = next(box for box in test.selectbox if box.label == "Treated cells to hold out")
    split.set_value("cell_type=B cells").run()
    sound(test)
    code = test.code[-1].value
    assert "python -m gvci prepare 'my cells.h5ad'" in code
    assert "--holdout 'cell_type=B cells'" in code
    assert "python -m gvci train my-cells-prepared.h5ad" in code


def test_real_covariates_are_offered_among_the_numbers(open_page: OpenPage, tmp_path: Path):
    types = ["B cells"] * 20 + ["T cells"] * 20
    ages = [20.5 + i for i in range(40)]
    content = h5ad(tmp_path, {"perturbation": NAMES, "cell_type": types, "age": ages})
    test = upload(open_page, "mine.h5ad", content)
    sound(test)
    real = next(box for box in test.multiselect if box.label == "Real-valued covariates")
    assert real.options == ["age"]
    real.set_value(["age"]).run()
    sound(test)
    assert "--real-covariates age" in test.code[-1].value
    covariates = next(box for box in test.multiselect if box.label == "Covariates")
    covariates.set_value(["cell_type", "age"]).run()
    text = sound(test)
    assert "name it with --real-covariates" in text
    assert "named for two purposes" not in text
    assert not [box for box in test.multiselect if box.label == "Real-valued covariates"]


def test_hostile_labels_are_shown_literally(open_page: OpenPage, tmp_path: Path):
    """FAULTS F21."""
    labels = ["control", HOSTILE, "[a](javascript:b)", ":material/home:"] * 10
    columns = {"perturbation": labels, "$x$ `y`": ["1"] * 20 + ["2"] * 20}
    test = upload(open_page, f"{HOSTILE}.h5ad", h5ad(tmp_path, columns))
    text = sound(test)
    assert f"{HOSTILE}.h5ad: 40 cells" in text.replace("**", "")
    for element in [*test.markdown, *test.caption, *test.warning, *test.info]:
        assert not re.search(r"(?<!\\)<img", element.value)
        assert not re.search(r"(?<!\\)\]\(javascript", element.value)
        assert not element.allow_html


# --- kept in a workspace ----------------------------------------------------------------


def reopened(open_page: OpenPage, test: AppTest) -> AppTest:
    """The link of a page, opened by somebody else."""
    query = {name: test.query_params[name] for name in test.query_params}
    return open_page("data", **query)


def in_link(test: AppTest, name: str) -> str:
    """A parameter of the page's link; the test driver gives a list or a word."""
    value = test.query_params[name]
    return value if isinstance(value, str) else value[0]


def test_f32_an_upload_stays_with_its_link_and_nowhere_else(open_page: OpenPage, tmp_path: Path):
    content = h5ad(tmp_path, {"perturbation": NAMES})
    mine = upload(open_page, "canary.h5ad", content)
    assert "canary.h5ad: 40 cells × 12 genes" in sound(mine).replace("**", "")
    assert strip(mine).startswith(":material/database: canary.h5ad, 40 cells × 12 genes · ")
    assert "demo" in strip(open_page("data")).lower()
    again = reopened(open_page, mine)
    assert "canary.h5ad: 40 cells × 12 genes" in sound(again).replace("**", "")
    assert "Nothing stands in the way" in sound(again)
    for query in ({}, {"workspace": new_id()}, {"upload": in_link(mine, "upload")}):
        assert "canary" not in sound(open_page("data", **query))
    text = sound(open_page("data", workspace=new_id(), upload=in_link(mine, "upload")))
    assert "What this link shows is not kept here" in text
    assert "canary" not in text


def test_f41_a_key_that_is_none_is_ignored_with_a_note(open_page: OpenPage):
    for key in ("../../etc", "<svg onload=1>", "1"):
        text = sound(open_page("data", workspace=key, upload="../x"))
        assert "key of a workspace in this link is not whole" in text


def test_an_upload_is_deleted_by_its_button(open_page: OpenPage, tmp_path: Path):
    mine = upload(open_page, "canary.h5ad", h5ad(tmp_path, {"perturbation": NAMES}))
    link = reopened(open_page, mine)
    space = in_link(mine, "workspace")
    link.button(key=f"delete {in_link(mine, 'upload')}").click().run()
    assert "canary" not in sound(link)
    assert workspaces.uploads(space) == []
    assert "What this link shows is not kept here" in sound(reopened(open_page, mine))


def test_a_new_users_file_becomes_prepared_cells_in_clicks(open_page: OpenPage, tmp_path: Path):
    """Ensembl ids, controls called NT, no donor, three genes twice: to prepared cells."""
    rng = np.random.default_rng(1)
    known = sorted(gencode())[:60]
    genes = [*known, *known[:3]]
    obs = pd.DataFrame({"gene_target": ["NT", "NT", "STAT1", "IRF1"] * 40})
    obs.index = [f"AAAC{i}" for i in range(160)]
    with warnings.catch_warnings(category=UserWarning, action="ignore"):
        var = pd.DataFrame(index=[f"{gene}.7" for gene in genes])
        cells = ad.AnnData(rng.poisson(3.0, (160, 63)).astype(np.float32), obs=obs, var=var)
        cells.write_h5ad(tmp_path / "screen.h5ad")
    test = upload(open_page, "screen.h5ad", (tmp_path / "screen.h5ad").read_bytes())
    text = sound(test)
    assert "63 of 63 genes are named by Ensembl ids" in text
    assert "3 gene names occur more than once" in text
    test.selectbox(key="gene_names").set_value("symbols").run()
    assert "63 of 63 genes are named by symbols from GENCODE" in sound(test)
    test.checkbox(key="sum_genes").check().run()
    assert "Nothing stands in the way" in sound(test)
    test.text_input(key="name").set_value("My screen").run()
    test.button(key="prepare").click().run()
    (job,) = jobs_of_all()
    until = time.monotonic() + 90
    while read_job(job.id).state in OPEN and time.monotonic() < until:
        time.sleep(0.2)
    made = read_job(job.id)
    assert made.state == "done", made.sentence
    data = PerturbationData.read(made.folder / "data.h5ad")
    assert data.title == "My screen"
    assert (data.n_cells, len(data.genes)) == (160, 60)
    assert data.columns.control == "NT"
    assert not any(gene.startswith("ENSG") for gene in data.genes)
    space = in_link(test, "workspace")
    text = sound(open_page("train", workspace=space, cells=job.id))
    assert "MB of memory" in text or "GB of memory" in text
    assert not open_page("train").query_params.get("cells")
