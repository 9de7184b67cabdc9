"""FAULTS F36: models of other genes, order, species, scale and formats, each its own sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save

from gvci.checkpoint import FORMAT, checksum, load_checkpoint
from gvci.data.dataset import PerturbationData
from gvci.errors import CheckpointError, GRNError
from gvci.prediction.trained_model import TrainedModel
from gvci.refiner.result import NOTES, RefinedGRN
from gvci.run import DATA, MODEL, Run

ARCHIVE = Path(__file__).parent / "archives" / "vci-format-1.safetensors"


def with_cells(run: Path, change: Callable[[PerturbationData], PerturbationData]) -> Run:
    """The run with other cells beside it."""
    change(PerturbationData.read(run / DATA)).write(run / "other.h5ad")
    (run / "other.h5ad").replace(run / DATA)
    return Run.open(run)


def renamed(data: PerturbationData, names: list[str]) -> PerturbationData:
    adata = data.adata.copy()
    adata.var_names = names
    return PerturbationData(adata, data.columns, data.meta)


def test_f36_genes_in_another_order_are_put_right(trained: Path, run: Path) -> None:
    own = Run.open(trained)
    order = np.random.default_rng(0).permutation(len(own.data.genes))
    other = with_cells(run, lambda data: data.on_genes(order))
    stored = PerturbationData.read(run / DATA)
    assert list(stored.genes) != list(own.data.genes)
    assert list(other.data.genes) == list(own.data.genes) == list(own.model.genes)
    rows = np.flatnonzero(own.data.is_control)[:20]
    np.testing.assert_array_equal(other.predict(rows, "STAT1"), own.predict(rows, "STAT1"))


def test_f36_other_genes_are_counted(run: Path) -> None:
    genes = list(Run.open(run).model.genes)
    other = with_cells(run, lambda data: renamed(data, ["GONE1", "GONE2", *genes[2:]]))
    with pytest.raises(CheckpointError) as caught:
        _ = other.data
    assert str(caught.value) == (
        f"2 of the model's 60 genes are not in the data: {genes[0]}, {genes[1]}. "
        "Use data with the genes that the model was trained on."
    )


def test_f36_another_species_and_ids_are_named(run: Path) -> None:
    genes = list(Run.open(run).model.genes)
    mouse = with_cells(run, lambda data: renamed(data, [gene.capitalize() for gene in genes]))
    with pytest.raises(CheckpointError) as caught:
        _ = mouse.data
    assert str(caught.value) == (
        "The model's 60 genes are named by human symbols, the data's 60 by mouse symbols, and 60 "
        "are not found. Use data of the same species and the same kind of names."
    )
    ids = with_cells(run, lambda data: renamed(data, [f"ENSG{i:011d}" for i in range(60)]))
    with pytest.raises(CheckpointError, match="human symbols, the data's 60 by Ensembl ids"):
        _ = ids.data


def test_f36_another_scale_is_named(run: Path) -> None:
    settings = {"settings": {"target_sum": 1e6}}
    other = with_cells(
        run,
        lambda data: PerturbationData(data.adata, data.columns, {**data.meta, **settings}),
    )
    with pytest.raises(CheckpointError) as caught:
        _ = other.data
    assert str(caught.value) == (
        "The model was trained on log1p CP10k, these cells are in log1p counts per 1,000,000. "
        "Prepare them again with the target_sum of the training."
    )


def test_f36_other_cells_of_the_same_genes(run: Path) -> None:
    def exchanged(data: PerturbationData) -> PerturbationData:
        adata = data.adata.copy()
        splits = adata.obs["split"].astype(str)
        adata.obs["split"] = splits.where(splits != "test", "train").to_numpy()
        return PerturbationData(adata, data.columns, data.meta)

    with pytest.raises(CheckpointError, match=r"are not those that this model was trained on"):
        _ = with_cells(run, exchanged).data


def test_f36_newer_and_older_formats_each_have_a_sentence(run: Path, network: Path) -> None:
    tensors, header = load_checkpoint(run / MODEL)
    said = {}
    for written in (99, 0, -1):
        header["format"] = written
        header["checksum"] = checksum(tensors, header)
        (run / MODEL).write_bytes(save(tensors, metadata={"gvci": json.dumps(header)}))
        with pytest.raises(CheckpointError) as caught:
            _ = Run.open(run).model
        said[written] = str(caught.value)
    assert said[99] == (
        "model.safetensors has checkpoint format 99, of a newer gvci; this version reads up to "
        f"{FORMAT}. Update gvci, or train again."
    )
    assert said[0] == (
        "model.safetensors has checkpoint format 0, of an older gvci; this version reads from 1 "
        "on. Train again, or use the version that wrote it."
    )
    shutil.copytree(network, run / "newer")
    notes = json.loads((run / "newer" / NOTES).read_text())
    (run / "newer" / NOTES).write_text(json.dumps({**notes, "format": 99}))
    with pytest.raises(GRNError, match="network has format 99, of a newer gvci"):
        RefinedGRN.load(run / "newer")


def test_f36_an_archived_file_of_the_first_format_is_read() -> None:
    """Written by the version before; its numbers are those of today's code on the same weights."""
    model = TrainedModel.load(ARCHIVE)
    assert model.header["format"] == 1
    assert list(model.genes)[:3] == ["STAT1", "IRF1", "JAK1"]
    code = model.treatment_code
    cells, covariates = np.ones((1, 12), np.float32), np.eye(1, 3, dtype=np.float32)
    other = code.encode([code.levels[0]])
    answer = model.counterfactual(cells, covariates, code.encode([code.control]), other)
    expected = [1.0195, 0.9609, 0.7793, 1.1617, 0.8897, 1.1753, 1.0049, 0.7665, 1.1402, 0.9665,
                0.7997, 0.9714]  # fmt: skip
    np.testing.assert_allclose(answer[0], expected, atol=1e-4)
