"""Summaries of a run: the cells' own numbers, the same bytes twice, and no cell in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvci.counterfactual import summaries
from gvci.counterfactual.answer import answer
from gvci.counterfactual.sample import SHARES, Sample
from gvci.counterfactual.scenario import Scenario
from gvci.data.tables import rounded
from gvci.errors import DataError
from gvci.run import Run

GROUP = "B cells"


@pytest.fixture(scope="module")
def written(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    summaries.write(Run.open(small_run), folder)
    return folder / "summaries"


def test_the_same_bytes_twice(small_run: Path, written: Path, tmp_path: Path):
    summaries.write(Run.open(small_run), tmp_path)
    files = sorted(file.name for file in written.iterdir())
    assert files == sorted(["answers.json", "labels.json", "labels.parquet", *summaries.TABLES])
    for name in files:
        assert (written / name).read_bytes() == (tmp_path / "summaries" / name).read_bytes()


@pytest.mark.parametrize("kind", ["control", "predicted", "measured"])
def test_the_numbers_are_those_of_the_cells(small_run: Path, written: Path, kind: str):
    run = Run.open(small_run)
    data, pair = run.data, ("STAT1", GROUP)
    table = pd.read_parquet(written / "summaries.parquet")
    own = table["perturbation"].isin(["", "STAT1"])
    rows = table[own & (table["group"] == GROUP) & (table["kind"] == kind)]
    assert rows["gene"].tolist() == list(data.genes)
    here = data.groups == GROUP
    cells = {
        "control": data.dense(np.flatnonzero(here & data.is_control)),
        "measured": data.dense(np.flatnonzero(here & (data.perturbation == "STAT1"))),
        "predicted": run.predict(np.flatnonzero(here & data.is_control), pair[0]),
    }[kind]
    assert set(rows["cells"]) == {len(cells)}
    np.testing.assert_allclose(rows["mean"], cells.mean(axis=0), rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(rows["variance"], cells.var(axis=0), rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(rows["detected"], (cells > 0).mean(axis=0), rtol=2e-4)
    quantiles = np.quantile(cells, SHARES, axis=0).T
    np.testing.assert_allclose(rows[summaries.LEVELS], quantiles, rtol=2e-3, atol=1e-4)


def test_too_few_cells_are_not_summarised(small_run: Path, monkeypatch: pytest.MonkeyPatch):
    run = Run.open(small_run)
    every = summaries.scenarios(run)
    assert Scenario("STAT1", GROUP) in every
    assert len(every) == 3 * 4
    monkeypatch.setattr(summaries, "FEWEST_CELLS", 37)
    without = summaries.scenarios(run)  # 60 controls, 36 cells of each perturbation
    assert without == []
    labels = run.data.perturbation
    run.data.perturbation = np.where(run.data.is_control, labels, "STAT1")
    assert [s.perturbation for s in summaries.scenarios(run) if s.group == GROUP] == [
        "CD86", "IRF1", "JAK2", "STAT1",
    ]  # fmt: skip


def test_cells_with_numbers_of_their_own_are_refused(small_run: Path, tmp_path: Path):
    run = Run.open(small_run)
    run.data.columns = replace(run.data.columns, real_covariates=("age",))
    with pytest.raises(DataError, match="real-valued covariates \\(age\\)"):
        summaries.write_labels(run.data, tmp_path)


# --- a sample ----------------------------------------------------------------------------


def test_rounding_keeps_so_many_digits():
    values = np.array([0.0, 1.0, np.pi, -1e-30, 1e30, np.nan, np.inf])
    found = rounded(values, 12)
    np.testing.assert_allclose(found, values, rtol=2**-12)
    assert np.frexp(found[2])[0] * 2**12 % 1 == 0


def test_a_summary_stands_for_its_cells(small_run: Path):
    found = answer(Run.open(small_run), Scenario("STAT1", GROUP))
    for sample in (found.control, found.predicted):
        short = sample.summarised()
        assert (short.n, short.summary) == (60, True)
        for at in range(60):
            gene, of_cells = short.gene(at), sample.gene(at)
            assert gene.mean == of_cells.mean
            assert len(gene.points()) == 60
            assert abs(np.median(gene.points()) - np.median(of_cells.values)) < 0.25
            shares, values = gene.curve()
            assert (np.diff(values) >= 0).all()
            assert (np.diff(shares) >= 0).all()
            # The curve is that of the cells, but for what lies between two quantiles.
            at_cells = np.searchsorted(np.sort(of_cells.values), values, side="right") / 60
            assert (np.abs(at_cells - shares) <= 0.05 + 1 / 59 + 1e-9)[values > 0].all()


def test_zeros_end_where_the_detected_cells_begin():
    cells = np.r_[np.zeros(88), np.linspace(1, 2, 12)][:, None]
    gene = Sample.of(cells).summarised().gene(0)
    shares, values = gene.curve()
    assert values[shares <= 0.88].max() == 0
    assert 0.88 in shares
    assert (gene.points() == 0).sum() == 88


@pytest.mark.parametrize("n", [1, 2])
def test_few_cells_stay_dots(n: int):
    cells = np.array([[1.0], [3.0]])[:n]
    np.testing.assert_array_equal(Sample.of(cells).summarised().gene(0).points(), cells[:, 0])
