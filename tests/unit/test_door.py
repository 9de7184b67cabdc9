"""The formats that come in by the door, as scanpy, anndata, Cell Ranger and older ones write."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from gvci.data.dataset import PerturbationData
from gvci.data.door import read
from gvci.data.door.limits import GIB, UPLOAD, Limits, command_line
from gvci.data.door.read import read_cells, read_sources
from gvci.data.door.sources import Source
from gvci.errors import FileError, SettingsError
from tests.faults import door_files as make

COUNTS = np.random.default_rng(0).poisson(0.7, (12, 5))
BARCODES = [f"AAACCTGAGAAACC{i:02d}-1" for i in range(12)]
GENES = ["STAT1", "IRF1", "CD4", "CD4", "MT-CO1"]
IDS = [f"ENSG0000000000{i}" for i in range(5)]


def same(cells: ad.AnnData) -> None:
    """The counts above, cells × genes."""
    assert list(cells.obs_names) == BARCODES
    assert list(cells.var_names) == GENES
    np.testing.assert_array_equal(cells.X.toarray(), COUNTS)


# --- .h5ad ----------------------------------------------------------------------------------


def test_legacy_categories_and_sparse_form(tmp_path: Path) -> None:
    """anndata 0.7: categories beside the columns, and h5sparse's words for CSC."""

    def change(file: h5py.File) -> None:
        obs = file["obs"]
        codes, levels = obs["perturbation/codes"][()], obs["perturbation/categories"][()]
        del obs["perturbation"]
        obs["perturbation"], obs["__categories/perturbation"] = codes, levels
        obs["perturbation"].attrs["categories"] = obs["__categories/perturbation"].ref
        matrix = sp.csc_matrix(make.good_cells().X)
        del file["X"]
        group = file.create_group("X")
        group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = "csc", matrix.shape
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)

    cells = read_cells(make.changed(tmp_path, change))
    expected = make.good_cells()
    assert list(cells.obs["perturbation"]) == list(expected.obs["perturbation"])
    assert (cells.X != expected.X).nnz == 0


def test_records_of_the_oldest_files(tmp_path: Path) -> None:
    """Before anndata 0.7: obs and var as arrays of records, categories in uns."""
    path = tmp_path / "old.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = COUNTS.astype(np.float32)
        obs = np.zeros(12, dtype=[("index", "S20"), ("perturbation", "i1"), ("age", "f8")])
        obs["index"], obs["perturbation"] = BARCODES, [0, 1] * 6
        obs["age"] = np.arange(12)
        file["obs"] = obs
        file["uns/perturbation_categories"] = np.array([b"control", b"STAT1"])
        var = np.zeros(5, dtype=[("index", h5py.string_dtype())])
        var["index"] = GENES
        file["var"] = var
    cells = read_cells(path)
    assert list(cells.obs_names) == BARCODES
    assert list(cells.var_names) == GENES
    assert list(cells.obs["perturbation"][:2]) == ["control", "STAT1"]
    assert cells.obs["age"].tolist() == list(range(12))
    np.testing.assert_array_equal(cells.X, COUNTS)


def test_columns_of_var_that_name_genes_are_kept(tmp_path: Path) -> None:
    cells = make.good_cells()
    cells.var["gene_ids"] = [f"ENSG{i:011d}" for i in range(cells.n_vars)]
    cells.var["mean"] = 1.0
    cells.obsm["X_pca"] = np.ones((cells.n_obs, 2))
    cells.layers["spliced"] = cells.X
    cells.write_h5ad(tmp_path / "cells.h5ad")
    read_back = read_cells(tmp_path / "cells.h5ad")
    assert list(read_back.var.columns) == ["gene_ids"]
    assert list(read_back.layers) == ["counts"]
    assert len(read_back.obsm) == 0


def test_what_prepare_wrote_comes_back_exactly(
    small_data: PerturbationData, tmp_path: Path
) -> None:
    small_data.write(tmp_path / "data.h5ad")
    again = PerturbationData.read(tmp_path / "data.h5ad")
    assert again.fingerprint == small_data.fingerprint
    pd.testing.assert_frame_equal(again.adata.obs, small_data.adata.obs)


# --- 10x ------------------------------------------------------------------------------------


def tenx(path: Path, version: int = 3) -> Path:
    """As Cell Ranger writes it: genes × cells, by column."""
    matrix = sp.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        group["barcodes"] = np.array([b.encode() for b in BARCODES])
        group["shape"] = np.array(matrix.shape)
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part).astype(np.int64)
        names, ids = [np.array([w.encode() for w in words]) for words in (GENES, IDS)]
        if version == 3:
            group["features/name"], group["features/id"] = names, ids
            group["features/feature_type"] = np.array([b"Gene Expression"] * 5)
        else:
            group["gene_names"], group["genes"] = names, ids
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_10x(tmp_path: Path, version: int) -> None:
    cells = read_cells(tenx(tmp_path / "filtered.h5", version))
    same(cells)
    assert list(cells.var["gene_ids"]) == IDS


def test_10x_features_that_are_no_genes(tmp_path: Path) -> None:
    path = tenx(tmp_path / "filtered.h5")
    with h5py.File(path, "r+") as file:
        file["matrix/features/feature_type"][1:3] = [b"Antibody", b"CRISPR Guide Ca"]
    cells = read_cells(path)
    assert list(cells.var_names) == ["STAT1", "CD4", "MT-CO1"]
    np.testing.assert_array_equal(cells.X.toarray(), COUNTS[:, [0, 3, 4]])
    assert cells.uns["door"] == ["2 features are no genes and left out: Antibody, CRISPR Guide Ca."]


def test_10x_parts_that_do_not_fit(tmp_path: Path) -> None:
    path = tenx(tmp_path / "filtered.h5")
    with h5py.File(path, "r+") as file:
        del file["matrix/features/name"]
        file["matrix/features/name"] = np.array([b"a"])
    with pytest.raises(FileError, match="declares 5 × 12 values for 1 names and 5 ids of genes"):
        read_cells(path)


def test_10x_damaged_and_two_genomes(tmp_path: Path) -> None:
    path = tenx(tmp_path / "filtered.h5", 2)
    with h5py.File(path, "r+") as file:
        file["GRCh38/indices"][0] = 99
    with pytest.raises(FileError, match="The sparse matrix /GRCh38 of filtered"):
        read_cells(path)
    with h5py.File(path, "r+") as file:
        file.copy("GRCh38", "mm10")
    with pytest.raises(FileError, match="holds 2 genomes: GRCh38, mm10"):
        read_cells(path)


# --- Matrix Market --------------------------------------------------------------------------


def triple(
    folder: Path, packed: bool = False, turned: bool = False, field: str = "integer"
) -> Path:
    folder.mkdir(exist_ok=True)
    matrix = sp.coo_matrix(COUNTS if turned else COUNTS.T)
    scipy.io.mmwrite(folder / "matrix.mtx", matrix, comment="a comment", field=field)
    (folder / "barcodes.tsv").write_text("\n".join(BARCODES) + "\n")
    rows = [f"{i}\t{g}\tGene Expression" for i, g in zip(IDS, GENES, strict=True)]
    (folder / "features.tsv").write_text("\n".join(rows))
    if packed:
        for file in list(folder.iterdir()):
            make.gzipped(file)
            file.unlink()
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("field", ["integer", "real"])
def test_triple_as_a_folder(tmp_path: Path, packed: bool, turned: bool, field: str) -> None:
    cells = read_cells(triple(tmp_path / "10x", packed, turned, field))
    same(cells)
    assert list(cells.var["gene_ids"]) == IDS


def test_triple_as_three_files_of_geo(tmp_path: Path) -> None:
    """With the sample's name in front, a header on the barcodes, and genes.tsv without kinds."""
    folder = triple(tmp_path / "10x")
    (folder / "barcodes.tsv").write_text("\n".join(["x", *BARCODES]))
    (folder / "genes.tsv").write_text("\n".join(map("\t".join, zip(IDS, GENES, strict=True))))
    names = ("GSM1_matrix.mtx", "GSM1_barcodes.tsv", "GSM1_genes.tsv")
    sources = [Source(folder / name.removeprefix("GSM1_"), name) for name in names]
    same(read_sources(sources, UPLOAD))


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("matrix.mtx", "%%MatrixMarket matrix array real general\n1 1\n3\n", "does not begin with"),
        ("matrix.mtx", "1 1 1\n1 1 1\n", "does not begin with '%%MatrixMarket matrix coordinate"),
        ("matrix.mtx", "{head}\n5 12\n", "does not say its rows, columns and entries"),
        ("matrix.mtx", "{head}\n5 13 1\n1 1 1\n", "matrix.mtx is 5 × 13, but features.tsv names 5"),
        ("matrix.mtx", "{head}\n5 12 1\n6 1 1\n", "1 entries of matrix.mtx lie outside its 5 × 12"),
        ("matrix.mtx", "{head}\n5 12 1\n0 1 1\n", "1 entries of matrix.mtx lie outside"),
        ("matrix.mtx", "{head}\n5 12 1\n1.5 1 1\n", "1 entries of matrix.mtx lie outside"),
        ("matrix.mtx", "{head}\n5 12 1\n1 x 1\n", "entries that are not 'row column value'"),
        ("matrix.mtx", "{head}\n5 12 1\n1 1 1 1\n", "entries that are not 'row column value'"),
        ("matrix.mtx", "{head}\n5 12 2\n1 1 1\n", "declares 2 entries and holds 1"),
        ("matrix.mtx", "{head}\n5 12 0\n", ""),
        ("matrix.mtx", "{head}\n5 12 900000000000\n", "declares 900,000,000,000 entries"),
        ("barcodes.tsv", "\0\1\2", "Line 1 of barcodes.tsv is not text"),
        ("features.tsv", "a\n", "features.tsv names 1 genes and barcodes.tsv 12 cells"),
    ],
)  # fmt: skip
def test_triples_that_are_not_right(tmp_path: Path, file: str, content: str, said: str) -> None:
    folder = triple(tmp_path / "10x")
    head = "%%MatrixMarket matrix coordinate integer general"
    (folder / file).write_text(content.replace("{head}", head))
    if not said:
        assert read_cells(folder).X.nnz == 0
        return
    with pytest.raises(FileError) as caught:
        read_cells(folder)
    assert said in str(caught.value)


def test_a_triple_with_a_part_missing(tmp_path: Path) -> None:
    folder = triple(tmp_path / "10x")
    (folder / "barcodes.tsv").unlink()
    with pytest.raises(FileError, match="give either one file, or the three of a Matrix Market"):
        read_cells(folder)
    with pytest.raises(FileError, match="give either one file, or the three"):
        read_cells(folder / "matrix.mtx")


def test_a_triple_with_damaged_gzip(tmp_path: Path) -> None:
    folder = triple(tmp_path / "10x", packed=True)
    (folder / "matrix.mtx.gz").write_bytes(gzip.compress(b"%%MatrixMarket")[:-6])
    with pytest.raises(FileError, match="is cut short or damaged"):
        read_cells(folder)


# --- labels in a file of their own ------------------------------------------------------------


def labels(path: Path, names: list[str]) -> Path:
    table = pd.DataFrame({"perturbation": ["control", "STAT1"] * 6, "umis": range(12)}, names[:12])
    table.to_csv(path)
    return path


@pytest.mark.parametrize("cut", [False, True])
def test_labels_find_their_cells(tmp_path: Path, cut: bool) -> None:
    """In any order, with and without Cell Ranger's "-1"; cells without a row have no value."""
    names = [name.removesuffix("-1") if cut else name for name in BARCODES]
    beside = labels(tmp_path / "labels.csv", [*names[::-1][:10], "x1", "x2"])
    cells = read_cells(tenx(tmp_path / "filtered.h5"), labels=beside)
    same(cells)
    assert cells.obs["umis"].tolist()[2:] == list(range(10))[::-1]
    assert cells.obs["umis"].isna().tolist()[:2] == [True, True]
    assert cells.obs["perturbation"].tolist()[:4] == [None, None, "STAT1", "control"]
    assert cells.uns["door"] == [
        "labels.csv labels 10 of 12 cells (2 of its rows name no cell): perturbation, umis."
    ]


def test_labels_beside_a_triple_and_an_h5ad(tmp_path: Path) -> None:
    folder = triple(tmp_path / "10x")
    make.gzipped(labels(folder / "cell_identities.csv", BARCODES))
    (folder / "cell_identities.csv").unlink()
    cells = read_cells(folder)
    same(cells)
    assert cells.obs["perturbation"].tolist() == ["control", "STAT1"] * 6
    beside = tmp_path / "mine.tsv"
    beside.write_text("cell\tperturbation\nc0\tIRF9\n")
    cells = read_cells(make.good_file(tmp_path), labels=beside)
    assert cells.obs["perturbation"].tolist() == ["IRF9", *[None] * (make.N_CELLS - 1)]
    assert "cell_type" in cells.obs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cell,label\nz,1\n", "labels.csv names none of the 12 cells: it begins with 'z', they"),
        (f"cell,label\n{BARCODES[0]},1\n{BARCODES[0]},2\n", "1 cells are named more than once"),
        ("words\n", "labels.csv is no table"),
        ("", "labels.csv is no table"),
    ],
)
def test_labels_that_are_not_right(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(FileError) as caught:
        read_cells(tenx(tmp_path / "filtered.h5"), labels=tmp_path / "labels.csv")
    assert said in str(caught.value)


def test_labels_must_be_a_table(tmp_path: Path) -> None:
    path = make.good_file(tmp_path)
    with pytest.raises(FileError, match=r"cells\.h5ad is no table of labels"):
        read_cells(tenx(tmp_path / "filtered.h5"), labels=path)


# --- limits ---------------------------------------------------------------------------------


def test_limits_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GVCI_MOST_GIB", raising=False)
    assert command_line().unpacked == 32 * GIB
    monkeypatch.setenv("GVCI_MOST_GIB", "0.5")
    assert command_line().size == "0.5 GiB"
    for wrong in ("much", "-1", "0", "nan"):
        monkeypatch.setenv("GVCI_MOST_GIB", wrong)
        with pytest.raises(SettingsError, match=r"GVCI_MOST_GIB = .* give the limit in GiB"):
            command_line()


def test_a_larger_limit_lets_a_larger_file_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make.good_file(tmp_path)
    monkeypatch.setenv("GVCI_MOST_GIB", "0.000001")
    with pytest.raises(FileError, match=r"raise the limit: GVCI_MOST_GIB=64"):
        read_cells(path)
    monkeypatch.setenv("GVCI_MOST_GIB", "0.001")
    assert read_cells(path).n_obs == make.N_CELLS


def test_a_reader_that_takes_too_long_is_ended_with_all_its_children(tmp_path: Path) -> None:
    path = make.good_file(tmp_path)
    before = time.monotonic()
    with pytest.raises(FileError, match=r"cells\.h5ad could not be read within 0\.05 s\. Wait"):
        read_cells(path, Limits(2 * GIB, 0.05, "Wait."))
    assert time.monotonic() - before < 10


def test_only_so_many_children_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "PATIENCE_SECONDS", 0.01)
    path = make.good_file(tmp_path)
    for _ in range(read.AT_ONCE):
        read._places.acquire()
    try:
        with pytest.raises(FileError, match=r"cells\.h5ad has to wait: other files are being read"):
            read_cells(path)
    finally:
        for _ in range(read.AT_ONCE):
            read._places.release()
    assert read_cells(path).n_obs == make.N_CELLS


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "own"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    read_cells(make.good_file(tmp_path))
    with pytest.raises(FileError):
        read_cells(make.cycle(tmp_path))
    assert not list((tmp_path / "own").iterdir())
