"""FAULTS F20: perturbations that were never seen, and those whose gene is not measured.

A label seen in training is predictable even if its gene is not measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gvci import cli
from gvci.config import TrainSettings
from gvci.data.dataset import PerturbationData
from gvci.errors import PredictionError
from gvci.making import make_run
from gvci.run import Run


@pytest.fixture(scope="module")
def trained(
    small_data: PerturbationData, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Trained for a moment on cells that were perturbed in IRF1 but do not hold the gene."""
    folder = tmp_path_factory.mktemp("f20")
    kept = small_data.adata[:, small_data.adata.var_names != "IRF1"].copy()
    data = PerturbationData(kept, small_data.columns, small_data.meta)
    data.write(folder / "data.h5ad")
    settings = TrainSettings(
        model="vci", max_steps=10, evaluate_every=10, latent=8, width=16, inner_folds=0, members=1
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCI_HOME", str(folder / "home"))
        make_run(folder / "data.h5ad", None, settings, "standard", folder / "run")
        yield folder / "run"


@pytest.fixture(scope="module")
def run(trained: Path) -> Run:
    """It, opened."""
    return Run.open(trained)


def test_f20_an_unmeasured_gene_is_noted_and_its_perturbation_predicted(run: Run) -> None:
    notes = [f for f in run.data.findings if f.code == "gene_not_measured"]
    assert [f.count for f in notes] == [1]
    assert "IRF1" in notes[0].message
    rows = np.flatnonzero(run.data.is_control)[:5]
    for label in ("IRF1", "STAT1+IRF1", " IRF1 + STAT1 "):
        predicted = run.predict(rows, label)
        assert predicted.shape == (5, len(run.data.genes))
        assert np.isfinite(predicted).all()
    assert "IRF1" not in run.data.genes


@pytest.mark.parametrize(
    ("label", "unknown"),
    [
        ("GBP1", "GBP1"),  # measured, never perturbed
        ("STAT1+GBP1", "GBP1"),
        ("STAT1+NOPE", "NOPE"),
        ("stat1", "stat1"),
        ("STAT1 OE", "STAT1 OE"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("+", ""),
        ("", ""),
    ],
)
def test_f20_a_perturbation_never_seen_cannot_be_predicted(
    run: Run, label: str, unknown: str
) -> None:
    rows = np.flatnonzero(run.data.is_control)[:2]
    with pytest.raises(PredictionError) as caught:
        run.predict(rows, label)
    said = str(caught.value)
    assert f"has not seen the perturbation '{unknown}', so it cannot predict it" in said
    assert "It knows 4: " in said
    assert "\n" not in said


def test_f20_the_command_line_says_it_and_writes_nothing(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.h5ad"
    words = ["predict", str(trained), "--perturbation", "STAT1+STAT9", "--out", str(out)]
    assert cli.main(words) == 2
    assert "has not seen the perturbation 'STAT9'" in capsys.readouterr().err
    assert not out.exists()
