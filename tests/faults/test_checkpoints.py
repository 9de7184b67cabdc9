"""FAULTS F35–F37: model files and networks that are damaged, foreign, hostile, or of other genes.

A file loads as it was written, or is refused with one sentence; nothing in it is ever run.
"""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save

from gvci.checkpoint import LARGEST_HEAD, checksum, load_checkpoint, save_checkpoint
from gvci.config import PUBLISHED, RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.ensemble import train
from gvci.errors import CheckpointError, GRNError
from gvci.prediction import TrainedModel
from gvci.refiner.result import NOTES, TABLE, RefinedGRN
from gvci.registry import register
from gvci.run import DATA, MODEL, Run, make_run
from gvci.training import refine
from gvci.unfinished import Unfinished
from tests.app.conftest import OpenPage, open_page, own_runs, sound

__all__ = ["open_page", "own_runs"]  # fixtures

ARCHIVE = Path(__file__).parent / "archives" / "vci-format-1.safetensors"
ROOT = Path(__file__).parents[2]
TINY = {
    "latent": 4, "width": 8, "depth": 1, "outcome_embedding": 8, "covariate_embedding": 2,
    "max_steps": 2, "evaluate_every": 2,
}  # fmt: skip
VCI = {**TINY, "model": "vci", "inner_folds": 0, "members": 1}
DAMAGED = r"damaged|not a gvci model file|not written by gvci|has checkpoint format"


@pytest.fixture(scope="module")
def trained(small_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose widths are all smaller than the unused graph_latent, 128."""
    folder = tmp_path_factory.mktemp("checkpoints")
    small_data.write(folder / "cells.h5ad")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        make_run(
            folder / "cells.h5ad", None, TrainSettings.checked(VCI), "standard", folder / "run"
        )
    return folder / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def network(
    small_data: PerturbationData,
    small_simulation: Simulation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a refined network."""
    folder = tmp_path_factory.mktemp("network") / "grn"
    settings = RefineSettings.preset("paper", max_steps=2, evaluate_every=2)
    refine(small_data, small_simulation.prior, settings, "paper").save(folder, DATA)
    return folder


def rewritten(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Change tensors and header of a model file, the checksum with them."""
    tensors, header = load_checkpoint(file)
    change(tensors, header)
    save_checkpoint(file, tensors, header)


def flips(whole: bytes, count: int, seed: int = 35) -> list[bytes]:
    """The same bytes with one bit flipped, so many times."""
    rng, made = np.random.default_rng(seed), []
    for position in rng.integers(len(whole), size=count):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        made.append(bytes(damaged))
    return made


# --- F35 -------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [*range(0, 16, 2), 15.99])
def test_f35_cut_short(run: Path, part: float) -> None:
    whole = (run / MODEL).read_bytes()
    (run / MODEL).write_bytes(whole[: int(len(whole) * part / 16)])
    with pytest.raises(CheckpointError, match=r"damaged|not a gvci model file") as caught:
        _ = Run.open(run).model
    assert "Copy it again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_f35_300_flipped_bits_are_refused_or_change_nothing(run: Path) -> None:
    """Names in the header count as values do: another gene's name is another model."""
    file = run / MODEL
    whole, (tensors, header) = file.read_bytes(), load_checkpoint(file)
    refused = 0
    for damaged in flips(whole, 300):
        file.write_bytes(damaged)
        try:
            found, said = load_checkpoint(file)
        except CheckpointError as error:
            refused += 1
            assert "\n" not in str(error)
            continue
        assert said == header
        assert all(found[name].equal(tensor) for name, tensor in tensors.items())
    assert refused >= 295
    head = 8 + int.from_bytes(whole[:8], "little")
    for damaged in flips(whole[:head], 100):
        file.write_bytes(damaged + whole[head:])
        with pytest.raises(CheckpointError, match=DAMAGED):
            load_checkpoint(file)


@pytest.mark.parametrize(
    "content",
    [
        b"this is text",
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        b"\x89HDF\r\n\x1a\n" + bytes(64),
        b"PK\x03\x04" + bytes(64),
        (10**9).to_bytes(8, "little") + b"{" + b" " * 64,
        (2**63).to_bytes(8, "little") + b"{}",
    ],
    ids=["text", "empty", "png", "hdf5", "zip", "header of a gigabyte", "header of 9e18"],
)
def test_f35_wrong_magic_and_a_lying_header(run: Path, content: bytes) -> None:
    (run / MODEL).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is not a gvci model file, or it is damaged"):
        _ = Run.open(run).model


def test_f35_a_header_that_is_large_for_real_is_not_parsed(tmp_path: Path) -> None:
    file = tmp_path / MODEL
    with file.open("wb") as written:  # sparse: takes no disk
        written.write((LARGEST_HEAD + 1).to_bytes(8, "little") + b"{")
        written.truncate(LARGEST_HEAD + 64)
    with pytest.raises(CheckpointError, match="is not a gvci model file"):
        load_checkpoint(file)


def deep(metadata: str) -> bytes:
    head = json.dumps({"__metadata__": {"gvci": metadata}}).encode()
    return len(head).to_bytes(8, "little") + head


@pytest.mark.parametrize(
    "content",
    [
        deep("[" * 100_000),
        deep('{"a":' * 100_000),
        deep("17"),
        deep('{"format": "2"}'),
        deep('{"format": true}'),
        save({"w": torch.ones(2, dtype=torch.bfloat16)}, metadata={"gvci": '{"format": 2}'}),
        save({"w": torch.ones(2)}, metadata={"gvci": '{"format": 2}'}),
        save({"w": torch.ones(2)}),
    ],
    ids=["nested lists", "nested objects", "number", "format of text", "format of yes", "bfloat16",
         "no checksum", "another program's"],
)  # fmt: skip
def test_f35_headers_that_no_gvci_wrote(run: Path, content: bytes) -> None:
    (run / MODEL).write_bytes(content)
    with pytest.raises(CheckpointError, match=DAMAGED):
        _ = Run.open(run).model


class Canary:
    """Unpickling it leaves a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def pickles(canary: Path) -> list[bytes]:
    """A bare pickle, and what torch.save makes of one."""
    bare = pickle.dumps(Canary(canary))
    zipped = canary.with_suffix(".zip")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("archive/data.pkl", bare)
        archive.writestr("archive/version", "3")
    return [bare, zipped.read_bytes()]


def test_f35_a_pickle_by_another_name_is_never_run(
    run: Path, network: Path, tmp_path: Path, small_data: PerturbationData
) -> None:
    canary = tmp_path / "canary"
    bare, zipped = pickles(canary)
    pickle.loads(bare)
    assert canary.exists()  # it does work
    canary.unlink()
    for content in (bare, zipped):
        (run / MODEL).write_bytes(content)
        with pytest.raises(CheckpointError, match="not a gvci model file"):
            _ = Run.open(run).model
        (run / "member 1.safetensors").write_bytes(content)
        assert Unfinished(run / "member 1.safetensors", "key").load() is None
        for name in (TABLE, NOTES):
            copy = tmp_path / "copy"
            shutil.copytree(network, copy, dirs_exist_ok=True)
            (copy / name).write_bytes(content)
            with pytest.raises(GRNError, match="is not a refined network, or it is damaged"):
                RefinedGRN.load(copy)
    assert not canary.exists()


def test_f35_an_unfinished_training_that_is_damaged_starts_over(tmp_path: Path) -> None:
    file = Unfinished(tmp_path / "member 1.safetensors", "key")
    tensors, loop = {"live.w": torch.arange(9.0)}, {"rows": [{"step": 3}], "best": 0.5}
    file.save(tensors, loop)
    whole = file.path.read_bytes()
    for damaged in flips(whole, 300):
        file.path.write_bytes(damaged)
        found = file.load()
        assert found is None or (found[0]["live.w"].equal(tensors["live.w"]) and found[1] == loop)
    save_checkpoint(file.path, tensors, {"key": "key"})
    assert file.load() is None  # without its notes


@pytest.mark.parametrize("name", [NOTES, TABLE])
def test_f35_a_network_is_refused_or_as_it_was(network: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(network, tmp_path / "grn")
    file, own = tmp_path / "grn" / name, RefinedGRN.load(network)
    whole, refused = file.read_bytes(), 0
    for damaged in [*flips(whole, 150), *(whole[: len(whole) * k // 8] for k in range(8))]:
        file.write_bytes(damaged)
        try:
            found = RefinedGRN.load(tmp_path / "grn")
        except GRNError:
            refused += 1
            continue
        pd.testing.assert_frame_equal(found.table, own.table, check_exact=True)
        assert (found.meta, found.alpha, list(found.genes)) == (
            own.meta,
            own.alpha,
            list(own.genes),
        )
    assert refused >= 150


@pytest.mark.parametrize("fault", ["cut", "flipped", "foreign"])
def test_f35_the_page_says_it_and_another_run_still_opens(
    open_page: OpenPage, run: Path, fault: str
) -> None:
    file = run / MODEL
    content = bytearray(file.read_bytes())
    if fault == "cut":
        content = content[: len(content) // 2]
    elif fault == "flipped":
        content[-100] ^= 0x55
    else:
        content = bytearray(b"\x80\x04pickle" + bytes(200))
    file.write_bytes(bytes(content))
    name = register(run, "run", "damaged")
    assert name is not None
    test = open_page("counterfactual", run=name)
    assert len(test.error) == 1
    assert "model.safetensors" in sound(test)
    assert not open_page("counterfactual").error


# --- F36 -------------------------------------------------------------------------------


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
    assert "The model was trained on log1p CP10k, the cells in " in str(caught.value)
    assert "are in log1p counts per 1,000,000. Prepare them again" in str(caught.value)


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
        "model.safetensors has checkpoint format 99, of a newer gvci; this version reads up to 2. "
        "Update gvci, or train again."
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


# --- F37 -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_f37_weights_that_are_not_finite(run: Path, value: float) -> None:
    def spoil(tensors: dict[str, Any], header: dict[str, Any]) -> None:
        tensors["0.core.projection.weight"][0, :3] = value

    rewritten(run / MODEL, spoil)
    with pytest.raises(CheckpointError) as caught:
        _ = Run.open(run).model
    assert str(caught.value) == (
        "The model file model.safetensors holds 3 values that are not finite in "
        "0.core.projection.weight. Train again, with a lower learning rate."
    )


def spoilers() -> dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]]:
    """What is changed in a model's tensors t and header h, so that they do not fit."""
    weight = "0.core.projection.weight"
    return {
        "a row less": lambda t, h: t.update({weight: t[weight][:-1]}),
        "turned": lambda t, h: t.update({weight: t[weight].T}),
        "gone": lambda t, h: t.pop(weight),
        "one more": lambda t, h: t.update({"0.core.more": torch.ones(2)}),
        "of double length": lambda t, h: t.update({weight: t[weight].double()}),
        "whole numbers": lambda t, h: t.update({weight: t[weight].long()}),
        "a gene less": lambda t, h: h.update(genes=h["genes"][:-1]),
        "a perturbation more": lambda t, h: h["treatment"]["levels"].append("ZZZ"),
        "a gate of other genes": lambda t, h: t.update({"gate.corrections": torch.zeros(0, 0, 7)}),
        "an error of other genes": lambda t, h: t.update({"gate.error": torch.zeros(7)}),
        "no members": lambda t, h: h.update(members=0),
        "members below none": lambda t, h: h.update(members=-1),
        "a billion members": lambda t, h: h.update(members=10**9),
        "members in words": lambda t, h: h.update(members="2"),
        "genes of a number": lambda t, h: h.update(genes=60),
        "another model": lambda t, h: h["settings"].update(model="graphvci"),
        "no settings": lambda t, h: h.pop("settings"),
        "a setting of tomorrow": lambda t, h: h["settings"].update(tomorrow=1),
        "covariates of a number": lambda t, h: h.update(covariates=3),
    }


@pytest.mark.parametrize("name", spoilers())
def test_f37_tensors_that_do_not_fit_their_settings(run: Path, name: str) -> None:
    rewritten(run / MODEL, spoilers()[name])
    with pytest.raises(CheckpointError) as caught:
        _ = Run.open(run).model
    assert str(caught.value) == (
        "The tensors of model.safetensors do not fit its settings. Train again."
    )


LIES = """
import json, sys
from pathlib import Path
from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.config import TrainSettings
from gvci.errors import CheckpointError
from gvci.model import GraphVCI, Sizes
from gvci.prediction import TrainedModel

def peak():
    words = Path("/proc/self/status").read_text().split("VmPeak:")[1].split()
    return int(words[0]) / 1024

file, lied = Path(sys.argv[1]), Path(sys.argv[2])
TrainedModel.load(file)
tensors, header = load_checkpoint(file)
said, before = {}, peak()
for name in json.loads(sys.argv[3]):
    for value in (8_000, 10**9, 10**15, 10**30):
        settings = {**header["settings"], name: value}
        save_checkpoint(lied, tensors, {**header, "settings": settings})
        try:
            TrainedModel.load(lied)
            said[f"{name} {value}"] = "loaded"
        except CheckpointError as error:
            said[f"{name} {value}"] = str(error)
refusing = peak() - before
GraphVCI(TrainSettings(model="vci", width=8_000), Sizes(60, 5, 3, 3))
print(json.dumps({"said": said, "refusing": refusing, "building": peak() - before}))
"""
SIZES = ("latent", "width", "depth", "outcome_embedding", "covariate_embedding")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_f37_settings_that_lie_are_refused_before_anything_is_allocated(
    trained: Path, tmp_path: Path, small_data: PerturbationData
) -> None:
    """In MB of address space at most; building one of these networks takes more than 700."""
    lied = tmp_path / "lied.safetensors"
    files = {"vci": (trained / MODEL, [*SIZES, "bottleneck"])}
    for model, more in (("cpa", ["discriminator_width", "discriminator_depth"]), ("ae", [])):
        names = [name for name in SIZES if model != "cpa" or name != "covariate_embedding"]
        files[model] = tmp_path / f"{model}.safetensors", [*names, *more]
        usual = {k: v for k, v in TINY.items() if model != "cpa" or k != "covariate_embedding"}
        settings = TrainSettings.preset("paper", **{**usual, "model": model})
        train(small_data, None, settings).save(files[model][0])
    for file, names in files.values():
        command = [sys.executable, "-c", LIES, str(file), str(lied), json.dumps(names)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        told = json.loads(done.stdout)
        assert set(told["said"].values()) == {
            "The tensors of lied.safetensors do not fit its settings. Train again."
        }, told
        assert len(told["said"]) == 4 * len(names)
        assert told["refusing"] < 100
        assert told["building"] > 700


def test_f37_a_gene_embedding_of_another_size(
    small_data: PerturbationData, small_simulation: Simulation, tmp_path: Path
) -> None:
    settings = TrainSettings.checked({**VCI, "model": "graphvci", "graph_latent": 4})
    file = tmp_path / MODEL
    train(small_data, small_simulation.prior, settings).save(file)
    whole, members = file.read_bytes(), TrainedModel.load(file).members
    assert members[0].genes is not None
    for wrong in (torch.ones(60, 5), torch.ones(59, 4), None):
        file.write_bytes(whole)
        rewritten(
            file,
            lambda t, h, wrong=wrong: (
                t.pop("0.genes") if wrong is None else t.update({"0.genes": wrong})
            ),
        )
        with pytest.raises(CheckpointError, match="do not fit its settings"):
            TrainedModel.load(file)
    file.write_bytes(whole)
    rewritten(file, lambda t, h: h["settings"].update(graph_latent=10**9))
    with pytest.raises(CheckpointError, match="do not fit its settings"):
        TrainedModel.load(file)


@pytest.mark.parametrize("model", ["vci", *PUBLISHED])
def test_f37_a_tiny_panel_of_genes_is_no_lie(
    small_data: PerturbationData, tmp_path: Path, model: str
) -> None:
    """Every tensor is smaller than graph_latent, which these models have no use for."""
    data = small_data.on_genes(np.arange(12))
    if model == "vci":
        settings = TrainSettings.checked({**VCI, "latent": 2, "width": 4, "outcome_embedding": 4})
    else:
        few = {"max_steps": 2, "evaluate_every": 2, "width": 4, "latent": 2}
        settings = TrainSettings.preset("paper", **few, model=model)
    own = train(data, None, settings)
    own.save(tmp_path / MODEL)
    loaded = TrainedModel.load(tmp_path / MODEL)
    rows = np.flatnonzero(data.is_control)[:20]
    code = data.treatment_code
    cells = data.dense(rows), data.covariates[rows], code.encode(["control"] * 20)
    other = code.encode(["STAT1"] * 20)
    np.testing.assert_array_equal(
        loaded.counterfactual(*cells, other), own.counterfactual(*cells, other)
    )
