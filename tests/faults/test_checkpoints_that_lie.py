"""FAULTS F37: weights that are no numbers, shapes that do not fit, settings that lie."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gvci.checkpoint import load_checkpoint, save_checkpoint
from gvci.config import PUBLISHED, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.errors import CheckpointError
from gvci.prediction.trained_model import TrainedModel
from gvci.run import MODEL, Run
from gvci.training.ensemble import train
from tests.faults.conftest import TINY, VCI

ROOT = Path(__file__).parents[2]


def rewritten(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Change tensors and header of a model file, the checksum with them."""
    tensors, header = load_checkpoint(file)
    change(tensors, header)
    save_checkpoint(file, tensors, header)


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
from gvci.prediction.trained_model import TrainedModel

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
