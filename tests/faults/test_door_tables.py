"""Tables of counts as people save them: separators, encodings, orientation, and what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gvci.data.door.limits import UPLOAD, Limits
from gvci.data.door.read import read_cells
from gvci.errors import FileError

COUNTS = np.random.default_rng(0).poisson(0.7, (12, 5))
CELLS = [f"cell{i}" for i in range(12)]
GENES = ["STAT1", "IRF1", "CD4", "MT-CO1", "my,gene"]
LABELS = ["control", "STAT1"] * 6


def frame() -> pd.DataFrame:
    return pd.DataFrame(COUNTS, index=CELLS, columns=GENES)


def same(cells: ad.AnnData) -> None:
    assert list(cells.obs_names) == CELLS
    assert list(cells.var_names) == GENES
    np.testing.assert_array_equal(cells.X.toarray(), COUNTS)


def refused(path: Path, limits: Limits = UPLOAD) -> str:
    with pytest.raises(FileError) as caught:
        read_cells(path, limits)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_f25_separators_line_ends_encodings(
    tmp_path: Path, separator: str, ends: str, encoding: str
) -> None:
    text = frame().to_csv(sep=separator, lineterminator=ends)
    (tmp_path / "counts.csv").write_bytes(text.encode(encoding))
    same(read_cells(tmp_path / "counts.csv"))


@pytest.mark.parametrize("name", ["counts.txt.gz", "counts.TSV.GZ"])
def test_f25_packed(tmp_path: Path, name: str) -> None:
    content = frame().to_csv(sep="\t").encode("utf-16")
    (tmp_path / name).write_bytes(gzip.compress(content))
    same(read_cells(tmp_path / name))


def test_f25_decimal_commas(tmp_path: Path) -> None:
    """A German spreadsheet: semicolons between, commas within numbers."""
    table = frame() + 0.25
    table.to_csv(tmp_path / "counts.csv", sep=";", decimal=",")
    np.testing.assert_array_equal(read_cells(tmp_path / "counts.csv").X.toarray(), table)


def test_f25_labels_become_obs_and_both_are_said(tmp_path: Path) -> None:
    table = frame()
    table.insert(0, "perturbation", LABELS)
    table.insert(2, "cell_type", pd.Series(["B cells", None] * 6, index=CELLS))
    table.insert(0, "n_counts", 7)
    table.to_csv(tmp_path / "counts.csv")
    cells = read_cells(tmp_path / "counts.csv")
    same(cells)
    assert list(cells.obs["perturbation"]) == LABELS
    assert cells.obs["n_counts"].tolist() == [7] * 12
    assert cells.obs["cell_type"].isna().sum() == 6
    assert cells.uns["door"] == [
        "Rows of counts.csv are taken as cells and columns as genes: 12 cells × 5 genes.",
        "3 columns describe the cells and are no genes: n_counts, perturbation, cell_type.",
    ]


def test_f25_a_table_on_its_side_is_turned_and_that_is_said(tmp_path: Path) -> None:
    table = frame().T
    table.insert(0, "gene_id", [f"ENSG0000000000{i}" for i in range(5)])
    table.to_csv(tmp_path / "counts.tsv", sep="\t")
    cells = read_cells(tmp_path / "counts.tsv")
    same(cells)
    assert list(cells.var["gene_id"]) == [f"ENSG0000000000{i}" for i in range(5)]
    assert cells.uns["door"][0] == (
        "Rows of counts.tsv are taken as genes and columns as cells: 12 cells × 5 genes."
    )


def test_f25_a_table_of_r_without_a_corner(tmp_path: Path) -> None:
    text = frame().to_csv()
    (tmp_path / "counts.csv").write_text(text[1:])
    same(read_cells(tmp_path / "counts.csv"))


def test_f25_names_that_look_missing_stay_names(tmp_path: Path) -> None:
    table = frame().set_axis(["NA", "nan", *GENES[2:]], axis=1)
    table.index = ["NA", "null", *CELLS[2:]]
    table.to_csv(tmp_path / "counts.csv")
    cells = read_cells(tmp_path / "counts.csv")
    assert list(cells.var_names[:2]) == ["NA", "nan"]
    assert list(cells.obs_names[:2]) == ["NA", "null"]


def test_f25_rows_without_names(tmp_path: Path) -> None:
    table = frame()
    table.insert(0, "perturbation", LABELS)
    table.to_csv(tmp_path / "counts.csv", index=False)
    cells = read_cells(tmp_path / "counts.csv")
    assert list(cells.obs_names[:2]) == ["row 1", "row 2"]
    assert list(cells.obs["perturbation"]) == LABELS
    assert "have no names and are numbered" in " ".join(cells.uns["door"])


def test_f25_missing_values_are_kept_for_the_findings(tmp_path: Path) -> None:
    table = frame().astype(float)
    table.iloc[3, 2] = np.nan
    table.to_csv(tmp_path / "counts.csv")
    assert np.isnan(read_cells(tmp_path / "counts.csv").X[3, 2])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "counts.csv is no table: 0 rows below a header of 0 fields."),
        (b"just words\nand more\n", "counts.csv is no table: 1 rows below a header of 1 fields."),
        (b"a|b|c\n1|2|3\n", "Separate the fields by commas, tabs or semicolons."),
        (b",a,b\nc1,1,2\nc2,1\n", "Line 3 of counts.csv has 2 fields, 3 are expected."),
        (b",a,b\nc1,1,2\nc2,1,2,3\n", "Line 3 of counts.csv has 4 fields, 3 are expected."),
        (b",a,b\nc1,1,2,3,4\n", "Line 2 of counts.csv has 5 fields, 3 are expected."),
        (
            b",a,b\nc1,1,2\nc2,x,2\nc3,1,2\n",
            "1 values in column 'a' of counts.csv are no numbers, the first 'x' in row 2.",
        ),
        (b"\xff\xfa,a\n1,2\n", "counts.csv is not UTF-8 text. Save it as CSV UTF-8."),
        (b",a\nc1,1\0\n", "Line 2 of counts.csv is not text."),
        ("a,b\n1,2\n".encode("utf-16-le"), "Line 1 of counts.csv is not text."),
    ],
)
def test_f25_tables_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "counts.csv").write_bytes(content)
    assert said in refused(tmp_path / "counts.csv")


def test_f25_one_line_without_end(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "counts.csv.gz", "wb") as file:
        file.write(b"1," * 2**24)
    said = refused(tmp_path / "counts.csv.gz")
    assert "Line 1 of counts.csv.gz is longer than 16,777,216 characters." in said


def test_f06_a_table_whose_numbers_would_not_fit(tmp_path: Path) -> None:
    """Two characters of text are eight bytes of number."""
    lines = [",".join(["0"] * 1000)] * 1000
    (tmp_path / "counts.csv").write_text(
        "\n".join([",".join(f"G{i}" for i in range(1000)), *lines])
    )
    assert "counts.csv holds more than 0.00391 GiB unpacked. Smaller, please." in refused(
        tmp_path / "counts.csv", Limits(4 * 2**20, 30, "Smaller, please.")
    )


@pytest.mark.parametrize("kind", ["mostly words", "all words", "truth values"])
def test_f25_columns_of_words(tmp_path: Path, kind: str) -> None:
    values = {
        "mostly words": ["x", "y", "3"] * 4,
        "all words": LABELS,
        "truth values": [True, False] * 6,
    }
    table = frame()
    table.insert(1, "label", values[kind])
    table.to_csv(tmp_path / "counts.csv")
    cells = read_cells(tmp_path / "counts.csv")
    assert list(cells.obs["label"]) == [str(value) for value in values[kind]]
    same(cells)


def test_f21_names_of_a_table_are_kept_literally(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "=1+1", "$x$", 'say "so"', "\u202eabc"]
    frame().set_axis(names, axis=1).to_csv(tmp_path / "counts.csv")
    assert list(read_cells(tmp_path / "counts.csv").var_names) == names
