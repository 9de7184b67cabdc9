"""FAULTS F45: no internet, no GPU, another country's decimals, a home that cannot be written."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from gvci.data.dataset import PerturbationData
from gvci.data.simulate import Simulation

ROOT = Path(__file__).resolve().parents[2]
# Every way out is closed before anything of gvci is loaded; a try is written down.
BLOCKED = """
import locale, os, socket, sys
tried = []
def closed(*args, **kwargs):
    tried.append(args)
    raise OSError(101, "Network is unreachable")
socket.socket.connect = socket.socket.connect_ex = closed
socket.create_connection = socket.getaddrinfo = closed
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass  # this machine does not know the locale
from gvci.cli import main
words, code = " ".join(sys.argv[1:]), 0
for verb in words.split(" then "):
    code = code or main(verb.split(" "))
print("TRIED", len(tried), file=sys.stderr)
sys.exit(code)
"""


def gvci(folder: Path, words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Verbs joined by " then ", offline, in German, without GPU.

    The home is below /proc, which takes no files, not even from root.
    """
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "HOME": "/proc/nonexistent",
        "CUDA_VISIBLE_DEVICES": "", "MPLCONFIGDIR": str(folder), "NUMBA_CACHE_DIR": str(folder),
        **more,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip


def test_f45_the_main_job_runs_offline_in_german_with_a_home_that_takes_no_files(
    small_simulation: Simulation, tmp_path: Path
) -> None:
    small_simulation.adata.write_h5ad(tmp_path / "raw.h5ad")
    # As a German spreadsheet writes it.
    edges = small_simulation.prior.edges[["source", "target", "weight"]].assign(weight=0.5)
    edges.to_csv(tmp_path / "prior.csv", index=False, sep=";", decimal=",")
    done = gvci(
        tmp_path,
        "prepare raw.h5ad --out data.h5ad --perturbation perturbation --control control "
        "--covariates cell_type --ood none "
        "then refine data.h5ad --prior prior.csv --preset quick --out grn "
        "then train data.h5ad --grn grn --out run --set max_steps=10 evaluate_every=10 latent=8 "
        "width=16 inner_folds=0 members=1 "
        "then effects run --out effects.csv",
    )
    assert done.returncode == 0, done.stderr
    assert "TRIED 0" in done.stderr
    effects = pd.read_csv(tmp_path / "effects.csv")
    numbers = effects.select_dtypes("number")
    assert len(effects) > 100
    assert numbers.shape[1] >= 3  # a decimal comma would have made text of them
    data = PerturbationData.read(tmp_path / "data.h5ad")
    assert data.n_cells > 500
    assert "weights are read with a decimal comma" in (tmp_path / "grn" / "grn.json").read_text()


def test_f45_what_must_be_downloaded_says_so_and_how_else(tmp_path: Path) -> None:
    done = gvci(tmp_path, "fetch kang2018-full", GVCI_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 2
    said = done.stderr.splitlines()[0]
    assert "no connection to exampledata.scverse.org: is there internet?" in said
    assert "Fetch https://exampledata.scverse.org/pertpy/kang_2018.h5ad by hand" in said
    assert "GVCI_DATA_DIR" in said
    assert "Traceback" not in done.stderr


def test_f45_a_cache_below_a_home_that_takes_no_files_is_named(tmp_path: Path) -> None:
    done = gvci(tmp_path, "fetch kang2018-full")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "GVCI_CACHE_DIR names another folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_f45_the_catalogue_is_listed_offline(tmp_path: Path) -> None:
    done = gvci(tmp_path, "datasets")
    assert done.returncode == 0
    assert "TRIED 0" in done.stderr
    assert "celloracle-promoter" in done.stdout


def test_f45_the_demo_needs_no_internet(tmp_path: Path) -> None:
    done = gvci(tmp_path, "fetch demo")
    assert done.returncode == 2
    assert "'demo' is simulated here and is no file: use its name." in done.stderr


def test_f45_no_number_is_written_or_read_by_the_locale() -> None:
    found = []
    for path in sorted((ROOT / "gvci").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = ast.unparse(node) if isinstance(node, ast.Import | ast.ImportFrom) else ""
            by_locale = isinstance(node, ast.FormattedValue) and node.format_spec is not None and (
                ast.unparse(node.format_spec).strip("f'\"").endswith("n")
            )  # fmt: skip
            if words.startswith(("import locale", "from locale")) or by_locale:
                found.append(f"{path.name}:{node.lineno}")
    assert not found
