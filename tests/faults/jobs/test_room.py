"""What a job needs is told before it starts, and a job that needs too much is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvci.config import RefineSettings, TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation
from gvci.data.size import DataSize, data_size
from gvci.errors import FileError, GvciError, JobError, SettingsError
from gvci.jobs import control, estimate
from gvci.jobs.estimate import refine_needs, require_room, train_needs
from gvci.jobs.limits import allowed_memory
from gvci.jobs.request import Request
from gvci.jobs.state import Job, jobs_of_all
from tests.faults.jobs.conftest import ended, log_of

SIZE = DataSize("Cells", 20_000, 2_000, 6_000_000, True, 20, 160, 60_000_000)
WITHIN = (0.7, 1.5)  # of the measured peak


def test_f34_the_size_is_read_from_the_head_alone(cells: Path, small_data: PerturbationData):
    size = data_size(cells)
    assert size.title == small_data.title
    assert (size.cells, size.genes) == (small_data.n_cells, len(small_data.genes))
    assert size.values == small_data.expression.nnz
    assert size.counts
    assert size.labels == 1 + len(small_data.perturbations)
    groups = len(set(small_data.groups))
    assert size.arms == size.labels * groups
    assert size.file_bytes == cells.stat().st_size


@pytest.mark.parametrize("content", [None, b"", b"no HDF5"])
def test_f34_what_is_not_prepared_has_no_size(tmp_path: Path, content: bytes | None):
    file = tmp_path / "x.h5ad"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileError, match=r"x\.h5ad is missing, damaged, or not a prepared"):
        data_size(file)
    with pytest.raises(FileError):
        control.start(Request(verb="train", data=str(file)))
    assert jobs_of_all() == []


def test_f34_the_estimate_of_a_training_is_near_its_peak(undisturbed: Job):
    assert undisturbed.request is not None
    needs = estimate.estimate(undisturbed.request)
    assert needs is not None
    assert WITHIN[0] < needs.memory / undisturbed.end["peak_bytes"] < WITHIN[1]
    written = sum(f.stat().st_size for f in undisturbed.folder.rglob("*") if f.is_file())
    assert needs.disk > written


def test_f34_the_estimate_of_a_refinement_is_near_its_peak(
    cells: Path, small_simulation: Simulation, tmp_path: Path
):
    prior = tmp_path / "prior.csv"
    small_simulation.prior.edges.to_csv(prior, index=False)
    request = Request(verb="refine", data=str(cells), network=str(prior), preset="quick")
    job = ended(control.start(request))
    assert job.state == "done", log_of(job)
    needs = estimate.estimate(request)
    assert needs is not None
    assert WITHIN[0] < needs.memory / job.end["peak_bytes"] < WITHIN[1]
    assert (job.folder / "edges.parquet").is_file()


@given(
    st.sampled_from(["cells", "genes", "values", "arms"]),
    st.integers(2, 20),
    st.sampled_from(["train", "paper", "quick", "gcn"]),
)
def test_f34_more_of_anything_never_needs_less(what: str, times: int, how: str):
    more = replace(SIZE, **{what: getattr(SIZE, what) * times})
    needs = [
        train_needs(size, TrainSettings.preset("paper" if how == "paper" else "standard"))
        if how in ("train", "paper")
        else refine_needs(size, RefineSettings.preset("paper" if how == "gcn" else "quick"), 400)
        for size in (SIZE, more)
    ]
    for quantity in ("memory", "disk", "seconds"):
        assert getattr(needs[1], quantity) >= getattr(needs[0], quantity) > 0


def test_f34_a_refusal_names_what_fits_and_that_does_fit(request_of, monkeypatch):
    """9 GB where 4 are allowed, as in the table of faults."""
    big = replace(SIZE, genes=20_000, cells=8_000, values=40_000_000)
    monkeypatch.setattr(estimate, "data_size", lambda path: big)
    monkeypatch.setenv("GVCI_MAX_MEMORY", "2.5")
    request = request_of(outcome_embedding=512, width=256, batch_size=256)
    with pytest.raises(JobError) as refused:
        require_room(request, Path("/"))
    told = str(refused.value)
    found = re.search(r"needs about ([\d.]+) GB of memory, 2\.5 GB are allowed: use at most "
                      r"([\d,]+) genes", told)  # fmt: skip
    assert found, told
    genes = int(found[2].replace(",", ""))
    fitting = replace(big, genes=genes, values=int(big.values * genes / big.genes))
    needs = train_needs(fitting, TrainSettings.preset("standard", **request.settings))
    assert 0.9 * allowed_memory() < needs.memory <= allowed_memory()
    monkeypatch.setattr(estimate, "data_size", lambda path: fitting)
    require_room(request, Path("/"))


def test_f34_a_smaller_batch_is_named_where_it_helps(request_of, monkeypatch):
    monkeypatch.setattr(estimate, "data_size", lambda path: SIZE)
    monkeypatch.setenv("GVCI_MAX_MEMORY", "1.5")
    with pytest.raises(JobError, match="genes or a smaller batch"):
        require_room(request_of(batch_size=4096), Path("/"))


@pytest.mark.parametrize("word", ["much", "0", "-1", "nan", "inf"])
def test_f34_a_senseless_limit_is_refused(monkeypatch, word: str):
    monkeypatch.setenv("GVCI_MAX_MEMORY", word)
    with pytest.raises(SettingsError, match="GVCI_MAX_MEMORY is"):
        allowed_memory()


def test_f34_settings_are_checked_before_the_start(request_of):
    for wrong in ({"latnt": 3}, {"latent": 0}):
        with pytest.raises(GvciError, match="lat"):
            control.start(request_of(**wrong))
    assert jobs_of_all() == []
