"""Cells a portion at a time, from memory and from a mapped file: the same numbers, flat memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from gvci import RefineSettings, Run, TrainSettings, evaluate, refine, train
from gvci.data import laid, portions
from gvci.data.dataset import PerturbationData
from gvci.data.encoding import TreatmentCode
from gvci.data.numbering import Treatments, numbered
from gvci.data.roles import Columns
from gvci.errors import FileError
from gvci.training.task import GraphVCITask

NARROW = {
    "latent": 8, "width": 16, "outcome_embedding": 16, "graph_latent": 8, "covariate_embedding": 4,
    "batch_size": 32, "max_steps": 6, "evaluate_every": 3, "members": 1, "inner_folds": 1,
}  # fmt: skip


def mapped(values: np.ndarray) -> bool:
    """Whether an array lies in a file."""
    base: Any = values
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small matrices are laid plain too."""
    monkeypatch.setattr(laid, "LARGE", 1)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small matrices have many portions."""
    monkeypatch.setattr(portions, "MOST_VALUES", 5_000)
    monkeypatch.setattr("gvci.refiner.residuals.MOST_NUMBERS", 20_000)


# --- files -------------------------------------------------------------------------------


@pytest.mark.usefixtures("plain")
def test_a_large_matrix_stays_in_the_file(small_data: PerturbationData, tmp_path: Path) -> None:
    file = tmp_path / "data.h5ad"
    small_data.write(file)
    first = file.read_bytes()
    data = PerturbationData.read(file)
    for matrix, theirs in (
        (data.expression, small_data.expression),
        (data.counts, small_data.counts),
    ):
        assert all(mapped(part) for part in (matrix.data, matrix.indices, matrix.indptr))
        assert not matrix.data.flags.writeable
        np.testing.assert_array_equal(matrix.toarray(), theirs.toarray())
    assert data.fingerprint == small_data.fingerprint
    assert data.meta == small_data.meta
    data.write(tmp_path / "again.h5ad")
    assert (tmp_path / "again.h5ad").read_bytes() == first
    foreign = ad.read_h5ad(file)
    np.testing.assert_array_equal(foreign.X.toarray(), small_data.expression.toarray())
    np.testing.assert_array_equal(foreign.layers["counts"].toarray(), small_data.counts.toarray())


def test_a_small_matrix_is_compressed_and_read(small_data: PerturbationData, tmp_path: Path):
    small_data.write(tmp_path / "data.h5ad")
    data = PerturbationData.read(tmp_path / "data.h5ad")
    assert not mapped(data.expression.data)


@pytest.mark.usefixtures("plain")
def test_files_of_others_are_read_whole(small_data: PerturbationData, tmp_path: Path) -> None:
    file = tmp_path / "data.h5ad"
    small_data.write(file)
    with h5py.File(file, "r+") as opened:
        del opened["uns/gvci"]
    from gvci.data.door.read import read_cells

    assert not mapped(read_cells(file).X.data)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("fault", ["outside", "unsorted", "backwards", "short"])
def test_mapped_matrices_that_lie_are_refused(
    fault: str, small_data: PerturbationData, tmp_path: Path
) -> None:
    file = tmp_path / "data.h5ad"
    small_data.write(file)
    with h5py.File(file, "r+") as opened:
        indices, indptr = opened["X/indices"], opened["X/indptr"]
        if fault == "outside":
            indices[7] = len(small_data.genes)
        if fault == "unsorted":
            indices[:2] = indices[:2][::-1]
        if fault == "backwards":
            indptr[3] = indptr[5] + 1
        place = opened["layers/counts/indptr"].id.get_offset()
    if fault == "short":
        file.write_bytes(file.read_bytes()[:place])
    with pytest.raises(FileError, match=r"cut short or damaged"):
        PerturbationData.read(file)


# --- the same numbers --------------------------------------------------------------------


def answers(data: PerturbationData, prior: Any) -> list[Any]:
    """All that training, refinement and scores give."""
    network = refine(data, prior, RefineSettings(rounds=2, halves=1, components=8))
    found: list[Any] = [network.table.to_csv(), json.dumps(network.meta["hidden"])]
    for kernel in ("means", "match"):
        settings = TrainSettings(**NARROW, kernel=kernel) if kernel == "means" else None
        settings = settings or TrainSettings.preset("paper", **NARROW)
        model = train(data, network.adopted(), settings)
        found += [v.numpy() for v in model.members[0].core.state_dict().values()]
        found += [model.gate.corrections, model.header["data_hash"]]
    scores = evaluate(Run.of(model, data), data, "ood")
    return [*found, json.dumps(scores["pairs"]), scores["verdict"]]


@pytest.mark.usefixtures("plain", "many")
def test_a_mapped_file_gives_what_memory_gives_to_the_last_bit(
    small_data: PerturbationData, small_simulation: Any, tmp_path: Path
) -> None:
    small_data.write(tmp_path / "data.h5ad")
    there = PerturbationData.read(tmp_path / "data.h5ad")
    here = PerturbationData(small_data.adata.copy(), small_data.columns, small_data.meta)
    assert mapped(there.expression.data)
    assert not mapped(here.expression.data)
    assert len(list(portions.portions(there.expression))) > 3
    for one, other in zip(
        *(answers(data, small_simulation.prior) for data in (there, here)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_portions_are_all_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = sp.random(60, 40, 0.2, "csr", np.float32, random_state=0)
    rows = np.random.default_rng(0).permutation(60)[:33]
    whole = [portions.mean(matrix, rows), portions.mean_of_squares(matrix, rows)]
    member = np.arange(33) % 4
    sizes = np.bincount(member, minlength=5)
    whole += [portions.averages(matrix, rows, member, sizes).toarray()]
    whole += [portions.row_squares(matrix)]
    monkeypatch.setattr(portions, "MOST_VALUES", 30)
    for chosen in (rows, None, rows[:0]):
        parts = list(portions.portions(matrix, chosen))
        expected = matrix.toarray() if chosen is None else matrix.toarray()[chosen]
        np.testing.assert_array_equal(np.vstack([p.toarray() for _, p in parts]), expected)
        for here, part in parts:
            np.testing.assert_array_equal(part.toarray(), expected[here])
            assert part.nnz <= 30 or part.shape[0] == 1
    values = matrix.toarray()[rows].astype(np.float64)
    parted = [portions.mean(matrix, rows), portions.mean_of_squares(matrix, rows)]
    parted += [portions.averages(matrix, rows, member, sizes).toarray()]
    parted += [portions.row_squares(matrix)]
    for one, other in zip(parted, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(parted[0], values.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(parted[2][3], values[member == 3].mean(axis=0), rtol=1e-6)
    assert (parted[2][4] == 0).all()


def test_numbers_of_labels_are_those_of_the_sorted_words() -> None:
    rng = np.random.default_rng(0)
    one = np.array(["b", "a", "a b", "B"], dtype=object)[rng.integers(4, size=50)]
    other = np.array(["1", "10", "2"], dtype=object)[rng.integers(3, size=50)]
    words, place = np.unique([f"{a}\t{b}" for a, b in zip(one, other, strict=True)], False, True)
    names, found = numbered(one, other)
    assert names == list(words)
    np.testing.assert_array_equal(found, place)


def test_treatments_are_those_of_each_cell() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["control", "A", "B", "A+B"], dtype=object)[rng.integers(4, size=60)]
    doses = np.array([0, 0.5, 0.5000001, 2], dtype=np.float32)[rng.integers(4, size=60)]
    coded = np.arange(60) % 7 > 0
    labels[~coded] = "never seen"
    code = TreatmentCode.of(["A", "B", "A+B"], "control")
    treatments = Treatments(code, labels, doses, coded)
    rows = rng.permutation(60)
    expected = np.zeros((60, 3), dtype=np.float32)
    expected[coded] = code.encode(list(labels[coded]), list(doses[coded]))
    np.testing.assert_array_equal(treatments[rows], expected[rows])
    assert treatments.width == 3


# --- flat memory -------------------------------------------------------------------------


@pytest.mark.usefixtures("plain", "many")
def test_training_and_refinement_allocate_less_than_the_cells_take(
    small_simulation: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    genes = [*small_simulation.prior.genes, *(f"X{i}" for i in range(340))]
    cells, inside = 8_000, 200
    values = rng.random((cells, len(genes))).argpartition(inside, axis=1)[:, :inside]
    indices = np.sort(values, axis=1).astype(np.int32).ravel()
    data = rng.gamma(4, 0.3, cells * inside).astype(np.float32)
    starts = np.arange(cells + 1, dtype=np.int32) * inside
    matrix = sp.csr_matrix((data, indices, starts), shape=(cells, len(genes)))
    obs = pd.DataFrame({"type": rng.choice(["a", "b"], cells)})
    obs["perturbation"] = rng.choice(["control", *genes[:3]], cells)
    obs["split"] = rng.choice(["train", "validation", "test"], cells, p=[0.8, 0.1, 0.1])
    obs.index = obs.index.astype(str)
    columns = Columns("perturbation", "control", ("type",))
    made = ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=genes))
    PerturbationData(made, columns).write(tmp_path / "data.h5ad")
    size = matrix.data.nbytes + matrix.indices.nbytes
    there = PerturbationData.read(tmp_path / "data.h5ad")
    _ = there.strata, there.covariates, there.is_control
    settings = TrainSettings(**{**NARROW, "latent": 4})
    network = small_simulation.prior.restricted(there.genes)
    GraphVCITask(there, network, settings)  # imports what it imports

    def peak(work: Any) -> int:
        tracemalloc.start()
        work()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    monkey = pytest.MonkeyPatch()
    monkey.setattr("gvci.model.start.MOST_CELLS", 200)
    for work in (
        lambda: there.fingerprint,
        lambda: GraphVCITask(there, network, settings),
        lambda: refine(there, small_simulation.prior, RefineSettings(rounds=1, halves=1)),
    ):
        assert peak(work) < 0.3 * size
    monkey.undo()
