"""python -m gvci evaluate with files of other programs: good ones are scored, bad ones named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from gvci.baselines import BASELINES
from gvci.cli import main
from gvci.data.dataset import PerturbationData
from gvci.evaluation.foreign import evaluate_predictions
from gvci.evaluation.score_table import BLOCKS, score_lines
from gvci.evaluation.scoring import SCORES

PROGRAM = """
import sys
import anndata, numpy, pandas
cells = anndata.read_h5ad(sys.argv[1])
log = cells.X.toarray()
obs = cells.obs
a, b = obs["cell_type"] == "A", obs["cell_type"] == "B"
base = obs["perturbation"] == "ctrl"
parts, labels = [], []
for label in ("G3", "G5+G6"):
    shift = log[a & (obs["perturbation"] == label)].mean(0) - log[a & base].mean(0)
    parts.append((log[b & base] + shift).clip(0))
    labels += [label] * len(parts[-1])
made = pandas.DataFrame({"perturbation": labels, "cell_type": "B", "batch": 7})
made.index = [f"x{i}" for i in range(len(made))]
order = numpy.arange(log.shape[1])[::-1][:-1]
names = pandas.DataFrame(index=[cells.var_names[i].lower() for i in order])
out = anndata.AnnData(numpy.concatenate(parts)[:, order], obs=made, var=names)
out.write_h5ad(sys.argv[2])
assert not any(module.startswith("gvci") for module in sys.modules)
"""


def test_a_program_that_knows_nothing_of_gvci(
    two_held_out: PerturbationData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, made = tmp_path / "data.h5ad", tmp_path / "scgen.h5ad"
    two_held_out.write(file)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(file), str(made)], check=True
    )
    words = ["evaluate", str(file), "--predictions", str(made), "--name", "scGen", "--json"]
    assert main(words) == 0
    told = capsys.readouterr().out
    answer = json.loads(told.splitlines()[-1])
    assert "scGen" in answer["verdict"]
    assert answer["verdict"] in told
    assert list(answer["models"]) == ["scGen", *BASELINES]
    assert answer["predictions"]["n_genes"] == 23  # G0 is missing
    assert answer["predictions"]["n_cells"] == 180
    assert "23 of them but for case" in answer["predictions"]["notes"][0]
    # It says what the additive baseline says.
    own, additive = answer["models"]["scGen"], answer["models"]["additive"]
    assert own["r2_de"] == pytest.approx(additive["r2_de"], abs=0.01)
    assert answer["ceiling"]["r2_de"] > 0.9


@pytest.mark.filterwarnings("ignore:.*encoding metadata")
def test_a_file_written_with_h5py_alone(
    two_held_out: PerturbationData, true_cells: ad.AnnData, tmp_path: Path
) -> None:
    cells, text = true_cells, h5py.string_dtype()
    with h5py.File(tmp_path / "made.h5ad", "w") as file:
        file["X"] = np.asarray(cells.X, dtype=">f8")
        for name, index in (("obs", cells.obs_names), ("var", cells.var_names)):
            group = file.create_group(name)
            group.create_dataset("names", data=list(index), dtype=text)
            group.attrs.update({"_index": "names", "encoding-type": "dataframe",
                                "encoding-version": "0.2.0"})  # fmt: skip
            group.attrs["column-order"] = np.array([], dtype=object).astype(text)
        columns = ("cell_type", "perturbation")
        for column in columns:
            values = [str(value) for value in cells.obs[column]]
            file["obs"].create_dataset(column, data=values, dtype=text)
        file["obs"].attrs["column-order"] = np.array(columns, dtype=text)
    result = evaluate_predictions(tmp_path / "made.h5ad", two_held_out)
    assert result["predictions"]["name"] == "made"
    assert result["models"]["made"]["r2_all"] == pytest.approx(1)


def test_the_table_has_a_line_per_model_and_leaves_out_what_nobody_has() -> None:
    rows = {"ours": {"r2_all": 0.5, "rank": None}, "ceiling": {"r2_all": 1.0, "des": None}}
    assert list(score_lines(rows)) == [
        "         r2_all",
        "   ours   0.500",
        "ceiling   1.000",
    ]
    assert {name for block in BLOCKS for name in block} == set(SCORES)


def test_a_dataset_alone_has_its_baselines(
    two_held_out: PerturbationData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_held_out.write(tmp_path / "data.h5ad")
    assert main(["evaluate", str(tmp_path / "data.h5ad")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("The strongest baseline on the 24 most changed genes is ")
    assert "ceiling" in told
    assert main(["evaluate", str(tmp_path / "data.h5ad"), "--name", "scGen"]) == 2
    assert "--name is the name of --predictions" in capsys.readouterr().err


def broken(made: ad.AnnData, folder: Path) -> dict[str, tuple[str, str]]:
    """Fault → a file with it, and what the sentence must say."""

    def other(name: str, change: Callable[[ad.AnnData], ad.AnnData | None]) -> str:
        cells = made.copy()
        cells = change(cells) or cells
        file = folder / f"{name}.h5ad"
        cells.write_h5ad(file)
        return str(file)

    def value(x: float) -> Callable[[ad.AnnData], None]:
        return lambda cells: cells.X.__setitem__((3, 5), x)

    def whole(values: np.ndarray) -> Callable[[ad.AnnData], ad.AnnData]:
        return lambda cells: ad.AnnData(values.astype(np.float32), cells.obs, cells.var)

    def renamed(names: list[str]) -> Callable[[ad.AnnData], ad.AnnData]:
        return lambda cells: ad.AnnData(cells.X, cells.obs, pd.DataFrame(index=pd.Index(names)))

    def obs(**columns: Any) -> Callable[[ad.AnnData], ad.AnnData]:
        return lambda cells: ad.AnnData(cells.X, cells.obs.assign(**columns), cells.var)

    text, cut = folder / "text.h5ad", folder / "cut.h5ad"
    text.write_text("cell,gene\n1,2\n")
    good = Path(other("good", lambda cells: None))
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    ids = [f"ENSG{i:011d}" for i in range(24)]
    return {
        "no file": (str(folder / "none.h5ad"), "There is no file"),
        "text": (str(text), "text.h5ad is not an .h5ad file"),
        "cut": (str(cut), "cut short or damaged"),
        "a folder": (str(folder), "cannot be opened"),
        "nan": (other("nan", value(np.nan)), "1 predicted values of nan.h5ad are NaN or infinite"),
        "huge": (
            other("huge", whole(np.full(made.shape, 300.5))), "go up to 300.5 and are not whole"
        ),
        "scaled": (
            other("scaled", whole(made.X - made.X.mean(axis=0))), "look scaled or centred"
        ),
        "zeros": (other("zeros", whole(np.zeros(made.shape))), "are 0. Give counts or log1p"),
        "other unit": (
            other("unit", whole(made.X / 40)), "look like logarithms of another unit"
        ),
        "ensembl": (other("ids", renamed(ids)), "the file Ensembl ids (ENSG00000000000, "),
        "numbers": (other("ns", renamed([str(i) for i in range(24)])), "the file numbers (0, 1 "),
        "few genes": (
            other("few", lambda cells: cells[:, :11].copy()), "Only 11 of the 24 genes of the data"
        ),
        "no column": (
            other("column", lambda cells: ad.AnnData(
                cells.X, cells.obs.rename(columns={"cell_type": "celltype"}), cells.var
            )),
            "has no column 'cell_type'; its columns: celltype, perturbation. Predicted cells need "
            "the data's columns of perturbation and covariates. Did you mean celltype?",
        ),
        "other group": (other("group", obs(cell_type="C")), "None of its covariates is among"),
        "other label": (other("label", obs(perturbation="G33")), "None of its perturbations is"),
        "only control": (other("control", obs(perturbation="ctrl")), "it has no treated cells"),
    }  # fmt: skip


FAULTS = (
    "no file", "text", "cut", "a folder", "nan", "huge", "scaled", "zeros", "other unit",
    "ensembl", "numbers", "few genes", "no column", "other group", "other label", "only control",
)  # fmt: skip


def test_each_bad_file_is_one_sentence_and_exit_code_2(
    two_held_out: PerturbationData,
    true_cells: ad.AnnData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    two_held_out.write(tmp_path / "data.h5ad")
    cases = broken(true_cells, tmp_path)
    assert set(cases) == set(FAULTS)
    for fault, (file, sentence) in cases.items():
        words = ["evaluate", str(tmp_path / "data.h5ad"), "--predictions", file]
        assert main(words) == 2, fault
        told = capsys.readouterr().err
        assert sentence in told, (fault, told)
        assert told.startswith("gvci: ")
        assert "Traceback" not in told
        assert told.count("\n") == 1, told
