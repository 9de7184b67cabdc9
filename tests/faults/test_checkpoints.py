"""FAULTS F35: model files and networks that are damaged, or are something else.

A file loads as it was written, or is refused with one sentence; nothing in it is ever run.
"""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save

from gvci.checkpoint import LARGEST_HEAD, load_checkpoint, save_checkpoint
from gvci.data.dataset import PerturbationData
from gvci.errors import CheckpointError, GRNError
from gvci.refiner.result import NOTES, TABLE, RefinedGRN
from gvci.registry import register
from gvci.run import MODEL, Run
from gvci.unfinished import Unfinished
from tests.app.conftest import OpenPage, open_page, own_runs, sound

__all__ = ["open_page", "own_runs"]  # fixtures

DAMAGED = r"damaged|not a gvci model file|not written by gvci|has checkpoint format"


def flips(whole: bytes, count: int, seed: int = 35) -> list[bytes]:
    """The same bytes with one bit flipped, so many times."""
    rng, made = np.random.default_rng(seed), []
    for position in rng.integers(len(whole), size=count):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        made.append(bytes(damaged))
    return made


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
        except CheckpointError:
            refused += 1
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
